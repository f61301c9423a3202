//! Correct programs that loom or shuttle call wrong, and moments they never show.

use super::{Outcome, ours, set};
use selvedge::harness::config::LeakPolicy;
use selvedge::sync::atomic::{AtomicBool, Ordering::SeqCst};
use selvedge::sync::mpsc::{self, TryRecvError};
use selvedge::sync::{Arc, Condvar, Mutex, RwLock};
use selvedge::{Explorer, Slug, thread};
use std::time::Duration;

/// Who only tries a lock never waits for it: tokio-rs/loom#376.
#[test]
fn a_tried_lock_is_no_deadlock() {
    fn program() -> Outcome {
        let lock = Arc::new(Mutex::new(()));
        let shared = Arc::clone(&lock);
        let other = thread::spawn(move || usize::from(shared.try_lock().is_ok()));
        let held = lock.lock().unwrap();
        let other = other.join().unwrap();
        drop(held);
        vec![other]
    }
    assert_eq!(ours(program), set(&[&[0], &[1]]));
}

/// The last sender's end wakes the receiver: tokio-rs/loom#213.
#[test]
fn a_hang_up_wakes_the_receiver() {
    fn program() -> Outcome {
        let (tx, rx) = mpsc::channel::<usize>();
        let receiver = thread::spawn(move || usize::from(rx.recv().is_err()));
        drop(tx);
        vec![receiver.join().unwrap()]
    }
    assert_eq!(ours(program), set(&[&[1]]));
}

/// A wait on a condition variable leaves the token for `park` alone: tokio-rs/loom#422.
#[test]
fn a_wait_keeps_the_token() {
    fn program() -> Outcome {
        let ready = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&ready);
        let sleeper = thread::spawn(move || {
            let mut is_ready = shared.0.lock().unwrap();
            while !*is_ready {
                is_ready = shared.1.wait(is_ready).unwrap();
            }
            drop(is_ready);
            thread::park();
        });
        sleeper.thread().unpark();
        *ready.0.lock().unwrap() = true;
        ready.1.notify_one();
        sleeper.join().unwrap();
        vec![]
    }
    assert_eq!(ours(program), set(&[&[]]));
}

/// Between a message and the end of its sender there is a moment.
#[test]
fn a_message_comes_before_the_hang_up() {
    fn program() -> Outcome {
        let (tx, rx) = mpsc::channel();
        let sender = thread::spawn(move || tx.send(1).unwrap());
        rx.recv().unwrap();
        let next = match rx.try_recv() {
            Err(TryRecvError::Empty) => 0,
            Err(TryRecvError::Disconnected) => 1,
            Ok(_) => unreachable!(),
        };
        sender.join().unwrap();
        vec![next]
    }
    assert_eq!(ours(program), set(&[&[0], &[1]]));
}

/// A message nobody wants comes back, and that is all.
#[test]
fn a_send_to_nobody_is_an_error_and_no_leak() {
    fn program() -> Outcome {
        let (tx, rx) = mpsc::channel();
        drop(rx);
        vec![tx.send(7).unwrap_err().0]
    }
    assert_eq!(ours(program), set(&[&[7]]));
}

#[test]
fn a_reader_may_read_again_where_nobody_writes() {
    fn program() -> Outcome {
        let lock = RwLock::new(1);
        let (a, b) = (lock.read().unwrap(), lock.read().unwrap());
        vec![*a + *b]
    }
    assert_eq!(ours(program), set(&[&[2]]));
}

#[test]
fn waits_with_a_limit_end() {
    fn program() -> Outcome {
        let (lock, cv) = (Mutex::new(()), Condvar::new());
        let (_guard, end) = cv.wait_timeout(lock.lock().unwrap(), Duration::from_secs(3600)).unwrap();
        let (_tx, rx) = mpsc::channel::<()>();
        let late = rx.recv_timeout(Duration::from_secs(3600)).is_err();
        vec![end.timed_out().into(), late.into()]
    }
    assert_eq!(ours(program), set(&[&[1, 1]]));
}

/// `if` where `while` belongs: only a wake-up without a cause shows it.
#[test]
fn a_wait_may_end_without_a_cause() {
    let outcome = Explorer::new().run(|| {
        let ready = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&ready);
        let waiter = thread::spawn(move || {
            let mut is_ready = shared.0.lock().unwrap();
            if !*is_ready {
                is_ready = shared.1.wait(is_ready).unwrap();
            }
            assert!(*is_ready, "woken too early");
        });
        *ready.0.lock().unwrap() = true;
        ready.1.notify_one();
        waiter.join().unwrap();
    });
    assert_eq!(outcome.failure().map(|f| f.slug), Some(Slug::Panic), "{outcome}");
}

/// Two wait for each other while a third has work for a long time: told before it is done.
#[test]
fn a_partial_deadlock_is_told_at_once() {
    let outcome = Explorer::new().leaks(LeakPolicy::Allow).steps(1_000_000).run(|| {
        let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
        let going = Arc::new(AtomicBool::new(true));
        for (first, second) in [(0, 1), (1, 0)] {
            let locks = Arc::clone(&locks);
            drop(thread::spawn(move || {
                let _a = locks[first].lock().unwrap();
                let _b = locks[second].lock().unwrap();
            }));
        }
        for _ in 0..20_000 {
            going.store(true, SeqCst);
        }
    });
    assert_eq!(outcome.failure().map(|f| f.slug), Some(Slug::PartialDeadlock), "{outcome}");
    let last = outcome.trace.as_ref().map_or(0, |trace| trace.events.len());
    assert!(last < 20_000, "told after {last} events");
}
