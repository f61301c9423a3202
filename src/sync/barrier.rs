//! Barriers: `std::sync::Barrier`.
//!
//! Invariant: of each `n` goroutines that meet, exactly one is told that it leads. Which one is not
//! promised; here it is the last to arrive.

use super::native::RawBarrier;
use super::why;
use crate::objects::barrier::BarrierState;
use crate::objects::{Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;

/// Lets several goroutines wait for each other, again and again.
///
/// # Examples
/// ```
/// use selvedge::sync::{Arc, Barrier};
///
/// let barrier = Arc::new(Barrier::new(2));
/// let other = barrier.clone();
/// let led = selvedge::go(move || other.wait().is_leader());
/// let lead = barrier.wait().is_leader();
/// assert!(lead != led.join().unwrap());
/// ```
#[derive(Debug)]
pub struct Barrier {
    object: Object,
    native: RawBarrier,
    size: usize,
}

/// Given by [`Barrier::wait`]: whether this goroutine leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this goroutine is the one of its generation that leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// A barrier where `n` goroutines meet. With 0 and with 1 nobody waits.
    #[must_use]
    #[track_caller]
    pub const fn new(n: usize) -> Barrier {
        Barrier { object: Object::new(), native: RawBarrier::new(), size: n }
    }

    /// Wait until `n` goroutines, this one included, are here.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let site = Location::caller();
        let Some(engine) = port::model() else {
            self.object.outside();
            let leads = self.native.wait(self.size, why(WaitReason::Barrier, self, site));
            return BarrierWaitResult(leads);
        };
        let size = u32::try_from(self.size).unwrap_or(u32::MAX);
        let state = || State::Barrier(BarrierState { size, ..BarrierState::default() });
        let ret = engine.op(Op::BarrierWait(self.object.id(engine, state)), site);
        BarrierWaitResult(ret == Ret::Flag(true))
    }
}

#[cfg(test)]
mod tests {
    use super::Barrier;
    use std::sync::Arc;

    fn leaders(goroutines: usize, rounds: usize) -> usize {
        let barrier = Arc::new(Barrier::new(goroutines));
        let start = |_| {
            let barrier = Arc::clone(&barrier);
            crate::go(move || (0..rounds).filter(|_| barrier.wait().is_leader()).count())
        };
        let handles: Vec<_> = (0..goroutines).map(start).collect();
        handles.into_iter().map(|h| h.join().unwrap()).sum()
    }

    #[test]
    fn one_leads_each_round() {
        assert_eq!(leaders(4, 20), 20);
        assert!(Barrier::new(0).wait().is_leader() && Barrier::new(1).wait().is_leader());
    }

    #[cfg(feature = "check")]
    #[test]
    fn one_leads_each_round_in_a_model() {
        crate::trial_tests::clean(200, || assert_eq!(leaders(3, 2), 2));
    }

    #[cfg(feature = "check")]
    #[test]
    fn everything_before_is_seen_after() {
        use crate::cell::Plain;
        crate::trial_tests::clean(200, || {
            let barrier = Arc::new(Barrier::new(2));
            let x = Arc::new(Plain::new(0));
            let (b, y) = (Arc::clone(&barrier), Arc::clone(&x));
            let other = crate::go(move || {
                y.set(1);
                b.wait();
            });
            barrier.wait();
            assert_eq!(x.get(), 1);
            other.join().unwrap();
        });
    }

    #[cfg(feature = "check")]
    #[test]
    fn a_missing_party_is_a_deadlock() {
        use selvedge_checkers::finding::Slug;
        let found = crate::trial_tests::slug(10, || {
            Barrier::new(2).wait();
        });
        assert_eq!(found, Some(Slug::Deadlock));
    }
}
