//! Time for futures.
//!
//! Invariant: a sleep is over at its deadline and not before; in a model at the moment of virtual time at which its
//! timer fires. Dropping it takes its timer away.

use super::turn::Turn;
use crate::port;
use crate::port::wait::{AsyncWaiter, clock};
use crate::time::{self, Timer};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Pause a task for `duration`, from the first poll on; [`time::sleep`] for futures.
///
/// # Examples
/// ```
/// use selvedge::future::{block_on, sleep};
/// use selvedge::time::{Instant, MILLISECOND};
/// let start = Instant::now();
/// block_on(sleep(2 * MILLISECOND));
/// assert!(start.elapsed() >= 2 * MILLISECOND);
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration, stage: Stage::New, waiter: AsyncWaiter::new() }
}

/// What [`sleep`] gives.
#[must_use = "a future does nothing unless awaited"]
pub struct Sleep {
    duration: Duration,
    stage: Stage,
    waiter: AsyncWaiter,
}

enum Stage {
    New,
    /// Outside of models.
    Waits,
    /// In a model: a function that runs when the time has come.
    Model(Arc<Alarm>, Timer),
    Done,
}

/// What a timer of a model tells.
#[derive(Default)]
struct Alarm {
    turn: Turn,
    state: Mutex<(bool, Option<Waker>)>,
}

impl Alarm {
    fn fire(&self) {
        self.turn.take();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        self.turn.take();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let old = state.1.replace(waker);
        let fired = state.0;
        drop(state);
        drop(old);
        fired
    }
}

impl Sleep {
    fn waiter(self: Pin<&Self>) -> Pin<&AsyncWaiter> {
        // SAFETY: the waiter is pinned with the sleep, and nothing moves it.
        unsafe { self.map_unchecked(|this| &this.waiter) }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let over = match &self.stage {
            Stage::Done => true,
            Stage::New if self.duration.is_zero() => true,
            Stage::New if port::model().is_some() => {
                let alarm = Arc::new(Alarm::default());
                let theirs = Arc::clone(&alarm);
                let timer = time::after_func(self.duration, move || theirs.fire());
                alarm.poll(cx.waker());
                // SAFETY: only the stage is replaced, which nothing pins.
                unsafe { self.as_mut().get_unchecked_mut() }.stage = Stage::Model(alarm, timer);
                false
            }
            Stage::New => {
                let nanos = u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX);
                let deadline = clock::now().saturating_add(nanos);
                // SAFETY: as above.
                unsafe { self.as_mut().get_unchecked_mut() }.stage = Stage::Waits;
                let waiter = self.as_ref().waiter();
                waiter.begin(cx.waker());
                if deadline != clock::NEVER {
                    waiter.time_out_at(deadline);
                }
                false
            }
            Stage::Waits => self.waiter.poll(cx.waker()),
            Stage::Model(alarm, _) => alarm.poll(cx.waker()),
        };
        if !over {
            return Poll::Pending;
        }
        // SAFETY: as above.
        unsafe { self.as_mut().get_unchecked_mut() }.stage = Stage::Done;
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Stage::Model(_, timer) = &self.stage {
            timer.stop();
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("duration", &self.duration).finish_non_exhaustive()
    }
}

/// The time was up first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

/// Wait for a future for at most `duration`, from the first poll on. Then it is dropped, where it stands.
///
/// # Examples
/// ```
/// use selvedge::future::{block_on, timeout};
/// use selvedge::time::MILLISECOND;
/// assert!(block_on(timeout(MILLISECOND, std::future::pending::<()>())).is_err());
/// assert_eq!(block_on(timeout(MILLISECOND, async { 1 })), Ok(1));
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep(duration) }
}

/// What [`timeout`] gives.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct Timeout<F> {
    future: F,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: both are pinned with the whole, which never moves them.
        let (future, sleep) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), Pin::new_unchecked(&mut this.sleep))
        };
        match future.poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => sleep.poll(cx).map(|()| Err(Elapsed)),
        }
    }
}
