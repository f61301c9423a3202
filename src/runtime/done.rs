//! Whether a task has ended, and who waits for that.
//!
//! ```text
//!              wait                 finish
//!   Running ---------> a waiter -------------> Ended   (and the waiter is woken)
//!      | finish                                  ^
//!      +-----------------------------------------+
//!      | leave                  finish
//!      +---------> Left -----------------> (who finishes frees)
//! ```
//! Invariants: one side finishes, once; the other waits any number of times, one after the other,
//! then leaves, once; whoever of the two comes second, as told by what it gets back, frees what they
//! share. Where there is no other side it has left from the start.

use super::atomics::{AtomicUsize, Ordering};

const RUNNING: usize = 0;
const ENDED: usize = 1;
const LEFT: usize = 2;

/// The state; every other value is a waiter's address.
pub(super) struct Done(AtomicUsize);

/// Whether anybody may ask for the end of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Joined {
    Maybe,
    Never,
}

/// What finishing found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The other side will look.
    Nobody,
    /// The other side has left.
    Left,
    /// The address of a waiter, to be woken.
    Waiter(usize),
}

impl Done {
    /// In a record it is part of what begins as zeroes.
    #[cfg(test)]
    #[allow(dead_code, reason = "for loom")]
    pub(super) fn new() -> Done {
        Done(AtomicUsize::new(RUNNING))
    }

    /// A task starts anew, by who alone has it.
    #[inline]
    pub(super) fn restart(&self, joined: Joined) {
        let state = if joined == Joined::Maybe { RUNNING } else { LEFT };
        self.0.store(state, Ordering::Relaxed);
    }

    /// Whether the other side has left already.
    #[inline]
    pub(super) fn is_left(&self) -> bool {
        self.0.load(Ordering::Acquire) == LEFT
    }

    /// Whether the task has ended; what it wrote before is seen.
    #[inline]
    pub(super) fn is_ended(&self) -> bool {
        self.0.load(Ordering::Acquire) == ENDED
    }

    /// The task has ended. Unless this gives `Left`, the shared memory may be gone afterwards.
    #[inline]
    pub(super) fn finish(&self) -> Finish {
        match self.0.swap(ENDED, Ordering::AcqRel) {
            RUNNING => Finish::Nobody,
            LEFT => Finish::Left,
            waiter => Finish::Waiter(waiter),
        }
    }

    /// Let the task's end wake this waiter; false if it has ended.
    #[inline]
    pub(super) fn wait(&self, waiter: usize) -> bool {
        debug_assert!(waiter > LEFT);
        self.0.compare_exchange(RUNNING, waiter, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Nobody will ask any more; gives whether the task has ended, and so the caller frees.
    #[inline]
    pub(super) fn leave(&self) -> bool {
        self.0.swap(LEFT, Ordering::AcqRel) == ENDED
    }
}
