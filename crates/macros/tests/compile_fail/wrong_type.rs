//! Literals of the wrong type, values missing and values too many; all are reported.

fn main() {}

#[selvedge_macros::test(executions = "10", time = 30, exhaustive = true, jobs)]
fn t() {}
