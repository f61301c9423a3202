//! Select.

use crate::Program;
use selvedge::{chan, go, select};
use std::time::Duration;

pub(crate) const ALL: &[Program] = &[
    ("the default runs only if no arm is ready", default),
    ("arms on nil channels are never ready", nil),
    ("a closed channel is always ready to be received from", closed),
    ("one arm takes effect", one),
    ("channels and values are evaluated once, in order", once),
    ("who waits in a select is met by either side", met),
    ("a select times out", timeout),
];

fn default() {
    let (tx, rx) = chan(1);
    let empty = select! {
        recv(rx) -> _ => false,
        default => true,
    };
    assert!(empty);
    tx.send(1);
    let got = select! {
        recv(rx) -> v => v,
        default => None,
    };
    assert_eq!(got, Some(1));
}

fn nil() {
    let ((to, from), (tx, rx)) = (chan::nil::<u32>(), chan(1));
    tx.send(1);
    let got = select! {
        recv(from) -> _ => None,
        send(to, 1) => None,
        recv(rx) -> v => v,
    };
    assert_eq!(got, Some(1));
}

fn closed() {
    let (tx, rx) = chan::<u32>(0);
    tx.close();
    for _ in 0..3 {
        let got = select! {
            recv(rx) -> v => v,
            default => Some(1),
        };
        assert_eq!(got, None);
    }
}

fn one() {
    let ((a, from_a), (b, from_b)) = (chan(1), chan(1));
    select! {
        send(a, 1) => {}
        send(b, 1) => {}
    }
    assert_eq!(from_a.len() + from_b.len(), 1);
}

fn once() {
    let (tx, rx) = chan(1);
    let order = std::cell::RefCell::new(Vec::new());
    let note = |what| {
        order.borrow_mut().push(what);
        what
    };
    select! {
        recv({ note(1); &rx }) -> _ => unreachable!("it is empty"),
        send({ note(2); &tx }, note(3)) => {}
    }
    assert_eq!(*order.borrow(), [1, 2, 3]);
    assert_eq!(rx.recv(), Some(3));
}

fn met() {
    let ((a, from_a), (b, from_b)) = (chan(0), chan(0));
    let sender = go(move || a.send(1));
    let receiver = go(move || from_b.recv());
    let (mut sent, mut got) = (false, false);
    while !sent || !got {
        select! {
            recv(from_a) -> v => {
                assert_eq!(v, Some(1));
                got = true;
            }
            send(b, 2) => sent = true,
        }
    }
    sender.join().unwrap();
    assert_eq!(receiver.join().unwrap(), Some(2));
}

fn timeout() {
    let (_tx, rx) = chan::<u32>(0);
    let late = select! {
        recv(rx) -> _ => false,
        default(Duration::from_millis(1)) => true,
    };
    assert!(late);
}
