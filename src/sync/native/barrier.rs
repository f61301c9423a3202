//! A barrier: the last of a generation to arrive lets the others go on.
//!
//! Invariant: fewer than the size wait.

use super::wait::{Locked, WaitList, Why};
use super::woken::{Woken, wait_in};

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
        wait_in(list, why);
        false
    }
}
