//! The handles of a channel: one end, the other end, or both.
//!
//! Invariant: the handle counts of a channel are the numbers of live handles of each end, so "nobody is
//! left who could ever receive" is a fact, not a guess.

use super::{Core, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use crate::objects::{End, Nanos};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// The sending end of a channel: Go's `chan<- T`.
pub struct Sender<T>(Option<Arc<Core<T>>>);

/// The receiving end of a channel: Go's `<-chan T`.
pub struct Receiver<T>(Option<Arc<Core<T>>>);

/// Both ends of a channel: Go's `chan T`.
pub struct Chan<T> {
    send: Sender<T>,
    receive: Receiver<T>,
}

pub(crate) fn pair<T>(core: Arc<Core<T>>) -> (Sender<T>, Receiver<T>) {
    (Sender(Some(Arc::clone(&core))), Receiver(Some(core)))
}

impl<T> Sender<T> {
    /// An end of a nil channel: a send waits for ever, and an arm of a select is never ready.
    pub const fn nil() -> Sender<T> {
        Sender(None)
    }

    pub(crate) fn core(&self) -> Option<&Core<T>> {
        self.0.as_deref()
    }

    /// Send a message; wait until there is room or, without a buffer, a receiver.
    ///
    /// # Panics
    /// "send on closed channel" if the channel is closed, now or while this waits.
    #[track_caller]
    pub fn send(&self, value: T) {
        super::send(self.core(), value);
    }

    /// Send a message if that is possible at once.
    ///
    /// # Errors
    /// Gives the value back if there is no room and nobody waits for it.
    ///
    /// # Panics
    /// "send on closed channel" if the channel is closed.
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        super::try_send(self.core(), value)
    }

    /// Send a message, waiting for at most `timeout`.
    ///
    /// # Errors
    /// Gives the value back if the time is up.
    ///
    /// # Panics
    /// "send on closed channel" if the channel is closed, now or while this waits.
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        super::send_timeout(self.core(), value, timeout)
    }

    /// Close the channel: receivers drain it and then get `None`.
    ///
    /// # Panics
    /// "close of closed channel", and "close of nil channel".
    #[track_caller]
    pub fn close(&self) {
        super::close(self.core());
    }

    /// The number of buffered messages: out of date as soon as it is known.
    #[track_caller]
    pub fn len(&self) -> usize {
        super::len(self.core(), Location::caller())
    }

    /// Whether no message is buffered.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the buffer; 0 for an unbuffered and for a nil channel.
    pub fn cap(&self) -> usize {
        self.core().map_or(0, |c| c.cap)
    }

    /// Whether this is the nil channel.
    pub fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the two ends are of one channel.
    pub(crate) fn is_of(&self, other: &Receiver<T>) -> bool {
        matches!((&self.0, &other.0), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
    }

    /// Whether two handles are of the same channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

impl<T> Receiver<T> {
    /// An end of a nil channel: a receive waits for ever, and an arm of a select is never ready. So it switches
    /// an arm off: `rx = Receiver::nil()`.
    pub const fn nil() -> Receiver<T> {
        Receiver(None)
    }

    pub(crate) fn from_core(core: Arc<Core<T>>) -> Receiver<T> {
        Receiver(Some(core))
    }

    pub(crate) fn core(&self) -> Option<&Core<T>> {
        self.0.as_deref()
    }

    /// The id, if the channel is of the execution that runs on this thread.
    pub(crate) fn id_here(&self) -> Option<ObjId> {
        self.core().and_then(Core::id_here)
    }

    /// Let a timer fire at `at`, and every `period` from then on unless that is 0. True if it was
    /// running or had a tick nobody took.
    pub(crate) fn start_timer(&self, at: Nanos, period: Nanos, site: SiteRef) -> bool {
        self.core().is_some_and(|core| core.start_timer(at, period, site))
    }

    /// Keep a timer from firing. True if it was running or had a tick nobody took.
    pub(crate) fn stop_timer(&self, site: SiteRef) -> bool {
        self.core().is_some_and(|core| core.stop_timer(site))
    }

    /// Receive a message; wait for one. `None` once the channel is closed and drained.
    #[track_caller]
    pub fn recv(&self) -> Option<T> {
        super::recv(self.core(), Location::caller())
    }

    /// Receive a message if there is one.
    ///
    /// # Errors
    /// Tells an empty channel from a closed one.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        super::try_recv(self.core(), Location::caller())
    }

    /// Receive a message, waiting for at most `timeout`.
    ///
    /// # Errors
    /// Tells that the time is up, or that the channel is closed and drained.
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        super::recv_timeout(self.core(), timeout, Location::caller())
    }

    /// The messages until the channel is closed: Go's `for v := range ch`. Reports name this place, not the
    /// adapter that receives.
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self, Location::caller())
    }

    /// The number of buffered messages: out of date as soon as it is known.
    #[track_caller]
    pub fn len(&self) -> usize {
        super::len(self.core(), Location::caller())
    }

    /// Whether no message is buffered.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the buffer; 0 for an unbuffered and for a nil channel.
    pub fn cap(&self) -> usize {
        self.core().map_or(0, |c| c.cap)
    }

    /// Whether this is the nil channel.
    pub fn is_nil(&self) -> bool {
        self.0.is_none()
    }
}

impl<T> Chan<T> {
    /// A two-way handle of a new channel with room for `cap` messages.
    ///
    /// # Panics
    /// "makechan: size out of range" if `cap` does not fit into 32 bits.
    #[track_caller]
    pub fn new(cap: usize) -> Chan<T> {
        let (send, receive) = pair(Core::new(cap, false, Location::caller()));
        Chan { send, receive }
    }

    /// The nil channel, both ways.
    pub fn nil() -> Chan<T> {
        Chan { send: Sender(None), receive: Receiver(None) }
    }

    /// Its sending end.
    pub fn sender(&self) -> &Sender<T> {
        &self.send
    }

    /// Its receiving end.
    pub fn receiver(&self) -> &Receiver<T> {
        &self.receive
    }

    /// Split into the two ends.
    pub fn split(self) -> (Sender<T>, Receiver<T>) {
        (self.send, self.receive)
    }

    /// See [`Sender::send`].
    ///
    /// # Panics
    /// "send on closed channel".
    #[track_caller]
    pub fn send(&self, value: T) {
        self.send.send(value);
    }

    /// See [`Sender::try_send`].
    ///
    /// # Errors
    /// Gives the value back if there is no room and nobody waits for it.
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.send.try_send(value)
    }

    /// See [`Receiver::recv`].
    #[track_caller]
    pub fn recv(&self) -> Option<T> {
        self.receive.recv()
    }

    /// See [`Receiver::try_recv`].
    ///
    /// # Errors
    /// Tells an empty channel from a closed one.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receive.try_recv()
    }

    /// See [`Sender::close`].
    ///
    /// # Panics
    /// "close of closed channel", and "close of nil channel".
    #[track_caller]
    pub fn close(&self) {
        self.send.close();
    }

    /// See [`Receiver::iter`].
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, T> {
        self.receive.iter()
    }

    /// See [`Sender::len`].
    #[track_caller]
    pub fn len(&self) -> usize {
        self.send.len()
    }

    /// See [`Sender::is_empty`].
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.send.is_empty()
    }

    /// See [`Sender::cap`].
    pub fn cap(&self) -> usize {
        self.send.cap()
    }

    /// See [`Sender::is_nil`].
    pub fn is_nil(&self) -> bool {
        self.send.is_nil()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        if let Some(core) = &self.0 {
            core.add_handle(End::Send);
        }
        Sender(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        if let Some(core) = &self.0 {
            core.add_handle(End::Receive);
        }
        Receiver(self.0.clone())
    }
}

impl<T> Clone for Chan<T> {
    fn clone(&self) -> Chan<T> {
        Chan { send: self.send.clone(), receive: self.receive.clone() }
    }
}

impl<T> Drop for Sender<T> {
    #[track_caller]
    fn drop(&mut self) {
        if let Some(core) = &self.0 {
            core.drop_handle(End::Send);
        }
    }
}

impl<T> Drop for Receiver<T> {
    #[track_caller]
    fn drop(&mut self) {
        if let Some(core) = &self.0 {
            core.drop_handle(End::Receive);
        }
    }
}

macro_rules! show {
    ($($name:ident)*) => {$(
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("cap", &self.cap()).finish_non_exhaustive()
            }
        }
    )*};
}
show!(Sender Receiver Chan);

/// The messages of a channel until it is closed; given by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>, SiteRef);

/// The messages of a channel until it is closed, owning the handle.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>, SiteRef);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        super::recv(self.0.core(), self.1)
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        super::recv(self.0.core(), self.1)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    #[track_caller]
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    #[track_caller]
    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self, Location::caller())
    }
}
