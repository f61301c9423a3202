//! When a thread with new work must wake another, and when one that found none may sleep.
//!
//! A *spinner* is a thread that holds a processor and looks for work. Invariants, with [`Gate::idle`]
//! the number of processors nobody holds and [`Gate::spinning`] that of the spinners:
//! - who adds work that it will not do itself calls [`Gate::wants_spinner`] afterwards, and on true
//!   starts a spinner, which that call has already counted;
//! - who stops spinning because it found nothing first makes its processor idle, then calls
//!   [`Gate::gave_up`], then looks for work once more.
//!
//! So no work is left behind: by the fences, either the adder sees the idle processor and no
//! spinner, or the last one to give up sees the work. *Named scenario "stale spinner"*: a spinner
//! that found work stops without the heavy fence ([`Gate::found`]); work added at that very moment by
//! somebody who still saw it spin waits for the monitor's next round, a millisecond at most.

use super::atomics::{AtomicUsize, Ordering};
use super::barrier::{heavy, light};

/// The two counts.
pub(super) struct Gate {
    idle: AtomicUsize,
    spinning: AtomicUsize,
}

impl Gate {
    /// A gate with both counts 0, which are given because loom makes its atomics at run time only.
    pub(super) const fn new(idle: AtomicUsize, spinning: AtomicUsize) -> Gate {
        Gate { idle, spinning }
    }

    /// Processors nobody holds.
    #[inline]
    pub(super) fn idle(&self) -> usize {
        self.idle.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn spinning(&self) -> usize {
        self.spinning.load(Ordering::Relaxed)
    }

    /// A processor became idle, or was taken; under the lock of the idle list.
    pub(super) fn set_idle(&self, count: usize) {
        self.idle.store(count, Ordering::SeqCst);
    }

    /// Whether [`Gate::wants_spinner`] could be true.
    #[inline]
    pub(super) fn may_want_spinner(&self) -> bool {
        light();
        self.idle.load(Ordering::Relaxed) != 0 && self.spinning() == 0
    }

    /// Whether work that was just added needs a new spinner. If so it is counted already.
    #[inline]
    pub(super) fn wants_spinner(&self) -> bool {
        light();
        self.idle.load(Ordering::Relaxed) != 0 && self.claim()
    }

    #[cold]
    fn claim(&self) -> bool {
        self.spinning.load(Ordering::Relaxed) == 0
            && self.spinning.compare_exchange(0, 1, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// One more spinner.
    pub(super) fn spin(&self) {
        self.spinning.fetch_add(1, Ordering::SeqCst);
    }

    /// A spinner found work; gives whether it was the last, who leaves it to others to look for more.
    pub(super) fn found(&self) -> bool {
        self.spinning.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// A spinner found nothing and has made its processor idle. It must look once more after this.
    pub(super) fn gave_up(&self, spun: bool) {
        if spun {
            self.spinning.fetch_sub(1, Ordering::SeqCst);
        }
        heavy();
    }
}
