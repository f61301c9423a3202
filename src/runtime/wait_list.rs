//! Who waits at a primitive, in the order they came.
//!
//! A list through nodes on the stacks, or in the futures, of those who wait; `P` is what else the primitive
//! keeps of each. Invariants, all under the primitive's lock: a node is in the list if and only if
//! `queued`, and then its owner is still in its wait; who takes a node out by [`WaitList::pop`] has won
//! the right to wake its waiter, does for the owner what there is to do, and wakes.

use super::wait::Waiter;
use std::cell::Cell;
use std::ptr::null;

/// One wait.
pub(crate) struct WaitNode<P> {
    waiter: Cell<*const Waiter>,
    /// What to claim the waiter with; 0 if to be in the list is enough, since nobody else wakes it.
    claim: u32,
    next: Cell<*const WaitNode<P>>,
    previous: Cell<*const WaitNode<P>>,
    queued: Cell<bool>,
    pub(crate) payload: P,
}

impl<P> WaitNode<P> {
    #[inline]
    pub(crate) fn new(waiter: *const Waiter, claim: u32, payload: P) -> WaitNode<P> {
        WaitNode {
            waiter: Cell::new(waiter),
            claim,
            next: Cell::new(null()),
            previous: Cell::new(null()),
            queued: Cell::new(false),
            payload,
        }
    }

    /// Whether it is in a list; under the primitive's lock.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued.get()
    }

    /// Who waits.
    #[inline]
    pub(crate) fn waiter(&self) -> *const Waiter {
        self.waiter.get()
    }

    /// It waits anew; under the primitive's lock.
    pub(crate) fn set_waiter(&self, waiter: *const Waiter) {
        self.waiter.set(waiter);
    }
}

/// The list.
pub(crate) struct WaitList<P> {
    first: *const WaitNode<P>,
    last: *const WaitNode<P>,
    len: usize,
}

impl<P> WaitList<P> {
    pub(crate) const fn new() -> WaitList<P> {
        WaitList { first: null(), last: null(), len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Join at the end.
    ///
    /// # Safety
    /// The node stays where it is until it is out of the list again.
    #[inline]
    pub(crate) unsafe fn push(&mut self, node: &WaitNode<P>) {
        node.queued.set(true);
        node.next.set(null());
        node.previous.set(self.last);
        // SAFETY: what is in the list is alive, by this function's contract.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.next.set(node),
            None => self.first = node,
        }
        self.last = node;
        self.len += 1;
    }

    /// Join before all others: for who was woken in vain.
    ///
    /// # Safety
    /// As for [`WaitList::push`].
    pub(crate) unsafe fn push_front(&mut self, node: &WaitNode<P>) {
        node.queued.set(true);
        node.previous.set(null());
        node.next.set(self.first);
        // SAFETY: what is in the list is alive, by this function's contract.
        match unsafe { self.first.as_ref() } {
            Some(first) => first.previous.set(node),
            None => self.last = node,
        }
        self.first = node;
        self.len += 1;
    }

    /// Leave, if still there; gives whether it was.
    #[inline]
    pub(crate) fn remove(&mut self, node: &WaitNode<P>) -> bool {
        if !node.queued.replace(false) {
            return false;
        }
        let (next, previous) = (node.next.get(), node.previous.get());
        // SAFETY: neighbours are in the list, so they are alive.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => self.first = next,
            }
            match next.as_ref() {
                Some(next) => next.previous.set(previous),
                None => self.last = previous,
            }
        }
        self.len -= 1;
        true
    }

    /// The one who has waited longest.
    #[inline]
    pub(crate) fn first(&self) -> Option<&WaitNode<P>> {
        // SAFETY: what is in the list is alive, and this list borrowed.
        unsafe { self.first.as_ref() }
    }

    /// Everybody, in the order they came; under the primitive's lock.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &WaitNode<P>> {
        // SAFETY: what is in the list is alive, and this list borrowed.
        std::iter::successors(self.first(), |node| unsafe { node.next.get().as_ref() })
    }

    /// Take out the first who can still be met. Those whom somebody else has woken are dropped. The
    /// node stays until its waiter is woken.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<*const WaitNode<P>> {
        loop {
            // SAFETY: what is in the list is alive: its owner waits, or, if it was woken through
            // another one, needs the lock that we hold to leave this one.
            let node = unsafe { self.first.as_ref() }?;
            self.remove(node);
            // SAFETY: as above; the waiter lives as long as its node.
            if node.claim == 0 || unsafe { (*node.waiter()).claim(node.claim) } {
                return Some(node);
            }
        }
    }

    /// As [`WaitList::pop`], among those that `suits` takes.
    pub(crate) fn pop_of(&mut self, suits: impl Fn(&P) -> bool) -> Option<*const WaitNode<P>> {
        let mut at = self.first;
        // SAFETY: as in `pop`.
        while let Some(node) = unsafe { at.as_ref() } {
            at = node.next.get();
            if suits(&node.payload) {
                self.remove(node);
                // SAFETY: as in `pop`.
                if node.claim == 0 || unsafe { (*node.waiter()).claim(node.claim) } {
                    return Some(node);
                }
            }
        }
        None
    }
}
