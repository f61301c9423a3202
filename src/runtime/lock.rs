//! The lock of a primitive: held for some tens of nanoseconds, never across a wait.
//!
//! To lock is one atomic exchange, to unlock a plain store: an exchange costs as much as four switches between
//! goroutines, so nobody who unlocks looks for sleepers. Who finds it held spins, and since its holder's
//! thread may have lost its core, soon lets others run, and then sleeps for some microseconds at a time.
//!
//! Invariants: nothing of the thread is used, so a lock may be let go of on another stack (`Waiter::park`);
//! after the store the lock may be gone. It gives no access to anything: what it guards is up to whoever
//! has it.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Pauses between looks, doubled up to this.
const MOST_PAUSES: u32 = 64;
/// Looks before others are let run, and before the thread sleeps between looks.
const LOOKS: u32 = 12;
const YIELDS: u32 = 32;
/// Looks of who must not wait for long.
const BRIEFLY: u32 = 100;
const NAP: Duration = Duration::from_micros(50);

/// A lock for short sections.
#[derive(Debug)]
pub(crate) struct Lock(AtomicBool);

impl Lock {
    pub(crate) const fn new() -> Lock {
        Lock(AtomicBool::new(false))
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if self.0.swap(true, Ordering::Acquire) {
            self.contend();
        }
    }

    /// To be called by who has locked it, or in whose name.
    #[inline]
    pub(crate) fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }

    #[cold]
    fn contend(&self) {
        insist(|| self.attempt());
    }

    fn attempt(&self) -> bool {
        !self.0.load(Ordering::Relaxed) && !self.0.swap(true, Ordering::Acquire)
    }
}

/// Try until it succeeds, at growing intervals.
pub(super) fn insist(attempt: impl Fn() -> bool) {
    let (mut looks, mut pauses) = (0, 1);
    while !attempt() {
        match looks {
            ..LOOKS => {
                (0..pauses).for_each(|_| std::hint::spin_loop());
                pauses = (pauses * 2).min(MOST_PAUSES);
            }
            LOOKS..YIELDS => std::thread::yield_now(),
            _ => std::thread::sleep(NAP),
        }
        looks += 1;
    }
}

/// Try some times in a row; whether it succeeded.
pub(super) fn try_briefly(attempt: impl Fn() -> bool) -> bool {
    (0..BRIEFLY).any(|_| {
        let succeeded = attempt();
        if !succeeded {
            std::hint::spin_loop();
        }
        succeeded
    })
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
