//! Data races: two unordered accesses, whatever the schedule made of them.

use super::{flagged, silent};
use selvedge::cell::Plain;
use selvedge::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use selvedge::sync::{Arc, Mutex};
use selvedge::{Slug, chan, go};

#[test]
fn two_writers() {
    flagged(Slug::DataRace, || {
        let x = Arc::new(Plain::new(0));
        let shared = Arc::clone(&x);
        let other = go(move || shared.set(1));
        x.set(2);
        other.join().unwrap();
    });
}

#[test]
fn two_readers() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let shared = Arc::clone(&x);
        let other = go(move || shared.get());
        assert_eq!(x.get() + other.join().unwrap(), 0);
    });
}

/// A lock taken after the access orders nothing, though in most schedules it seems to.
#[test]
fn masked_by_a_lock() {
    flagged(Slug::DataRace, || {
        let (x, lock) = (Arc::new(Plain::new(0)), Arc::new(Mutex::new(())));
        let (shared, also) = (Arc::clone(&x), Arc::clone(&lock));
        let other = go(move || {
            shared.set(1);
            drop(also.lock().unwrap());
        });
        drop(lock.lock().unwrap());
        x.get();
        other.join().unwrap();
    });
}

#[test]
fn under_a_lock() {
    silent(|| {
        let (x, lock) = (Arc::new(Plain::new(0)), Arc::new(Mutex::new(())));
        let (shared, also) = (Arc::clone(&x), Arc::clone(&lock));
        let other = go(move || {
            let _held = also.lock().unwrap();
            shared.set(1);
        });
        let held = lock.lock().unwrap();
        x.get();
        drop(held);
        other.join().unwrap();
    });
}

/// Messages without a size order each send with its own receive only; Go's detector lets the
/// second message stand for the first.
#[test]
fn messages_without_a_size() {
    flagged(Slug::DataRace, || {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(2);
        let (other_tx, shared) = (tx.clone(), Arc::clone(&x));
        let a = go(move || {
            shared.set(1);
            other_tx.send(());
        });
        let b = go(move || tx.send(()));
        // The first message may be the one of the goroutine that wrote nothing.
        rx.recv();
        x.get();
        rx.recv();
        a.join().unwrap();
        b.join().unwrap();
    });
}

/// The second message was sent after the write; a receiver of the first only knows nothing of it.
#[test]
fn an_earlier_message() {
    flagged(Slug::DataRace, || {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(2);
        let shared = Arc::clone(&x);
        let sender = go(move || {
            tx.send(());
            shared.set(1);
            tx.send(());
        });
        rx.recv();
        x.get();
        rx.recv();
        sender.join().unwrap();
    });
}

#[test]
fn the_right_message() {
    silent(|| {
        let x = Arc::new(Plain::new(0));
        let (tx, rx) = chan::<()>(2);
        let shared = Arc::clone(&x);
        let sender = go(move || {
            tx.send(());
            shared.set(1);
            tx.send(());
        });
        rx.recv();
        rx.recv();
        x.get();
        sender.join().unwrap();
    });
}

/// An atomic flag with too weak an order publishes nothing.
#[test]
fn behind_a_relaxed_flag() {
    flagged(Slug::DataRace, || publish(Ordering::Relaxed, Ordering::Relaxed));
    flagged(Slug::DataRace, || publish(Ordering::Release, Ordering::Relaxed));
}

#[test]
fn behind_a_released_flag() {
    silent(|| publish(Ordering::Release, Ordering::Acquire));
}

fn publish(store: Ordering, load: Ordering) {
    let (x, flag) = (Arc::new(Plain::new(0)), Arc::new(AtomicBool::new(false)));
    let (shared, ready) = (Arc::clone(&x), Arc::clone(&flag));
    let writer = go(move || {
        shared.set(1);
        ready.store(true, store);
    });
    if flag.load(load) {
        assert_eq!(x.get(), 1);
    }
    writer.join().unwrap();
}

/// A counter that is atomic and, beside it, a plain copy that is not.
#[test]
fn atomic_and_plain() {
    flagged(Slug::DataRace, || {
        let (n, copy) = (Arc::new(AtomicUsize::new(0)), Arc::new(Plain::new(0)));
        let (m, also) = (Arc::clone(&n), Arc::clone(&copy));
        let other = go(move || also.set(m.fetch_add(1, Ordering::SeqCst)));
        copy.set(n.fetch_add(1, Ordering::Relaxed));
        other.join().unwrap();
    });
}

#[test]
fn atomic_throughout() {
    silent(|| {
        let (n, copy) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (m, also) = (Arc::clone(&n), Arc::clone(&copy));
        let other = go(move || also.store(m.fetch_add(1, Ordering::SeqCst), Ordering::Relaxed));
        copy.store(n.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        other.join().unwrap();
    });
}
