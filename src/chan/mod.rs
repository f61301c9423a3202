//! Channels, with Go's semantics.
//!
//! A channel has a capacity: 0 is a rendezvous, more is a buffer. Dropping handles does not close
//! it; [`Sender::close`] does. Invariant: a channel belongs to the world it was made in, an execution of
//! a model or none: in the former its engine decides what happens (`model`), else the channel itself
//! (`native`).
//!
//! Source: the Go specification ("Channel types", "Send statements", "Receive operator", "Close")
//! and Go's memory model.

mod error;
mod future;
mod handles;
pub(crate) mod model;
pub(crate) mod native;
mod store;

pub use error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
pub use future::{RecvAsync, SendAsync};
pub(crate) use handles::pair;
pub use handles::{Chan, IntoIter, Iter, Receiver, Sender};

#[cfg(test)]
#[path = "future_tests.rs"]
mod future_tests;

use crate::objects::chan::{ChanState, UNBOUNDED};
use crate::objects::{Arm, End, Misuse, Nanos, Op};
use crate::port::{self, SelectForm, wait};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A channel with room for `cap` messages; 0 makes every send wait for its receive.
///
/// # Panics
/// "makechan: size out of range" if `cap` does not fit into 32 bits.
///
/// # Examples
/// ```
/// let (tx, rx) = selvedge::chan(1);
/// tx.send(7);
/// tx.close();
/// assert_eq!(rx.recv(), Some(7));
/// assert_eq!(rx.recv(), None);
/// ```
#[track_caller]
pub fn chan<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    handles::pair(Core::new(cap, false, Location::caller()))
}

/// A nil channel: sends and receives on it block for ever, closing it panics, and in a select its
/// arms are never ready.
pub fn nil<T>() -> (Sender<T>, Receiver<T>) {
    (Sender::nil(), Receiver::nil())
}

/// What the handles of a channel share.
pub(crate) struct Core<T> {
    /// As its users see it.
    cap: usize,
    world: World<T>,
}

/// Who decides what happens.
enum World<T> {
    Model(model::Channel<T>),
    Native(native::Channel<T>),
}

/// Why a message was not sent, and the message.
pub(crate) enum Refused<T> {
    /// No room, now or in time.
    Full(T),
    Closed(T),
}

impl<T> Core<T> {
    pub(crate) fn new(cap: usize, hang_up: bool, site: SiteRef) -> Arc<Core<T>> {
        let room = u32::try_from(cap).unwrap_or_else(|_| panic!("makechan: size out of range"));
        Arc::new(match port::model() {
            Some(_) => {
                let state = ChanState { hang_up, ..ChanState::new(room) };
                Core { cap, world: World::Model(model::Channel::new(state, site)) }
            }
            None => Core::of_native(cap, native::Channel::new(room as usize, hang_up, site)),
        })
    }

    /// A channel whose sends never wait.
    pub(crate) fn unbounded(hang_up: bool, site: SiteRef) -> Arc<Core<T>> {
        Core::new(UNBOUNDED as usize, hang_up, site)
    }

    fn of_native(cap: usize, channel: native::Channel<T>) -> Core<T> {
        Core { cap, world: World::Native(channel) }
    }

    /// A channel that nobody sends to: it is closed, once, or never.
    pub(crate) fn signal(site: SiteRef) -> Arc<Core<T>> {
        Arc::new(match port::model() {
            Some(_) => Core { cap: 0, world: World::Model(model::Channel::new(ChanState::signal(), site)) },
            None => Core::of_native(0, native::Channel::new(0, false, site)),
        })
    }

    /// The channel, in the world of this thread.
    ///
    /// # Panics
    /// If it is of no model and one runs here.
    #[inline]
    fn here(&self) -> &World<T> {
        if let World::Native(channel) = &self.world
            && port::model().is_some()
        {
            port::made_outside(channel.created());
        }
        &self.world
    }

    /// The channel, which is of no model.
    fn native(&self) -> &native::Channel<T> {
        match &self.world {
            World::Native(channel) => channel,
            World::Model(_) => unreachable!("asked for outside of models"),
        }
    }

    /// The channel in the model that runs here, if one does, or outside.
    pub(crate) fn place(&self) -> Place<'_, T> {
        match self.here() {
            World::Model(channel) => Place::Model(channel),
            World::Native(channel) => Place::Native(channel),
        }
    }

    /// The id, if it is of the execution that runs on this thread.
    fn id_here(&self) -> Option<ObjId> {
        match &self.world {
            World::Model(channel) if channel.is_here() => Some(channel.id()),
            _ => None,
        }
    }

    pub(crate) fn add_handle(&self, end: End) {
        match self.here() {
            World::Model(channel) => channel.add_handle(end),
            World::Native(channel) => channel.add_handle(end),
        }
    }

    /// One handle less. Messages that nobody can receive any more are dropped.
    #[track_caller]
    pub(crate) fn drop_handle(&self, end: End) {
        match &self.world {
            World::Model(channel) => channel.drop_handle(end),
            World::Native(channel) => channel.drop_handle(end),
        }
    }

    /// Send, waiting until the deadline if there is one.
    pub(crate) fn send(&self, value: T, until: Option<Nanos>, site: SiteRef) -> Result<(), Refused<T>> {
        match self.here() {
            World::Model(channel) => channel.send(value, until, site),
            World::Native(channel) => channel.send(value, until, site),
        }
    }

    pub(crate) fn try_send(&self, value: T, site: SiteRef) -> Result<(), Refused<T>> {
        match self.here() {
            World::Model(channel) => channel.try_send(value, site),
            World::Native(channel) => channel.try_send(value),
        }
    }

    /// Receive, waiting until the deadline if there is one.
    pub(crate) fn recv(&self, until: Option<Nanos>, site: SiteRef) -> Result<T, RecvTimeoutError> {
        match self.here() {
            World::Model(channel) => channel.recv(until, site),
            World::Native(channel) => channel.recv(until, site),
        }
    }

    pub(crate) fn try_recv(&self, site: SiteRef) -> Result<T, TryRecvError> {
        match self.here() {
            World::Model(channel) => channel.try_recv(site),
            World::Native(channel) => channel.try_recv(),
        }
    }

    /// Let a timer fire at `at`, and every `period` from then on unless that is 0. True if it was
    /// running or had a tick nobody took.
    fn start_timer(&self, at: Nanos, period: Nanos, site: SiteRef) -> bool {
        match self.here() {
            World::Model(channel) => channel.start_timer(at, period, site),
            World::Native(channel) => channel.start_timer(at, period),
        }
    }

    /// Keep a timer from firing. True if it was running or had a tick nobody took.
    fn stop_timer(&self, site: SiteRef) -> bool {
        match self.here() {
            World::Model(channel) => channel.stop_timer(site),
            World::Native(channel) => channel.stop_timer(),
        }
    }
}

impl<T: Send + 'static> Core<T> {
    /// A channel that time sends to. Its users see Go's unbuffered one: capacity and length are 0.
    pub(crate) fn timer(tick: fn(Nanos) -> T, site: SiteRef) -> Arc<Core<T>> {
        match port::model() {
            Some(_) => Arc::new(Core { cap: 0, world: World::Model(model::Channel::timer(tick, site)) }),
            None => Core::native_timer(tick, site),
        }
    }
}

/// Where a channel is, for a select.
pub(crate) enum Place<'a, T> {
    Model(&'a model::Channel<T>),
    Native(&'a native::Channel<T>),
}

/// Wait at the nil channel, for ever or until the deadline.
fn never(end: End, until: Option<Nanos>, site: SiteRef) {
    let Some(engine) = port::model() else {
        let reason = match (until, end) {
            (Some(_), _) => WaitReason::Select,
            (None, End::Send) => WaitReason::ChanSendNil,
            (None, End::Receive) => WaitReason::ChanReceiveNil,
        };
        return native::never(reason, until, site);
    };
    match (until, end) {
        (None, End::Send) => engine.op(Op::Send { ch: ObjId::NIL, ticket: 0 }, site),
        (None, End::Receive) => engine.op(Op::Receive(ObjId::NIL), site),
        (deadline, _) => {
            let form = SelectForm { deadline, ..SelectForm::default() };
            engine.select(&[Arm::Receive(ObjId::NIL)], form, site)
        }
    };
}

#[track_caller]
fn send<T>(core: Option<&Core<T>>, value: T) {
    let site = Location::caller();
    let Some(core) = core else {
        never(End::Send, None, site);
        unreachable!("an operation on the nil channel never ends")
    };
    if core.send(value, None, site).is_err() {
        misused(Misuse::SendOnClosed);
    }
}

#[track_caller]
fn try_send<T>(core: Option<&Core<T>>, value: T) -> Result<(), TrySendError<T>> {
    let Some(core) = core else { return Err(TrySendError(value)) };
    match core.try_send(value, Location::caller()) {
        Ok(()) => Ok(()),
        Err(refused) => Err(TrySendError(refused.unless_closed())),
    }
}

fn recv<T>(core: Option<&Core<T>>, site: SiteRef) -> Option<T> {
    let Some(core) = core else {
        never(End::Receive, None, site);
        unreachable!("an operation on the nil channel never ends")
    };
    core.recv(None, site).ok()
}

fn try_recv<T>(core: Option<&Core<T>>, site: SiteRef) -> Result<T, TryRecvError> {
    core.map_or(Err(TryRecvError::Empty), |core| core.try_recv(site))
}

impl<T> Refused<T> {
    /// The message.
    ///
    /// # Panics
    /// "send on closed channel" if that is why.
    #[track_caller]
    fn unless_closed(self) -> T {
        match self {
            Refused::Full(value) => value,
            Refused::Closed(_) => misused(Misuse::SendOnClosed),
        }
    }
}

/// An operation that Go has no answer to. In a model the engine says so. Who calls passes on whose call it
/// was, so that the panic names a line of the program.
#[cold]
#[track_caller]
pub(crate) fn misused(misuse: Misuse) -> ! {
    panic!("{}", misuse.text())
}

/// The moment `timeout` from now; none if that is too far.
pub(crate) fn deadline(timeout: Duration) -> Option<Nanos> {
    let nanos = Nanos::try_from(timeout.as_nanos()).ok()?;
    port::model().map_or_else(wait::clock::now, |engine| engine.now()).checked_add(nanos)
}

#[track_caller]
fn send_timeout<T>(core: Option<&Core<T>>, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
    let site = Location::caller();
    let until = deadline(timeout);
    let Some(core) = core else {
        never(End::Send, until, site);
        return Err(SendTimeoutError(value));
    };
    match core.send(value, until, site) {
        Ok(()) => Ok(()),
        Err(refused) => Err(SendTimeoutError(refused.unless_closed())),
    }
}

fn recv_timeout<T>(core: Option<&Core<T>>, timeout: Duration, site: SiteRef) -> Result<T, RecvTimeoutError> {
    let until = deadline(timeout);
    let Some(core) = core else {
        never(End::Receive, until, site);
        return Err(RecvTimeoutError::Timeout);
    };
    core.recv(until, site)
}

#[track_caller]
fn close<T>(core: Option<&Core<T>>) {
    let site = Location::caller();
    match (core.map(Core::place), port::model()) {
        (Some(Place::Model(channel)), _) => channel.close(site),
        (Some(Place::Native(channel)), _) if !channel.close() => misused(Misuse::CloseOfClosed),
        (Some(_), _) => {}
        (None, Some(engine)) => _ = engine.op(Op::Close(ObjId::NIL), site),
        (None, None) => misused(Misuse::CloseOfNil),
    }
}

fn len<T>(core: Option<&Core<T>>, site: SiteRef) -> usize {
    let Some(core) = core.filter(|core| core.cap > 0) else { return 0 };
    match core.place() {
        Place::Model(channel) => channel.len(site),
        Place::Native(channel) => channel.len(),
    }
}
