//! Waits in a list until somebody takes the waiter out, and waiters that were taken out, to be woken once the
//! lock of their list was let go of.

use super::wait::{Held, WaitList, WaitNode, Waiter, Why};
use smallvec::SmallVec;

/// Wait in the list, whose lock is let go of once this waits, until somebody takes the waiter out and wakes it.
pub(super) fn wait_in(mut list: Held<'_, WaitList<()>>, why: Why) {
    let waiter = Waiter::new();
    let node = WaitNode::new(&waiter, 0, ());
    // SAFETY: the node stays in this frame until it is woken, by who took it out.
    unsafe { list.push(&node) };
    waiter.park(why, move || {
        drop(list);
        true
    });
}

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
