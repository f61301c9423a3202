//! Arguments of `main` that do not exist.

#[selvedge_macros::main(migrate)]
fn main() {}
