//! The token of a thread outside of models: what `park` waits for and `unpark` gives.
//!
//! Invariants, under the lock: there is one token at most, and none while the thread waits; who takes the waiter
//! out claims it before the lock is let go of, so that a thread whose time is up is gone only after that.
//!
//! Source: the documentation of `std::thread::park`.

use crate::objects::Nanos;
use crate::port::wait::{Locked, Waiter, Why};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::ptr::null;

/// A token, or who waits for one.
pub(super) struct Parker(Locked<State>);

struct State {
    token: bool,
    waiter: *const Waiter,
}

impl Parker {
    pub(super) const fn new() -> Parker {
        Parker(Locked::new(State { token: false, waiter: null() }))
    }

    /// Take the token; wait for it, or until the deadline. By the thread itself.
    pub(super) fn park(&self, until: Option<Nanos>, site: SiteRef) {
        let waiter = Waiter::new();
        let mut state = self.0.lock();
        if std::mem::take(&mut state.token) {
            return;
        }
        state.waiter = &raw const waiter;
        let why = Why { reason: WaitReason::Park, site, object: 0 };
        let release = || {
            drop(state);
            true
        };
        match until {
            None => waiter.park(why, release),
            Some(deadline) if waiter.park_until(deadline, why, release) => {
                // A token that came when the time was up is taken all the same.
                let mut state = self.0.lock();
                (state.token, state.waiter) = (false, null());
            }
            Some(_) => {}
        }
    }

    /// Give the thread its token, if it has none.
    pub(super) fn unpark(&self) {
        let mut state = self.0.lock();
        let waiter = std::mem::replace(&mut state.waiter, null());
        // SAFETY: who waits is there until it was woken, or has had the lock.
        if waiter.is_null() || !unsafe { (*waiter).claim(1) } {
            state.token = true;
            return;
        }
        drop(state);
        // SAFETY: its wait was released with the lock, and the claim was won.
        unsafe { Waiter::wake(waiter) };
    }
}
