//! Every trace once: the exhaustive search against the numbers of traces that other tools and a brute
//! force count. The larger programs run in the benchmark, `selvedge-bench exhaust`.

mod programs;

use programs::Program;
use selvedge as engine;
use selvedge::Explorer;
use selvedge::harness::config::MemoryModel;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What came of exploring a program.
#[derive(Debug, PartialEq, Eq)]
struct Explored {
    executions: u64,
    traces: u64,
    blocked: u64,
    exhausted: bool,
}

fn explore(program: &Program, memory: MemoryModel, count: u64) -> Explored {
    let traces = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&traces);
    let explorer = Explorer::new().exhaustive().spurious(0).memory(memory).executions(8 * count + 10);
    let outcome = explorer.observe(program.run, move |observed| {
        seen.lock().unwrap().extend(observed.trace);
    });
    let traces = traces.lock().unwrap().len() as u64;
    let executions = outcome.executions - outcome.vain;
    let (blocked, exhausted) = (outcome.redundant, outcome.exhausted);
    Explored { executions, traces, blocked, exhausted }
}

fn check_all(memory: MemoryModel, expected: fn(&Program) -> Option<u64>) {
    let mut report = String::new();
    for program in programs::all().filter(|program| !program.large) {
        let Some(count) = expected(program) else { continue };
        let found = explore(program, memory, count);
        if found != (Explored { executions: count, traces: count, blocked: 0, exhausted: true }) {
            report += &format!("{}: expected {count}, found {found:?}\n", program.name);
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_sequentially_consistent_trace_is_run_once() {
    check_all(MemoryModel::Sc, |program| Some(program.sc));
}

#[test]
fn every_trace_of_c11_is_run_once() {
    check_all(MemoryModel::C11, |program| program.c11);
}

/// The traces that take at most 0, 1, 2 … preemptions: GenMC 0.10.3 counts as many.
const WITHIN: [(&str, &[u64]); 7] = [
    ("binc(3)", &[6, 24, 36]),
    ("binc(4)", &[24, 168, 432, 576]),
    ("casw(3)", &[6, 24, 54, 66]),
    ("casw(4)", &[24, 168, 576, 1_056, 1_200]),
    ("cinc(3)", &[6, 42, 120, 192, 216]),
    ("CoA(3)", &[24, 90, 130]),
    ("Chase-Lev deque", &[2, 20, 28, 59]),
];

#[test]
fn as_many_traces_are_within_a_bound_as_genmc_counts() {
    for (name, counts) in WITHIN {
        let program = programs::all().find(|program| program.name == name).expect("one of the programs");
        for (bound, &count) in (0..).zip(counts) {
            let explorer =
                Explorer::new().exhaustive().spurious(0).memory(MemoryModel::Sc).preemptions(bound);
            let outcome = explorer.observe(program.run, |_| {});
            assert!(outcome.exhausted, "{name} within {bound}");
            assert_eq!(outcome.redundant, 0, "{name} within {bound}");
            assert_eq!(outcome.executions - outcome.beyond, count, "{name} within {bound}");
            assert!(outcome.executions <= program.sc, "{name} within {bound}");
        }
    }
}

/// Main asks and yields after its sleep.
fn asks_after_a_sleep() {
    let value = Arc::new(selvedge::sync::Mutex::new(0));
    let other = selvedge::go(move || *value.lock().unwrap() = 1);
    selvedge::time::sleep(selvedge::time::SECOND);
    if other.is_finished() {
        other.join().unwrap();
    }
}

#[test]
fn who_sleeps_is_not_preempted() {
    let outcome = Explorer::new().exhaustive().preemptions(0).run(asks_after_a_sleep);
    assert_eq!((outcome.executions, outcome.beyond, outcome.exhausted), (1, 0, true));
}

#[test]
fn programs_have_names_of_their_own_and_no_fewer_behaviours_in_the_weaker_model() {
    let mut names = BTreeSet::new();
    for program in programs::all() {
        assert!(names.insert(program.name), "{} twice", program.name);
        assert!(program.c11.is_none_or(|c11| c11 >= program.sc), "{}", program.name);
    }
}
