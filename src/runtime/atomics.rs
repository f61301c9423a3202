//! The atomics of the lock-free parts.
//!
//! Invariant: `queue`, `biased`, `handshake`, `gate`, `parker`, `told`, `waker_slot` and `done` name no atomic of std's
//! themselves, so that the loom tests can compile the very same files against loom's.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::Mutex;
pub(super) use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

/// A cell that is accessed as loom's is.
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Use what is in it, by a pointer that nobody else uses meanwhile.
    #[inline(always)]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
