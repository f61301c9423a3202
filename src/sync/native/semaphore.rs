//! A weighted semaphore, first come first served.
//!
//! ```text
//!   [ WAITERS: the list is not empty | free permits: 32 bits ]
//! ```
//! Invariants: WAITERS changes under the list's lock, and while it is set permits are taken and given
//! under that lock only; the first in the list never fits. A request for more than there is is never in
//! the list, and holds nobody back. Who gives permits takes those who fit out of the list, counts their
//! permits for them, and wakes them.
//!
//! Source: `golang.org/x/sync/semaphore`.

use super::Woken;
use super::atomics::{AtomicU64, Ordering};
use super::wait::{Held, Locked, WaitList, WaitNode, Waiter, Why};
use std::cell::Cell;

const WAITERS: u64 = 1 << 32;

/// What the list keeps of each who waits.
pub(in crate::sync) struct Wait {
    pub(super) n: u32,
    pub(super) granted: Cell<bool>,
    cancelled: Cell<bool>,
}

impl Wait {
    pub(super) const fn of(n: u32) -> Wait {
        Wait { n, granted: Cell::new(false), cancelled: Cell::new(false) }
    }
}

/// Free permits and who waits for some.
pub(in crate::sync) struct RawSemaphore {
    state: AtomicU64,
    pub(super) waiting: Locked<WaitList<Wait>>,
}

/// A request that somebody else may give up: see [`RawSemaphore::cancel`].
pub(in crate::sync) struct Request(WaitNode<Wait>);

impl Request {
    /// A request for `n`, to be used once.
    pub(in crate::sync) fn new(n: u32) -> Request {
        Request(WaitNode::new(std::ptr::null(), 0, Wait::of(n)))
    }
}

impl RawSemaphore {
    /// So many free permits (below 2^32); of its parts.
    pub(super) const fn of(state: AtomicU64, waiting: Locked<WaitList<Wait>>) -> RawSemaphore {
        RawSemaphore { state, waiting }
    }

    /// Take `n` if they are free and nobody waits.
    #[inline]
    pub(in crate::sync) fn try_acquire(&self, n: u32) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 && state >= u64::from(n) {
            let taken = state - u64::from(n);
            match self.state.compare_exchange_weak(state, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Take `n` of `size`; wait until they are free.
    #[inline]
    pub(in crate::sync) fn acquire(&self, n: u32, size: u32, why: Why) {
        if self.try_acquire(n) {
            return;
        }
        if n > size {
            // Nobody wakes this one.
            return Waiter::new().park(why, || true);
        }
        self.wait(&Request::new(n), why);
    }

    /// Take what is requested, up to the size; wait until it is free, or the request is cancelled: then
    /// this gives false.
    pub(in crate::sync) fn acquire_unless_cancelled(&self, request: &Request, why: Why) -> bool {
        self.try_acquire(request.0.payload.n) || self.wait(request, why)
    }

    #[cold]
    fn wait(&self, request: &Request, why: Why) -> bool {
        let Request(node) = request;
        let mut list = self.waiting.lock();
        if node.payload.cancelled.get() {
            return false;
        }
        if !self.announce(node.payload.n) {
            return true;
        }
        let waiter = Waiter::new();
        node.set_waiter(&waiter);
        // SAFETY: the request is borrowed until this returns, and then whoever woke it has taken it out.
        unsafe { list.push(node) };
        waiter.park(why, move || {
            drop(list);
            true
        });
        node.payload.granted.get()
    }

    /// Say, under the list's lock, that somebody waits; false if the permits could be taken instead.
    pub(super) fn announce(&self, n: u32) -> bool {
        loop {
            if self.try_acquire(n) {
                return false;
            }
            let state = self.state.load(Ordering::Relaxed);
            let waits = state & WAITERS != 0
                || state < u64::from(n)
                    && self
                        .state
                        .compare_exchange(state, state | WAITERS, Ordering::Relaxed, Ordering::Relaxed)
                        .is_ok();
            if waits {
                return true;
            }
        }
    }

    /// Give up a request: who waits for it, or will, goes on without.
    ///
    /// # Safety
    /// The request was made for this semaphore, and is there until this returns.
    pub(in crate::sync) unsafe fn cancel(&self, request: *const Request) {
        let mut list = self.waiting.lock();
        // SAFETY: by the contract.
        let Request(node) = unsafe { &*request };
        node.payload.cancelled.set(true);
        if !list.remove(node) {
            return;
        }
        let waiter = node.waiter();
        let woken = self.grant(&mut list);
        drop(list);
        // SAFETY: it was taken out of the list, which it was put in with its wait released.
        unsafe { Waiter::wake(waiter) };
        woken.wake();
    }

    /// Give `n` back, of `size`; false if that is more than are out.
    #[inline]
    pub(in crate::sync) fn release(&self, n: u32, size: u32) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 {
            let free = state + u64::from(n);
            if free > u64::from(size) {
                return false;
            }
            match self.state.compare_exchange_weak(state, free, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        self.release_to_others(n, size)
    }

    #[cold]
    fn release_to_others(&self, n: u32, size: u32) -> bool {
        let mut list = self.waiting.lock();
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            // Without waiters permits are taken by others meanwhile.
            let free = (state & !WAITERS) + u64::from(n);
            if free > u64::from(size) {
                return false;
            }
            let new = state & WAITERS | free;
            match self.state.compare_exchange(state, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        let woken = self.grant(&mut list);
        drop(list);
        woken.wake();
        true
    }

    /// Let those go on, from the first, who fit; under the list's lock.
    pub(super) fn grant(&self, list: &mut Held<'_, WaitList<Wait>>) -> Woken {
        let mut woken = Woken::default();
        let state = self.state.load(Ordering::Relaxed);
        if state & WAITERS == 0 {
            return woken;
        }
        // While WAITERS is set nobody else changes the state without the list's lock.
        let mut free = state & !WAITERS;
        while let Some(first) = list.first().filter(|first| u64::from(first.payload.n) <= free) {
            free -= u64::from(first.payload.n);
            first.payload.granted.set(true);
            woken.0.extend(list.pop().map(|node| {
                // SAFETY: the node stays until its waiter is woken.
                unsafe { (*node).waiter() }
            }));
        }
        let waiters = if list.len() > 0 { WAITERS } else { 0 };
        self.state.store(waiters | free, Ordering::Release);
        woken
    }
}
