//! What the lane of the mix finds, proves and leaves to others.

use crate::explore::bounds::Bounds;
use crate::explore::explorer;
use crate::explore::plan::{Body, Exploration, Leaks, Plan};
use crate::explore::spec::StrategySpec;
use crate::explore::strategies::tests::programs;
use crate::model::Limits;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Condvar, Mutex};
use crate::{go, hint};
use std::panic::Location;
use std::time::Duration;

fn plan() -> Plan {
    Plan {
        limits: Limits::default(),
        strategy: StrategySpec::Mix,
        seed: 3,
        executions: 300,
        time: None,
        bounds: Bounds::default(),
        jobs: 1,
        shard: None,
        leaks: Leaks::Deny,
        watchdog: Duration::from_secs(60),
        census: 0,
        work: u64::MAX,
        observer: None,
        sought: None,
        nodes: usize::MAX,
    }
}

fn explore(plan: &Plan, body: &Body) -> Exploration {
    explorer::explore(plan, body, Location::caller())
}

#[test]
fn an_empty_frontier_ends_the_test() {
    // Two goroutines with two stores each: six traces, and at first two of three executions are leaves.
    let body: Body = std::sync::Arc::new(|| {
        let x = Arc::new(AtomicUsize::new(0));
        let y = x.clone();
        let h = go(move || (0..2).for_each(|i| y.store(i, Ordering::SeqCst)));
        (0..2).for_each(|i| x.store(i, Ordering::SeqCst));
        h.join().unwrap();
    });
    let explored = explore(&plan(), &body);
    assert!(explored.exhausted && explored.first.is_none());
    assert_eq!(
        explored.executions, 9,
        "round robin, three leaves, a random walk, two leaves, one of SURW, the sixth leaf"
    );
}

#[test]
fn of_several_machines_the_first_has_it() {
    let body = programs::stores(2);
    let part = |k| explore(&Plan { shard: Some((k, 2)), ..plan() }, &body);
    assert!(part(0).exhausted);
    let second = part(1);
    assert_eq!((second.exhausted, second.executions), (false, 150));
}

#[test]
fn what_may_end_without_a_cause_is_proved_with_that() {
    let body: Body = std::sync::Arc::new(|| {
        let state = Arc::new((Mutex::new(false), Condvar::new()));
        let other = state.clone();
        let h = go(move || {
            *other.0.lock().unwrap() = true;
            other.1.notify_one();
        });
        let guard = state.0.lock().unwrap();
        drop(state.1.wait_while(guard, |told| !*told).unwrap());
        h.join().unwrap();
    });
    let explored = explore(&plan(), &body);
    assert!(explored.exhausted && explored.spurious);
    let limits = Limits { spurious: 0, ..Limits::default() };
    let without = explore(&Plan { limits, ..plan() }, &body);
    assert!(without.exhausted && !without.spurious && without.executions < explored.executions);
}

#[test]
fn long_executions_are_left_to_others() {
    let body: Body = std::sync::Arc::new(|| {
        let x = Arc::new(AtomicUsize::new(0));
        let y = x.clone();
        let h = go(move || (0..400).for_each(|_| _ = y.fetch_add(1, Ordering::SeqCst)));
        (0..10).for_each(|_| hint::spin_loop());
        h.join().unwrap();
        assert_eq!(x.load(Ordering::SeqCst), 400);
    });
    let explored = explore(&plan(), &body);
    assert_eq!((explored.exhausted, explored.executions), (false, 300));
}

#[test]
fn a_short_execution_before_one_that_is_not_analysed() {
    let body: Body = std::sync::Arc::new(|| {
        let ready = Arc::new(AtomicUsize::new(0));
        let theirs = ready.clone();
        go(move || theirs.store(crate::choose(2), Ordering::Release));
        while ready.load(Ordering::Acquire) == 0 {
            hint::spin_loop();
        }
        (0..300).for_each(|_| _ = ready.fetch_add(1, Ordering::SeqCst));
    });
    let explored = explore(&plan(), &body);
    assert!(explored.first.is_some(), "a loop that can never leave");
}

#[test]
fn the_number_of_jobs_does_not_matter() {
    for program in programs::all() {
        let essence = |jobs| {
            let explored = explore(&Plan { jobs, ..plan() }, &program.body);
            let first = explored.first.map(|f| (f.index, f.report.fingerprint));
            (explored.executions, explored.steps, explored.failing, explored.exhausted, first)
        };
        let one = essence(1);
        for jobs in [2, 4] {
            assert_eq!(essence(jobs), one, "{} with {jobs} jobs", program.name);
        }
    }
}
