//! Deadlocks, partial deadlocks, and goroutines left behind.

use super::{flagged, silent};
use selvedge::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use selvedge::sync::{Arc, Mutex, RwLock};
use selvedge::{Evidence, Outcome, Slug, chan, go, select, time};
use std::time::Duration;

/// The goroutines a finding of this kind says are stuck, and whether that was proved early.
fn stuck(outcome: &Outcome, slug: Slug) -> (Vec<u32>, bool) {
    let finding = outcome.findings.iter().find(|f| f.slug == slug).expect("the finding");
    match &finding.evidence {
        Evidence::Stuck { blocked, proved, .. } => (blocked.iter().map(|b| b.g.0).collect(), *proved),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everybody_waits() {
    let outcome = flagged(Slug::Deadlock, || {
        let (tx, rx) = chan::<i32>(0);
        let other = go(move || tx.send(1));
        other.join().unwrap();
        rx.recv();
    });
    assert_eq!(stuck(&outcome, Slug::Deadlock).0, [0, 1]);
}

#[test]
fn room_for_one() {
    silent(|| {
        let (tx, rx) = chan::<i32>(1);
        let other = go(move || tx.send(1));
        other.join().unwrap();
        rx.recv();
    });
}

/// A writer that waits holds back new readers: reading again can wait for oneself.
#[test]
fn a_reader_reads_again() {
    flagged(Slug::Deadlock, || {
        let lock = Arc::new(RwLock::new(0));
        let shared = Arc::clone(&lock);
        let writer = go(move || *shared.write().unwrap() += 1);
        let first = lock.read().unwrap();
        let second = lock.read().unwrap();
        drop((first, second));
        writer.join().unwrap();
    });
}

fn embrace(orders: [[usize; 2]; 2]) {
    let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
    for [first, second] in orders {
        let locks = Arc::clone(&locks);
        drop(go(move || {
            let _first = locks[first].lock().unwrap();
            let _second = locks[second].lock().unwrap();
        }));
    }
    // Work that the others have no part in.
    let n = AtomicUsize::new(0);
    (0..6_000).for_each(|_| _ = n.fetch_add(1, SeqCst));
}

/// Two hold what the other wants, and main works on.
#[test]
fn two_of_three() {
    let outcome = flagged(Slug::PartialDeadlock, || embrace([[0, 1], [1, 0]]));
    assert_eq!(stuck(&outcome, Slug::PartialDeadlock).0, [1, 2]);
}

/// The same without the embrace, and less work.
#[test]
fn one_after_the_other() {
    silent(|| {
        let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
        let shared = Arc::clone(&locks);
        let both = |locks: &[Mutex<()>; 2]| {
            let _first = locks[0].lock().unwrap();
            let _second = locks[1].lock().unwrap();
        };
        let other = go(move || both(&shared));
        both(&locks);
        other.join().unwrap();
    });
}

/// Nobody has the other end any more: that is a leak before main is done.
#[test]
fn abandoned() {
    let outcome = flagged(Slug::LeakedGoroutine, || {
        let (tx, rx) = chan::<i32>(0);
        drop(go(move || _ = rx.recv()));
        // Without a close, the receiver waits for what cannot come.
        drop(tx);
        let n = AtomicUsize::new(0);
        (0..6_000).for_each(|_| _ = n.fetch_add(1, SeqCst));
    });
    assert_eq!(stuck(&outcome, Slug::LeakedGoroutine), (vec![1], true));
}

/// Main has the other end, and returns without using it.
#[test]
fn forgotten() {
    let outcome = flagged(Slug::LeakedGoroutine, || {
        let (tx, rx) = chan::<i32>(0);
        drop(go(move || tx.send(1)));
        std::mem::forget(rx);
    });
    assert_eq!(stuck(&outcome, Slug::LeakedGoroutine), (vec![1], false));
}

#[test]
fn received_after_all() {
    silent(|| {
        let (tx, rx) = chan::<i32>(0);
        drop(go(move || tx.send(1)));
        rx.recv();
    });
}

/// A loop that only a timer keeps alive is no leak, but worth a word.
#[test]
fn lives_on_timers() {
    let outcome = flagged(Slug::LeakedTimer, || {
        drop(go(|| {
            loop {
                time::sleep(Duration::from_secs(1));
            }
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn a_ticker_that_is_stopped() {
    silent(|| {
        let (done_tx, done) = chan::<()>(0);
        let worker = go(move || {
            let ticker = time::Ticker::new(Duration::from_secs(1));
            loop {
                select! {
                    recv(ticker.c()) -> _ => {}
                    recv(done) -> _ => break,
                }
            }
        });
        done_tx.close();
        worker.join().unwrap();
    });
}

/// A ticker that goes on in vain keeps nobody alive: everybody else is blocked for ever.
#[test]
fn a_ticker_that_nobody_hears() {
    flagged(Slug::Deadlock, || {
        let ticker = time::Ticker::new(time::SECOND);
        let (tx, _rx) = chan(0);
        tx.send(1);
        ticker.stop();
    });
}
