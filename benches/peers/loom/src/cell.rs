//! `cell`, over loom's.

use loom::cell::UnsafeCell;

/// A shared variable without synchronisation, whose races loom reports.
#[derive(Debug, Default)]
pub struct Plain<T>(UnsafeCell<T>);

// SAFETY: loom runs one thread at a time and panics before two accesses that race both take place, so
// nobody ever has a reference while somebody else writes.
unsafe impl<T: Send> Sync for Plain<T> {}

impl<T> Plain<T> {
    /// A variable with this value.
    pub fn new(value: T) -> Plain<T> {
        Plain(UnsafeCell::new(value))
    }

    /// Read it.
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        self.with(|value| *value)
    }

    /// Write it.
    pub fn set(&self, value: T) {
        self.with_mut(|old| *old = value);
    }

    /// Write it, and give back what was there.
    pub fn replace(&self, value: T) -> T {
        self.with_mut(|old| std::mem::replace(old, value))
    }

    /// Read it in place.
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        // SAFETY: the pointer is that of the cell's value, and loom has checked that nobody writes.
        self.0.with(|value| f(unsafe { &*value }))
    }

    /// Write it in place.
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the pointer is that of the cell's value, and loom has checked that nobody else uses it.
        self.0.with_mut(|value| f(unsafe { &mut *value }))
    }
}
