//! Goroutines that never come back: the watchdog interrupts them and names the line.

use crate::{impatient, line, slug, still_works};
use selvedge::{Outcome, Slug, chan, go};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// The finding is `stuck`, at a line of this file between `from` and `to`.
#[track_caller]
fn stuck_within(outcome: &Outcome, from: u32, to: u32) {
    assert_eq!(slug(outcome), Some(Slug::Stuck), "{outcome}");
    let at = line_of(outcome);
    assert!((from..=to).contains(&at), "line {at} is not within {from}..={to}\n{outcome}");
    still_works();
}

#[track_caller]
fn line_of(outcome: &Outcome) -> u32 {
    line(&outcome.findings[0])
}

#[test]
fn a_loop_without_an_operation() {
    static NEVER: AtomicBool = AtomicBool::new(false);
    for jobs in [1, 2] {
        let from = line!();
        let outcome = impatient().jobs(jobs).run(|| {
            while !NEVER.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        stuck_within(&outcome, from, line!());
    }
}

#[test]
fn a_loop_that_computes_in_a_goroutine() {
    static SINK: AtomicU64 = AtomicU64::new(0);
    let from = line!();
    let outcome = impatient().run(|| {
        let (tx, rx) = chan(0);
        drop(go(move || {
            let mut n = 1_u64;
            loop {
                n = n.wrapping_mul(6364136223846793005).wrapping_add(1);
                SINK.store(n, Ordering::Relaxed);
                if n == 0 {
                    tx.send(n);
                }
            }
        }));
        rx.recv();
    });
    stuck_within(&outcome, from, line!());
}

#[test]
fn a_std_mutex_that_is_never_free() {
    static HELD: Mutex<()> = Mutex::new(());
    let held = HELD.lock().unwrap();
    for jobs in [1, 2] {
        let from = line!();
        let outcome = impatient().jobs(jobs).run(|| {
            let _never = HELD.lock();
        });
        stuck_within(&outcome, from, line!());
    }
    drop(held);
}

#[test]
fn a_std_channel_nobody_sends_to() {
    let from = line!();
    let outcome = impatient().run(|| {
        let (tx, rx) = std::sync::mpsc::channel::<()>();
        let _ = rx.recv();
        drop(tx);
    });
    stuck_within(&outcome, from, line!());
}

#[test]
fn a_std_condvar_and_a_real_sleep() {
    static PAIR: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    let from = line!();
    let outcome = impatient().run(|| {
        let mut guard = PAIR.0.lock().unwrap();
        loop {
            guard = PAIR.1.wait(guard).unwrap();
        }
    });
    stuck_within(&outcome, from, line!());

    let from = line!();
    let outcome = impatient().run(|| {
        std::thread::sleep(Duration::from_secs(3600));
        // The sleep is no tail call, so that an optimised build has a frame to name.
        selvedge::runtime::gosched();
    });
    stuck_within(&outcome, from, line!());
}

#[test]
fn one_execution_of_many() {
    // Both workers come across it sooner or later; the others' results are not waited for.
    let from = line!();
    let outcome = impatient().executions(10_000).jobs(2).run(|| {
        if selvedge::choose(4) == 3 {
            loop {
                std::thread::park();
            }
        }
    });
    stuck_within(&outcome, from, line!());
}

#[test]
fn slow_is_not_stuck() {
    let outcome = impatient().executions(3).run(|| {
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(20));
            selvedge::runtime::gosched();
        }
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn a_loop_in_a_destructor_during_teardown() {
    struct Loops;
    impl Drop for Loops {
        fn drop(&mut self) {
            loop {
                std::thread::park();
            }
        }
    }
    let from = line!() - 7;
    let outcome = impatient().run(|| {
        let (_tx, rx) = chan::<()>(0);
        drop(go(move || {
            let _loops = Loops;
            rx.recv();
        }));
    });
    stuck_within(&outcome, from, line!());
}
