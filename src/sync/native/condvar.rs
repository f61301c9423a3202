//! A condition variable: who waits for a notification, in the order they came.
//!
//! A wait joins the list while it holds the lock, unlocks that, and only then parks. A notification that
//! comes in between must not wake what has not parked, so each wait has a phase:
//! ```text
//!   JOINED --park--> PARKED --notify--> NOTIFIED (and woken)
//!      +------------notify------------> NOTIFIED (and does not park)
//! ```
//! Invariants: who takes a wait out of the list, with a claim if it has a deadline, sets its phase to
//! NOTIFIED, and wakes it if it was PARKED; all who wait at once gave the same lock; `count` is the length
//! of the list.
//!
//! Source: Go's `runtime/sema.go`, `notifyList`: the one who has waited longest is notified first, and
//! nobody without a cause.

use super::atomics::{AtomicU32, Ordering};
use super::lock::RawLock;
use super::wait::clock::Nanos;
use super::wait::{Locked, WaitList, WaitNode, Waiter, Why};
use smallvec::SmallVec;
use std::ptr::{from_ref, null};

const JOINED: u32 = 0;
const PARKED: u32 = 1;
const NOTIFIED: u32 = 2;

type Node = WaitNode<AtomicU32>;

/// Those who wait, and the lock that they gave.
pub(super) struct Waiting {
    list: WaitList<AtomicU32>,
    lock: *const RawLock,
}

impl Waiting {
    pub(super) const fn new() -> Waiting {
        Waiting { list: WaitList::new(), lock: null() }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sync) enum Notified {
    Yes,
    TimedOut,
    /// It did not begin: others wait with another lock. The lock is still held.
    OtherLock,
}

/// The condition variable.
pub(in crate::sync) struct RawCondvar {
    count: AtomicU32,
    waiting: Locked<Waiting>,
}

impl RawCondvar {
    /// Nobody waits; of its parts.
    pub(super) const fn of(count: AtomicU32, waiting: Locked<Waiting>) -> RawCondvar {
        RawCondvar { count, waiting }
    }

    /// Unlock `lock`, which the caller holds, and wait to be notified, or until the deadline.
    pub(in crate::sync) fn wait(&self, lock: &RawLock, until: Option<Nanos>, why: Why) -> Notified {
        let waiter = Waiter::new();
        let node = Node::new(&waiter, u32::from(until.is_some()), AtomicU32::new(JOINED));
        let mut waiting = self.waiting.lock();
        if waiting.list.len() == 0 {
            waiting.lock = from_ref(lock);
        } else if waiting.lock != from_ref(lock) {
            return Notified::OtherLock;
        }
        // SAFETY: the node stays in this frame until it was notified, by who took it out, or leaves below.
        unsafe { waiting.list.push(&node) };
        self.count.store(waiting.list.len() as u32, Ordering::Relaxed);
        drop(waiting);
        lock.unlock();
        let phase = &node.payload;
        let release = || phase.compare_exchange(JOINED, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let timed_out = match until {
            None => {
                waiter.park(why, release);
                false
            }
            Some(deadline) => waiter.park_until(deadline, why, release),
        };
        if !timed_out {
            return Notified::Yes;
        }
        let mut waiting = self.waiting.lock();
        waiting.list.remove(&node);
        self.count.store(waiting.list.len() as u32, Ordering::Relaxed);
        Notified::TimedOut
    }

    /// Let the first, or all, of those who wait now go on.
    #[inline]
    pub(in crate::sync) fn notify(&self, all: bool) {
        // Who changed the condition had the lock after whoever waits for that gave it up, and so sees
        // the count.
        if self.count.load(Ordering::Relaxed) != 0 {
            self.notify_some(all);
        }
    }

    #[cold]
    fn notify_some(&self, all: bool) {
        let mut taken: SmallVec<[*const Node; 8]> = SmallVec::new();
        let mut waiting = self.waiting.lock();
        while let Some(node) = waiting.list.pop() {
            taken.push(node);
            if !all {
                break;
            }
        }
        self.count.store(waiting.list.len() as u32, Ordering::Relaxed);
        drop(waiting);
        for node in taken {
            // SAFETY: the node stays until it was notified, and its waiter until it was woken.
            unsafe {
                let waiter = (*node).waiter();
                if (*node).payload.swap(NOTIFIED, Ordering::AcqRel) == PARKED {
                    Waiter::wake(waiter);
                }
            }
        }
    }
}
