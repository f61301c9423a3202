//! Decisions: what an execution consists of, and who makes them.
//!
//! Invariants: an execution is a function of the program and its list of decisions; a strategy
//! sees only what this module shows it (pending operations, never memory, time or addresses), so
//! every strategy is deterministic in its seed.

use super::execution::Pending;
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::Gid;
use selvedge_checkers::op::OpKind;

/// One decision: which goroutine, in which of the ways its operation could take effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The goroutine, or [`Gid::CLOCK`] for the firing of a timer.
    pub goroutine: Gid,
    /// The alternative, from 0.
    pub alternative: u16,
    /// What it did: compared on replay to notice a program that has changed.
    pub op: OpKind,
}

/// What a strategy sees when it decides.
pub(crate) struct Scene<'a> {
    /// The goroutines that can go on; never empty.
    pub(crate) enabled: &'a [Gid],
    /// The goroutine that went last, whether or not it can go on.
    pub(crate) current: Gid,
    /// Whether it can.
    pub(crate) current_enabled: bool,
    /// Decisions made so far.
    pub(crate) step: u32,
    /// Every goroutine's pending operation, by id.
    pub(crate) pending: &'a [Pending],
}

impl Scene<'_> {
    /// The enabled goroutine with the lowest id.
    pub(crate) fn lowest(&self) -> Gid {
        *self.enabled.iter().min().expect("a strategy is asked only while somebody is enabled")
    }
}

/// Decides what happens next.
pub(crate) trait Strategy {
    /// Execution number `index` begins; false if there is nothing left to explore.
    fn begin(&mut self, index: u64) -> bool;

    /// Which of the enabled goroutines goes next.
    fn pick(&mut self, scene: &Scene<'_>) -> Gid;

    /// Which of `n > 1` ways the operation of `g` takes effect in ([`Gid::CLOCK`]: which of the
    /// timers due together fires).
    fn alternative(&mut self, g: Gid, n: u32) -> u32;

    /// Whether a timer fires now although goroutines could go on.
    fn fire_early(&mut self, scene: &Scene<'_>) -> bool;

    /// A timer fires; `ties` of them are due together (`alternative` is asked if there are several).
    fn fired(&mut self, _ties: u32) {}

    /// Whether the strategy wants the notifications below.
    fn follows(&self) -> bool {
        false
    }

    /// A goroutine was spawned.
    fn spawned(&mut self, _parent: Gid, _child: Gid) {}

    /// A goroutine announced an operation.
    fn announced(&mut self, _g: Gid, _pending: &Pending) {}

    /// A goroutine can go on with its pending operation from now on.
    fn enabled(&mut self, _g: Gid) {}

    /// A goroutine cannot go on any more.
    fn disabled(&mut self, _g: Gid) {}

    /// A step was made: whose, and with which footprint.
    fn stepped(&mut self, _g: Gid, _pending: &[Pending], _footprint: &[Access]) {}

    /// `g` has pending an operation that conflicts with the step just made.
    fn conflicts(&mut self, _g: Gid) {}

    /// The execution is over.
    fn end(&mut self) {}
}
