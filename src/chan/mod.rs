//! Channels, with Go's semantics.
//!
//! A channel has a capacity: 0 is a rendezvous, more is a buffer. Dropping handles does not close
//! it; [`Sender::close`] does. The messages themselves live here, under tickets; the engine's state
//! machine knows the tickets only. Invariants: a ticket is in the store from before its send is
//! announced until its receive has taken effect; a channel belongs to the world it was made in.
//!
//! Source: the Go specification ("Channel types", "Send statements", "Receive operator", "Close")
//! and Go's memory model.

mod error;
mod handles;
mod store;

pub use error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
pub(crate) use handles::pair;
pub use handles::{Chan, IntoIter, Iter, Receiver, Sender};

use crate::objects::chan::ChanState;
use crate::objects::{Arm, End, Nanos, Op, Ret, State};
use crate::port::{self, Home, SelectForm};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

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
    home: Home,
    cap: usize,
    store: Store<T>,
}

impl<T> Core<T> {
    pub(crate) fn new(cap: usize, hang_up: bool, site: SiteRef) -> Arc<Core<T>> {
        let room = u32::try_from(cap).unwrap_or_else(|_| panic!("makechan: size out of range"));
        let state = ChanState { hang_up, ..ChanState::new(room) };
        Arc::new(Core { home: Home::new(State::Chan(state), site), cap, store: Store::default() })
    }

    /// A channel that time sends to. Its users see Go's unbuffered one: capacity and length are 0.
    pub(crate) fn timer(tick: fn(Nanos) -> T, site: SiteRef) -> Arc<Core<T>> {
        let home = Home::new(State::Chan(ChanState::timer(false)), site);
        Arc::new(Core { home, cap: 0, store: Store::Ticks(tick) })
    }

    /// A channel that nobody sends to: it is closed, once, or never.
    pub(crate) fn signal(site: SiteRef) -> Arc<Core<T>> {
        let home = Home::new(State::Chan(ChanState::signal()), site);
        Arc::new(Core { home, cap: 0, store: Store::default() })
    }

    /// A tick goes to whoever is there: the handles of a timer are not counted.
    fn counts_handles(&self) -> bool {
        matches!(self.store, Store::Slab(_))
    }

    fn add_handle(&self, end: End) {
        if self.counts_handles() {
            self.home.add_handle(end);
        }
    }

    #[track_caller]
    fn drop_handle(&self, end: End) {
        if self.counts_handles() {
            self.home.drop_handle(end);
        }
    }

    pub(crate) fn id(&self) -> ObjId {
        self.home.id()
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn put(&self, value: T) -> u32 {
        self.store.put(&self.home, value)
    }

    /// Drop the message of a send that will not happen. In an execution that is over the send may
    /// have happened without its goroutine having learned of it; what is left goes with the channel.
    pub(crate) fn take_back(&self, ticket: u32) {
        if !port::with(|engine| engine.is_over()) {
            drop(self.take(ticket));
        }
    }

    pub(crate) fn take(&self, ticket: u32) -> T {
        self.store.take(&self.home, ticket)
    }
}

/// Block for ever on the nil channel.
fn never(op: Op, site: SiteRef) -> ! {
    port::with(|engine| engine.op(op, site));
    unreachable!("an operation on the nil channel never ends")
}

fn send<T>(core: Option<&Core<T>>, value: T, site: SiteRef) {
    let Some(core) = core else { never(Op::Send { ch: ObjId::NIL, ticket: 0 }, site) };
    let ch = core.id();
    let ticket = core.put(value);
    let guard = Unsent { core, ticket };
    port::with(|engine| engine.op(Op::Send { ch, ticket }, site));
    std::mem::forget(guard);
}

/// Takes the message of a send that panics out of the store again.
struct Unsent<'a, T> {
    core: &'a Core<T>,
    ticket: u32,
}

impl<T> Drop for Unsent<'_, T> {
    fn drop(&mut self) {
        self.core.take_back(self.ticket);
    }
}

fn try_send<T>(core: Option<&Core<T>>, value: T, site: SiteRef) -> Result<(), TrySendError<T>> {
    let Some(core) = core else { return Err(TrySendError(value)) };
    let ch = core.id();
    let ticket = core.put(value);
    let guard = Unsent { core, ticket };
    let ret = port::with(|engine| engine.op(Op::TrySend { ch, ticket }, site));
    std::mem::forget(guard);
    match ret {
        Ret::WouldBlock => Err(TrySendError(core.take(ticket))),
        _ => Ok(()),
    }
}

fn recv<T>(core: Option<&Core<T>>, site: SiteRef) -> Option<T> {
    let Some(core) = core else { never(Op::Receive(ObjId::NIL), site) };
    match port::with(|engine| engine.op(Op::Receive(core.id()), site)) {
        Ret::Message(ticket) => Some(core.take(ticket)),
        _ => None,
    }
}

fn try_recv<T>(core: Option<&Core<T>>, site: SiteRef) -> Result<T, TryRecvError> {
    let Some(core) = core else { return Err(TryRecvError::Empty) };
    match port::with(|engine| engine.op(Op::TryReceive(core.id()), site)) {
        Ret::Message(ticket) => Ok(core.take(ticket)),
        Ret::Closed => Err(TryRecvError::Closed),
        _ => Err(TryRecvError::Empty),
    }
}

pub(crate) fn deadline(timeout: Duration) -> Option<Nanos> {
    let nanos = Nanos::try_from(timeout.as_nanos()).ok()?;
    port::with(|engine| engine.now()).checked_add(nanos)
}

fn send_timeout<T>(
    core: Option<&Core<T>>,
    value: T,
    timeout: Duration,
    site: SiteRef,
) -> Result<(), SendTimeoutError<T>> {
    let form = SelectForm { deadline: deadline(timeout), ..SelectForm::default() };
    let Some(core) = core else {
        port::with(|engine| engine.select(&[Arm::Send(ObjId::NIL, 0)], form, site));
        return Err(SendTimeoutError(value));
    };
    let ch = core.id();
    let ticket = core.put(value);
    let guard = Unsent { core, ticket };
    let ret = port::with(|engine| engine.select(&[Arm::Send(ch, ticket)], form, site));
    std::mem::forget(guard);
    match ret {
        Ret::TimedOut => Err(SendTimeoutError(core.take(ticket))),
        _ => Ok(()),
    }
}

fn recv_timeout<T>(core: Option<&Core<T>>, timeout: Duration, site: SiteRef) -> Result<T, RecvTimeoutError> {
    let form = SelectForm { deadline: deadline(timeout), ..SelectForm::default() };
    let ch = core.map_or(ObjId::NIL, Core::id);
    match (port::with(|engine| engine.select(&[Arm::Receive(ch)], form, site)), core) {
        (Ret::Arm { ticket: Some(ticket), .. }, Some(core)) => Ok(core.take(ticket)),
        (Ret::Arm { .. }, _) => Err(RecvTimeoutError::Closed),
        _ => Err(RecvTimeoutError::Timeout),
    }
}

fn close<T>(core: Option<&Core<T>>, site: SiteRef) {
    let ch = core.map_or(ObjId::NIL, Core::id);
    port::with(|engine| engine.op(Op::Close(ch), site));
}

fn len<T>(core: Option<&Core<T>>, site: SiteRef) -> usize {
    let Some(core) = core.filter(|core| core.cap > 0) else { return 0 };
    match port::with(|engine| engine.op(Op::Len(core.id()), site)) {
        Ret::Value(n) => n as usize,
        _ => 0,
    }
}
