//! A channel: Go's semantics, payloads left out (a message is a ticket, its value stays with the
//! surface).
//!
//! Buffered: a send is possible while there is room, a receive while there is a message; messages
//! leave in the order they came. Which of several blocked goroutines goes first is the explorer's
//! choice: nobody can observe who announced first. Unbuffered: a hand-off in two phases, because
//! `try_*` and `select` can observe whether a peer *waits*. An operation first looks for a waiting
//! peer and completes both sides, else it queues up (first come, first served, as in Go) until a
//! peer or a close ends it.
//!
//! Invariants: at least one of `senders` and `receivers` is empty; both are empty on a buffered
//! channel; a message of a queued sender is not in `buffer`; once closed, both are empty.
//! Happens-before, as in Go's memory model: the k-th send before the k-th receive, the k-th
//! receive before the (k+C)-th send, the close before a receive that returns because of it.
//!
//! A channel that hangs up (std's mpsc) closes when the last handle of either end goes away; a send
//! then finds it closed and says so, instead of being a misuse. What the last receiver leaves in the
//! buffer stays there until the engine discards it, in the same step.

use super::op::{End, Misuse, Op, Ret};
use super::timer::Timer;
use super::{State, Step, World};
use selvedge_checkers::access::{Access, Mode, Part, Sync};
use selvedge_checkers::ids::{Gid, ObjId};
use std::collections::VecDeque;

/// A goroutine queued on an unbuffered channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Waiter {
    pub(crate) g: Gid,
    /// What it offers, if it sends.
    pub(crate) ticket: u32,
    /// Which arm of its select this is; `None` outside a select.
    pub(crate) arm: Option<u32>,
}

/// The capacity of a channel whose sends never wait.
pub(crate) const UNBOUNDED: u32 = u32::MAX;

/// The state of a channel.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct ChanState {
    pub(crate) cap: u32,
    pub(crate) buffer: VecDeque<u32>,
    /// Messages sent and received so far.
    pub(crate) sent: u32,
    pub(crate) received: u32,
    pub(crate) closed: bool,
    pub(crate) senders: VecDeque<Waiter>,
    pub(crate) receivers: VecDeque<Waiter>,
    /// Live handles of each end.
    pub(crate) send_handles: u32,
    pub(crate) receive_handles: u32,
    /// Dropping the last handle of either end closes it, as std's mpsc does.
    pub(crate) hang_up: bool,
    pub(crate) timer: Option<Timer>,
    /// A select that is also on unbuffered channels has waited on it.
    pub(crate) selected: bool,
    /// Nobody sends: all that happens to it is its close.
    pub(crate) signal: bool,
    /// To close it again does nothing: somebody tries out whether that would help.
    pub(crate) forgiving: bool,
}

/// Become equal, keeping the memory.
fn copy<T: Copy>(to: &mut VecDeque<T>, from: &VecDeque<T>) {
    to.clear();
    to.extend(from);
}

impl Clone for ChanState {
    fn clone(&self) -> ChanState {
        let mut copy = ChanState::default();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, other: &ChanState) {
        let (mut buffer, mut senders) = (std::mem::take(&mut self.buffer), std::mem::take(&mut self.senders));
        let mut receivers = std::mem::take(&mut self.receivers);
        copy(&mut buffer, &other.buffer);
        copy(&mut senders, &other.senders);
        copy(&mut receivers, &other.receivers);
        *self = ChanState { buffer, senders, receivers, ..*other };
    }
}

impl ChanState {
    pub(crate) fn new(cap: u32) -> ChanState {
        ChanState { cap, send_handles: 1, receive_handles: 1, ..ChanState::default() }
    }

    /// A channel that time sends to, or the clock of a function. It holds one tick.
    pub(crate) fn timer(runs: bool) -> ChanState {
        ChanState { timer: Some(Timer { runs, ..Timer::default() }), ..ChanState::new(1) }
    }

    /// A channel that is only ever closed. The room that nobody uses makes a receive one step.
    pub(crate) fn signal() -> ChanState {
        ChanState { signal: true, ..ChanState::new(1) }
    }

    pub(crate) fn describe(&self) -> String {
        let closed = if self.closed { ", closed" } else { "" };
        if let Some(timer) = self.timer {
            return timer.describe();
        }
        if self.signal {
            return if self.closed { "closed" } else { "open" }.to_owned();
        }
        match self.cap {
            0 => format!("unbuffered{closed}"),
            UNBOUNDED => format!("{} buffered{closed}", self.buffer.len()),
            cap => format!("{} of {cap} buffered{closed}", self.buffer.len()),
        }
    }

    /// What a send on the closed channel gives.
    fn refused(&self) -> Ret {
        if self.hang_up { Ret::Closed } else { Ret::Misuse(Misuse::SendOnClosed) }
    }
}

/// Whether a message could be taken at once (not counting one of `g` itself).
pub(super) fn has_message(world: &World, ch: ObjId, g: Gid) -> bool {
    let c = view(world.state(ch));
    !c.buffer.is_empty() || first_free(world, &c.senders, g).is_some()
}

/// Whether a message of `g` could be placed at once.
pub(super) fn has_room(world: &World, ch: ObjId, g: Gid) -> bool {
    let c = view(world.state(ch));
    c.buffer.len() < c.cap as usize || first_free(world, &c.receivers, g).is_some()
}

/// The first in a queue whom `g` can meet: not itself, nor a select that a buffered arm has ended
/// already, or would have if it had come by then.
fn first_free(world: &World, queue: &VecDeque<Waiter>, g: Gid) -> Option<usize> {
    queue.iter().position(|w| w.g != g && (w.arm.is_none() || !super::select::is_over(world, w.g)))
}

/// The buffer changed: the selects waiting on it can or cannot be met on their other channels.
fn tell_selects(world: &mut World, ch: ObjId) {
    if !view(world.state(ch)).selected {
        return;
    }
    world.access(ch, Part::Queue, 0, Mode::Read, Sync::None);
    for at in 0..world.slot(ch).pending.len() {
        let g = world.slot(ch).pending[at];
        if !world.goroutines[g.index()].select.queued {
            continue;
        }
        for arm in 0..world.goroutines[g.index()].select.arms.len() {
            let other = world.goroutines[g.index()].select.arms[arm].channel();
            if other != ObjId::NIL && view(world.state(other)).cap == 0 {
                world.access(other, Part::Queue, 0, Mode::Write, Sync::None);
            }
        }
    }
}

/// Whether dropping the last handle of an end closes the channel.
pub(crate) fn hangs_up(state: &State) -> bool {
    matches!(state, State::Chan(c) if c.hang_up)
}

pub(crate) fn view(state: &State) -> &ChanState {
    match state {
        State::Chan(c) => c,
        other => unreachable!("a channel operation on {other:?}"),
    }
}

pub(crate) fn chan(world: &mut World, ch: ObjId) -> &mut ChanState {
    match &mut world.slot_mut(ch).state {
        State::Chan(c) => c,
        other => unreachable!("a channel operation on {other:?}"),
    }
}

pub(crate) fn can_send(world: &World, ch: ObjId) -> bool {
    if ch == ObjId::NIL {
        return false;
    }
    let c = view(world.state(ch));
    c.closed || c.cap == 0 || c.buffer.len() < c.cap as usize
}

pub(crate) fn can_receive(world: &World, ch: ObjId) -> bool {
    if ch == ObjId::NIL {
        return false;
    }
    let c = view(world.state(ch));
    c.closed || c.cap == 0 || !c.buffer.is_empty()
}

pub(super) fn send(world: &mut World, g: Gid, ch: ObjId, ticket: u32) -> Step {
    match place(world, g, ch, ticket) {
        Some(ret) => Step::Done(ret),
        None => {
            queue_sender(world, ch, Waiter { g, ticket, arm: None });
            Step::Next(Op::SendWait { ch, ticket })
        }
    }
}

pub(super) fn try_send(world: &mut World, g: Gid, ch: ObjId, ticket: u32) -> Ret {
    if ch == ObjId::NIL {
        return Ret::WouldBlock;
    }
    place(world, g, ch, ticket).unwrap_or_else(|| {
        look_send(world, ch);
        Ret::WouldBlock
    })
}

pub(super) fn receive(world: &mut World, g: Gid, ch: ObjId) -> Step {
    match take(world, g, ch) {
        Some(ret) => Step::Done(ret),
        None => {
            queue_receiver(world, ch, Waiter { g, ticket: 0, arm: None });
            Step::Next(Op::ReceiveWait(ch))
        }
    }
}

pub(super) fn try_receive(world: &mut World, g: Gid, ch: ObjId) -> Ret {
    if ch == ObjId::NIL {
        return Ret::WouldBlock;
    }
    take(world, g, ch).unwrap_or_else(|| {
        look_receive(world, ch);
        Ret::WouldBlock
    })
}

/// Place a message if that is possible without waiting.
pub(super) fn place(world: &mut World, g: Gid, ch: ObjId, ticket: u32) -> Option<Ret> {
    let c = chan(world, ch);
    if c.closed {
        let refused = c.refused();
        world.access(ch, Part::Closed, 0, Mode::Read, Sync::None);
        return Some(refused);
    }
    let n = c.sent;
    if c.cap > 0 {
        if c.buffer.len() >= c.cap as usize {
            return None;
        }
        c.buffer.push_back(ticket);
        c.sent += 1;
        let cap = c.cap;
        world.access(ch, Part::Tail, 0, Mode::Write, Sync::None);
        world.access(ch, Part::Closed, 0, Mode::Read, Sync::None);
        if n >= cap {
            world.access(ch, Part::Slot, n, Mode::Write, Sync::Acquire);
        }
        world.access(ch, Part::Message, n, Mode::Write, Sync::Publish);
        tell_selects(world, ch);
        return Some(Ret::Unit);
    }
    let at = first_free(world, &view(world.state(ch)).receivers, g)?;
    let c = chan(world, ch);
    let peer = c.receivers.remove(at)?;
    c.sent += 1;
    c.received += 1;
    hand_off(world, ch, n, peer.g);
    complete_receiver(world, peer, Some(ticket));
    Some(Ret::Unit)
}

/// Take a message, or learn that there will be none, if that is possible without waiting.
pub(super) fn take(world: &mut World, g: Gid, ch: ObjId) -> Option<Ret> {
    let c = chan(world, ch);
    let n = c.received;
    if let Some(ticket) = c.buffer.pop_front() {
        c.received += 1;
        let cap = c.cap;
        let timer = c.timer.is_some();
        world.access(ch, Part::Head, 0, Mode::Write, Sync::None);
        world.access(ch, Part::Message, n, Mode::Write, Sync::Acquire);
        if cap != UNBOUNDED {
            world.access(ch, Part::Slot, n + cap, Mode::Write, Sync::Publish);
        }
        if timer {
            // Starting a timer happens before what its tick sets off.
            world.access(ch, Part::Whole, 0, Mode::Read, Sync::Acquire);
        }
        tell_selects(world, ch);
        return Some(Ret::Message(ticket));
    }
    let at = first_free(world, &view(world.state(ch)).senders, g);
    let c = chan(world, ch);
    if let Some(at) = at {
        let peer = c.senders.remove(at)?;
        c.sent += 1;
        c.received += 1;
        hand_off(world, ch, n, peer.g);
        complete_sender(world, peer);
        return Some(Ret::Message(peer.ticket));
    }
    if c.closed {
        world.access(ch, Part::Head, 0, Mode::Read, Sync::None);
        world.access(ch, Part::Closed, 0, Mode::Read, Sync::Acquire);
        return Some(Ret::Closed);
    }
    None
}

/// A rendezvous orders both sides: what `peer` knew when it queued up reaches the goroutine that
/// meets it, and the other way round.
fn hand_off(world: &mut World, ch: ObjId, n: u32, peer: Gid) {
    world.access(ch, Part::Queue, 0, Mode::Write, Sync::None);
    world.access(ch, Part::Signal, peer.0, Mode::Write, Sync::Acquire);
    world.access(ch, Part::Message, n, Mode::Write, Sync::Publish);
    world.learned.push((peer, Access::new(ch, Part::Message, n, Mode::Write, Sync::Acquire)));
}

fn complete_receiver(world: &mut World, peer: Waiter, ticket: Option<u32>) {
    super::select::leave_queues(world, peer.g);
    let ret = match (peer.arm, ticket) {
        (Some(arm), ticket) => Ret::Arm { arm, ticket },
        (None, Some(ticket)) => Ret::Message(ticket),
        (None, None) => Ret::Closed,
    };
    world.woken.push((peer.g, Step::Done(ret)));
}

fn complete_sender(world: &mut World, peer: Waiter) {
    super::select::leave_queues(world, peer.g);
    let ret = peer.arm.map_or(Ret::Unit, |arm| Ret::Arm { arm, ticket: None });
    world.woken.push((peer.g, Step::Done(ret)));
}

pub(super) fn queue_sender(world: &mut World, ch: ObjId, waiter: Waiter) {
    let g = waiter.g;
    chan(world, ch).senders.push_back(waiter);
    queued(world, ch, g);
}

pub(super) fn queue_receiver(world: &mut World, ch: ObjId, waiter: Waiter) {
    let g = waiter.g;
    chan(world, ch).receivers.push_back(waiter);
    queued(world, ch, g);
}

fn queued(world: &mut World, ch: ObjId, g: Gid) {
    world.access(ch, Part::Queue, 0, Mode::Write, Sync::None);
    world.access(ch, Part::Closed, 0, Mode::Read, Sync::None);
    world.access(ch, Part::Signal, g.0, Mode::Write, Sync::Publish);
}

/// The footprint of seeing that a send would wait.
pub(super) fn look_send(world: &mut World, ch: ObjId) {
    let (cap, next) = (view(world.state(ch)).cap, view(world.state(ch)).sent);
    world.access(ch, Part::Closed, 0, Mode::Read, Sync::None);
    match cap {
        0 => world.access(ch, Part::Queue, 0, Mode::Read, Sync::None),
        _ => {
            world.access(ch, Part::Tail, 0, Mode::Read, Sync::None);
            world.access(ch, Part::Slot, next, Mode::Read, Sync::None);
        }
    }
}

/// The footprint of seeing that a receive would wait.
pub(super) fn look_receive(world: &mut World, ch: ObjId) {
    let (cap, next) = (view(world.state(ch)).cap, view(world.state(ch)).received);
    world.access(ch, Part::Closed, 0, Mode::Read, Sync::None);
    match cap {
        0 => world.access(ch, Part::Queue, 0, Mode::Read, Sync::None),
        _ => {
            world.access(ch, Part::Head, 0, Mode::Read, Sync::None);
            world.access(ch, Part::Message, next, Mode::Read, Sync::None);
        }
    }
}

pub(super) fn close(world: &mut World, ch: ObjId) -> Ret {
    if ch == ObjId::NIL {
        return Ret::Misuse(Misuse::CloseOfNil);
    }
    let c = chan(world, ch);
    if c.closed {
        let forgiving = c.forgiving;
        world.access(ch, Part::Closed, 0, Mode::Write, Sync::None);
        return if forgiving { Ret::Unit } else { Ret::Misuse(Misuse::CloseOfClosed) };
    }
    c.closed = true;
    let refused = c.refused();
    let senders = std::mem::take(&mut c.senders);
    let receivers = std::mem::take(&mut c.receivers);
    world.access(ch, Part::Closed, 0, Mode::Write, Sync::Publish);
    // That nobody waits may be because a select that did has gone on elsewhere.
    let mode = if receivers.is_empty() && senders.is_empty() { Mode::Read } else { Mode::Write };
    world.access(ch, Part::Queue, 0, mode, Sync::None);
    tell_selects(world, ch);
    for peer in receivers {
        world.learned.push((peer.g, Access::new(ch, Part::Closed, 0, Mode::Read, Sync::Acquire)));
        complete_receiver(world, peer, None);
    }
    for peer in senders {
        super::select::leave_queues(world, peer.g);
        world.woken.push((peer.g, Step::Done(refused)));
    }
    Ret::Unit
}

pub(super) fn len(world: &mut World, ch: ObjId) -> Ret {
    let n = view(world.state(ch)).buffer.len() as u64;
    world.access(ch, Part::Head, 0, Mode::Read, Sync::None);
    world.access(ch, Part::Tail, 0, Mode::Read, Sync::None);
    Ret::Value(n)
}

pub(super) fn drop_last(world: &mut World, ch: ObjId, end: End) -> Ret {
    let c = chan(world, ch);
    let hang_up = c.hang_up;
    match end {
        End::Send => c.send_handles -= 1,
        End::Receive => c.receive_handles -= 1,
    }
    let closed = c.closed;
    if hang_up && !closed {
        close(world, ch);
    } else {
        world.access(ch, Part::Handles, end as u32, Mode::Write, Sync::None);
    }
    if hang_up && end == End::Receive {
        // Whoever hangs up drops the messages nobody received: after they were sent.
        let (first, left) = (view(world.state(ch)).received, view(world.state(ch)).buffer.len() as u32);
        world.access(ch, Part::Head, 0, Mode::Write, Sync::None);
        for n in first..first + left {
            world.access(ch, Part::Message, n, Mode::Write, Sync::Acquire);
        }
    }
    Ret::Unit
}

/// The messages the last receiver left, which nobody can take any more.
pub(crate) fn discard(world: &mut World, ch: ObjId) -> Vec<u32> {
    let c = chan(world, ch);
    if c.hang_up && c.receive_handles == 0 { c.buffer.drain(..).collect() } else { Vec::new() }
}
