//! Something that is no argument at all.

fn main() {}

#[selvedge_macros::test("10s")]
fn t() {}
