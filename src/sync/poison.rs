//! What a panic leaves behind in a lock: std's poisoning.
//!
//! Invariants: a lock is poisoned by a guard that is dropped by a panic which was not under way when
//! the guard was made; whoever meets a poisoned lock gets what they asked for all the same, in an
//! error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LockResult, PoisonError};

/// Whether a lock is poisoned.
pub(super) struct Poison(AtomicBool);

/// What an exclusive guard keeps of the moment it was made.
pub(super) struct Entered {
    panicking: bool,
}

impl Poison {
    pub(super) const fn new() -> Poison {
        Poison(AtomicBool::new(false))
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// What was asked for: in an error if the lock is poisoned.
    #[inline]
    pub(super) fn tell<G>(&self, wanted: G) -> LockResult<G> {
        if self.is_set() { Err(PoisonError::new(wanted)) } else { Ok(wanted) }
    }

    /// An exclusive guard is made.
    #[inline]
    pub(super) fn enter(&self) -> Entered {
        Entered { panicking: std::thread::panicking() }
    }

    /// It is dropped.
    #[inline]
    pub(super) fn leave(&self, entered: &Entered) {
        if !entered.panicking && std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}
