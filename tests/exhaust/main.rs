//! Every trace once: the explorer against the numbers of traces that other tools and a brute force
//! count. The larger programs run in the benchmark, `selvedge-bench exhaust`.

mod programs;

use programs::Program;
use selvedge as engine;
use selvedge::Explorer;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What came of exploring a program: executions, those that were blocked, and those whose trace had
/// been seen before.
fn explore(program: &Program) -> (u64, u64, u64, bool) {
    let traces = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&traces);
    let outcome = Explorer::new().exhaustive().executions(100_000).observe(program.run, move |observed| {
        seen.lock().unwrap().extend(observed.trace);
    });
    let traces = traces.lock().unwrap().len() as u64;
    (
        outcome.executions,
        outcome.redundant,
        outcome.executions - outcome.redundant - traces,
        outcome.exhausted,
    )
}

#[test]
fn every_trace_is_run_once() {
    let mut report = String::new();
    for program in programs::all().filter(|program| !program.large) {
        let begun = std::time::Instant::now();
        let found = explore(program);
        println!("{:30} {:6} {found:?} {:?}", program.name, program.sc, begun.elapsed());
        if found != (program.sc, 0, 0, true) {
            report += &format!("{}: expected {}, found {found:?}\n", program.name, program.sc);
        }
    }
    assert!(report.is_empty(), "\n{report}");
}
