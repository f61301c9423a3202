//! Channels, as in Go. A message is an object of its own, so a sender and its receiver meet once for
//! each and nothing else between them counts.

use super::Program;
use super::engine::sync::WaitGroup;
use super::engine::{chan, go, select};

/// Counts: the design's prototype, and brute force where ours says more than its model: whether a
/// peer waits at a channel without room can be seen, and a send on a closed channel ends the program.
pub(super) const PROGRAMS: &[Program] = &[
    Program::both("spsc(3) room 1", 1, || spsc(3, 1)),
    Program::both("spsc(20) room 4", 1, || spsc(20, 4)),
    Program::sc("spsc(2) no room", 4, || spsc(2, 0)),
    Program::both("mpsc 2x2 room 1", 6, || mpsc(2, 2, 1)),
    Program::both("mpsc 2x2 room 9", 6, || mpsc(2, 2, 9)),
    Program::both("mpsc 3x1 room 9", 6, || mpsc(3, 1, 9)),
    Program::both("mpmc 2p2c room 1", 4, || mpmc(2, 2, 1)),
    Program::both("mpmc 2p2c room 9", 4, || mpmc(2, 2, 9)),
    Program::both("mpmc 3p2c room 1", 12, || mpmc(3, 2, 1)),
    Program::sc("send||close", 3, send_and_close),
    Program::both("tryrecv+len", 18, try_recv_and_len),
    Program::both("select 2 arms", 4, select_two),
    Program::sc("select twice 2 close", 16, select_twice),
    Program::sc("fan-in 2x2 and close", 6, fan_in),
];

fn spsc(messages: usize, room: usize) {
    let (tx, rx) = chan(room);
    go(move || (0..messages).for_each(|i| tx.send(i)));
    for i in 0..messages {
        assert_eq!(rx.recv(), Some(i));
    }
}

fn mpsc(senders: usize, messages: usize, room: usize) {
    let (tx, rx) = chan(room);
    for i in 0..senders {
        let tx = tx.clone();
        go(move || (0..messages).for_each(|j| tx.send(i * 10 + j)));
    }
    for _ in 0..senders * messages {
        rx.recv();
    }
}

fn mpmc(senders: usize, receivers: usize, room: usize) {
    let (tx, rx) = chan(room);
    for i in 0..senders {
        let tx = tx.clone();
        go(move || tx.send(i));
    }
    for _ in 0..receivers {
        let rx = rx.clone();
        go(move || rx.recv());
    }
}

fn send_and_close() {
    let (tx, rx) = chan(2);
    let closer = tx.clone();
    go(move || {
        tx.send(1);
        tx.send(2);
    });
    go(move || closer.close());
    while rx.recv().is_some() {}
}

fn try_recv_and_len() {
    let (tx, rx) = chan(2);
    let seen = rx.clone();
    go(move || {
        tx.send(1);
        tx.send(2);
    });
    go(move || {
        let _ = rx.try_recv();
        let _ = rx.try_recv();
    });
    go(move || seen.len());
}

fn select_two() {
    let (tx, rx) = chan(1);
    let (other_tx, other_rx) = chan(1);
    go(move || tx.send(1));
    go(move || other_tx.send(2));
    for _ in 0..2 {
        select! {
            recv(rx) -> _value => {},
            recv(other_rx) -> _value => {},
        }
    }
}

/// The select that one close ends leaves the queue of the other channel, which its close can see.
fn select_twice() {
    let [rx, other_rx] = [0, 1].map(|_| {
        let (tx, rx) = chan::<usize>(0);
        go(move || tx.close());
        rx
    });
    for _ in 0..2 {
        select! {
            recv(rx) -> _value => {},
            recv(other_rx) -> _value => {},
        }
    }
}

fn fan_in() {
    let (tx, rx) = chan(1);
    let group = WaitGroup::new();
    for i in 0..2 {
        let tx = tx.clone();
        group.go(move || (0..2).for_each(|j| tx.send(i * 10 + j)));
    }
    go(move || {
        group.wait();
        tx.close();
    });
    while rx.recv().is_some() {}
}
