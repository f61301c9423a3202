//! Mutual exclusion: one atomic operation to lock, one to unlock.
//!
//! ```text
//!   LOCKED   somebody holds it
//!   WAITERS  the list is not empty; changes under the list's lock only
//!   WOKEN    the first of the list was woken, stays in the list, and has not looked yet
//! ```
//! Who finds it free takes it, also past those who wait (barging): they were woken some microseconds ago at
//! most, and a lock that changes hands without a switch is worth many that do not. So that nobody starves,
//! who unlocks hands the lock over to the first in the list, without letting go of it, once that one has
//! waited for [`PATIENCE`]. That is found out by who unlocks, not by who waits: the latter may be bound to
//! the thread of the former and get nowhere until that one has to wait.
//!
//! Invariants: the lock is let go of, or handed over, by who holds it only; others change WAITERS and WOKEN,
//! under the list's lock: they join, or leave without the lock, as a future does that is dropped, and then
//! pass on what they were woken for; who waits is woken once for each time that it has released the list's
//! lock; the woken one is the first.
//!
//! Source: Go's `internal/sync/mutex.go`; there the waiter decides about starvation.

use super::atomics::{AtomicU32, Ordering, spin_loop};
use super::wait::clock::{self, Nanos};
use super::wait::{Held, Locked, WaitList, WaitNode, Waiter, Why, spinning_helps};
use std::cell::Cell;

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;
const WOKEN: u32 = 4;

/// Nobody is passed over for longer, in nanoseconds.
const PATIENCE: Nanos = 1_000_000;
/// Looks before somebody waits.
const SPINS: u32 = 30;

/// What the list keeps of each who waits.
pub(in crate::sync) struct Wait {
    pub(super) since: Cell<Nanos>,
    pub(super) woken: Cell<bool>,
    /// The lock was handed over to it.
    pub(super) granted: Cell<bool>,
}

impl Wait {
    pub(super) const fn since(now: Nanos) -> Wait {
        Wait { since: Cell::new(now), woken: Cell::new(false), granted: Cell::new(false) }
    }
}

/// The lock.
pub(in crate::sync) struct RawLock {
    state: AtomicU32,
    /// When the woken one was woken, in units of 1024 nanoseconds.
    woken_at: AtomicU32,
    pub(super) waiting: Locked<WaitList<Wait>>,
}

impl RawLock {
    /// A free lock, of its parts, because loom makes its atomics at run time only.
    pub(super) const fn of(
        state: AtomicU32,
        woken_at: AtomicU32,
        waiting: Locked<WaitList<Wait>>,
    ) -> RawLock {
        RawLock { state, woken_at, waiting }
    }

    /// Lock it; wait until it is free.
    #[inline]
    pub(in crate::sync) fn lock(&self, why: Why) {
        if !self.try_lock() {
            self.lock_contended(why);
        }
    }

    /// Lock it if it is free.
    #[inline]
    pub(in crate::sync) fn try_lock(&self) -> bool {
        // No look first: it would have to wait for the last atomic operation, and this one for it. Of a lock that
        // is held, or whose waiters have left their marks, it changes nothing else.
        self.state.fetch_or(LOCKED, Ordering::Acquire) & LOCKED == 0
    }

    /// Unlock it, in whoever's name; false if it is not locked.
    #[inline]
    pub(in crate::sync) fn unlock(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state == LOCKED && self.replace(LOCKED, 0, Ordering::Release).is_ok() || self.unlock_contended()
    }

    #[inline]
    fn replace(&self, old: u32, new: u32, order: Ordering) -> Result<(), u32> {
        self.state.compare_exchange(old, new, order, Ordering::Relaxed).map(drop)
    }

    #[inline(never)]
    fn lock_contended(&self, why: Why) {
        let spins = if spinning_helps() { SPINS } else { 0 };
        for _ in 0..=spins {
            if self.state.load(Ordering::Relaxed) & LOCKED == 0 && self.try_lock() {
                return;
            }
            spin_loop();
        }
        self.wait(why);
    }

    #[cold]
    fn wait(&self, why: Why) {
        let node = WaitNode::new(std::ptr::null(), 0, Wait::since(clock::now()));
        let mut list = self.waiting.lock();
        // SAFETY: the node stays in this frame until it is out of the list: it was granted the lock, or
        // takes it, or the loop goes on.
        unsafe { list.push(&node) };
        loop {
            if node.payload.granted.get() || self.take(&mut list, &node) {
                return;
            }
            if !self.announce(&node) {
                continue;
            }
            let waiter = Waiter::new();
            node.set_waiter(&waiter);
            node.payload.woken.set(false);
            waiter.park(why, move || {
                drop(list);
                true
            });
            list = self.waiting.lock();
        }
    }

    /// Take the free lock, and leave the list; false if it is not free.
    pub(super) fn take(&self, list: &mut Held<'_, WaitList<Wait>>, node: &WaitNode<Wait>) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & LOCKED == 0 {
            let waiters = if list.len() > 1 { WAITERS } else { 0 };
            let woken = if node.payload.woken.get() { 0 } else { state & WOKEN };
            match self.replace(state, LOCKED | waiters | woken, Ordering::Acquire) {
                Ok(()) => {
                    list.remove(node);
                    return true;
                }
                Err(now) => state = now,
            }
        }
        false
    }

    /// Say, under the list's lock, that somebody waits for the lock, which is held; false if it is not.
    pub(super) fn announce(&self, node: &WaitNode<Wait>) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & LOCKED != 0 {
            let woken = if node.payload.woken.get() { 0 } else { state & WOKEN };
            match self.replace(state, LOCKED | WAITERS | woken, Ordering::Relaxed) {
                Ok(()) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    #[inline(never)]
    fn unlock_contended(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & LOCKED == 0 {
                return false;
            }
            // Whoever was woken will look; a second one would only find it taken.
            let alone = state & WAITERS == 0 || state & WOKEN != 0 && !self.is_overdue();
            if !alone {
                break;
            }
            match self.replace(state, state & !LOCKED, Ordering::Release) {
                Ok(()) => return true,
                Err(now) => state = now,
            }
        }
        self.pass_on(self.waiting.lock());
        true
    }

    /// Whether the woken one was woken long ago and still has not looked.
    fn is_overdue(&self) -> bool {
        let since = self.woken_at.load(Ordering::Relaxed);
        let now = (clock::coarse() >> 10) as u32;
        // A coarse clock that is behind gives a time that is negative.
        (now.wrapping_sub(since) as i32) > (PATIENCE >> 10) as i32
    }

    /// Hand the lock over to the first in the list, or let go of it and wake that one. Nobody but the
    /// holder, which this is, changes the state while it is locked and the list's lock held; but who tries
    /// to lock writes it back as it was. So it is swapped: a plain store does as well, since such a writer follows
    /// directly what it has read, but loom does not know that, and reports a lock that stays locked.
    fn pass_on(&self, mut list: Held<'_, WaitList<Wait>>) {
        let state = self.state.load(Ordering::Relaxed);
        let Some(first) = list.first() else {
            // A future that waited was dropped meanwhile.
            self.state.swap(0, Ordering::Release);
            return;
        };
        let first: *const WaitNode<Wait> = first;
        // SAFETY: it is in the list, so it is there as long as the list's lock is held.
        let first = unsafe { &*first };
        let now = clock::now();
        let was_woken = first.payload.woken.get();
        let waiter = first.waiter();
        if now.saturating_sub(first.payload.since.get()) >= PATIENCE {
            list.remove(first);
            first.payload.granted.set(true);
            let waiters = if list.len() > 0 { WAITERS } else { 0 };
            let woken = if was_woken { 0 } else { state & WOKEN };
            // What the holder did is seen through the list's lock.
            self.state.swap(LOCKED | waiters | woken, Ordering::Relaxed);
        } else if was_woken {
            self.state.swap(state & !LOCKED, Ordering::Release);
        } else {
            first.payload.woken.set(true);
            self.woken_at.store((now >> 10) as u32, Ordering::Relaxed);
            self.state.swap(WAITERS | WOKEN, Ordering::Release);
        }
        drop(list);
        if !was_woken {
            // SAFETY: it released the list's lock when it parked, and nobody has woken it since, which
            // `woken` and being in the list say.
            unsafe { Waiter::wake(waiter) };
        }
    }

    /// Somebody has left the list, which is locked, without the lock. If it was woken the first of those who
    /// are left is woken instead, should the lock be free; it is given.
    pub(super) fn left(&self, list: &Held<'_, WaitList<Wait>>, was_woken: bool) -> Option<*const Waiter> {
        let first = list.first();
        let gone = if first.is_none() { WAITERS } else { 0 } | if was_woken { WOKEN } else { 0 };
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let next = first.filter(|_| was_woken && state & LOCKED == 0);
            let woken = if next.is_some() { WOKEN } else { 0 };
            match self.replace(state, state & !gone | woken, Ordering::Relaxed) {
                Ok(()) => return next.map(|node| self.wakes(node)),
                Err(now) => state = now,
            }
        }
    }

    /// The first of the list, which is locked, is to be woken.
    fn wakes(&self, first: &WaitNode<Wait>) -> *const Waiter {
        first.payload.woken.set(true);
        self.woken_at.store((clock::now() >> 10) as u32, Ordering::Relaxed);
        first.waiter()
    }
}
