//! What the program chose when the runtime started.
//!
//! Invariant: set once, before the first goroutine runs.

use std::sync::atomic::{AtomicBool, Ordering};

static MIGRATES: AtomicBool = AtomicBool::new(false);

/// Let started goroutines move between threads.
pub(super) fn set_migrates(migrates: bool) {
    MIGRATES.store(migrates, Ordering::Relaxed);
}

/// Whether a started goroutine may go on on another thread.
#[inline]
pub(super) fn migrates() -> bool {
    MIGRATES.load(Ordering::Relaxed)
}
