//! `std::sync::mpsc`: channels that hang up.
//!
//! Invariants: a message is received once, in the order of its sender; dropping the last sender lets
//! the receiver drain the channel and then learn that it is disconnected; dropping the receiver
//! fails every send, those that wait included, and drops what was not received. Both drops are
//! visible operations, so a model explores a `try_recv` on either side of them.
//!
//! Source: the documentation of `std::sync::mpsc`.

use crate::chan::{self, Core, Refused, deadline};
use crate::objects::End;
use selvedge_checkers::ids::SiteRef;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

/// A sending handle of [`channel`].
pub struct Sender<T>(Arc<Core<T>>);

/// A sending handle of [`sync_channel`].
pub struct SyncSender<T>(Arc<Core<T>>);

/// The receiving end of [`channel`] and [`sync_channel`]; there is one.
pub struct Receiver<T> {
    core: Arc<Core<T>>,
    /// Receiving from several threads needs a lock around it, as in std.
    not_sync: PhantomData<Cell<()>>,
}

/// A channel whose sends never wait.
///
/// # Examples
/// ```
/// let (tx, rx) = selvedge::sync::mpsc::channel();
/// selvedge::thread::spawn(move || tx.send(7).unwrap());
/// assert_eq!(rx.recv(), Ok(7));
/// assert!(rx.recv().is_err());
/// ```
#[must_use]
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let core = Core::unbounded(true, Location::caller());
    (Sender(Arc::clone(&core)), Receiver { core, not_sync: PhantomData })
}

/// A channel with room for `bound` messages; with 0 each send waits for its receive.
///
/// # Panics
/// If `bound` does not fit into 32 bits.
#[must_use]
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let core = Core::new(bound, true, Location::caller());
    (SyncSender(Arc::clone(&core)), Receiver { core, not_sync: PhantomData })
}

fn send<T>(core: &Core<T>, value: T, site: SiteRef) -> Result<(), SendError<T>> {
    core.send(value, None, site).map_err(|refused| match refused {
        Refused::Full(value) | Refused::Closed(value) => SendError(value),
    })
}

impl<T> Sender<T> {
    /// Send a message, at once.
    ///
    /// # Errors
    /// Gives it back if the receiver is gone.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        send(&self.0, value, Location::caller())
    }
}

impl<T> SyncSender<T> {
    /// Send a message; wait until there is room for it.
    ///
    /// # Errors
    /// Gives it back if the receiver is gone, or goes while this waits.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        send(&self.0, value, Location::caller())
    }

    /// Send a message if there is room for it (without a buffer: if the receiver waits).
    ///
    /// # Errors
    /// Gives it back if there is none, or if the receiver is gone.
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(value, Location::caller()).map_err(|refused| match refused {
            Refused::Full(value) => TrySendError::Full(value),
            Refused::Closed(value) => TrySendError::Disconnected(value),
        })
    }
}

impl<T> Receiver<T> {
    /// Receive a message; wait for one.
    ///
    /// # Errors
    /// If there is none and all senders are gone.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.core.recv(None, Location::caller()).map_err(|_| RecvError)
    }

    /// Receive a message if there is one.
    ///
    /// # Errors
    /// Tells an empty channel from one whose senders are all gone.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.core.try_recv(Location::caller()).map_err(|error| match error {
            chan::TryRecvError::Empty => TryRecvError::Empty,
            chan::TryRecvError::Closed => TryRecvError::Disconnected,
        })
    }

    /// Receive a message, waiting for at most `timeout`.
    ///
    /// # Errors
    /// Tells that the time is up, or that all senders are gone.
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.core.recv(deadline(timeout), Location::caller()).map_err(|error| match error {
            chan::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
            chan::RecvTimeoutError::Closed => RecvTimeoutError::Disconnected,
        })
    }

    /// The messages until all senders are gone. Reports name this place, not the adapter that receives.
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self, Location::caller())
    }

    /// The messages that are there, without waiting for more.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.0.add_handle(End::Send);
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        self.0.add_handle(End::Send);
        SyncSender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    #[track_caller]
    fn drop(&mut self) {
        self.0.drop_handle(End::Send);
    }
}

impl<T> Drop for SyncSender<T> {
    #[track_caller]
    fn drop(&mut self) {
        self.0.drop_handle(End::Send);
    }
}

impl<T> Drop for Receiver<T> {
    #[track_caller]
    fn drop(&mut self) {
        self.core.drop_handle(End::Receive);
    }
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

macro_rules! show {
    ($($name:ident)*) => {$(
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
show!(Sender SyncSender Receiver);

/// The messages of a channel until all its senders are gone; given by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>, SiteRef);

/// The messages that are there; given by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// The messages of a channel until all its senders are gone, owning the receiver.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>, SiteRef);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.core.recv(None, self.1).ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.core.recv(None, self.1).ok()
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

#[cfg(test)]
#[path = "mpsc_tests.rs"]
mod tests;
