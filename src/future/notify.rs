//! Telling tasks that something happened: `tokio::sync::Notify`.
//!
//! Invariants: at most one permit is kept, and none while somebody waits; a notification goes to the one who has
//! waited longest; one that was given to a future which is dropped before it was told goes on to the next.
//!
//! Source: the documentation of `tokio::sync::Notify`.

use super::turn::Turn;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Notifies tasks, and goroutines through [`block_on`](super::block_on).
///
/// # Examples
/// ```
/// use selvedge::future::{self, Notify};
/// use selvedge::sync::Arc;
/// let ready = Arc::new(Notify::new());
/// let theirs = Arc::clone(&ready);
/// let waits = future::spawn(async move { theirs.notified().await });
/// ready.notify_one();
/// waits.join().unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Notify {
    turn: Turn,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    permit: bool,
    /// How often all were notified.
    rounds: u64,
    /// The next number.
    next: u64,
    /// Who waits, the longest first.
    waiting: VecDeque<(u64, Waker)>,
    /// Who was given a notification and has not been polled since.
    given: Vec<u64>,
}

/// What [`Notify::notified`] gives.
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct Notified<'a> {
    notify: &'a Notify,
    /// How often all had been notified when this was made.
    round: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    New,
    /// In the queue, or given a notification, under this number.
    Waits(u64),
    Done,
}

impl Notify {
    /// Nobody is notified yet.
    #[must_use]
    #[track_caller]
    pub const fn new() -> Notify {
        let state = State { permit: false, rounds: 0, next: 0, waiting: VecDeque::new(), given: Vec::new() };
        Notify { turn: Turn::new(), state: Mutex::new(state) }
    }

    #[track_caller]
    fn enter(&self) -> MutexGuard<'_, State> {
        self.turn.take();
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait for a notification: the permit, if one is kept; one for all that comes after *this call*, or one for one that
    /// comes after its first poll.
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, round: self.enter().rounds, stage: Stage::New }
    }

    /// Notify the one who has waited longest; if nobody waits, keep a permit for the next.
    #[track_caller]
    pub fn notify_one(&self) {
        let mut state = self.enter();
        let told = state.give();
        drop(state);
        told.into_iter().for_each(Waker::wake);
    }

    /// Notify all who wait now. No permit is kept for those who come later.
    #[track_caller]
    pub fn notify_waiters(&self) {
        let mut state = self.enter();
        state.rounds += 1;
        let told = std::mem::take(&mut state.waiting);
        drop(state);
        told.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl State {
    /// One notification: to who has waited longest, or kept.
    fn give(&mut self) -> Option<Waker> {
        match self.waiting.pop_front() {
            Some((number, waker)) => {
                self.given.push(number);
                Some(waker)
            }
            None => {
                self.permit = true;
                None
            }
        }
    }

    /// Whether a notification was given to this number; it is used up.
    fn use_up(&mut self, number: u64) -> bool {
        let at = self.given.iter().position(|&given| given == number);
        at.map(|at| self.given.swap_remove(at)).is_some()
    }
}

impl Notified<'_> {
    /// Join the queue without a poll, as if polled first; true if the notification is there already.
    #[track_caller]
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.advance(Waker::noop()).is_ready()
    }

    #[track_caller]
    fn advance(mut self: Pin<&mut Self>, waker: &Waker) -> Poll<()> {
        if self.stage == Stage::Done {
            return Poll::Ready(());
        }
        let waker = waker.clone();
        let mut state = self.notify.enter();
        let mut old = None;
        let stage = match self.stage {
            _ if state.rounds != self.round => {
                // One that was given besides is not needed: it stays for the drop to pass on.
                Stage::Done
            }
            Stage::New if std::mem::take(&mut state.permit) => Stage::Done,
            Stage::New => {
                let number = state.next;
                state.next += 1;
                state.waiting.push_back((number, waker));
                Stage::Waits(number)
            }
            Stage::Waits(number) if state.use_up(number) => Stage::Done,
            Stage::Waits(number) => {
                let place = state.waiting.iter_mut().find(|(other, _)| *other == number);
                old = place.map(|(_, kept)| std::mem::replace(kept, waker));
                Stage::Waits(number)
            }
            Stage::Done => Stage::Done,
        };
        let told = match self.stage {
            Stage::Waits(number) if stage == Stage::Done && state.use_up(number) => state.give(),
            _ => None,
        };
        drop(state);
        drop(old);
        told.into_iter().for_each(Waker::wake);
        self.stage = stage;
        if stage == Stage::Done { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.advance(cx.waker())
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let Stage::Waits(number) = self.stage else { return };
        let mut state = self.notify.enter();
        let at = state.waiting.iter().position(|(other, _)| *other == number);
        let own = at.and_then(|at| state.waiting.remove(at));
        let told = if state.use_up(number) { state.give() } else { None };
        drop(state);
        drop(own);
        told.into_iter().for_each(Waker::wake);
    }
}
