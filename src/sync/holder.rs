//! Who holds a lock, for dumps and for the circles they show.
//!
//! Invariants: while the number is not 0 that goroutine holds the lock: it is written after the lock was
//! taken and cleared before it is let go of. It may be 0 although somebody does: for an instant, or if the
//! holder is a plain thread. It costs two stores beside the lock's word.

use crate::port::wait::census;
use crate::port::{Object, Watch, wait};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::ObjKind;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the goroutine that holds the lock; 0 for unknown.
#[derive(Debug)]
pub(super) struct Holder(AtomicU64);

impl Holder {
    pub(super) const fn new() -> Holder {
        Holder(AtomicU64::new(0))
    }

    /// The caller has taken the lock.
    #[inline]
    pub(super) fn enter(&self) {
        self.0.store(census::myself(), Ordering::Relaxed);
    }

    /// The lock is about to be let go of.
    #[inline]
    pub(super) fn leave(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Run `lock`, which waits; dumps know meanwhile for whom.
    #[cold]
    pub(super) fn wait<T>(&self, kind: ObjKind, lock: &T, object: &Object, f: impl FnOnce()) {
        let address = std::ptr::from_ref(lock).addr();
        let watch = Waits { holder: self, object: (address, kind, object.created()) };
        wait::watching(&watch, f);
    }
}

/// A wait for a lock.
struct Waits<'a> {
    holder: &'a Holder,
    object: (usize, ObjKind, SiteRef),
}

impl Watch for Waits<'_> {
    fn object(&self) -> Option<(usize, ObjKind, SiteRef)> {
        Some(self.object)
    }

    fn holders(&self) -> Vec<u64> {
        let holder = self.holder.0.load(Ordering::Relaxed);
        if holder == 0 { Vec::new() } else { vec![holder] }
    }
}
