//! Where a cell that is written once keeps its value: one place for the plain world, one for the
//! executions of models.
//!
//! Invariants: a place is written by the goroutine that initialises, before it is read; a reference
//! from [`Slot::get`] stays valid for as long as the slot is borrowed. So the value of an earlier
//! execution is never freed while the slot lives: when the next execution writes, it is leaked.

use crate::port::{self, Epoch};
use std::ptr;
use std::sync::OnceLock as StdOnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value and the execution it belongs to.
struct Node<T> {
    epoch: Epoch,
    value: T,
}

/// The value of each world that has one.
///
/// It is `Send` and `Sync` exactly when std's cell of the same type, which it holds, is.
pub(super) struct Slot<T> {
    plain: StdOnceLock<T>,
    /// Null, or made by `Box::into_raw`; replaced only by another execution, freed only in `drop`.
    model: AtomicPtr<Node<T>>,
}

impl<T> Slot<T> {
    pub(super) const fn new() -> Slot<T> {
        Slot { plain: StdOnceLock::new(), model: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value of the plain world, if this is the plain world.
    #[inline]
    pub(super) fn get_plain(&self) -> Option<&T> {
        if port::model().is_some() { None } else { self.plain.get() }
    }

    /// This world's value; to be asked for after the initialisation was seen to be done.
    pub(super) fn get(&self) -> Option<&T> {
        let Some(engine) = port::model() else { return self.plain.get() };
        // SAFETY: a non-null pointer comes from `Box::into_raw` in `put`, and what it points to is
        // freed only through an exclusive reference to the slot, which the result's borrow rules
        // out. Acquire pairs with the release in `put`, and nobody writes to a node after that.
        let node = unsafe { self.model.load(Ordering::Acquire).as_ref() }?;
        (node.epoch == engine.epoch()).then_some(&node.value)
    }

    /// Store this world's value; only who runs the initialiser may.
    ///
    /// A value of an earlier execution is leaked: references to it may be about.
    pub(super) fn put(&self, value: T) {
        match port::model() {
            Some(engine) => {
                let node = Box::new(Node { epoch: engine.epoch(), value });
                self.model.store(Box::into_raw(node), Ordering::Release);
            }
            None => {
                assert!(self.plain.set(value).is_ok(), "selvedge: a cell was initialised twice");
            }
        }
    }

    /// Take this world's value out.
    pub(super) fn take(&mut self) -> Option<T> {
        let Some(engine) = port::model() else { return self.plain.take() };
        self.get()?;
        let node = std::mem::replace(self.model.get_mut(), ptr::null_mut());
        // SAFETY: `get` found a value, so the pointer is one from `Box::into_raw`; it has just been
        // taken out of the slot, and no reference into it is left since the slot is borrowed
        // exclusively.
        let node = unsafe { Box::from_raw(node) };
        debug_assert!(node.epoch == engine.epoch());
        Some(node.value)
    }

    /// This world's value, to change it.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        if port::model().is_none() {
            return self.plain.get_mut();
        }
        self.get()?;
        // SAFETY: `get` found a value, so the pointer is one from `Box::into_raw`, not freed while
        // it is in the slot; the slot, and with it the value, is borrowed exclusively.
        let node = unsafe { &mut **self.model.get_mut() };
        Some(&mut node.value)
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        // A value of an execution that is over is leaked: its destructor would run in a world that
        // knows none of its objects.
        if port::model().is_some() {
            drop(self.take());
        }
    }
}
