//! Where an async task that waits leaves its waker.
//!
//! ```text
//!           begin              renew
//!   Empty ---------> Waiting <-------> Busy
//!     ^                 | tell
//!     |                 v
//!     +--- begin --- Told <----- Taking
//! ```
//! Invariants: the owner begins a wait while nobody else can reach the slot, and renews its waker as often
//! as it likes; one other side tells, once for each wait. The waker is touched only by the owner in Busy
//! and by who tells in Taking, both of which last for some instructions. Once it is Told the slot may
//! be gone: nobody but the owner touches it.

use super::atomics::{AtomicU32, Ordering, UnsafeCell, spin_loop};

const EMPTY: u32 = 0;
const WAITING: u32 = 1;
const BUSY: u32 = 2;
const TAKING: u32 = 3;
const TOLD: u32 = 4;

/// The place of one waker.
pub(super) struct WakerSlot<W> {
    state: AtomicU32,
    waker: UnsafeCell<Option<W>>,
}

// SAFETY: the waker is touched by one side at a time (see the head of this file), and moves from the
// owner's thread to that of who tells, which `W: Send` allows.
unsafe impl<W: Send> Sync for WakerSlot<W> {}

impl<W> WakerSlot<W> {
    /// An empty slot, from parts, because loom makes its atomics at run time only.
    pub(super) const fn new(waker: UnsafeCell<Option<W>>, state: AtomicU32) -> WakerSlot<W> {
        WakerSlot { state, waker }
    }

    /// A wait begins. The owner only, while nobody else can reach the slot.
    pub(super) fn begin(&self, waker: W) {
        debug_assert!(matches!(self.state.load(Ordering::Relaxed), EMPTY | TOLD));
        self.waker.with_mut(|place| {
            // SAFETY: nobody else can reach the slot.
            unsafe { *place = Some(waker) }
        });
        // The slot is published with the queue it is put in.
        self.state.store(WAITING, Ordering::Relaxed);
    }

    /// Whether the owner was told. If not, `waker` is the one to be used from now on. The owner only.
    pub(super) fn renew(&self, waker: W) -> bool {
        if self.state.compare_exchange(WAITING, BUSY, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.settle();
            return true;
        }
        let old = self.waker.with_mut(|place| {
            // SAFETY: the slot is busy, so nobody else touches the waker.
            unsafe { (*place).replace(waker) }
        });
        self.state.store(WAITING, Ordering::Release);
        // What dropping it does is user code: only now.
        drop(old);
        false
    }

    /// Wait until it is told, by somebody who is about to. The owner only.
    pub(super) fn settle(&self) {
        while self.state.load(Ordering::Acquire) != TOLD {
            spin_loop();
        }
    }

    /// Tell the owner, who may go on and drop the slot at once; gives the waker to be used.
    ///
    /// # Safety
    /// The slot is there until it is told, a wait has begun, and nobody else tells.
    pub(super) unsafe fn tell(this: *const WakerSlot<W>) -> W {
        // SAFETY: by the contract.
        let slot = unsafe { &*this };
        while slot.state.compare_exchange(WAITING, TAKING, Ordering::Acquire, Ordering::Relaxed).is_err() {
            spin_loop();
        }
        let waker = slot.waker.with_mut(|place| {
            // SAFETY: it is being taken, so nobody else touches the waker.
            unsafe { (*place).take() }
        });
        slot.state.store(TOLD, Ordering::Release);
        waker.expect("who waits has left a waker")
    }
}
