//! One value, from one place to another: a channel for a single message.
//!
//! Invariants: the value is sent at most once and received at most once; whoever of the two sides goes first without
//! it tells the other.
//!
//! # Examples
//! ```
//! use selvedge::future::{block_on, oneshot};
//! let (tx, rx) = oneshot::channel();
//! assert_eq!(tx.send(7), Ok(()));
//! assert_eq!(block_on(rx), Ok(7));
//! ```

use super::turn::Turn;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The sending side.
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// The receiving side: a future of the value.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct Receiver<T>(Arc<Shared<T>>);

/// The sender was dropped without having sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender was dropped without a value")
    }
}

impl std::error::Error for RecvError {}

#[derive(Debug)]
struct Shared<T> {
    turn: Turn,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    /// The sender has sent, or is gone.
    sent: bool,
    /// The receiver is gone, or wants nothing any more.
    closed: bool,
    receiver: Option<Waker>,
    /// Who waits for the receiver to go.
    sender: Option<Waker>,
}

/// Both sides.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { value: None, sent: false, closed: false, receiver: None, sender: None };
    let shared = Arc::new(Shared { turn: Turn::new(), state: Mutex::new(state) });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Shared<T> {
    #[track_caller]
    fn enter(&self) -> MutexGuard<'_, State<T>> {
        self.turn.take();
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sender goes, with or without a value; gives a value back that nobody wants.
    #[track_caller]
    fn send(&self, value: Option<T>) -> Option<T> {
        let mut state = self.enter();
        if state.closed || state.sent {
            return value;
        }
        (state.value, state.sent) = (value, true);
        let wakers = (state.receiver.take(), state.sender.take());
        drop(state);
        wakers.0.into_iter().for_each(Waker::wake);
        None
    }

    #[track_caller]
    fn close(&self) {
        let mut state = self.enter();
        state.closed = true;
        let wakers = (state.sender.take(), state.receiver.take());
        drop(state);
        wakers.0.into_iter().for_each(Waker::wake);
    }
}

impl<T> Sender<T> {
    /// Send the value.
    ///
    /// # Errors
    /// The value, if the receiver is gone.
    #[track_caller]
    pub fn send(self, value: T) -> Result<(), T> {
        self.0.send(Some(value)).map_or(Ok(()), Err)
    }

    /// Whether the receiver is gone, or closed.
    #[must_use]
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        self.0.enter().closed
    }

    /// Wait until the receiver is gone, or closed.
    pub async fn closed(&mut self) {
        std::future::poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.0.enter();
            if state.closed {
                return Poll::Ready(());
            }
            let old = state.sender.replace(waker);
            drop(state);
            drop(old);
            Poll::Pending
        })
        .await;
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        drop(self.0.send(None));
    }
}

impl<T> Receiver<T> {
    /// Want no value any more; one that was sent before can still be received.
    #[track_caller]
    pub fn close(&mut self) {
        self.0.close();
    }

    /// The value, if it was sent.
    ///
    /// # Errors
    /// If the sender is gone without one, or it was received.
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<Option<T>, RecvError> {
        let mut state = self.0.enter();
        match state.value.take() {
            Some(value) => Ok(Some(value)),
            None if state.sent => Err(RecvError),
            None => Ok(None),
        }
    }

    /// Wait for the value, as a goroutine or a plain thread.
    ///
    /// # Errors
    /// If the sender is gone without one.
    #[track_caller]
    pub fn recv(self) -> Result<T, RecvError> {
        super::block_on(self)
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        let waker = cx.waker().clone();
        let mut state = self.0.enter();
        if let Some(value) = state.value.take() {
            return Poll::Ready(Ok(value));
        }
        if state.sent || state.closed {
            return Poll::Ready(Err(RecvError));
        }
        let old = state.receiver.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = state.value.take();
        drop(state);
        drop(lost);
    }
}
