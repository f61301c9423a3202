//! The user's tests, in a package whose folder the environment names.

#![allow(dead_code, reason = "not every test needs all of them")]

use selvedge::harness::{Test, run_attribute};
use selvedge::sync::Arc;
use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::{go, runtime};

fn under_test(path: &'static str, arguments: &[(&str, &str)], body: fn()) {
    let package = std::env::var("PACKAGE").expect("a test says where");
    let test = Test { path, file: file!(), line: line!(), package_root: Box::leak(package.into()) };
    run_attribute(Box::leak(Box::new(test)), arguments, body);
}

#[test]
#[ignore = "run by the tests of the command"]
fn passes() {
    under_test("process::subjects::passes", &[], || go(runtime::gosched).join().unwrap());
}

/// Fails where one goroutine comes between another's load and store.
#[test]
#[ignore = "fails; run by the tests of the command"]
fn long() {
    under_test("process::subjects::long", &[], || {
        let count = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&count);
        let other = go(move || {
            (0..20).for_each(|_| runtime::gosched());
            theirs.store(theirs.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
        });
        (0..20).for_each(|_| runtime::gosched());
        count.store(count.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
        other.join().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2, "an update is lost");
    });
}

/// Drawn at random: what shards share out.
#[test]
#[ignore = "run by the tests of the command"]
fn sampled() {
    let arguments = [("strategy", "random"), ("executions", "60")];
    under_test("process::subjects::sampled", &arguments, || go(runtime::gosched).join().unwrap());
}

/// More executions than the budget.
#[test]
#[ignore = "run by the tests of the command"]
fn large() {
    let arguments = [("exhaustive", "true"), ("executions", "50")];
    under_test("process::subjects::large", &arguments, || {
        let count = Arc::new(AtomicU64::new(0));
        let add = |_| {
            let count = Arc::clone(&count);
            go(move || {
                (0..4).for_each(|_| {
                    let _ = count.fetch_add(1, Ordering::SeqCst);
                })
            })
        };
        let all: Vec<_> = (0..3).map(add).collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

/// The trace of [`long`] with the decisions of an execution in which both take turns at every step.
pub(crate) fn by_turns(trace: &str) -> String {
    let mut decisions: Vec<(u32, u32)> = (0..22).flat_map(|_| [(0, 0), (1, 0)]).collect();
    decisions.push((0, 0));
    let mut record = selvedge_checkers::record::read(trace).expect("a trace");
    record.decisions = decisions;
    selvedge_checkers::record::write(&record)
}
