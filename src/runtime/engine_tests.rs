//! The scheduler itself, under load: nothing is lost, nothing runs twice.
//!
//! These run with whatever the test process started first, which is the safe mode; the tests in
//! `tests/scheduler` run in processes of their own, in both modes.

use super::clock;
use super::task::{self, Task, Uncaught};
use super::wait::{Waiter, Why, sleep_until, yield_now};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[track_caller]
fn go<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    task::start(f, None, Location::caller(), Uncaught::Ignore)
}

#[track_caller]
fn join<T>(task: Task<T>) -> T {
    task.join(Location::caller()).unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

#[test]
fn a_goroutine_gives_its_result() {
    assert_eq!(join(go(|| 6 * 7)), 42);
}

#[test]
fn a_panic_is_the_result() {
    let task = go(|| -> () { std::panic::resume_unwind(Box::new("no")) });
    let payload = task.join(Location::caller()).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"no"));
}

#[test]
fn results_of_all_shapes_are_handed_over() {
    #[repr(align(64))]
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Aligned(u8);
    join(go(|| ()));
    assert_eq!(join(go(|| [7_u8; 39])), [7; 39]);
    assert_eq!(join(go(|| [7_u64; 100])), [7; 100], "not in the record");
    let (aligned, large) = (Aligned(3), [5_u64; 64]);
    assert_eq!(join(go(move || (aligned, large[63]))), (aligned, 5));
    assert_eq!(join(go(move || String::from("a string"))), "a string");
    let from_thread = std::thread::spawn(|| join(go(|| vec![1, 2, 3])));
    assert_eq!(from_thread.join().unwrap(), [1, 2, 3]);
}

/// A handle may be dropped before its goroutine runs, at any moment of its end, and afterwards.
#[test]
fn a_result_that_nobody_wants_is_dropped_once_on_a_goroutine_or_by_who_drops_the_handle() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            // It may wait.
            yield_now();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    const EACH: usize = 4_000;
    let dropped = Arc::new(AtomicUsize::new(0));
    // With so many handles at hand the oldest is dropped about when its goroutine, on another processor, ends.
    for at_hand in [0, 1, 2, 4, 8, 64] {
        let dropped = Arc::clone(&dropped);
        join(go(move || {
            let mut handles = std::collections::VecDeque::new();
            for _ in 0..EACH {
                let result = Counted(Arc::clone(&dropped));
                handles.push_back(go(move || result));
                handles.drain(..handles.len().saturating_sub(at_hand));
            }
        }));
    }
    let deadline = clock::now() + 60_000_000_000;
    while dropped.load(Ordering::Relaxed) < 6 * EACH && clock::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 6 * EACH);
}

#[test]
fn goroutines_start_and_join_goroutines() {
    fn tree(depth: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        let parts: Vec<_> = (0..4).map(|_| go(move || tree(depth - 1))).collect();
        parts.into_iter().map(join).sum()
    }
    assert_eq!(join(go(|| tree(6))), 4096);
}

#[test]
fn all_that_yield_come_to_their_end() {
    let count = Arc::new(AtomicUsize::new(0));
    let all: Vec<_> = (0..100)
        .map(|_| {
            let count = Arc::clone(&count);
            go(move || {
                for _ in 0..100 {
                    count.fetch_add(1, Ordering::Relaxed);
                    yield_now();
                }
            })
        })
        .collect();
    all.into_iter().for_each(join);
    assert_eq!(count.load(Ordering::Relaxed), 10_000);
}

/// A turnstile of the simplest kind, as an example of a primitive.
#[derive(Default)]
struct Gate {
    state: Mutex<(bool, Vec<usize>)>,
}

impl Gate {
    #[track_caller]
    fn pass(&self) {
        let site = Location::caller();
        let mut state = self.state.lock().unwrap();
        if state.0 {
            return;
        }
        let waiter = Waiter::new();
        state.1.push((&raw const waiter).expose_provenance());
        let why = Why { reason: WaitReason::Semaphore, site, object: 0 };
        waiter.park(why, || {
            drop(state);
            true
        });
    }

    fn open(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        let waiters = std::mem::take(&mut state.1);
        drop(state);
        for waiter in waiters {
            // SAFETY: it was in the queue, which only gives it once, and its park released the lock.
            unsafe { Waiter::wake(std::ptr::with_exposed_provenance(waiter)) };
        }
    }
}

#[test]
fn goroutines_and_threads_wait_for_each_other() {
    for _ in 0..50 {
        let (first, second) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let (first, second) = (Arc::clone(&first), Arc::clone(&second));
                go(move || {
                    first.pass();
                    second.pass();
                })
            })
            .collect();
        let opener = {
            let (first, second) = (Arc::clone(&first), Arc::clone(&second));
            std::thread::spawn(move || {
                first.pass();
                second.open();
            })
        };
        join(go(move || first.open()));
        waiting.into_iter().for_each(join);
        opener.join().unwrap();
    }
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = clock::now();
    let all: Vec<_> = [600_u64, 150, 450, 300]
        .into_iter()
        .map(|ms| {
            let order = Arc::clone(&order);
            go(move || {
                sleep_until(start + ms * 1_000_000, Location::caller());
                assert!(clock::now() >= start + ms * 1_000_000);
                order.lock().unwrap().push(ms);
            })
        })
        .collect();
    all.into_iter().for_each(join);
    assert_eq!(*order.lock().unwrap(), [150, 300, 450, 600]);
}

#[test]
fn a_wake_and_a_deadline_race_and_one_wins() {
    for round in 0..500_u64 {
        let waiter_slot = Arc::new(Mutex::new(0_usize));
        let slot = Arc::clone(&waiter_slot);
        let sleeper = go(move || {
            let waiter = Waiter::new();
            let mut state = slot.lock().unwrap();
            *state = (&raw const waiter).expose_provenance();
            let why = Why { reason: WaitReason::Park, site: Location::caller(), object: 0 };
            let timed_out = waiter.park_until(clock::now() + round * 200, why, || {
                drop(state);
                true
            });
            *slot.lock().unwrap() = 0;
            timed_out
        });
        let woke = go(move || {
            for _ in 0..round % 7 {
                yield_now();
            }
            let state = waiter_slot.lock().unwrap();
            if *state == 0 {
                return false;
            }
            let waiter: *const Waiter = std::ptr::with_exposed_provenance(*state);
            // SAFETY: it is in the slot, so it has not returned: it takes itself out first.
            let won = unsafe { (*waiter).claim(1) };
            if won {
                // SAFETY: the claim was won, and the lock is held since the wait was released.
                unsafe { Waiter::wake(waiter) };
            }
            won
        });
        let (timed_out, woke) = (join(sleeper), join(woke));
        assert_ne!(timed_out, woke, "round {round}");
    }
}
