//! Async tasks that wait for permits, in the order of all who do.
//!
//! Invariant: permits are counted for a task while it is in the list, by who takes it out; if it is dropped
//! then, they go to the next.

use super::semaphore::{RawSemaphore, Wait};
use super::wait::{TaskWait, WaitNode, Waiter};
use std::pin::Pin;
use std::ptr::null;
use std::task::Waker;

/// What a task keeps of its wait.
pub(in crate::sync) type AcquireWait = TaskWait<WaitNode<Wait>>;

impl AcquireWait {
    pub(in crate::sync) fn for_permits(n: u32) -> AcquireWait {
        TaskWait::new(WaitNode::new(null(), 0, Wait::of(n)))
    }
}

impl RawSemaphore {
    /// Whether the task has its permits, of `size`. If not, `waker` is called when it has.
    pub(in crate::sync) fn poll_acquire(&self, wait: Pin<&AcquireWait>, size: u32, waker: &Waker) -> bool {
        let node = &wait.get_ref().node;
        if wait.waits.get() {
            let over = wait.waiter.poll(waker);
            wait.waits.set(!over);
            return over;
        }
        // Nobody wakes who asks for more than there is.
        if node.payload.n > size || self.try_acquire(node.payload.n) {
            return node.payload.n <= size;
        }
        let waiter: *const Waiter = wait.begin(waker);
        let mut list = self.waiting.lock();
        if !self.announce(node.payload.n) {
            return true;
        }
        node.set_waiter(waiter);
        // SAFETY: the node is pinned, and leaves the list before its owner goes.
        unsafe { list.push(node) };
        wait.waits.set(true);
        false
    }

    /// The task does not wait any more.
    pub(in crate::sync) fn leave(&self, wait: Pin<&AcquireWait>, size: u32) {
        if !wait.waits.take() {
            return;
        }
        let mut list = self.waiting.lock();
        if list.remove(&wait.node) {
            // It may have held back others.
            let woken = self.grant(&mut list);
            drop(list);
            return woken.wake();
        }
        drop(list);
        wait.waiter.settle();
        self.release(wait.node.payload.n, size);
    }
}
