//! An argument that does not exist.

fn main() {}

#[selvedge_macros::test(execution = 10)]
fn t() {}
