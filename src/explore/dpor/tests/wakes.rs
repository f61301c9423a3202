//! Waits that end, and exchanges that fail, without a cause: bugs that need it, in programs that brute force
//! can walk, and the same programs without the bug.

use super::brute::by_force_in;
use super::{Counts, optimally_in};
use crate::explore::plan::Body;
use crate::model::Limits;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use crate::sync::{Arc, Condvar, Mutex};
use crate::time::{MILLISECOND, sleep};
use crate::{go, thread};

/// Interleavings that brute force walks at most.
const INTERLEAVINGS: u64 = 20_000;

fn limits(spurious: u32) -> Limits {
    Limits { spurious, weak: false, ..Limits::default() }
}

/// Main waits for a flag, which somebody sets and tells of.
fn parks(looks_again: bool) {
    let (ready, main) = (Arc::new(AtomicBool::new(false)), thread::current());
    let theirs = ready.clone();
    let worker = go(move || {
        theirs.store(true, SeqCst);
        main.unpark();
    });
    if !ready.load(SeqCst) {
        thread::park();
    }
    while looks_again && !ready.load(SeqCst) {
        thread::park();
    }
    assert!(ready.load(SeqCst));
    worker.join().unwrap();
}

fn waits_for(tells: fn(&(Mutex<bool>, Condvar)), looks_again: bool) {
    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let theirs = shared.clone();
    let worker = go(move || tells(&theirs));
    let mut ready = shared.0.lock().unwrap();
    if !*ready {
        ready = shared.1.wait(ready).unwrap();
    }
    while looks_again && !*ready {
        ready = shared.1.wait(ready).unwrap();
    }
    assert!(*ready);
    drop(ready);
    worker.join().unwrap();
}

fn waits(looks_again: bool) {
    let tells = |shared: &(Mutex<bool>, Condvar)| {
        *shared.0.lock().unwrap() = true;
        shared.1.notify_one();
    };
    waits_for(tells, looks_again);
}

/// Nobody could go on until time has passed.
fn waits_over_a_sleep(looks_again: bool) {
    let tells = |shared: &(Mutex<bool>, Condvar)| {
        let mut ready = shared.0.lock().unwrap();
        *ready = true;
        shared.1.notify_one();
        // Main cannot take the lock before the flag is true again.
        *ready = false;
        drop(ready);
        sleep(MILLISECOND);
        *shared.0.lock().unwrap() = true;
        shared.1.notify_one();
    };
    waits_for(tells, looks_again);
}

/// Two claim something by an exchange; one of them has to get it.
fn claims(looks_again: bool) {
    let claimed = Arc::new(AtomicUsize::new(0));
    let claim = move |claimed: &AtomicUsize, me: usize| {
        while claimed.compare_exchange_weak(0, me, SeqCst, SeqCst) == Err(0) && looks_again {}
    };
    let theirs = claimed.clone();
    let other = go(move || claim(&theirs, 1));
    claim(&claimed, 2);
    other.join().unwrap();
    assert_ne!(claimed.load(SeqCst), 0);
}

/// With how many traces, by budget, if what was waited for is looked at again.
type Program = (&'static str, fn(bool), [usize; 3]);

const PROGRAMS: [Program; 3] =
    [("park", parks, [2, 4, 6]), ("wait", waits, [2, 4, 6]), ("exchange", claims, [2, 8, 18])];

#[test]
fn what_is_not_looked_at_again_is_found() {
    for (name, program, _) in PROGRAMS {
        let body: Body = std::sync::Arc::new(move || program(false));
        for random in [None, Some(3)] {
            let without = optimally_in(limits(0), &body, random, INTERLEAVINGS).expect("it ends");
            assert_eq!(without.failing, 0, "{name}");
            let with = optimally_in(limits(1), &body, random, INTERLEAVINGS).expect("it ends");
            assert!(with.failing > 0, "{name}");
        }
    }
}

#[test]
fn what_is_looked_at_again_is_proved() {
    let sleeper: Program = ("sleep", waits_over_a_sleep, [2, 10, 28]);
    for (name, program, traces) in PROGRAMS.into_iter().chain([sleeper]) {
        let body: Body = std::sync::Arc::new(move || program(true));
        for (spurious, traces) in (0..).zip(traces) {
            let force = by_force_in(limits(spurious), &body, INTERLEAVINGS).expect("it is small enough");
            for random in [None, Some(3)] {
                let found = optimally_in(limits(spurious), &body, random, INTERLEAVINGS).expect("it ends");
                let counts = Counts { explored: force.traces.len() as u64, ..Counts::default() };
                assert_eq!(found.counts, counts, "{name} {spurious}");
                assert_eq!((found.failing, found.duplicates), (0, 0), "{name} {spurious}");
                assert_eq!(found.traces, force.traces, "{name} {spurious}");
            }
            assert_eq!(force.traces.len(), traces, "{name} {spurious}");
        }
    }
}
