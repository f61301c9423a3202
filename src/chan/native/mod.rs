//! Channels outside of models: messages go from stack to stack, or through a buffer.
//!
//! Invariants, under the channel's lock:
//! - at most one end has anybody waiting who can be met; receivers wait only while the buffer is empty,
//!   senders only while it is full; once closed nobody waits;
//! - whoever completes both sides of an exchange moves the message from one slot to the other: a
//!   message is in exactly one place, so it is dropped once;
//! - no user code runs under the lock, and none that could wait.
//!
//! Source: Go's `runtime/chan.go`.

mod future;
mod queue;
mod select;
mod timer;
mod watched;

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;

pub(super) use future::Wait;
pub(crate) use select::{Arm, Outcome, run as run_select};

use super::{RecvTimeoutError, Refused, TryRecvError};
use crate::objects::{End, Nanos};
use crate::port::wait::stranded::{self, Lost, Suspect};
use crate::port::wait::{BiasedLock, Waiter, Why};
use queue::{Node, Queue, Wake};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};
use timer::Timer;
use watched::{Nobody, Watched};

/// A channel.
pub(crate) struct Channel<T> {
    lock: BiasedLock,
    state: UnsafeCell<State<T>>,
    created: SiteRef,
    /// Dropping the last handle of an end closes it.
    hang_up: bool,
    /// What sends to it, if that is time.
    timer: Option<Timer<T>>,
}

// SAFETY: the state is touched under the lock only, and messages move from thread to thread, which
// `T: Send` allows.
unsafe impl<T: Send> Sync for Channel<T> {}
// SAFETY: nothing in it belongs to a thread; nodes are in it only while their owners borrow it.
unsafe impl<T: Send> Send for Channel<T> {}

/// What the lock guards.
struct State<T> {
    cap: usize,
    buffer: VecDeque<T>,
    closed: bool,
    senders: Queue,
    receivers: Queue,
    send_handles: usize,
    receive_handles: usize,
    /// Tasks among the receivers, and those that were told that there is something and have not looked yet.
    tasks: usize,
    told: usize,
}

/// What came of an attempt.
enum Attempt {
    /// The message was moved; whoever had waited for that is to be woken.
    Done(Wake),
    Closed,
    /// It would have to wait.
    Blocked,
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    Done,
    Closed,
    TimedOut,
}

/// The lock of a channel, held.
struct Inside<'a, T>(&'a Channel<T>);

impl<T> Deref for Inside<'_, T> {
    type Target = State<T>;

    fn deref(&self) -> &State<T> {
        // SAFETY: the lock is held.
        unsafe { &*self.0.state.get() }
    }
}

impl<T> DerefMut for Inside<'_, T> {
    fn deref_mut(&mut self) -> &mut State<T> {
        // SAFETY: the lock is held, and this is its only guard.
        unsafe { &mut *self.0.state.get() }
    }
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.lock.unlock();
    }
}

impl<T> State<T> {
    /// Send what is in `slot`, if that needs no waiting. Done means it was moved out.
    ///
    /// # Safety
    /// `slot` points to a message that the caller will not use again if this is done.
    #[inline]
    unsafe fn put(&mut self, slot: *const T) -> Attempt {
        if self.closed {
            return Attempt::Closed;
        }
        if self.tasks + self.told > 0 {
            // SAFETY: by the contract.
            return unsafe { self.put_beside_tasks(slot) };
        }
        if let Some(peer) = self.receivers.pop() {
            // SAFETY: the receiver waits with a slot for a message of this type; ours is by the contract.
            unsafe { peer.slot().cast::<T>().copy_from_nonoverlapping(slot, 1) };
            return Attempt::Done(peer.finish(true));
        }
        if self.buffer.len() < self.cap {
            // Should there be no memory, the message is still the caller's.
            self.buffer.reserve(1);
            // SAFETY: by the contract.
            self.buffer.push_back(unsafe { slot.read() });
            return Attempt::Done(Wake::NOBODY);
        }
        Attempt::Blocked
    }

    /// Receive into `slot`, if that needs no waiting. Done means it was filled.
    ///
    /// # Safety
    /// `slot` is room for a message.
    #[inline]
    unsafe fn take(&mut self, slot: *mut T) -> Attempt {
        if let Some(message) = self.buffer.pop_front() {
            // SAFETY: by the contract.
            unsafe { slot.write(message) };
            let Some(peer) = self.senders.pop() else { return Attempt::Done(Wake::NOBODY) };
            // SAFETY: the sender waits with a message, which it leaves to us. There is room: one was taken.
            self.buffer.push_back(unsafe { peer.slot().cast::<T>().read() });
            return Attempt::Done(peer.finish(true));
        }
        if let Some(peer) = self.senders.pop() {
            // SAFETY: as above.
            unsafe { slot.copy_from_nonoverlapping(peer.slot().cast::<T>(), 1) };
            return Attempt::Done(peer.finish(true));
        }
        if self.closed { Attempt::Closed } else { Attempt::Blocked }
    }

    /// Either of the two.
    ///
    /// # Safety
    /// As for [`State::put`] and [`State::take`].
    unsafe fn attempt(&mut self, end: End, slot: *mut T) -> Attempt {
        // SAFETY: by the contract.
        unsafe {
            match end {
                End::Send => self.put(slot),
                End::Receive => self.take(slot),
            }
        }
    }

    fn queue(&mut self, end: End) -> &mut Queue {
        match end {
            End::Send => &mut self.senders,
            End::Receive => &mut self.receivers,
        }
    }

    /// Whether nobody is left whom who waits at `end` could meet. The handles of a timer are not counted.
    fn is_deserted(&mut self, end: End) -> bool {
        *self.handles(end.other()) == 0 && !self.closed
    }

    fn handles(&mut self, end: End) -> &mut usize {
        match end {
            End::Send => &mut self.send_handles,
            End::Receive => &mut self.receive_handles,
        }
    }
}

/// Closed from now on: unlock, and tell everybody who waits.
fn close_and_unlock<T>(mut state: Inside<'_, T>) {
    state.closed = true;
    (state.told, state.tasks) = (state.told + state.tasks, 0);
    let mut woken = Vec::new();
    while let Some(peer) = state.receivers.pop() {
        // What tasks were told of and have not taken is there for all: nobody sees the end before it has been taken. A task
        // looks for itself.
        let message = if peer.is_task() { None } else { state.buffer.pop_front() };
        let got = message.is_some();
        if let Some(message) = message {
            // SAFETY: the receiver waits with a slot for a message of this type.
            unsafe { peer.slot().cast::<T>().write(message) };
        }
        woken.push(peer.finish(got));
    }
    while let Some(peer) = state.senders.pop() {
        woken.push(peer.finish(false));
    }
    drop(state);
    woken.into_iter().for_each(Wake::wake);
}

impl<T> Channel<T> {
    pub(super) fn new(cap: usize, hang_up: bool, site: SiteRef) -> Channel<T> {
        let state = State {
            cap,
            buffer: VecDeque::new(),
            closed: false,
            senders: Queue::new(),
            receivers: Queue::new(),
            send_handles: 1,
            receive_handles: 1,
            tasks: 0,
            told: 0,
        };
        Channel {
            lock: BiasedLock::new(),
            state: UnsafeCell::new(state),
            created: site,
            hang_up,
            timer: None,
        }
    }

    #[inline]
    fn enter(&self) -> Inside<'_, T> {
        self.lock.lock();
        Inside(self)
    }

    /// As [`Channel::enter`], for who must not wait for whoever is inside.
    fn try_enter(&self) -> Option<Inside<'_, T>> {
        self.lock.try_lock().then(|| Inside(self))
    }

    pub(super) fn created(&self) -> SiteRef {
        self.created
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Send, waiting until the deadline if there is one.
    pub(super) fn send(&self, value: T, until: Option<Nanos>, site: SiteRef) -> Result<(), Refused<T>> {
        let slot = UnsafeCell::new(ManuallyDrop::new(value));
        let at = slot.get().cast::<T>();
        let mut state = self.enter();
        // SAFETY: the message is moved out of the slot below only if it was not here.
        let waited = match unsafe { state.put(at) } {
            Attempt::Done(peer) => {
                drop(state);
                peer.wake();
                return Ok(());
            }
            Attempt::Closed => {
                drop(state);
                Waited::Closed
            }
            // SAFETY: as above.
            Attempt::Blocked => unsafe { self.wait(state, End::Send, at, until, site) },
        };
        match waited {
            Waited::Done => Ok(()),
            Waited::Closed => Err(Refused::Closed(ManuallyDrop::into_inner(slot.into_inner()))),
            Waited::TimedOut => Err(Refused::Full(ManuallyDrop::into_inner(slot.into_inner()))),
        }
    }

    pub(super) fn try_send(&self, value: T) -> Result<(), Refused<T>> {
        let value = ManuallyDrop::new(value);
        let mut state = self.enter();
        // SAFETY: the message is used again only if it was not moved.
        let attempt = unsafe { state.put(&raw const *value) };
        drop(state);
        match attempt {
            Attempt::Done(peer) => {
                peer.wake();
                Ok(())
            }
            Attempt::Closed => Err(Refused::Closed(ManuallyDrop::into_inner(value))),
            Attempt::Blocked => Err(Refused::Full(ManuallyDrop::into_inner(value))),
        }
    }

    /// Receive, waiting until the deadline if there is one.
    pub(super) fn recv(&self, until: Option<Nanos>, site: SiteRef) -> Result<T, RecvTimeoutError> {
        let slot = UnsafeCell::new(MaybeUninit::<T>::uninit());
        let at = slot.get().cast::<T>();
        let mut state = self.enter();
        // SAFETY: the slot is room for a message.
        let waited = match unsafe { state.take(at) } {
            Attempt::Done(peer) => {
                drop(state);
                peer.wake();
                Waited::Done
            }
            Attempt::Closed => Waited::Closed,
            // SAFETY: as above.
            Attempt::Blocked => unsafe { self.wait(state, End::Receive, at, until, site) },
        };
        match waited {
            // SAFETY: done means that the slot was filled.
            Waited::Done => Ok(unsafe { slot.into_inner().assume_init() }),
            Waited::Closed => Err(RecvTimeoutError::Closed),
            Waited::TimedOut => Err(RecvTimeoutError::Timeout),
        }
    }

    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut slot = MaybeUninit::<T>::uninit();
        let mut state = self.enter();
        // SAFETY: the slot is room for a message.
        let attempt = unsafe { state.take(slot.as_mut_ptr()) };
        drop(state);
        match attempt {
            Attempt::Done(peer) => {
                peer.wake();
                // SAFETY: done means that the slot was filled.
                Ok(unsafe { slot.assume_init() })
            }
            Attempt::Closed => Err(TryRecvError::Closed),
            Attempt::Blocked => Err(TryRecvError::Empty),
        }
    }

    /// Wait at an end, whose attempt was blocked, until a peer or the end of the channel or of the time.
    ///
    /// # Safety
    /// As for [`State::attempt`]; the slot stays where it is until this returns, and only others use it.
    #[inline(never)]
    unsafe fn wait<'a>(
        &'a self,
        mut state: Inside<'a, T>,
        end: End,
        slot: *mut T,
        until: Option<Nanos>,
        site: SiteRef,
    ) -> Waited {
        let waiter = Waiter::new();
        let node = Node::new(&waiter, u32::from(until.is_some()), slot.cast());
        if until.is_none() && state.is_deserted(end) {
            stranded::suspect(Suspect::of(&waiter), Lost::Before);
        }
        let reason = if end == End::Send { WaitReason::ChanSend } else { WaitReason::ChanReceive };
        let why = Why { reason, site, object: self.address() };
        let watched = Watched::new(self, end, &node, until.is_none());
        waiter.watch(&watched);
        // SAFETY: the node stays in this frame until it is out of the queue: it is woken by who took it
        // out, or leaves by itself below.
        unsafe { state.join(end, &node) }.wake_later(site);
        let release = || {
            drop(state);
            true
        };
        let timed_out = match until {
            None => {
                waiter.park(why, release);
                false
            }
            Some(deadline) => waiter.park_until(deadline, why, release),
        };
        if timed_out {
            self.enter().queue(end).remove(&node);
            return Waited::TimedOut;
        }
        if node.is_done() { Waited::Done } else { Waited::Closed }
    }

    /// Close it; false if it was closed.
    pub(super) fn close(&self) -> bool {
        let state = self.enter();
        if state.closed {
            return false;
        }
        close_and_unlock(state);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.enter().buffer.len()
    }

    /// A tick goes to whoever is there: the handles of a timer are not counted.
    pub(super) fn add_handle(&self, end: End) {
        if self.timer.is_some() {
            return;
        }
        *self.enter().handles(end) += 1;
    }

    pub(super) fn drop_handle(&self, end: End) {
        if self.timer.is_some() {
            return;
        }
        let mut state = self.enter();
        let left = state.handles(end);
        *left -= 1;
        if *left > 0 {
            return;
        }
        if !self.hang_up {
            let suspects = if state.closed { Vec::new() } else { state.queue(end.other()).suspects() };
            drop(state);
            return stranded::suspect(suspects, Lost::Now);
        }
        // Nobody can receive what is left; it is dropped without the lock.
        let lost = if end == End::Receive { std::mem::take(&mut state.buffer) } else { VecDeque::new() };
        if !state.closed {
            close_and_unlock(state);
        } else {
            drop(state);
        }
        drop(lost);
    }
}

/// Wait for what never comes, or until the deadline.
pub(super) fn never(reason: WaitReason, until: Option<Nanos>, site: SiteRef) {
    let (waiter, why) = (Waiter::new(), Why { reason, site, object: 0 });
    let nobody = Nobody { for_ever: until.is_none() };
    waiter.watch(&nobody);
    match until {
        None => waiter.park(why, || true),
        Some(deadline) => _ = waiter.park_until(deadline, why, || true),
    }
}
