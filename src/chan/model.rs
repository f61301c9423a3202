//! Channels of a model: the messages are here, under tickets, and the rest is the engine's.
//!
//! Invariants: a ticket is in the store from before its send is announced until its receive has taken
//! effect; a channel belongs to the execution it was made in.

use super::store::Store;
use super::{RecvTimeoutError, Refused, TryRecvError};
use crate::objects::chan::ChanState;
use crate::objects::{Arm, End, Nanos, Op, Ret, State};
use crate::port::{self, Home, SelectForm};
use selvedge_checkers::ids::{ObjId, SiteRef};

/// A channel.
pub(crate) struct Channel<T> {
    home: Home,
    store: Store<T>,
}

/// Takes the message of a send that panics out of the store again.
struct Unsent<'a, T> {
    channel: &'a Channel<T>,
    ticket: u32,
}

impl<T> Drop for Unsent<'_, T> {
    fn drop(&mut self) {
        self.channel.take_back(self.ticket);
    }
}

impl<T> Channel<T> {
    pub(super) fn new(state: ChanState, site: SiteRef) -> Channel<T> {
        Channel { home: Home::new(State::Chan(state), site), store: Store::default() }
    }

    /// A channel that time sends to.
    pub(super) fn timer(tick: fn(Nanos) -> T, site: SiteRef) -> Channel<T> {
        let home = Home::new(State::Chan(ChanState::timer(false)), site);
        Channel { home, store: Store::Ticks(tick) }
    }

    /// A tick goes to whoever is there: the handles of a timer are not counted.
    fn counts_handles(&self) -> bool {
        matches!(self.store, Store::Slab(_))
    }

    pub(super) fn add_handle(&self, end: End) {
        if self.counts_handles() {
            self.home.add_handle(end);
        }
    }

    /// Messages that nobody can receive any more are dropped.
    #[track_caller]
    pub(super) fn drop_handle(&self, end: End) {
        if self.counts_handles() {
            for ticket in self.home.drop_handle(end) {
                drop(self.take(ticket));
            }
        }
    }

    pub(crate) fn id(&self) -> ObjId {
        self.home.id()
    }

    pub(super) fn is_here(&self) -> bool {
        self.home.is_here()
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

    /// Announce what sends `value`, and find out what became of it.
    fn offer(&self, value: T, announce: impl FnOnce(ObjId, u32) -> Ret) -> Result<(), Refused<T>> {
        let ch = self.id();
        let ticket = self.put(value);
        let guard = Unsent { channel: self, ticket };
        let ret = announce(ch, ticket);
        std::mem::forget(guard);
        match ret {
            Ret::WouldBlock | Ret::TimedOut => Err(Refused::Full(self.take(ticket))),
            Ret::Closed => Err(Refused::Closed(self.take(ticket))),
            _ => Ok(()),
        }
    }

    pub(super) fn send(&self, value: T, until: Option<Nanos>, site: SiteRef) -> Result<(), Refused<T>> {
        self.offer(value, |ch, ticket| match until {
            None => port::with(|engine| engine.op(Op::Send { ch, ticket }, site)),
            deadline => select(Arm::Send(ch, ticket), deadline, site),
        })
    }

    pub(super) fn try_send(&self, value: T, site: SiteRef) -> Result<(), Refused<T>> {
        self.offer(value, |ch, ticket| port::with(|engine| engine.op(Op::TrySend { ch, ticket }, site)))
    }

    pub(super) fn recv(&self, until: Option<Nanos>, site: SiteRef) -> Result<T, RecvTimeoutError> {
        let ch = self.id();
        let ret = match until {
            None => port::with(|engine| engine.op(Op::Receive(ch), site)),
            deadline => select(Arm::Receive(ch), deadline, site),
        };
        match ret {
            Ret::Message(ticket) | Ret::Arm { ticket: Some(ticket), .. } => Ok(self.take(ticket)),
            Ret::TimedOut => Err(RecvTimeoutError::Timeout),
            _ => Err(RecvTimeoutError::Closed),
        }
    }

    pub(super) fn try_recv(&self, site: SiteRef) -> Result<T, TryRecvError> {
        match port::with(|engine| engine.op(Op::TryReceive(self.id()), site)) {
            Ret::Message(ticket) => Ok(self.take(ticket)),
            Ret::Closed => Err(TryRecvError::Closed),
            _ => Err(TryRecvError::Empty),
        }
    }

    pub(super) fn close(&self, site: SiteRef) {
        port::with(|engine| engine.op(Op::Close(self.id()), site));
    }

    pub(super) fn len(&self, site: SiteRef) -> usize {
        match port::with(|engine| engine.op(Op::Len(self.id()), site)) {
            Ret::Value(n) => n as usize,
            _ => 0,
        }
    }

    pub(super) fn start_timer(&self, at: Nanos, period: Nanos, site: SiteRef) -> bool {
        let op = Op::TimerStart { timer: self.id(), at, period };
        port::with(|engine| engine.op(op, site)) == Ret::Flag(true)
    }

    pub(super) fn stop_timer(&self, site: SiteRef) -> bool {
        port::with(|engine| engine.op(Op::TimerStop(self.id()), site)) == Ret::Flag(true)
    }
}

fn select(arm: Arm, deadline: Option<Nanos>, site: SiteRef) -> Ret {
    port::with(|engine| engine.select(&[arm], SelectForm { deadline, ..SelectForm::default() }, site))
}
