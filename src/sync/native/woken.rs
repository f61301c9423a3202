//! Waiters that are to be woken, once the lock of their list was let go of.

use super::wait::{WaitList, Waiter};
use smallvec::SmallVec;

/// Waiters that were taken out of a list, to be woken without its lock.
#[derive(Default)]
pub(super) struct Woken(pub(super) SmallVec<[*const Waiter; 8]>);

impl Woken {
    /// Everybody in the list.
    pub(super) fn all<P>(list: &mut WaitList<P>) -> Woken {
        let mut woken = Woken::default();
        while let Some(node) = list.pop() {
            // SAFETY: the node stays until its waiter is woken.
            woken.0.push(unsafe { (*node).waiter() });
        }
        woken
    }

    /// Let them go on. Without any lock.
    pub(super) fn wake(self) {
        // SAFETY: they were in a list, so their waits were released, or are being so under the lock of
        // the list, which was held; and to have taken them out is the right to wake them.
        self.0.into_iter().for_each(|waiter| unsafe { Waiter::wake(waiter) });
    }
}
