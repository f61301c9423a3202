//! Async tasks beside goroutines, on the same scheduler.
//!
//! [`spawn`] starts a task; [`block_on`] runs a future to its end where it is called, and parks meanwhile: the
//! goroutine, if it is one. Tasks and goroutines meet through [`Notify`] and [`oneshot`], and through all channels and
//! locks: a poll may block.
//!
//! A parked task costs its future and some 200 bytes, a parked goroutine a stack. A poll runs on a goroutine, so it may
//! even block: then that goroutine parks, and others run.
//!
//! In a model each task is scheduled like a goroutine: when it is polled, and in which order wakes and polls come, is
//! explored. A task whose waker nobody calls any more is a deadlock or a leak, as for a goroutine.
//!
//! Invariants: a future is polled by one at a time; it is dropped before its task counts as finished; wakes happen
//! before the poll that follows them.
//!
//! # Examples
//! ```
//! use selvedge::future::{self, oneshot};
//!
//! let (tx, rx) = oneshot::channel();
//! let answer = future::spawn(async move { rx.await.unwrap() + 1 });
//! selvedge::go(move || tx.send(41));
//! assert_eq!(future::block_on(answer).unwrap(), 42);
//! ```

mod combine;
mod engine;
pub(crate) mod lookout;
mod notify;
pub mod oneshot;
mod sleep;
mod task;
mod turn;

pub use combine::{Either, Select, YieldNow, select, yield_now};
pub use notify::{Notified, Notify};
pub use sleep::{Elapsed, Sleep, Timeout, sleep, timeout};
pub use task::{AbortHandle, JoinError, JoinHandle, spawn, spawn_named};

use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Poll};

/// Run a future to its end, and wait meanwhile: a goroutine parks, a plain thread blocks.
///
/// It may be called anywhere, in a task's poll, too: then that poll waits, and with it its task, but nobody else.
///
/// # Examples
/// ```
/// assert_eq!(selvedge::future::block_on(async { 1 + 1 }), 2);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let site = Location::caller();
    let mut future = pin!(future);
    let parked = engine::Parked::new(site);
    let waker = parked.waker();
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        parked.wait(site);
    }
}

#[cfg(test)]
#[path = "everywhere_tests.rs"]
pub(crate) mod everywhere;
#[cfg(test)]
#[path = "future_tests.rs"]
mod tests;
