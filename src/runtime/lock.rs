//! The lock of a primitive: held for some tens of nanoseconds, never across a wait.
//!
//! Invariants: 0 is free, 1 is held, 2 is held and somebody may sleep at the word. Nothing of the thread
//! is used, so a lock may be let go of on another stack (`Waiter::park`); after the word has been
//! released only its address is used, so the lock may be gone then. It gives no access to anything:
//! what it guards is up to whoever has it.
//!
//! Source: Drepper, "Futexes Are Tricky", mutex 2.

use super::futex;
use std::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const SLEEPERS: u32 = 2;

/// Looks before a thread sleeps.
const SPINS: u32 = 100;

/// A lock for short sections.
#[derive(Debug)]
pub(crate) struct Lock(AtomicU32);

impl Lock {
    pub(crate) const fn new() -> Lock {
        Lock(AtomicU32::new(FREE))
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.contend();
        }
    }

    /// To be called by who has locked it, or in whose name.
    #[inline]
    pub(crate) fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == SLEEPERS {
            futex::wake(&raw const self.0);
        }
    }

    #[cold]
    fn contend(&self) {
        for _ in 0..SPINS {
            if self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            std::hint::spin_loop();
        }
        while self.0.swap(SLEEPERS, Ordering::Acquire) != FREE {
            futex::wait(&self.0, SLEEPERS, None);
        }
    }
}
