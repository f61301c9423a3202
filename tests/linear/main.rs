//! Histories of the production objects, recorded on real threads and goroutines, against what the objects
//! are by definition: is there an order of the operations, each at some moment between its call and its
//! return, in which a simple sequential object gives the same answers?
//!
//! The search is that of Wing and Gong (1993) with Lowe's memory of configurations (2017). A rendezvous is
//! two operations at one moment. Invariants: clock values are drawn before each call and after each
//! return, so an operation that returned before another was called is ordered before it; messages are
//! different, so that nothing is taken for something else.
//!
//! Does not detect: an answer of "nobody is there" given while somebody had joined a queue, since the
//! history does not show when an operation that waits began to.

mod histories;
mod search;
mod specs;

use search::{Entry, Spec, explains};
use specs::{Channel, ChannelOp, Gate, GateOp};

/// Panic with the history if nothing explains it.
fn judge<S: Spec>(spec: S, history: &[Entry<S::Op>], seed: u64) {
    if !explains(spec, history) {
        let mut text = String::new();
        history.iter().for_each(|entry| text += &format!("{entry:?}\n"));
        panic!("no order explains the history of seed {seed}:\n{text}");
    }
}

#[test]
fn channels_are_linearizable() {
    for seed in 0..400 {
        let cap = (seed % 4) as usize;
        judge(Channel::new(cap), &histories::channel(cap, seed), seed);
    }
}

#[test]
fn channels_of_tasks_are_linearizable() {
    for seed in 0..400 {
        let cap = (seed % 4) as usize;
        judge(Channel::new(cap), &histories::channel_of_tasks(cap, seed), seed);
    }
}

#[test]
fn channels_under_select_are_linearizable() {
    for seed in 0..300 {
        let cap = (seed % 3) as usize;
        // Linearizability is local: each channel by itself.
        for history in histories::selects(cap, seed) {
            judge(Channel::new(cap), &history, seed);
        }
    }
}

#[test]
fn locks_are_linearizable() {
    for seed in 0..300 {
        judge(Gate::new(1), &histories::mutex(seed), seed);
    }
}

#[test]
fn semaphores_are_linearizable() {
    for seed in 0..300 {
        judge(Gate::new(3), &histories::semaphore(seed), seed);
    }
}

fn entry<O>(op: O, called: u64, returned: u64) -> Entry<O> {
    Entry { op, called, returned }
}

/// What must not be explained is not.
#[test]
fn wrong_histories_are_refused() {
    use ChannelOp::{Close, Recv, Send, TryRecv, TrySend};
    let refused = |cap, history: &[Entry<ChannelOp>]| !explains(Channel::new(cap), history);
    let order = [
        entry(Send(1, true), 0, 1),
        entry(Send(2, true), 2, 3),
        entry(Recv(Some(2)), 4, 5),
        entry(Recv(Some(1)), 6, 7),
    ];
    assert!(refused(2, &order), "not first in, first out");
    assert!(refused(1, &order[..2]), "room for one");
    assert!(refused(0, &[entry(Send(1, true), 0, 1), entry(Recv(Some(1)), 2, 3)]), "they never met");
    assert!(!refused(0, &[entry(Send(1, true), 0, 2), entry(Recv(Some(1)), 1, 3)]));
    assert!(refused(
        1,
        &[entry(Send(1, true), 0, 1), entry(Recv(Some(1)), 0, 2), entry(Recv(Some(1)), 0, 3)]
    ));
    assert!(refused(1, &[entry(Send(1, true), 0, 1), entry(TryRecv(Err(false)), 2, 3)]), "it is there");
    assert!(refused(1, &[entry(TrySend(1, Err(false)), 0, 1)]), "there is room");
    assert!(refused(1, &[entry(Close, 0, 1), entry(Send(1, true), 2, 3)]), "it is closed");
    assert!(
        refused(1, &[entry(Send(1, true), 0, 1), entry(Close, 2, 3), entry(Recv(None), 4, 5)]),
        "drained first"
    );
    let gate = |history: &[Entry<GateOp>]| !explains(Gate::new(1), history);
    let both = [entry(GateOp::Acquire(1), 0, 1), entry(GateOp::Acquire(1), 2, 3)];
    assert!(gate(&both) && !gate(&both[..1]));
    assert!(gate(&[entry(GateOp::TryAcquire(1, false), 0, 1)]), "it is free, and nobody waits");
}
