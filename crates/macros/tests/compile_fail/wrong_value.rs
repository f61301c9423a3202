//! Values outside each argument's grammar.

fn main() {}

#[selvedge_macros::test(
    executions = 0,
    time = "30",
    strategy = "pct:0",
    leaks = "no",
    seed = "UUUU",
    steps = -5,
    preemptions = 2u8,
    memory = "tso",
    timers = "racy",
    stack = "1k",
    jobs = 5_000_000_000,
    spurious = N
)]
fn t() {}

#[selvedge_macros::test(strategy = "exhaustive")]
fn e() {}
