//! Channels.

use crate::Program;
use selvedge::chan::TryRecvError;
use selvedge::sync::atomic::{AtomicUsize, Ordering};
use selvedge::sync::{Arc, WaitGroup};
use selvedge::{chan, go};
use std::time::Duration;

pub(crate) const ALL: &[Program] = &[
    ("a receive begins before the send of a rendezvous ends", rendezvous),
    ("messages keep their order, also past those who wait", order),
    ("a receive from a full channel lets the first sender in", full),
    ("closing drains, then gives nothing for ever", drained),
    ("closing wakes all who receive", close_wakes),
    ("the receive makes room before the send that needs it ends", room),
    ("nil blocks", nil),
    ("attempts never wait", attempts),
];

fn rendezvous() {
    let (tx, rx) = chan(0);
    let begun = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&begun);
    let receiver = go(move || {
        theirs.store(1, Ordering::Relaxed);
        rx.recv()
    });
    tx.send(7);
    assert_eq!(begun.load(Ordering::Relaxed), 1);
    assert_eq!(receiver.join().unwrap(), Some(7));
}

fn order() {
    for cap in [0, 1, 2] {
        let (tx, rx) = chan(cap);
        let sender = go(move || {
            (0..4).for_each(|i| tx.send(i));
            tx.close();
        });
        assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        sender.join().unwrap();
    }
}

fn full() {
    let (tx, rx) = chan(1);
    tx.send(0);
    let more = tx.clone();
    let sender = go(move || more.send(1));
    assert_eq!(rx.recv(), Some(0));
    sender.join().unwrap();
    assert_eq!((rx.len(), rx.cap()), (1, 1));
    assert_eq!(rx.recv(), Some(1));
    drop(tx);
}

fn drained() {
    let (tx, rx) = chan(2);
    tx.send(1);
    tx.send(2);
    tx.close();
    assert_eq!([rx.recv(), rx.recv(), rx.recv(), rx.recv()], [Some(1), Some(2), None, None]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

fn close_wakes() {
    let (tx, rx) = chan::<u32>(0);
    let all: Vec<_> = (0..3)
        .map(|_| {
            let rx = rx.clone();
            go(move || rx.recv())
        })
        .collect();
    tx.close();
    assert!(all.into_iter().all(|g| g.join().unwrap().is_none()));
}

/// The k-th receive is before the end of send k + cap.
fn room() {
    let (tx, rx) = chan(1);
    let received = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&received);
    let receiver = go(move || {
        theirs.store(1, Ordering::Relaxed);
        rx.recv();
        rx.recv();
    });
    tx.send(1);
    tx.send(2);
    assert_eq!(received.load(Ordering::Relaxed), 1);
    receiver.join().unwrap();
}

fn nil() {
    let (tx, rx) = chan::nil::<u32>();
    let short = Duration::from_millis(1);
    assert!(tx.send_timeout(1, short).is_err() && rx.recv_timeout(short).is_err());
    assert!(tx.try_send(1).is_err() && rx.try_recv().is_err());
    assert_eq!((tx.len(), tx.cap()), (0, 0));
}

fn attempts() {
    let (tx, rx) = chan(1);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(tx.try_send(1).is_ok() && tx.try_send(2).is_err());
    assert_eq!(rx.try_recv(), Ok(1));
    let wg = WaitGroup::new();
    let (to, from) = chan(0);
    wg.go(move || to.send(3));
    assert_eq!(from.recv(), Some(3));
    wg.wait();
    assert!(from.try_recv().is_err());
}
