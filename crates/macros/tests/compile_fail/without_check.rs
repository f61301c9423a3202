//! What the attribute says where the library lacks its feature `check`.

fn main() {}

#[selvedge_macros::test_without_check(executions = 10)]
fn t() {}
