//! Taking a processor from a thread that runs a goroutine, without a signal and at no cost to it.
//!
//! The two sides:
//! ```text
//! the thread, from a goroutine's code into the runtime     the monitor, or who stops the world
//!   inside = 1                                               lock
//!   light fence                                                revoke = 1
//!   revoke == 0 ?  the processor is mine                       heavy fence
//!   else lock; revoke = 0; unlock; look whether it still is    inside == 0 ?
//! the thread, back to the goroutine                              yes: take the processor, or look around
//!   inside = 0                                                   no: revoke = 0
//!                                                            unlock
//! ```
//! Invariants: the processor changes hands only under the lock, while the thread is outside; whoever
//! finds `revoke` clear after the fence, or has held the lock, is inside and keeps what it has until
//! it leaves. By the fences the monitor cannot miss that the thread is inside *and* the thread miss
//! that it is asked. `inside` is released by who leaves and acquired by who takes, so the processor's
//! plain data goes along.

use super::atomics::{AtomicU32, Mutex, Ordering};
use super::barrier::{heavy, light};

/// One thread's half of the protocol, and the other.
pub(super) struct Handshake {
    inside: AtomicU32,
    revoke: AtomicU32,
    lock: Mutex<()>,
}

impl Handshake {
    /// The thread begins inside.
    pub(super) fn new() -> Handshake {
        Handshake { inside: AtomicU32::new(1), revoke: AtomicU32::new(0), lock: Mutex::new(()) }
    }

    /// Into the runtime. The thread only.
    #[inline(always)]
    pub(super) fn enter(&self) {
        self.inside.store(1, Ordering::Relaxed);
        light();
        if self.revoke.load(Ordering::Relaxed) != 0 {
            self.settle();
        }
    }

    /// The monitor asked: wait until it has decided.
    #[cold]
    #[inline(never)]
    fn settle(&self) {
        let held = self.lock.lock();
        self.revoke.store(0, Ordering::Relaxed);
        drop(held);
    }

    /// Back to the goroutine. The thread only.
    #[inline(always)]
    pub(super) fn leave(&self) {
        self.inside.store(0, Ordering::Release);
    }

    /// Keep the thread outside of the runtime for as long as the result lives; none if it is inside.
    /// Anybody but the thread.
    pub(super) fn hold(&self) -> Option<impl Sized> {
        // Under the lock, so that only one asks at a time: what another's request was answered with says
        // nothing about ours, whose fence it may have preceded.
        let held = self.lock.lock();
        self.revoke.store(1, Ordering::SeqCst);
        heavy();
        if self.inside.load(Ordering::Acquire) != 0 {
            self.revoke.store(0, Ordering::Relaxed);
            return None;
        }
        // It stays asked: that makes the thread take the lock, and see what was done here.
        Some(held)
    }

    /// Run `take` while the thread is outside of the runtime and cannot come back in; gives false if
    /// it is inside. Anybody but the thread.
    pub(super) fn while_outside(&self, take: impl FnOnce()) -> bool {
        let Some(_held) = self.hold() else { return false };
        take();
        true
    }
}
