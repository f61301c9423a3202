//! Async tasks that wait to read or to write, in the lists of all who do.
//!
//! Invariants: as in `lock_future`; a task that reads was counted by the writer that let it in, so if it is
//! dropped it has read and leaves; one whose turn to write it is keeps new readers out, and lets them in if it
//! is dropped.

use super::atomics::Ordering;
use super::lock_future::LockWait;
use super::rw::{READERS, RawRw, WRITER};
use super::wait::{AsyncWaiter, TaskWait, WaitNode, Waiter};
use std::cell::Cell;
use std::pin::Pin;
use std::ptr::{from_ref, null};
use std::task::Waker;

/// What a task that reads keeps of its wait.
pub(in crate::sync) type ReadWait = TaskWait<WaitNode<()>>;

impl ReadWait {
    pub(in crate::sync) fn in_list() -> ReadWait {
        TaskWait::new(WaitNode::new(null(), 0, ()))
    }
}

/// What a task that writes keeps of its wait.
pub(in crate::sync) struct WriteWait {
    /// For its turn.
    turn: LockWait,
    /// For the readers to leave, once that has begun; and where the waiter is.
    readers: AsyncWaiter,
    waits: Cell<Option<*const Waiter>>,
}

// SAFETY: as for `TaskWait`.
unsafe impl Send for WriteWait {}
// SAFETY: as above.
unsafe impl Sync for WriteWait {}

impl WriteWait {
    pub(in crate::sync) fn new() -> WriteWait {
        WriteWait { turn: LockWait::for_lock(), readers: AsyncWaiter::new(), waits: Cell::new(None) }
    }

    fn turn(self: Pin<&Self>) -> Pin<&LockWait> {
        // SAFETY: it is pinned with this, and nothing moves it.
        unsafe { self.map_unchecked(|this| &this.turn) }
    }

    fn readers(self: Pin<&Self>) -> Pin<&AsyncWaiter> {
        // SAFETY: as above.
        unsafe { self.map_unchecked(|this| &this.readers) }
    }
}

impl RawRw {
    /// Whether the task reads now. If not, `waker` is called when it does.
    pub(in crate::sync) fn poll_read(&self, wait: Pin<&ReadWait>, waker: &Waker) -> bool {
        if wait.waits.get() {
            let over = wait.waiter.poll(waker);
            wait.waits.set(!over);
            return over;
        }
        if self.try_read() {
            return true;
        }
        let waiter: *const Waiter = wait.begin(waker);
        let mut sides = self.waiting.lock();
        while !self.try_read() {
            if self.announce_reader() {
                let node = &wait.get_ref().node;
                node.set_waiter(waiter);
                // SAFETY: the node is pinned, and leaves the list before its owner goes.
                unsafe { sides.readers.push(node) };
                wait.waits.set(true);
                return false;
            }
        }
        true
    }

    /// The task does not wait to read any more.
    pub(in crate::sync) fn leave_read(&self, wait: Pin<&ReadWait>) {
        if !wait.waits.take() || self.waiting.lock().readers.remove(&wait.node) {
            return;
        }
        wait.waiter.settle();
        self.read_unlock();
    }

    /// Whether the task writes now. If not, `waker` is called when it is worth another poll.
    pub(in crate::sync) fn poll_write(&self, wait: Pin<&WriteWait>, waker: &Waker) -> bool {
        if wait.waits.get().is_some() {
            let over = wait.readers.poll(waker);
            if over {
                wait.waits.set(None);
            }
            return over;
        }
        if !self.turn.poll_lock(wait.turn(), waker) {
            return false;
        }
        if self.state.fetch_or(WRITER, Ordering::Acquire) & READERS == 0 {
            return true;
        }
        let waiter = from_ref(wait.readers().begin(waker));
        let mut sides = self.waiting.lock();
        if self.state.load(Ordering::Acquire) & READERS == 0 {
            return true;
        }
        sides.writer = waiter;
        wait.waits.set(Some(waiter));
        false
    }

    /// The task does not wait to write any more.
    pub(in crate::sync) fn leave_write(&self, wait: Pin<&WriteWait>) {
        let Some(waiter) = wait.waits.take() else { return self.turn.leave(wait.turn()) };
        let mut sides = self.waiting.lock();
        let told = sides.writer != waiter;
        sides.writer = null();
        self.retract(sides);
        if told {
            wait.readers.settle();
        }
    }
}
