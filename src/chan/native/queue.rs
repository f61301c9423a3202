//! Who waits at one end of a channel, in the order they came.
//!
//! Invariant, under the channel's lock: who takes a node out by [`Queue::pop`] has won the right to wake
//! its waiter, exchanges the message with its slot, says so in `done`, and wakes.

use crate::port::wait::stranded::Suspect;
use crate::port::wait::{WaitList, WaitNode, Waiter};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ptr::{null, null_mut};

/// What a channel keeps of a wait.
pub(crate) struct Exchange {
    /// Where the message is, or is to be put; null for a task that receives: it is told, and takes the message
    /// itself.
    slot: Cell<*mut ()>,
    done: Cell<bool>,
}

/// One wait at one end of one channel.
pub(crate) struct Node(WaitNode<Exchange>);

impl Node {
    /// `claim` is what to claim the waiter with; 0 if to be in the queue is enough, since nobody else
    /// wakes it.
    #[inline]
    pub(super) fn new(waiter: &Waiter, claim: u32, slot: *mut ()) -> Node {
        Node::of(waiter, claim, slot)
    }

    /// The wait of a task, to be begun.
    pub(super) fn of_task() -> Node {
        Node::of(null(), 0, null_mut())
    }

    fn of(waiter: *const Waiter, claim: u32, slot: *mut ()) -> Node {
        Node(WaitNode::new(waiter, claim, Exchange { slot: Cell::new(slot), done: Cell::new(false) }))
    }

    /// A task waits anew; under the channel's lock, while it is in no queue.
    pub(super) fn begin(&self, waiter: &Waiter, slot: *mut ()) {
        self.0.set_waiter(waiter);
        self.0.payload.slot.set(slot);
        self.0.payload.done.set(false);
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

/// Several of them.
#[derive(Default)]
#[must_use = "who took them out must wake them"]
pub(super) struct Wakes(SmallVec<[Wake; 2]>);

// SAFETY: whoever has it wakes, which may be done from any thread.
unsafe impl Send for Wakes {}

impl Wakes {
    pub(super) fn push(&mut self, wake: Wake) {
        self.0.push(wake);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn append(&mut self, mut others: Wakes) {
        self.0.append(&mut others.0);
    }

    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Wake::wake);
    }
}

/// A node that [`Queue::pop`] took out: its owner waits until it is woken.
pub(super) struct Popped(*const WaitNode<Exchange>);

impl Popped {
    /// The other side's slot.
    #[inline]
    pub(super) fn slot(&self) -> *mut () {
        // SAFETY: the owner waits, so its frame is there.
        unsafe { (*self.0).payload.slot.get() }
    }

    /// Whether it is a task that receives.
    pub(super) fn is_task(&self) -> bool {
        self.slot().is_null()
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

    /// Join before all others.
    ///
    /// # Safety
    /// As for [`Queue::push`].
    pub(super) unsafe fn push_front(&mut self, node: &Node) {
        // SAFETY: by the contract.
        unsafe { self.0.push_front(&node.0) };
    }

    /// Leave, if still there; gives whether it was.
    pub(super) fn remove(&mut self, node: &Node) -> bool {
        self.0.remove(&node.0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first goroutine or thread that can still be met.
    pub(super) fn pop_present(&mut self) -> Option<Popped> {
        self.0.pop_of(|exchange| !exchange.slot.get().is_null()).map(Popped)
    }

    /// The first task that waits to receive.
    pub(super) fn pop_task(&mut self) -> Option<Popped> {
        self.0.pop_of(|exchange| exchange.slot.get().is_null()).map(Popped)
    }

    /// The goroutines that wait here; under the channel's lock.
    pub(super) fn suspects(&self) -> Vec<Suspect> {
        // SAFETY: who is in the queue has not been woken, so the waiter is there.
        self.0.iter().filter_map(|node| Suspect::of(unsafe { &*node.waiter() })).collect()
    }

    /// The first who can still be met. Those whom somebody else has woken are dropped.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Popped> {
        self.0.pop().map(Popped)
    }
}
