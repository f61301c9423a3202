//! The last line of defence of what a lock guards.
//!
//! A lock that is `const` made can be used in several worlds one after the other: by plain threads,
//! then by an execution of a model. Each world keeps its own account of who holds it; this counter
//! is what they share. Invariant: data is reachable only while its exclusion is entered, so two
//! worlds that disagree end in a panic, never in two references. Without the feature `check` there is
//! one world, whose account is enough, and nothing is counted.

use std::sync::atomic::{AtomicU32, Ordering};

const WRITER: u32 = u32::MAX;

/// Counts the guards that are alive, in all worlds.
#[derive(Debug, Default)]
pub(super) struct Exclusion(AtomicU32);

impl Exclusion {
    pub(super) const fn new() -> Exclusion {
        Exclusion(AtomicU32::new(0))
    }

    /// Enter alone, or give the lock back with `unlock` and panic.
    #[inline]
    pub(super) fn enter(&self, unlock: impl FnOnce()) {
        if cfg!(feature = "check")
            && self.0.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            in_use(unlock);
        }
    }

    #[inline]
    pub(super) fn leave(&self) {
        if cfg!(feature = "check") {
            self.0.store(0, Ordering::Release);
        }
    }

    /// Enter beside other readers, or give the lock back with `unlock` and panic.
    #[inline]
    pub(super) fn enter_shared(&self, unlock: impl FnOnce()) {
        if cfg!(feature = "check") && self.0.fetch_add(1, Ordering::Acquire) >= WRITER / 2 {
            self.0.fetch_sub(1, Ordering::Relaxed);
            in_use(unlock);
        }
    }

    #[inline]
    pub(super) fn leave_shared(&self) {
        if cfg!(feature = "check") {
            self.0.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cold]
fn in_use(unlock: impl FnOnce()) -> ! {
    // The world that gave the lock must not count it as held for ever.
    unlock();
    panic!(
        "selvedge: a lock is held by a thread outside of this execution (or by one that ended while it \
         held the lock); give each test its own objects"
    )
}
