//! Locks and their like outside of models: their state in a word, those who wait in a list.
//!
//! Invariants, of every file: what nobody contends for costs one atomic operation and touches no list; the
//! list is touched under its own lock, which is never held across a wait; who takes a waiter out of
//! the list has done all there is to do for it before it wakes it, after it has let go of the list.
//! Each has a model, `objects`, which says what it means; the tests compare the two.
//!
//! The parts that loom explores name no atomic and no wait of their own: see `atomics`, `wait`.

mod atomics;
mod barrier;
mod condvar;
mod lock;
mod lock_future;
mod once;
mod rw;
mod rw_future;
mod semaphore;
mod semaphore_future;
mod wait_group;
mod wait_group_future;
mod woken;

#[cfg(test)]
mod loom_tests;

pub(super) use barrier::RawBarrier;
pub(super) use condvar::{Notified, RawCondvar};
pub(super) use lock::RawLock;
pub(super) use lock_future::LockWait;
pub(super) use once::{Begun, RawOnce};
pub(super) use rw::RawRw;
pub(super) use rw_future::{ReadWait, WriteWait};
pub(super) use semaphore::{RawSemaphore, Request};
pub(super) use semaphore_future::AcquireWait;
pub(super) use wait_group::Ended;
pub(crate) use wait_group::RawWaitGroup;
pub(super) use wait_group_future::GroupWait;

use crate::port::wait;
use atomics::{AtomicU32, AtomicU64};
use wait::{Locked, WaitList};
use woken::Woken;

impl RawLock {
    pub(super) const fn new() -> RawLock {
        RawLock::of(AtomicU32::new(0), AtomicU32::new(0), Locked::new(WaitList::new()))
    }
}

impl RawRw {
    pub(super) const fn new() -> RawRw {
        RawRw::of(AtomicU32::new(0), RawLock::new(), Locked::new(rw::Sides::new()))
    }
}

impl RawOnce {
    pub(super) const fn new() -> RawOnce {
        RawOnce::of(AtomicU32::new(0), Locked::new(WaitList::new()))
    }
}

impl RawCondvar {
    pub(super) const fn new() -> RawCondvar {
        RawCondvar::of(AtomicU32::new(0), Locked::new(condvar::Waiting::new()))
    }
}

impl RawWaitGroup {
    pub(crate) const fn new() -> RawWaitGroup {
        RawWaitGroup::of(AtomicU64::new(0), Locked::new(WaitList::new()))
    }
}

impl RawSemaphore {
    pub(super) const fn new(size: u32) -> RawSemaphore {
        RawSemaphore::of(AtomicU64::new(size as u64), Locked::new(WaitList::new()))
    }
}

/// What is inside is nobody's business, and may change while it is printed.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("..")
            }
        }
    )*};
}

opaque!(RawBarrier RawCondvar RawLock RawOnce RawRw RawSemaphore RawWaitGroup);
