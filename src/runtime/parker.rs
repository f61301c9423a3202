//! Where one thread sleeps until it is told not to.
//!
//! States: 0 nothing happened, 1 told. Invariants: a tell is consumed by exactly one sleep; a tell
//! before the sleep makes it return at once, so none is lost.

use super::atomics::{AtomicU32, Ordering};
use super::clock::Nanos;
use super::futex;

/// One thread's place to sleep.
pub(super) struct Parker(AtomicU32);

impl Parker {
    pub(super) fn new() -> Parker {
        Parker(AtomicU32::new(0))
    }

    /// Sleep until told, or for at most `timeout`; gives whether it was told.
    pub(super) fn wait(&self, timeout: Option<Nanos>) -> bool {
        loop {
            // Acquire: what was done before the tell is seen after it.
            if self.consume() {
                return true;
            }
            futex::wait(&self.0, 0, timeout);
            if timeout.is_some() {
                return self.consume();
            }
        }
    }

    /// Whether it was told and has not slept since.
    pub(super) fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }

    /// Use up a tell without sleeping; gives whether there was one.
    pub(super) fn consume(&self) -> bool {
        self.0.swap(0, Ordering::Acquire) == 1
    }

    /// Tell the thread; it may be told before it sleeps.
    pub(super) fn tell(&self) {
        if self.0.swap(1, Ordering::Release) == 0 {
            futex::wake(&self.0);
        }
    }
}
