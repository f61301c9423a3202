//! How a primitive that is made of plain state and wakers shows in a model.
//!
//! In a model nothing runs between two operations of a goroutine. So state that is only looked at and changed right
//! after a turn was taken changes in that step, and the turn, an update of an atomic, is what orders the steps: before
//! and after, and for whoever explores their orders. Outside of models a turn is nothing.

use crate::port;
use crate::sync::atomic::{AtomicU32, Ordering};

/// Orders the uses of one primitive.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU32);

impl Turn {
    #[track_caller]
    pub(crate) const fn new() -> Turn {
        Turn(AtomicU32::new(0))
    }

    /// What comes after this, up to the next operation, is one step in a model.
    #[inline]
    #[track_caller]
    pub(crate) fn take(&self) {
        if port::model().is_some() {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }
}
