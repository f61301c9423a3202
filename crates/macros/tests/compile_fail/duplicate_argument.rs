//! One argument, twice.

fn main() {}

#[selvedge_macros::test(executions = 10, executions = 20)]
fn t() {}
