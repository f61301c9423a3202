//! Async tasks that wait for a lock: in its list, with all others.
//!
//! Invariants: a task's node is in the list from the poll that found the lock held until it has the lock or is
//! dropped; one that is dropped leaves the list, and unlocks a lock that was handed over to it, or passes its
//! wake-up on.
//!
//! Does not prevent: that a task to which the lock was handed over, and which is neither polled nor dropped,
//! keeps it.

use super::lock::{RawLock, Wait};
use super::wait::{TaskWait, WaitNode, Waiter, clock};
use std::pin::Pin;
use std::ptr::null;
use std::task::Waker;

/// What a task keeps of its wait.
pub(in crate::sync) type LockWait = TaskWait<WaitNode<Wait>>;

impl LockWait {
    pub(in crate::sync) fn for_lock() -> LockWait {
        TaskWait::new(WaitNode::new(null(), 0, Wait::since(0)))
    }
}

impl RawLock {
    /// Whether the lock is the task's now. If not, `waker` is called when it is worth another poll.
    pub(in crate::sync) fn poll_lock(&self, wait: Pin<&LockWait>, waker: &Waker) -> bool {
        let node = &wait.get_ref().node;
        if wait.waits.get() {
            if !wait.waiter.poll(waker) {
                return false;
            }
        } else if self.try_lock() {
            return true;
        }
        let waiter: *const Waiter = wait.begin(waker);
        let mut list = self.waiting.lock();
        if !wait.waits.replace(true) {
            node.payload.since.set(clock::now());
            // SAFETY: the node is pinned, and leaves the list before its owner goes.
            unsafe { list.push(node) };
        }
        loop {
            if node.payload.granted.get() || self.take(&mut list, node) {
                wait.waits.set(false);
                return true;
            }
            if self.announce(node) {
                break;
            }
        }
        node.set_waiter(waiter);
        node.payload.woken.set(false);
        false
    }

    /// The task does not wait any more.
    pub(in crate::sync) fn leave(&self, wait: Pin<&LockWait>) {
        if !wait.waits.take() {
            return;
        }
        let node = &wait.get_ref().node;
        let mut list = self.waiting.lock();
        if node.payload.granted.get() {
            drop(list);
            wait.waiter.settle();
            self.unlock();
            return;
        }
        list.remove(node);
        let was_woken = node.payload.woken.get();
        let next = self.left(&list, was_woken);
        drop(list);
        // SAFETY: it has released the list's lock, and nobody has woken it since, as for who unlocks.
        next.into_iter().for_each(|waiter| unsafe { Waiter::wake(waiter) });
        if was_woken {
            wait.waiter.settle();
        }
    }
}
