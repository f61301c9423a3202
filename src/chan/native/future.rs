//! Async tasks at a channel.
//!
//! A task that sends waits in the queue of senders as a goroutine does, with its message: who takes that,
//! takes it from the future. A task that receives is only *told* that there is something, and takes it when it
//! is polled: so a future that is dropped has taken nothing. It waits in the queue of receivers, for its turn,
//! with no room for a message.
//!
//! Invariants, under the channel's lock:
//! - `tasks` counts the tasks among the receivers, `told` those that were told and have not looked since;
//! - there is nothing in the channel for which a task waits, beyond as much as those that were told may take:
//!   messages in the buffer, or, without one, senders that wait. Who was told and looks, or is dropped,
//!   sees to that;
//! - a message that finds others in the buffer queues up behind them, so they leave in the order they came.
//!
//! Without a buffer a goroutine that waits is met before a task that does: a rendezvous needs both to be there,
//! and a task is only once it is polled. For the same reason `try_send` does not find tasks that wait.
//!
//! Does not prevent: that a task which was told, and neither looks nor is dropped, keeps others waiting.

use super::queue::{Node, Wake, Wakes};
use super::{Attempt, Channel, Inside, State};
use crate::objects::End;
use crate::port::wait::{self, TaskWait};
use selvedge_checkers::ids::SiteRef;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::null_mut;
use std::task::{Poll, Waker};

/// The wait of a task at one end.
pub(in crate::chan) type Wait = TaskWait<Node>;

impl Wait {
    pub(in crate::chan) fn of_task() -> Wait {
        TaskWait::new(Node::of_task())
    }
}

impl<T> State<T> {
    /// As [`State::put`], on an open channel where tasks receive.
    ///
    /// # Safety
    /// As for [`State::put`].
    #[cold]
    pub(super) unsafe fn put_beside_tasks(&mut self, slot: *const T) -> Attempt {
        if self.cap == 0 {
            let Some(peer) = self.receivers.pop_present() else { return Attempt::Blocked };
            // SAFETY: the receiver waits with a slot for a message of this type; ours is by the contract.
            unsafe { peer.slot().cast::<T>().copy_from_nonoverlapping(slot, 1) };
            return Attempt::Done(peer.finish(true));
        }
        if self.buffer.len() >= self.cap {
            return Attempt::Blocked;
        }
        self.buffer.reserve(1);
        // SAFETY: by the contract.
        self.buffer.push_back(unsafe { slot.read() });
        Attempt::Done(self.serve_one().unwrap_or(Wake::NOBODY))
    }

    /// Join a queue; tells a task for whom there is something now.
    ///
    /// # Safety
    /// The node stays where it is until it is out of the queue again.
    #[inline]
    pub(super) unsafe fn join(&mut self, end: End, node: &Node) -> Wakes {
        // SAFETY: by the contract.
        unsafe { self.queue(end).push(node) };
        if self.tasks > 0 { self.serve() } else { Wakes::default() }
    }

    /// The next who waits to receive gets what there is beyond what those who were told may take.
    fn serve_one(&mut self) -> Option<Wake> {
        let there = if self.cap == 0 { self.senders.len() } else { self.buffer.len() };
        if there <= self.told {
            return None;
        }
        let peer = if self.cap == 0 { self.receivers.pop_task()? } else { self.receivers.pop()? };
        if peer.is_task() {
            self.tasks -= 1;
            self.told += 1;
        } else {
            let message = self.buffer.pop_front().expect("there is more than what tasks were told of");
            // SAFETY: the receiver waits with a slot for a message of this type.
            unsafe { peer.slot().cast::<T>().write(message) };
        }
        Some(peer.finish(true))
    }

    /// Serve all for whom there is something, and let senders in where that makes room.
    fn serve(&mut self) -> Wakes {
        let mut wakes = Wakes::default();
        while let Some(wake) = self.serve_one() {
            wakes.push(wake);
            if self.cap > self.buffer.len()
                && let Some(peer) = self.senders.pop()
            {
                // SAFETY: the sender waits with a message, which it leaves to us.
                self.buffer.push_back(unsafe { peer.slot().cast::<T>().read() });
                wakes.push(peer.finish(true));
            }
        }
        wakes
    }
}

impl Wakes {
    /// Wake from elsewhere: for who holds locks, and is about to wait.
    #[inline]
    pub(super) fn wake_later(self, site: SiteRef) {
        if !self.is_empty() {
            wait::spawn(move || self.wake(), None, site);
        }
    }
}

impl<T> Channel<T> {
    /// Receive; closed is `None`.
    pub(in crate::chan) fn poll_recv(&self, wait: Pin<&Wait>, waker: &Waker) -> Poll<Option<T>> {
        let was_told = wait.waits.get();
        if was_told && !wait.waiter.poll(waker) {
            return Poll::Pending;
        }
        wait.waits.set(false);
        let mut slot = MaybeUninit::<T>::uninit();
        let mut state = self.enter();
        if was_told {
            state.told -= 1;
        }
        // SAFETY: the slot is room for a message.
        let attempt = unsafe { state.take(slot.as_mut_ptr()) };
        if !matches!(attempt, Attempt::Blocked) {
            // SAFETY: the slot was filled if that is what the attempt says.
            return Poll::Ready(unsafe { received(state, attempt, slot) });
        }
        drop(state);
        // Without the lock: to clone a waker is user code. So there may be something by now.
        let waiter = wait.begin(waker);
        let mut state = self.enter();
        // SAFETY: as above.
        let attempt = unsafe { state.take(slot.as_mut_ptr()) };
        if !matches!(attempt, Attempt::Blocked) {
            // SAFETY: as above.
            return Poll::Ready(unsafe { received(state, attempt, slot) });
        }
        wait.node.begin(waiter, null_mut());
        // SAFETY: the node is pinned, and its owner is not dropped before it has left the queue.
        unsafe {
            match was_told {
                true => state.receivers.push_front(&wait.node),
                false => state.receivers.push(&wait.node),
            }
        }
        state.tasks += 1;
        wait.waits.set(true);
        Poll::Pending
    }

    /// The future is dropped: what it was told of is for others.
    pub(in crate::chan) fn leave_recv(&self, wait: Pin<&Wait>) {
        if !wait.waits.get() {
            return;
        }
        let mut state = self.enter();
        if state.receivers.remove(&wait.node) {
            state.tasks -= 1;
            return;
        }
        state.told -= 1;
        let wakes = state.serve();
        drop(state);
        wakes.wake();
        wait.waiter.settle();
    }

    /// Send the message in `slot`.
    ///
    /// # Safety
    /// As for [`State::put`]; the slot is pinned with the wait, and the same at each poll.
    pub(in crate::chan) unsafe fn poll_send(
        &self,
        wait: Pin<&Wait>,
        slot: *mut T,
        waker: &Waker,
    ) -> Poll<bool> {
        if wait.waits.get() {
            if !wait.waiter.poll(waker) {
                return Poll::Pending;
            }
            wait.waits.set(false);
            return Poll::Ready(wait.node.is_done());
        }
        let mut state = self.enter();
        // SAFETY: by the contract.
        match unsafe { state.put(slot) } {
            Attempt::Blocked => {}
            Attempt::Done(peer) => {
                drop(state);
                peer.wake();
                return Poll::Ready(true);
            }
            Attempt::Closed => return Poll::Ready(false),
        }
        drop(state);
        let waiter = wait.begin(waker);
        let mut state = self.enter();
        // SAFETY: by the contract.
        let attempt = unsafe { state.put(slot) };
        let mut wakes = Wakes::default();
        let polled = match attempt {
            Attempt::Blocked => {
                wait.node.begin(waiter, slot.cast());
                wait.waits.set(true);
                // SAFETY: the node is pinned, and its owner is not dropped before it has left the queue.
                wakes.append(unsafe { state.join(End::Send, &wait.node) });
                Poll::Pending
            }
            Attempt::Done(peer) => {
                wakes.push(peer);
                Poll::Ready(true)
            }
            Attempt::Closed => Poll::Ready(false),
        };
        drop(state);
        wakes.wake();
        polled
    }

    /// The future is dropped; gives whether its message has been taken.
    pub(in crate::chan) fn leave_send(&self, wait: Pin<&Wait>) -> bool {
        if !wait.waits.take() || self.enter().senders.remove(&wait.node) {
            return false;
        }
        wait.waiter.settle();
        wait.node.is_done()
    }
}

/// What a task's attempt to receive gave; lets go of the lock, and wakes.
///
/// # Safety
/// The slot was filled if the attempt is done.
unsafe fn received<T>(mut state: Inside<'_, T>, attempt: Attempt, slot: MaybeUninit<T>) -> Option<T> {
    // A task that was told is so no more, and a sender may have been let in: what is there now may be for others,
    // goroutines or tasks.
    let wakes = state.serve();
    drop(state);
    wakes.wake();
    let Attempt::Done(peer) = attempt else { return None };
    peer.wake();
    // SAFETY: by the contract.
    Some(unsafe { slot.assume_init() })
}
