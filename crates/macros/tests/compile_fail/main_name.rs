//! `main` on another function, and with parameters.

#[selvedge_macros::main]
fn start() {}

#[selvedge_macros::main(unsafe(migrate))]
fn main(n: u32) {}
