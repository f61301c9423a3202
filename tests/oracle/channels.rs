//! Channels as Go's runtime has them: a buffer, and the queues of those who wait.
//!
//! Invariants: at least one of the two queues is empty, unless a select waits in both; nobody waits
//! to receive while the buffer holds something, nor to send while it has room; a closed channel has
//! empty queues. A thread that a select queued on several channels leaves all of them at once.

use super::language::{Arm, Instr, NIL, Seen};
use super::machine::{Phase, State};
use std::collections::VecDeque;

pub(super) const SEND_ON_CLOSED: &str = "send on closed channel";

/// A thread in a queue, with the value it sends and the arm of its select.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Queued {
    pub(super) thread: usize,
    value: u8,
    pub(super) arm: Option<u8>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Chan {
    pub(super) cap: u8,
    pub(super) buffer: VecDeque<u8>,
    closed: bool,
    receivers: VecDeque<Queued>,
    senders: VecDeque<Queued>,
}

impl Chan {
    pub(super) fn new(cap: u8) -> Chan {
        let queues = (VecDeque::new(), VecDeque::new());
        Chan { cap, buffer: VecDeque::new(), closed: false, receivers: queues.0, senders: queues.1 }
    }
}

impl State {
    /// Take a thread out of every queue it is in.
    fn dequeue(&mut self, thread: usize) {
        for chan in &mut self.chans {
            chan.receivers.retain(|q| q.thread != thread);
            chan.senders.retain(|q| q.thread != thread);
        }
    }

    /// Send if that is possible at once; an error is the text of a panic.
    pub(super) fn try_send(&mut self, _t: usize, c: u8, v: u8) -> Option<Result<(), &'static str>> {
        if c == NIL {
            return None;
        }
        let chan = &mut self.chans[c as usize];
        if chan.closed {
            return Some(Err(SEND_ON_CLOSED));
        }
        if let Some(peer) = chan.receivers.pop_front() {
            self.dequeue(peer.thread);
            self.complete(&peer, Some(Seen::Number(v)));
            return Some(Ok(()));
        }
        if chan.buffer.len() < chan.cap.into() {
            chan.buffer.push_back(v);
            return Some(Ok(()));
        }
        None
    }

    /// Receive if that is possible at once.
    pub(super) fn try_receive(&mut self, c: u8) -> Option<Seen> {
        if c == NIL {
            return None;
        }
        let chan = &mut self.chans[c as usize];
        let head = chan.buffer.pop_front();
        let peer = chan.senders.pop_front();
        if head.is_none() && peer.is_none() {
            return chan.closed.then_some(Seen::Closed);
        }
        if let (Some(_), Some(peer)) = (head, &peer) {
            chan.buffer.push_back(peer.value);
        }
        let value = head.or(peer.as_ref().map(|p| p.value));
        if let Some(peer) = peer {
            self.dequeue(peer.thread);
            self.complete(&peer, None);
        }
        value.map(Seen::Number)
    }

    pub(super) fn send_or_queue(&mut self, t: usize, c: u8, v: u8) {
        match self.try_send(t, c, v) {
            Some(Ok(())) => self.done(t),
            Some(Err(text)) => self.panic(t, text),
            None => self.queue(t, Arm::Send(c, v), None),
        }
    }

    pub(super) fn receive_or_queue(&mut self, t: usize, c: u8) {
        match self.try_receive(c) {
            Some(seen) => {
                self.sees(t, seen);
                self.done(t);
            }
            None => self.queue(t, Arm::Recv(c), None),
        }
    }

    fn queue(&mut self, thread: usize, what: Arm, arm: Option<u8>) {
        self.threads[thread].phase = Phase::Queued;
        match what {
            Arm::Recv(NIL) | Arm::Send(NIL, _) => {}
            Arm::Recv(c) => self.chans[c as usize].receivers.push_back(Queued { thread, value: 0, arm }),
            Arm::Send(c, value) => self.chans[c as usize].senders.push_back(Queued { thread, value, arm }),
        }
    }

    pub(super) fn close(&mut self, c: u8) -> Result<(), &'static str> {
        if c == NIL {
            return Err("close of nil channel");
        }
        let chan = &mut self.chans[c as usize];
        if std::mem::replace(&mut chan.closed, true) {
            return Err("close of closed channel");
        }
        for peer in std::mem::take(&mut chan.receivers) {
            self.dequeue(peer.thread);
            self.complete(&peer, Some(Seen::Closed));
        }
        for peer in std::mem::take(&mut self.chans[c as usize].senders) {
            self.dequeue(peer.thread);
            self.panic(peer.thread, SEND_ON_CLOSED);
        }
        Ok(())
    }

    pub(super) fn select(mut self, t: usize, arms: &[Arm], default: bool) -> Vec<State> {
        let take = |(i, arm): (usize, &Arm)| {
            let mut next = self.clone();
            match *arm {
                Arm::Recv(c) => {
                    let seen = next.try_receive(c)?;
                    next.sees(t, Seen::Arm(i as u8));
                    next.sees(t, seen);
                    next.done(t);
                }
                Arm::Send(c, v) => match next.try_send(t, c, v)? {
                    Ok(()) => {
                        next.sees(t, Seen::Arm(i as u8));
                        next.done(t);
                    }
                    Err(text) => next.panic(t, text),
                },
            }
            Some(next)
        };
        let ready: Vec<State> = arms.iter().enumerate().filter_map(take).collect();
        if !ready.is_empty() {
            return ready;
        }
        if default {
            self.sees(t, Seen::WouldBlock);
            self.done(t);
        } else {
            arms.iter().enumerate().for_each(|(i, &arm)| self.queue(t, arm, Some(i as u8)));
            // Without arms, too, it waits; for ever.
            self.threads[t].phase = Phase::Queued;
        }
        vec![self]
    }

    pub(super) fn channel(mut self, t: usize, instr: &Instr) -> Vec<State> {
        match *instr {
            Instr::Send(c, v) => self.send_or_queue(t, c, v),
            Instr::Recv(c) => self.receive_or_queue(t, c),
            Instr::TrySend(c, v) => match self.try_send(t, c, v) {
                Some(Ok(())) => self.sees_and_done(t, Seen::Flag(true)),
                Some(Err(text)) => self.panic(t, text),
                None => self.sees_and_done(t, Seen::Flag(false)),
            },
            Instr::TryRecv(c) => {
                let seen = self.try_receive(c).unwrap_or(Seen::WouldBlock);
                self.sees_and_done(t, seen);
            }
            Instr::Close(c) => match self.close(c) {
                Ok(()) => self.done(t),
                Err(text) => self.panic(t, text),
            },
            Instr::Len(c) => {
                let len = self.chans[c as usize].buffer.len() as u8;
                self.sees_and_done(t, Seen::Number(len));
            }
            Instr::Select(ref arms, default) => return self.select(t, arms, default),
            _ => unreachable!("{instr:?} is no channel operation"),
        }
        vec![self]
    }
}
