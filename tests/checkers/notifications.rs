//! Lost wake-ups: a notification that came before its waiter.

use super::{flagged_by, silent};
use selvedge::sync::atomic::{AtomicBool, Ordering::SeqCst};
use selvedge::sync::{Arc, Condvar, Mutex};
use selvedge::{Explorer, Slug, thread};

/// The flag is set without the lock, between the waiter's look and its wait.
#[test]
fn set_without_the_lock() {
    flagged_by(Explorer::new().spurious(0), Slug::LostWakeUp, || {
        let state = Arc::new((AtomicBool::new(false), Mutex::new(()), Condvar::new()));
        let shared = Arc::clone(&state);
        let waiter = thread::spawn(move || {
            let (ready, lock, cv) = &*shared;
            let mut held = lock.lock().unwrap();
            while !ready.load(SeqCst) {
                held = cv.wait(held).unwrap();
            }
        });
        state.0.store(true, SeqCst);
        state.2.notify_one();
        waiter.join().unwrap();
    });
}

#[test]
fn set_under_the_lock() {
    silent(|| {
        let state = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&state);
        let waiter = thread::spawn(move || {
            let mut ready = shared.0.lock().unwrap();
            while !*ready {
                ready = shared.1.wait(ready).unwrap();
            }
        });
        *state.0.lock().unwrap() = true;
        state.1.notify_one();
        waiter.join().unwrap();
    });
}

/// Two unparks leave one token: the second park waits for ever.
#[test]
fn two_tokens_in_one() {
    flagged_by(Explorer::new().spurious(0), Slug::LostWakeUp, || {
        let sleeper = thread::spawn(|| {
            thread::park();
            thread::park();
        });
        sleeper.thread().unpark();
        sleeper.thread().unpark();
        sleeper.join().unwrap();
    });
}

/// A token that came first is not lost.
#[test]
fn unparked_before() {
    silent(|| {
        let sleeper = thread::spawn(thread::park);
        sleeper.thread().unpark();
        sleeper.join().unwrap();
    });
}
