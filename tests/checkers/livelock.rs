//! Livelocks: much is done, and nothing comes of it.

use super::{flagged, flagged_by, silent};
use selvedge::cell::Plain;
use selvedge::harness::config::StrategySpec;
use selvedge::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use selvedge::sync::atomic::{AtomicBool, AtomicUsize};
use selvedge::sync::{Arc, Mutex};
use selvedge::{Explorer, Slug, chan, go, hint, select, thread};

/// Nobody will ever set the flag.
#[test]
fn spinning_for_ever() {
    flagged(Slug::Livelock, || {
        let flag = AtomicBool::new(false);
        while !flag.load(SeqCst) {
            hint::spin_loop();
        }
    });
}

#[test]
fn spinning_for_a_while() {
    silent(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&flag);
        let setter = go(move || shared.store(true, SeqCst));
        while !flag.load(SeqCst) {
            hint::spin_loop();
        }
        setter.join().unwrap();
    });
}

/// A closed channel is always ready: the loop never looks at anything else.
#[test]
fn a_closed_channel_in_a_loop() {
    flagged_by(Explorer::new().executions(20).steps(5_000), Slug::Livelock, || {
        let (tx, rx) = chan::<()>(0);
        let (_never_tx, never) = chan::<()>(0);
        tx.close();
        loop {
            select! {
                recv(rx) -> _ => {}
                recv(never) -> _ => break,
            }
        }
    });
}

#[test]
fn a_closed_channel_ends_a_loop() {
    silent(|| {
        let (tx, rx) = chan::<()>(0);
        let closer = go(move || tx.close());
        while rx.recv().is_some() {}
        closer.join().unwrap();
    });
}

fn back_off(rounds: usize) {
    let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
    let shared = Arc::clone(&locks);
    let polite = move |locks: &[Mutex<()>; 2], mine: usize| {
        for _ in 0..rounds {
            let first = locks[mine].lock().unwrap();
            if let Ok(_second) = locks[1 - mine].try_lock() {
                return;
            }
            // After you.
            drop(first);
            thread::yield_now();
        }
    };
    let other = go(move || polite(&shared, 1));
    polite(&locks, 0);
    other.join().unwrap();
}

/// Two let each other go first, for ever; in step they never get past each other.
#[test]
fn after_you() {
    let in_step = Explorer::new().strategy(StrategySpec::RoundRobin).executions(1).steps(5_000);
    flagged_by(in_step, Slug::Livelock, || back_off(usize::MAX));
}

#[test]
fn after_you_once() {
    silent(|| back_off(1));
}

/// A lock whose waiters write what is there already, in each round.
fn locked_by(lock: fn(&AtomicBool), rounds: usize) {
    let shared = Arc::new((AtomicBool::new(false), Plain::new(0)));
    let work = move |(locked, count): &(AtomicBool, Plain<usize>)| {
        for _ in 0..rounds {
            lock(locked);
            count.set(count.get() + 1);
            locked.store(false, Release);
        }
    };
    let theirs = Arc::clone(&shared);
    let other = go(move || work(&theirs));
    work(&shared);
    other.join().unwrap();
    assert_eq!(shared.1.get(), 2 * rounds);
}

#[test]
fn locks_that_write_while_they_wait() {
    silent(|| {
        locked_by(
            |lock| {
                while lock.swap(true, Acquire) {
                    hint::spin_loop();
                }
            },
            2,
        );
    });
    silent(|| {
        locked_by(
            |lock| {
                while lock.fetch_or(true, AcqRel) {
                    thread::yield_now();
                }
            },
            1,
        );
    });
    silent(|| locked_by(|lock| while lock.swap(true, Acquire) {}, 1));
}

/// Nobody gives the lock back.
#[test]
fn a_lock_that_is_never_given_back() {
    flagged(Slug::Livelock, || {
        let lock = AtomicBool::new(true);
        while lock.swap(true, Acquire) {
            hint::spin_loop();
        }
    });
}

/// A loop that yields may remember what it saw: each round that sees something new counts.
#[test]
fn a_counter_that_falls_while_it_is_watched() {
    flagged_by(Explorer::new().exhaustive(), Slug::Panic, || {
        let count = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&count);
        let writer = go(move || [2, 1, 3].into_iter().for_each(|n| theirs.store(n, SeqCst)));
        let mut last = 0;
        while last < 3 {
            let now = count.load(SeqCst);
            assert!(now >= last, "it fell from {last} to {now}");
            last = now;
            thread::yield_now();
        }
        writer.join().unwrap();
    });
}
