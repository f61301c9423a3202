//! Random programs on the production objects, and what came of them.
//!
//! Invariant: every program ends: what waits at a channel is freed by its closing, and who holds a permit
//! gives it back before it asks for another.

use crate::search::Entry;
use crate::specs::{ChannelOp, GateOp};
use selvedge::chan::{Receiver, Sender, TryRecvError};
use selvedge::sync::{RawMutex, Semaphore};
use selvedge::{chan, future, go, select};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

const ACTORS: u64 = 4;

/// Who writes a history down.
#[derive(Clone)]
struct Recorder<O> {
    clock: Arc<AtomicU64>,
    entries: Arc<Mutex<Vec<Entry<O>>>>,
}

impl<O> Recorder<O> {
    fn new() -> Recorder<O> {
        Recorder { clock: Arc::default(), entries: Arc::default() }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, called: u64, op: O) {
        let returned = self.tick();
        self.entries.lock().unwrap().push(Entry { op, called, returned });
    }

    fn run(&self, f: impl FnOnce() -> O) {
        let called = self.tick();
        let op = f();
        self.note(called, op);
    }

    fn history(self) -> Vec<Entry<O>> {
        std::mem::take(&mut self.entries.lock().unwrap())
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % n
    }
}

/// Run actors, goroutines and threads by turns, and wait for them; `end` is to free those who wait.
fn act(seed: u64, actor: impl Fn(u64, &mut Random) + Clone + Send + 'static, end: impl FnOnce()) {
    // What panics here does so on purpose.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let expected =
                info.payload().downcast_ref::<String>().is_some_and(|text| text == "send on closed channel");
            if !expected {
                usual(info);
            }
        }));
    });
    let (mut goroutines, mut threads) = (Vec::new(), Vec::new());
    for i in 0..ACTORS {
        let actor = actor.clone();
        let run = move || actor(i, &mut Random(seed * ACTORS + i));
        if (seed + i).is_multiple_of(2) {
            goroutines.push(go(run));
        } else {
            threads.push(std::thread::spawn(run));
        }
    }
    end();
    goroutines.into_iter().for_each(|g| g.join().unwrap());
    threads.into_iter().for_each(|t| t.join().unwrap());
}

fn is_closed(payload: &(dyn Any + Send)) -> bool {
    payload.downcast_ref::<String>().is_some_and(|text| text == "send on closed channel")
}

/// Send; false if the channel was closed, which panics.
fn send(to: &Sender<u32>, value: u32) -> bool {
    match catch_unwind(AssertUnwindSafe(|| to.send(value))) {
        Ok(()) => true,
        Err(payload) => {
            assert!(is_closed(&*payload));
            false
        }
    }
}

fn one_operation(random: &mut Random, tx: &Sender<u32>, rx: &Receiver<u32>, fresh: &AtomicU32) -> ChannelOp {
    let value = || fresh.fetch_add(1, Ordering::Relaxed);
    match random.below(8) {
        0..3 => {
            let value = value();
            ChannelOp::Send(value, send(tx, value))
        }
        3..6 => ChannelOp::Recv(rx.recv()),
        6 => {
            let value = value();
            let sent = catch_unwind(AssertUnwindSafe(|| tx.try_send(value).is_ok()));
            ChannelOp::TrySend(
                value,
                sent.map_err(|_| true).and_then(|sent| if sent { Ok(()) } else { Err(false) }),
            )
        }
        _ => ChannelOp::TryRecv(rx.try_recv().map_err(|error| error == TryRecvError::Closed)),
    }
}

/// An operation of an async task; none if it was given up before anything came of it.
fn task_operation(
    random: &mut Random,
    tx: &Sender<u32>,
    rx: &Receiver<u32>,
    fresh: &AtomicU32,
) -> Option<ChannelOp> {
    let value = fresh.fetch_add(1, Ordering::Relaxed);
    let patience = Duration::from_micros(random.below(4) * 20);
    match random.below(4) {
        0 => {
            let sent = catch_unwind(AssertUnwindSafe(|| future::block_on(tx.send_async(value))));
            sent.as_ref().err().into_iter().for_each(|payload| assert!(is_closed(&**payload)));
            Some(ChannelOp::Send(value, sent.is_ok()))
        }
        1 => Some(ChannelOp::Recv(future::block_on(rx.recv_async()))),
        2 => {
            let got = future::block_on(future::timeout(patience, rx.recv_async()));
            got.ok().map(ChannelOp::Recv)
        }
        _ => {
            let sent = catch_unwind(AssertUnwindSafe(|| {
                future::block_on(async {
                    let mut sending = pin!(tx.send_async(value));
                    let sent = future::timeout(patience, sending.as_mut()).await;
                    sent.is_ok() || sending.take_back().is_none()
                })
            }));
            match sent {
                Ok(sent) => sent.then_some(ChannelOp::Send(value, true)),
                Err(payload) => {
                    assert!(is_closed(&*payload));
                    Some(ChannelOp::Send(value, false))
                }
            }
        }
    }
}

/// A history of one channel at which tasks wait as well.
pub(crate) fn channel_of_tasks(cap: usize, seed: u64) -> Vec<Entry<ChannelOp>> {
    channel_of(cap, seed, |random, tx, rx, fresh| match random.below(2) {
        0 => Some(one_operation(random, tx, rx, fresh)),
        _ => task_operation(random, tx, rx, fresh),
    })
}

/// A history of one channel.
pub(crate) fn channel(cap: usize, seed: u64) -> Vec<Entry<ChannelOp>> {
    channel_of(cap, seed, |random, tx, rx, fresh| Some(one_operation(random, tx, rx, fresh)))
}

fn channel_of(
    cap: usize,
    seed: u64,
    operation: impl Fn(&mut Random, &Sender<u32>, &Receiver<u32>, &AtomicU32) -> Option<ChannelOp>
    + Clone
    + Send
    + 'static,
) -> Vec<Entry<ChannelOp>> {
    let (tx, rx) = chan(cap);
    let recorder = Recorder::new();
    let (theirs, to, fresh) = (recorder.clone(), tx.clone(), Arc::new(AtomicU32::new(0)));
    let actor = move |_, random: &mut Random| {
        for _ in 0..5 {
            let called = theirs.tick();
            if let Some(op) = operation(random, &to, &rx, &fresh) {
                theirs.note(called, op);
            }
        }
    };
    act(seed, actor, || {
        std::thread::sleep(Duration::from_micros(100 + seed % 5 * 100));
        recorder.run(|| {
            tx.close();
            ChannelOp::Close
        });
    });
    recorder.history()
}

/// Histories of two channels that are sent to and received from through selects.
pub(crate) fn selects(cap: usize, seed: u64) -> [Vec<Entry<ChannelOp>>; 2] {
    let ((a, from_a), (b, from_b)) = (chan(cap), chan(cap));
    let recorder: Recorder<(usize, ChannelOp)> = Recorder::new();
    let (theirs, fresh, to) = (recorder.clone(), Arc::new(AtomicU32::new(0)), [a.clone(), b.clone()]);
    let actor = move |i: u64, random: &mut Random| {
        let [a, b] = &to;
        for _ in 0..5 {
            let called = theirs.tick();
            let value = fresh.fetch_add(1, Ordering::Relaxed);
            let done = catch_unwind(AssertUnwindSafe(|| match (i + random.below(3)) % 3 {
                0 => select! {
                    recv(from_a) -> got => (0, ChannelOp::Recv(got)),
                    recv(from_b) -> got => (1, ChannelOp::Recv(got)),
                },
                1 => select! {
                    send(a, value) => (0, ChannelOp::Send(value, true)),
                    send(b, value) => (1, ChannelOp::Send(value, true)),
                },
                _ => select! {
                    send(a, value) => (0, ChannelOp::Send(value, true)),
                    recv(from_b) -> got => (1, ChannelOp::Recv(got)),
                },
            }));
            // A send that found a closed channel has no effect on either.
            if let Ok(op) = done {
                theirs.note(called, op);
            }
        }
    };
    act(seed, actor, || {
        std::thread::sleep(Duration::from_micros(200 + seed % 5 * 100));
        for (i, tx) in [a, b].into_iter().enumerate() {
            recorder.run(|| {
                tx.close();
                (i, ChannelOp::Close)
            });
        }
    });
    let history = recorder.history();
    [0, 1].map(|which| {
        let of_one = history.iter().filter(|entry| entry.op.0 == which);
        of_one
            .map(|Entry { op, called, returned }| Entry {
                op: op.1.clone(),
                called: *called,
                returned: *returned,
            })
            .collect()
    })
}

/// A history of acquiring and giving back, by the functions given.
fn gate(
    seed: u64,
    most: u32,
    acquire: impl Fn(u32) + Clone + Send + 'static,
    try_acquire: impl Fn(u32) -> bool + Clone + Send + 'static,
    release: impl Fn(u32) + Clone + Send + 'static,
) -> Vec<Entry<GateOp>> {
    let recorder = Recorder::new();
    let theirs = recorder.clone();
    let actor = move |_, random: &mut Random| {
        for _ in 0..4 {
            let n = 1 + random.below(u64::from(most)) as u32;
            let mut got = true;
            if random.below(3) == 0 {
                theirs.run(|| {
                    got = try_acquire(n);
                    GateOp::TryAcquire(n, got)
                });
            } else {
                theirs.run(|| {
                    acquire(n);
                    GateOp::Acquire(n)
                });
            }
            if got {
                theirs.run(|| {
                    release(n);
                    GateOp::Release(n)
                });
            }
        }
    };
    act(seed, actor, || {});
    recorder.history()
}

pub(crate) fn mutex(seed: u64) -> Vec<Entry<GateOp>> {
    let lock = Arc::new(RawMutex::new());
    let (a, b, c) = (Arc::clone(&lock), Arc::clone(&lock), lock);
    gate(seed, 1, move |_| a.lock(), move |_| b.try_lock(), move |_| c.unlock())
}

pub(crate) fn semaphore(seed: u64) -> Vec<Entry<GateOp>> {
    let semaphore = Arc::new(Semaphore::new(3));
    let (a, b, c) = (Arc::clone(&semaphore), Arc::clone(&semaphore), semaphore);
    gate(seed, 3, move |n| a.acquire(n), move |n| b.try_acquire(n), move |n| c.release(n))
}
