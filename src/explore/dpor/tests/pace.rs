//! Who goes round in step with another one is told of: any other order would let one of them out. Where leaves are
//! taken from left to right that takes too long: each round more is a trace of its own.

use super::{Dpor, Order};
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::explore::strategies::tests::programs::Run;
use crate::model::Limits;
use crate::sync::{Arc, Mutex};
use crate::{go, thread};
use selvedge_checkers::finding::Slug;

/// Two goroutines take a mutex each, try the other's, and give up politely, without an end.
fn polite() {
    let locks = Arc::new((Mutex::new(1), Mutex::new(2)));
    let both = |first: &Mutex<u32>, second: &Mutex<u32>| {
        loop {
            let a = first.lock().unwrap();
            if second.try_lock().is_ok() {
                return;
            }
            drop(a);
            thread::yield_now();
        }
    };
    let theirs = locks.clone();
    let other = go(move || both(&theirs.0, &theirs.1));
    both(&locks.1, &locks.0);
    other.join().unwrap();
}

/// The same, but both begin with the same mutex.
fn orderly() {
    let locks = Arc::new((Mutex::new(1), Mutex::new(2)));
    let both = |locks: &(Mutex<u32>, Mutex<u32>)| {
        loop {
            let a = locks.0.lock().unwrap();
            if locks.1.try_lock().is_ok() {
                return;
            }
            drop(a);
            thread::yield_now();
        }
    };
    let theirs = locks.clone();
    let other = go(move || both(&theirs));
    both(&locks);
    other.join().unwrap();
}

/// Executions until a livelock, or the end.
fn until_livelock(order: Order, body: fn()) -> (u64, bool) {
    const MOST: u64 = 1_000;
    let body: Body = std::sync::Arc::new(body);
    let mut run = Run::with(Box::new(Dpor::new(order, None)), Limits::default());
    for index in 0..MOST {
        let Some(report) = run.next(index, &body) else { return (index, false) };
        if report.findings.iter().any(|f| f.slug == Slug::Livelock) {
            return (index + 1, true);
        }
    }
    (MOST, false)
}

#[test]
fn who_goes_round_in_step_is_told_of() {
    for seed in 0..4 {
        let (executions, told) = until_livelock(Order::Random(Rng::new(seed)), polite);
        assert!(told, "not in {executions} with {seed}");
    }
}

#[test]
fn who_cannot_get_in_step_is_not() {
    let (executions, told) = until_livelock(Order::DepthFirst, orderly);
    assert!(!told && executions < 10, "{executions} {told}");
}
