//! What Go calls a panic or a fatal error, by its name.

use super::{flagged, silent};
use selvedge::chan::Chan;
use selvedge::sync::{RawMutex, RawRwLock, WaitGroup};
use selvedge::{Slug, chan, go, select};

#[test]
fn send_on_a_closed_channel() {
    flagged(Slug::SendOnClosed, || {
        let (tx, _rx) = chan::<i32>(1);
        let closer = tx.clone();
        let other = go(move || closer.close());
        tx.send(1);
        other.join().unwrap();
    });
}

/// Also one that waits already, and an arm of a select.
#[test]
fn send_that_waits_while_the_channel_is_closed() {
    flagged(Slug::SendOnClosed, || {
        let (tx, _rx) = chan::<i32>(0);
        let closer = tx.clone();
        drop(go(move || closer.close()));
        tx.send(1);
    });
    flagged(Slug::SendOnClosed, || {
        let (tx, _rx) = chan::<i32>(0);
        let closer = tx.clone();
        drop(go(move || closer.close()));
        select! { send(tx, 1) => {} }
    });
}

#[test]
fn close_after_the_last_send() {
    silent(|| {
        let (tx, rx) = chan::<i32>(1);
        let sender = tx.clone();
        let other = go(move || sender.send(1));
        other.join().unwrap();
        tx.close();
        assert_eq!((rx.recv(), rx.recv()), (Some(1), None));
    });
}

#[test]
fn close_of_a_closed_channel() {
    flagged(Slug::CloseOfClosed, || {
        let (tx, _rx) = chan::<()>(0);
        let also = tx.clone();
        let other = go(move || also.close());
        tx.close();
        other.join().unwrap();
    });
}

#[test]
fn close_of_a_nil_channel() {
    flagged(Slug::CloseOfNil, || Chan::<()>::nil().close());
}

#[test]
fn unlock_of_what_is_not_locked() {
    flagged(Slug::UnlockOfUnlocked, || RawMutex::new().unlock());
    flagged(Slug::UnlockOfUnlocked, || RawRwLock::new().read_unlock());
    flagged(Slug::UnlockOfUnlocked, || RawRwLock::new().unlock());
    flagged(Slug::UnlockOfUnlocked, || {
        let lock = RawRwLock::new();
        lock.read_lock();
        lock.unlock();
    });
}

#[test]
fn unlock_of_what_is_locked() {
    silent(|| {
        let (lock, rw) = (RawMutex::new(), RawRwLock::new());
        lock.lock();
        lock.unlock();
        rw.read_lock();
        assert!(!rw.try_lock());
        rw.read_unlock();
        rw.lock();
        rw.unlock();
    });
}

#[test]
fn more_done_than_added() {
    flagged(Slug::NegativeWaitGroup, || {
        let wg = WaitGroup::new();
        wg.add(1);
        let also = wg.clone();
        let other = go(move || also.done());
        wg.done();
        other.join().unwrap();
        wg.wait();
    });
}

/// A wait group is used again while somebody has not left its wait.
#[test]
fn wait_group_used_again_too_early() {
    flagged(Slug::WaitGroupMisuse, || {
        let wg = WaitGroup::new();
        wg.add(1);
        let waiter = wg.clone();
        drop(go(move || waiter.wait()));
        wg.done();
        wg.add(1);
        wg.done();
    });
}

#[test]
fn wait_group_used_again() {
    silent(|| {
        let wg = WaitGroup::new();
        for _ in 0..2 {
            let worker = wg.clone();
            wg.add(1);
            drop(go(move || worker.done()));
            wg.wait();
        }
    });
}
