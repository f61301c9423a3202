//! Who waits at one end of a channel, in the order they came.
//!
//! A list through nodes on the stacks of those who wait. Invariants, all under the channel's lock: a
//! node is in a queue if and only if `queued`, and then its owner is still in its wait; who takes a
//! node out by [`Queue::pop`] has won the right to wake its waiter, exchanges the message with its slot,
//! says so in `done`, and wakes.

use crate::port::wait::Waiter;
use std::cell::Cell;
use std::ptr::null;

/// One wait at one end of one channel.
pub(crate) struct Node {
    waiter: *const Waiter,
    /// What to claim the waiter with; 0 if to be in the queue is enough, since nobody else wakes it.
    claim: u32,
    /// Where the message is, or is to be put.
    slot: *mut (),
    next: Cell<*const Node>,
    previous: Cell<*const Node>,
    queued: Cell<bool>,
    done: Cell<bool>,
}

impl Node {
    pub(super) fn new(waiter: &Waiter, claim: u32, slot: *mut ()) -> Node {
        Node {
            waiter,
            claim,
            slot,
            next: Cell::new(null()),
            previous: Cell::new(null()),
            queued: Cell::new(false),
            done: Cell::new(false),
        }
    }

    /// Whether it is in a queue; under the channel's lock.
    pub(super) fn is_queued(&self) -> bool {
        self.queued.get()
    }

    /// Whether the message was exchanged; for the owner, once woken.
    pub(super) fn is_done(&self) -> bool {
        self.done.get()
    }
}

/// A waiter that has been taken out, and is to be woken; or nobody.
#[must_use = "who took it out must wake it"]
pub(crate) struct Wake(*const Waiter);

impl Wake {
    pub(super) const NOBODY: Wake = Wake(null());

    /// Let it go on.
    #[inline]
    pub(super) fn wake(self) {
        if self.0.is_null() {
            return;
        }
        // SAFETY: whoever made this took the node out of its queue and won its claim, if it has one,
        // so nobody else wakes it; it was queued, so its wait was released, or is being so under the
        // channel's lock, which its maker held.
        unsafe { Waiter::wake(self.0) };
    }
}

/// A node that [`Queue::pop`] took out: its owner waits until it is woken.
pub(super) struct Popped(*const Node);

impl Popped {
    /// The other side's slot.
    pub(super) fn slot(&self) -> *mut () {
        // SAFETY: the owner waits, so its frame is there.
        unsafe { (*self.0).slot }
    }

    /// The owner is to be told whether its message was exchanged.
    #[inline]
    pub(super) fn finish(self, done: bool) -> Wake {
        // SAFETY: as above.
        unsafe {
            (*self.0).done.set(done);
            Wake((*self.0).waiter)
        }
    }
}

/// The queue of one end.
pub(super) struct Queue {
    first: *const Node,
    last: *const Node,
}

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue { first: null(), last: null() }
    }

    /// Join.
    ///
    /// # Safety
    /// The node stays where it is until it is out of the queue again.
    pub(super) unsafe fn push(&mut self, node: &Node) {
        node.queued.set(true);
        node.next.set(null());
        node.previous.set(self.last);
        // SAFETY: what is in the queue is alive, by this function's contract.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.next.set(node),
            None => self.first = node,
        }
        self.last = node;
    }

    /// Leave, if still there.
    pub(super) fn remove(&mut self, node: &Node) {
        if !node.queued.replace(false) {
            return;
        }
        let (next, previous) = (node.next.get(), node.previous.get());
        // SAFETY: neighbours are in the queue, so they are alive.
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
    }

    /// The first who can still be met. Those whom somebody else has woken are dropped.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Popped> {
        loop {
            // SAFETY: what is in the queue is alive: its owner waits, or, if it was woken through
            // another queue, needs the lock that we hold to leave this one.
            let node = unsafe { self.first.as_ref() }?;
            self.remove(node);
            // SAFETY: as above; the waiter lives as long as its node.
            if node.claim == 0 || unsafe { (*node.waiter).claim(node.claim) } {
                return Some(Popped(node));
            }
        }
    }
}
