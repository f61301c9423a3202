//! What the objects are by definition.

use crate::search::Spec;
use std::collections::VecDeque;

/// An operation on a channel, with its answer. `Err(true)` is closed, `Err(false)` full or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChannelOp {
    /// False if it panicked, since the channel was closed.
    Send(u32, bool),
    TrySend(u32, Result<(), bool>),
    Recv(Option<u32>),
    TryRecv(Result<u32, bool>),
    Close,
}

/// A channel.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Channel {
    cap: usize,
    buffer: VecDeque<u32>,
    closed: bool,
}

impl Channel {
    pub(crate) fn new(cap: usize) -> Channel {
        Channel { cap, buffer: VecDeque::new(), closed: false }
    }

    fn put(&self, value: u32) -> Option<Channel> {
        let mut after = self.clone();
        after.buffer.push_back(value);
        (!self.closed && self.buffer.len() < self.cap).then_some(after)
    }

    fn take(&self, value: u32) -> Option<Channel> {
        let mut after = self.clone();
        (after.buffer.pop_front() == Some(value)).then_some(after)
    }

    fn if_(&self, right: bool) -> Option<Channel> {
        right.then(|| self.clone())
    }
}

impl Spec for Channel {
    type Op = ChannelOp;

    fn step(&self, op: &ChannelOp, _: &dyn Fn(fn(&ChannelOp) -> bool) -> bool) -> Option<Channel> {
        let (empty, full) = (self.buffer.is_empty(), self.buffer.len() >= self.cap);
        match *op {
            ChannelOp::Send(value, true) | ChannelOp::TrySend(value, Ok(())) => self.put(value),
            ChannelOp::Send(_, false) | ChannelOp::TrySend(_, Err(true)) => self.if_(self.closed),
            ChannelOp::TrySend(_, Err(false)) => self.if_(full && !self.closed),
            ChannelOp::Recv(Some(value)) | ChannelOp::TryRecv(Ok(value)) => self.take(value),
            ChannelOp::Recv(None) | ChannelOp::TryRecv(Err(true)) => self.if_(empty && self.closed),
            ChannelOp::TryRecv(Err(false)) => self.if_(empty && !self.closed),
            ChannelOp::Close => (!self.closed).then(|| Channel { closed: true, ..self.clone() }),
        }
    }

    /// A rendezvous.
    fn meet(&self, a: &ChannelOp, b: &ChannelOp) -> Option<Channel> {
        let (ChannelOp::Send(sent, true) | ChannelOp::TrySend(sent, Ok(()))) = a else { return None };
        let (ChannelOp::Recv(Some(got)) | ChannelOp::TryRecv(Ok(got))) = b else { return None };
        self.if_(self.cap == 0 && !self.closed && sent == got)
    }
}

/// An operation on a number of permits; a lock has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GateOp {
    Acquire(u32),
    TryAcquire(u32, bool),
    Release(u32),
}

/// A number of permits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Gate {
    size: u32,
    free: u32,
}

impl Gate {
    pub(crate) fn new(size: u32) -> Gate {
        Gate { size, free: size }
    }
}

impl Spec for Gate {
    type Op = GateOp;

    fn step(&self, op: &GateOp, waits: &dyn Fn(fn(&GateOp) -> bool) -> bool) -> Option<Gate> {
        match *op {
            GateOp::Acquire(n) | GateOp::TryAcquire(n, true) => {
                self.free.checked_sub(n).map(|free| Gate { free, ..self.clone() })
            }
            // First come, first served: it also has to stand back behind those who wait.
            GateOp::TryAcquire(n, false) => {
                let behind = waits(|op| matches!(op, GateOp::Acquire(_)));
                (self.free < n || behind && self.size > 1).then(|| self.clone())
            }
            GateOp::Release(n) => {
                (self.free + n <= self.size).then(|| Gate { free: self.free + n, ..self.clone() })
            }
        }
    }

    fn meet(&self, _: &GateOp, _: &GateOp) -> Option<Gate> {
        None
    }
}
