//! Where the message of an arm is: the one to be sent, or the one received.
//!
//! Invariants: a slot is full if and only if it owns a message; an arm has its slot for itself, and while a
//! select runs whoever takes the arm moves the message, and nobody else does.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

/// Room for one message, and the message.
#[doc(hidden)]
pub struct Slot<T> {
    full: Cell<bool>,
    message: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// Room for what is received.
    #[inline]
    pub fn empty() -> Slot<T> {
        Slot { full: Cell::new(false), message: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// What is to be sent.
    #[inline]
    pub fn of(message: T) -> Slot<T> {
        Slot { full: Cell::new(true), message: UnsafeCell::new(MaybeUninit::new(message)) }
    }

    /// Move the message out, if there is one.
    #[inline]
    pub fn take(&self) -> Option<T> {
        // SAFETY: full means that there is a message, which leaves the slot here.
        self.full.replace(false).then(|| unsafe { (*self.message.get()).assume_init_read() })
    }

    /// Move a message in.
    pub(super) fn put(&self, message: T) {
        drop(self.take());
        // SAFETY: the slot is empty, and nobody else looks: it is not `Sync`.
        unsafe { self.message.get().write(MaybeUninit::new(message)) };
        self.full.set(true);
    }

    #[inline]
    pub(super) fn at(&self) -> *mut T {
        self.message.get().cast()
    }

    #[inline]
    pub(super) fn full(&self) -> &Cell<bool> {
        &self.full
    }
}

impl<T> Drop for Slot<T> {
    #[inline]
    fn drop(&mut self) {
        drop(self.take());
    }
}
