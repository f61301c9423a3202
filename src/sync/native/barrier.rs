//! A barrier: the last of a generation to arrive lets the others go on.
//!
//! Invariant: fewer than the size wait.

use super::Woken;
use super::wait::{Locked, WaitList, WaitNode, Waiter, Why};

/// Who has arrived.
pub(in crate::sync) struct RawBarrier(Locked<WaitList<()>>);

impl RawBarrier {
    pub(in crate::sync) const fn new() -> RawBarrier {
        RawBarrier(Locked::new(WaitList::new()))
    }

    /// Wait until `size` are here; gives whether this is the last of them.
    pub(in crate::sync) fn wait(&self, size: usize, why: Why) -> bool {
        let mut list = self.0.lock();
        if list.len() + 1 >= size {
            let woken = Woken::all(&mut list);
            drop(list);
            woken.wake();
            return true;
        }
        let waiter = Waiter::new();
        let node = WaitNode::new(&waiter, 0, ());
        // SAFETY: the node stays in this frame until it is woken, by who took it out.
        unsafe { list.push(&node) };
        waiter.park(why, move || {
            drop(list);
            true
        });
        false
    }
}
