//! Who waits at one end of a channel, in the order they came.
//!
//! Invariant, under the channel's lock: who takes a node out by [`Queue::pop`] has won the right to wake
//! its waiter, exchanges the message with its slot, says so in `done`, and wakes.

use crate::port::wait::{WaitList, WaitNode, Waiter};
use std::cell::Cell;
use std::ptr::null;

/// What a channel keeps of a wait.
pub(crate) struct Exchange {
    /// Where the message is, or is to be put.
    slot: *mut (),
    done: Cell<bool>,
}

/// One wait at one end of one channel.
pub(crate) struct Node(WaitNode<Exchange>);

impl Node {
    /// `claim` is what to claim the waiter with; 0 if to be in the queue is enough, since nobody else
    /// wakes it.
    #[inline]
    pub(super) fn new(waiter: &Waiter, claim: u32, slot: *mut ()) -> Node {
        Node(WaitNode::new(waiter, claim, Exchange { slot, done: Cell::new(false) }))
    }

    /// Whether it is in a queue; under the channel's lock.
    pub(super) fn is_queued(&self) -> bool {
        self.0.is_queued()
    }

    /// Whether the message was exchanged; for the owner, once woken.
    pub(super) fn is_done(&self) -> bool {
        self.0.payload.done.get()
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
        // SAFETY: whoever made this took the node out of its queue, and won the claim if there is one, so
        // nobody else wakes it; it was queued, so its wait was released, or is being so under the
        // channel's lock, which its maker held.
        unsafe { Waiter::wake(self.0) };
    }
}

/// A node that [`Queue::pop`] took out: its owner waits until it is woken.
pub(super) struct Popped(*const WaitNode<Exchange>);

impl Popped {
    /// The other side's slot.
    #[inline]
    pub(super) fn slot(&self) -> *mut () {
        // SAFETY: the owner waits, so its frame is there.
        unsafe { (*self.0).payload.slot }
    }

    /// The owner is to be told whether its message was exchanged.
    #[inline]
    pub(super) fn finish(self, done: bool) -> Wake {
        // SAFETY: as above.
        unsafe {
            (*self.0).payload.done.set(done);
            Wake((*self.0).waiter())
        }
    }
}

/// The queue of one end.
pub(super) struct Queue(WaitList<Exchange>);

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue(WaitList::new())
    }

    /// Join.
    ///
    /// # Safety
    /// The node stays where it is until it is out of the queue again.
    #[inline]
    pub(super) unsafe fn push(&mut self, node: &Node) {
        // SAFETY: by the contract.
        unsafe { self.0.push(&node.0) };
    }

    /// Leave, if still there.
    pub(super) fn remove(&mut self, node: &Node) {
        self.0.remove(&node.0);
    }

    /// The first who can still be met. Those whom somebody else has woken are dropped.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Popped> {
        self.0.pop().map(Popped)
    }
}
