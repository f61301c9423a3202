//! Arguments that contradict each other.

fn main() {}

#[selvedge_macros::test(production, seed = "7GQ4K", exhaustive)]
fn t() {}

#[selvedge_macros::test(exhaustive, strategy = "pct:3")]
fn u() {}

#[selvedge_macros::test(delays = 2, preemptions = 1, strategy = "pos")]
fn v() {}
