//! A wait group: a counter, and who waits to see it at zero, in one word.
//!
//! ```text
//!   [ counter: 32 bits, signed | waiting: 32 bits ]
//! ```
//! Invariants: the counter changes by one addition; who brings it to zero while somebody waits resets the
//! word and lets them all go on; between the two nobody may add, which is found out as Go does. Who waits
//! is counted under the list's lock, so whoever sees the count finds them in the list.
//!
//! Does not detect: a misuse whose moment has passed; like Go's, it is told only when it is met.
//!
//! Source: Go's `sync/waitgroup.go`.

use super::atomics::{AtomicU64, Ordering};
use super::wait::{Locked, WaitList, Why};
use super::woken::{Woken, wait_in};

/// What came of an operation that Go panics about, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Well,
    /// "sync: negative WaitGroup counter"
    Negative,
    /// "sync: WaitGroup misuse: Add called concurrently with Wait"
    AddedWhileWaiting,
    /// "sync: WaitGroup is reused before previous Wait has returned"
    Reused,
}

/// The counter and who waits.
pub(crate) struct RawWaitGroup {
    state: AtomicU64,
    pub(super) waiting: Locked<WaitList<()>>,
}

fn counter(state: u64) -> i32 {
    (state >> 32) as i32
}

fn waiters(state: u64) -> u32 {
    state as u32
}

impl RawWaitGroup {
    /// A counter of zero; of its parts.
    pub(super) const fn of(state: AtomicU64, waiting: Locked<WaitList<()>>) -> RawWaitGroup {
        RawWaitGroup { state, waiting }
    }

    /// Add to the counter; at zero, let who waits go on.
    #[inline]
    pub(crate) fn add(&self, delta: i32) -> Ended {
        let change = (i64::from(delta) << 32) as u64;
        let state = self.state.fetch_add(change, Ordering::AcqRel).wrapping_add(change);
        let (count, waiting) = (counter(state), waiters(state));
        if count < 0 {
            return Ended::Negative;
        }
        if waiting == 0 {
            return Ended::Well;
        }
        if delta > 0 && count == delta {
            return Ended::AddedWhileWaiting;
        }
        if count > 0 { Ended::Well } else { self.release() }
    }

    #[cold]
    fn release(&self) -> Ended {
        let mut list = self.waiting.lock();
        // Nobody can come to wait at a counter of zero, and nobody may add; a future may have been dropped.
        if counter(self.state.load(Ordering::Relaxed)) != 0 {
            return Ended::AddedWhileWaiting;
        }
        self.state.store(0, Ordering::Relaxed);
        let woken = Woken::all(&mut list);
        drop(list);
        woken.wake();
        Ended::Well
    }

    /// Wait until the counter is zero.
    #[inline]
    pub(crate) fn wait(&self, why: Why) -> Ended {
        if self.is_zero() { Ended::Well } else { self.join(why) }
    }

    #[cold]
    fn join(&self, why: Why) -> Ended {
        let list = self.waiting.lock();
        if !self.count_waiter() {
            return Ended::Well;
        }
        wait_in(list, why);
        self.let_go()
    }

    /// Count one more who waits, under the list's lock; false if the counter is zero.
    pub(super) fn count_waiter(&self) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        while counter(state) != 0 {
            match self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// One that waited has left the list, under its lock.
    pub(super) fn forget_waiter(&self) {
        self.state.fetch_sub(1, Ordering::Relaxed);
    }

    /// What who was let go finds.
    pub(super) fn let_go(&self) -> Ended {
        match self.state.load(Ordering::Acquire) {
            0 => Ended::Well,
            // Go says that it is reused, which is not what went wrong.
            state if counter(state) < 0 => Ended::Negative,
            _ => Ended::Reused,
        }
    }

    /// Whether the counter is zero.
    pub(crate) fn is_zero(&self) -> bool {
        counter(self.state.load(Ordering::Acquire)) == 0
    }
}
