//! The lock of a primitive: held for some tens of nanoseconds, never across a wait.
//!
//! Invariants: 0 is free, 1 is held, 2 is held and somebody may sleep at the word. Nothing of the thread
//! is used, so a lock may be let go of on another stack (`Waiter::park`); after the word has been
//! released only its address is used, so the lock may be gone then. It gives no access to anything:
//! what it guards is up to whoever has it.
//!
//! Source: Drepper, "Futexes Are Tricky", mutex 2.

use super::futex;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
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

    /// Lock it if that is possible soon, for who must not wait for whoever has it.
    pub(crate) fn try_lock(&self) -> bool {
        (0..SPINS).any(|_| {
            let free = self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok();
            if !free {
                std::hint::spin_loop();
            }
            free
        })
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

/// What such a lock guards, with the lock.
pub(crate) struct Locked<T> {
    lock: Lock,
    data: UnsafeCell<T>,
}

// SAFETY: the data is reachable through `Held` only, of which there is one at a time; what is guarded in
// this library are lists of those who wait, which may be used from any thread under the lock.
unsafe impl<T> Sync for Locked<T> {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl<T> Send for Locked<T> {}

// The lists it guards are whole whenever the lock is free: nothing unwinds while it is held.
impl<T> UnwindSafe for Locked<T> {}
impl<T> RefUnwindSafe for Locked<T> {}

impl<T> Locked<T> {
    pub(crate) const fn new(data: T) -> Locked<T> {
        Locked { lock: Lock::new(), data: UnsafeCell::new(data) }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Held<'_, T> {
        self.lock.lock();
        Held(self)
    }
}

/// The lock, held; by the running code, or, between a switch of stacks and the release of a wait, in its
/// name.
pub(crate) struct Held<'a, T>(&'a Locked<T>);

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        unsafe { &*self.0.data.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and this is its only guard.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.lock.unlock();
    }
}
