//! One-time initialisation: how far it is, and who waits for its end.
//!
//! Invariants: the state leaves RUNNING under the list's lock, and who waits looks at it under that lock;
//! so nobody waits for an end that has been.

use super::atomics::{AtomicU32, Ordering};
use super::wait::{Locked, WaitList, Why};
use super::woken::{Woken, wait_in};

const IDLE: u32 = 0;
const POISONED: u32 = 1;
const RUNNING: u32 = 2;
const DONE: u32 = 3;

/// What somebody who would initialise has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sync) enum Begun {
    /// Nothing: it is done.
    Done,
    /// To initialise, and then to [`RawOnce::end`].
    First,
    /// The same; whoever began before gave up.
    AfterPanic,
}

/// The state.
pub(in crate::sync) struct RawOnce {
    state: AtomicU32,
    waiting: Locked<WaitList<()>>,
}

impl RawOnce {
    /// Nobody has begun; of its parts.
    pub(super) const fn of(state: AtomicU32, waiting: Locked<WaitList<()>>) -> RawOnce {
        RawOnce { state, waiting }
    }

    /// Begin, or wait until it is done.
    #[inline]
    pub(in crate::sync) fn begin(&self, why: Why) -> Begun {
        if self.is_done() { Begun::Done } else { self.begin_or_wait(why) }
    }

    #[cold]
    fn begin_or_wait(&self, why: Why) -> Begun {
        loop {
            let state = self.state.load(Ordering::Acquire);
            match state {
                DONE => return Begun::Done,
                RUNNING => self.wait_for_end(|state| state != RUNNING, why),
                _ => {
                    debug_assert!(matches!(state, IDLE | POISONED));
                    let begun =
                        self.state.compare_exchange(state, RUNNING, Ordering::Acquire, Ordering::Relaxed);
                    if begun.is_ok() {
                        return if state == POISONED { Begun::AfterPanic } else { Begun::First };
                    }
                }
            }
        }
    }

    /// Whoever began has ended, or given up.
    pub(in crate::sync) fn end(&self, done: bool) {
        let mut list = self.waiting.lock();
        self.state.store(if done { DONE } else { POISONED }, Ordering::Release);
        let woken = Woken::all(&mut list);
        drop(list);
        woken.wake();
    }

    /// Whether it is done; what was done is seen.
    #[inline]
    pub(in crate::sync) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    /// Wait until it is done, or, unless `force`, somebody gave up; gives whether it is done.
    pub(in crate::sync) fn wait(&self, force: bool, why: Why) -> bool {
        loop {
            match self.state.load(Ordering::Acquire) {
                DONE => return true,
                POISONED if !force => return false,
                _ => self.wait_for_end(|state| state == DONE || state == POISONED && !force, why),
            }
        }
    }

    /// Wait until an attempt ends, unless the state is `enough`.
    fn wait_for_end(&self, enough: impl Fn(u32) -> bool, why: Why) {
        let list = self.waiting.lock();
        if enough(self.state.load(Ordering::Relaxed)) {
            return;
        }
        wait_in(list, why);
    }
}
