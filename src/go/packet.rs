//! How a goroutine's result reaches whoever joins it.
//!
//! Invariant: the two halves are made together and each is used up by its one method, so the value is
//! written at most once, and read only when nobody is left who could write it.

use std::cell::UnsafeCell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// The half of the goroutine: to be filled.
pub(crate) struct Envelope<T>(Arc<UnsafeCell<Option<T>>>);

/// The half of who joins it: to be opened.
pub(crate) struct Packet<T>(Arc<UnsafeCell<Option<T>>>);

// SAFETY: the halves share the cell. `Envelope::fill` writes it, once, since there is one envelope and
// it is used up; `Packet::open` reads it when the envelope is gone, and `Arc` orders what was done
// through the envelope before that. So no two threads are in the cell at once, and the value moves
// from one to the other, which `T: Send` allows.
unsafe impl<T: Send> Send for Envelope<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Packet<T> {}
// SAFETY: by reference neither half gives access to the cell.
unsafe impl<T: Send> Sync for Envelope<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Packet<T> {}

impl<T> UnwindSafe for Packet<T> {}
impl<T> RefUnwindSafe for Packet<T> {}

/// The two halves of a new packet.
pub(crate) fn packet<T>() -> (Envelope<T>, Packet<T>) {
    let cell = Arc::new(UnsafeCell::new(None));
    (Envelope(Arc::clone(&cell)), Packet(cell))
}

impl<T> Envelope<T> {
    /// Leave the result.
    pub(crate) fn fill(self, value: T) {
        // SAFETY: nobody else is in the cell while the envelope exists.
        unsafe { *self.0.get() = Some(value) }
    }
}

impl<T> Packet<T> {
    /// The result, if it was left and the envelope is gone.
    pub(crate) fn open(self) -> Option<T> {
        Arc::into_inner(self.0)?.into_inner()
    }

    /// Whether the envelope still exists.
    pub(crate) fn is_expected(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}
