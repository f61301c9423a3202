//! A test attribute on something else.

fn main() {}

#[selvedge_macros::test]
struct Orders;
