//! Whether a thread that waits has been told to go on, and whether it counts as blocked for ever.
//!
//! ```text
//!              sleep                     tell
//!   Awake --------------> Sleeping(kind) ------> Told   (who tells counts it as awake)
//!     | tell                                      ^
//!     +-------------------------------------------+
//! ```
//! A thread that was told may have no core for long; did it count itself as awake, "all goroutines are asleep" could be
//! said of a program that goes on. Invariants:
//! - a thread is counted by itself only after it has said that it sleeps, and as awake by who finds that said: so the
//!   counts are never more than the threads that nobody has told, and for a moment they may be fewer;
//! - told once; afterwards only the address is used, for the thread may be gone with all that lies on its stack.

use super::atomics::{AtomicIsize, AtomicU32, Ordering};
use super::futex;

const AWAKE: u32 = 0;
const TOLD: u32 = 1;

/// A thread that waits for ever, unless somebody tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Kind {
    /// It is none of the runtime's.
    Foreign = 2,
    /// It is kept by a goroutine that unwinds, see `unwinding`.
    Kept = 3,
}

/// How many there are of each kind.
pub(super) struct Sleepers {
    foreign: AtomicIsize,
    kept: AtomicIsize,
}

impl Sleepers {
    /// Counts that are 0, given because loom makes its atomics at run time only.
    pub(super) const fn new(foreign: AtomicIsize, kept: AtomicIsize) -> Sleepers {
        Sleepers { foreign, kept }
    }

    /// How many of them nobody has told, or fewer.
    pub(super) fn count(&self, kind: Kind) -> usize {
        usize::try_from(self.of(kind).load(Ordering::SeqCst)).unwrap_or(0)
    }

    fn of(&self, kind: Kind) -> &AtomicIsize {
        match kind {
            Kind::Foreign => &self.foreign,
            Kind::Kept => &self.kept,
        }
    }
}

/// The word at which one thread sleeps during one wait.
#[repr(transparent)]
pub(super) struct Told(AtomicU32);

impl Told {
    /// Of a word that is 0, given as for [`Sleepers::new`].
    pub(super) const fn new(word: AtomicU32) -> Told {
        Told(word)
    }

    #[inline]
    pub(super) fn is_told(&self) -> bool {
        self.0.load(Ordering::Acquire) == TOLD
    }

    /// Sleep until told, counted as one of this kind meanwhile.
    pub(super) fn sleep(&self, kind: Kind, sleepers: &Sleepers) {
        if self.0.compare_exchange(AWAKE, kind as u32, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        // Who tells may have counted it as awake by now.
        sleepers.of(kind).fetch_add(1, Ordering::SeqCst);
        while !self.is_told() {
            futex::wait(&self.0, kind as u32, None);
        }
    }

    /// Sleep until told or for so long, without being counted; may return early.
    pub(super) fn doze(&self, limit: Option<u64>) {
        futex::wait(&self.0, AWAKE, limit);
    }

    /// Let it go on.
    ///
    /// # Safety
    /// The word is there, and nobody has told before.
    pub(super) unsafe fn tell(this: *const Told, sleepers: &Sleepers) {
        // SAFETY: by the contract; after the swap only the address is used.
        let before = unsafe { (*this).0.swap(TOLD, Ordering::AcqRel) };
        for kind in [Kind::Foreign, Kind::Kept] {
            if before == kind as u32 {
                sleepers.of(kind).fetch_sub(1, Ordering::SeqCst);
            }
        }
        // `Told` is that word and nothing else.
        futex::wake(this.cast());
    }
}
