//! Async tasks that wait for a wait group, beside all who do.
//!
//! Invariant: a task in the list is counted as one that waits.

use super::rw_future::ReadWait;
use super::wait::Waiter;
use super::wait_group::{Ended, RawWaitGroup};
use std::pin::Pin;
use std::task::Waker;

/// What a task keeps of its wait.
pub(in crate::sync) type GroupWait = ReadWait;

impl RawWaitGroup {
    /// What became of the wait; none while it goes on: then `waker` is called at its end.
    pub(in crate::sync) fn poll_wait(&self, wait: Pin<&GroupWait>, waker: &Waker) -> Option<Ended> {
        let node = &wait.get_ref().node;
        if wait.waits.get() {
            if !wait.waiter.poll(waker) {
                return None;
            }
            wait.waits.set(false);
            return Some(self.let_go());
        }
        if self.is_zero() {
            return Some(Ended::Well);
        }
        let waiter: *const Waiter = wait.begin(waker);
        let mut list = self.waiting.lock();
        if !self.count_waiter() {
            return Some(Ended::Well);
        }
        node.set_waiter(waiter);
        // SAFETY: the node is pinned, and leaves the list before its owner goes.
        unsafe { list.push(node) };
        wait.waits.set(true);
        None
    }

    /// The task does not wait any more.
    pub(in crate::sync) fn leave(&self, wait: Pin<&GroupWait>) {
        if !wait.waits.take() {
            return;
        }
        let mut list = self.waiting.lock();
        if list.remove(&wait.node) {
            self.forget_waiter();
            return;
        }
        drop(list);
        wait.waiter.settle();
    }
}
