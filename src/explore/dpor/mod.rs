//! Every behaviour of a program exactly once: optimal dynamic partial order reduction.
//!
//! Two executions that differ only in the order of independent steps are one *trace*. Each execution is
//! logged; afterwards its races are reversed, and the schedules that do so go to the frontier tree. When
//! the tree is empty, every trace has been run. All of this works on the pure objects alone: a schedule
//! is worked out by simulating it, never by running user code.
//!
//! A [`Run`] is one execution: what it gives depends on its [`Leaf`] alone. The [`Search`] hands out
//! leaves and enters what came of them. Several workers share one through a [`ledger`].
//!
//! A goroutine that goes round in a loop and changes nothing is tried, and stops there for good if it does not leave the
//! loop. If it could leave the
//! loop when nobody else can go on, the execution counts as one in vain, and what follows is not looked at:
//! the executions without that round are others.
//!
//! Wake-ups without a cause are steps of their goroutines, each of which has a budget of its own. They may
//! happen and need not: an execution goes on without them, and where nobody else can move, before time passes and
//! at the end, what they lead to is planned (decision 0032).
//!
//! Not explored: timers that fire while goroutines could go on; time passes when nobody else can move.
//!
//! Invariants: a trace is never run twice; no execution is cut because all it could do is covered
//! (`blocked` counts those, and stays 0); the same program gives the same executions in the same order.

mod bound;
mod choose;
mod classes;
mod coded;
mod index;
mod known;
mod leaf;
pub(crate) mod ledger;
mod log;
mod names;
mod pace;
mod races;
mod reverse;
mod run;
mod schedule;
pub(crate) mod search;
mod sim;
mod touches;
mod tree;
mod trial;

use crate::explore::rng::Rng;
use crate::model::{Scene, Strategy, Survey, Tracer};
pub(crate) use leaf::{Leaf, Outcome};
use run::Run;
use search::Search;
use selvedge_checkers::ids::Gid;

/// In which order the leaves of the frontier are taken.
pub(crate) enum Order {
    /// Leftmost first: the order of a proof, which keeps the tree small.
    DepthFirst,
    /// Any: the order of a hunt, which sees different behaviour early.
    Random(Rng),
}

/// One leaf as a strategy: whoever holds it says which, and takes what came of it.
#[derive(Default)]
pub(crate) struct Branch(Run);

impl Branch {
    /// For executions of up to so many events; a longer one counts as a schedule that was lost.
    pub(crate) fn up_to(events: usize) -> Branch {
        let mut branch = Branch::default();
        branch.0.limit = Some(events);
        branch
    }

    /// For traces that need at most so many preemptions.
    pub(crate) fn within(preemptions: Option<u32>) -> Branch {
        let mut branch = Branch::default();
        branch.0.bound = preemptions;
        branch
    }

    /// The leaf to be run next.
    pub(crate) fn leaf_mut(&mut self) -> &mut Leaf {
        self.0.next_mut()
    }

    /// The leaf that is run, or was run last.
    pub(crate) fn leaf(&self) -> &Leaf {
        self.0.leaf()
    }

    /// Give away what the last execution came to. What was in `outcome` is room for the next one.
    pub(crate) fn give(&mut self, outcome: &mut Outcome) {
        self.0.give(outcome);
    }
}

impl Strategy for Branch {
    fn begin(&mut self, _index: u64) -> bool {
        self.0.begin();
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.0.pick(scene)
    }

    fn alternative(&mut self, _step: u32, _g: Gid, _n: u32) -> u32 {
        0
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.0.wake_at_rest(scene)
    }

    fn fire_early(&mut self, _scene: &Scene<'_>) -> bool {
        false
    }

    fn tracer(&mut self) -> Option<&mut dyn Tracer> {
        Some(&mut self.0)
    }

    fn end(&mut self, _steps: u32) {
        self.0.end();
    }
}

/// The search as a strategy: one leaf after the other.
pub(crate) struct Dpor {
    order: Order,
    search: Search,
    ticket: Option<search::Ticket>,
    branch: Branch,
    outcome: Outcome,
}

impl Dpor {
    /// Every trace, or those that need at most so many preemptions.
    pub(crate) fn new(order: Order, preemptions: Option<u32>) -> Dpor {
        let (search, branch) = (Search::new(), Branch::within(preemptions));
        Dpor { order, search, ticket: None, branch, outcome: Outcome::default() }
    }
}

impl Strategy for Dpor {
    fn begin(&mut self, index: u64) -> bool {
        let order = &mut self.order;
        self.ticket = self.search.take(|open| match order {
            Order::DepthFirst => 0,
            Order::Random(rng) => rng.below(open),
        });
        let Some(ticket) = self.ticket else { return false };
        self.search.leaf(ticket, self.branch.leaf_mut());
        self.branch.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.branch.pick(scene)
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.branch.alternative(step, g, n)
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.branch.wake_at_rest(scene)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.branch.fire_early(scene)
    }

    fn tracer(&mut self) -> Option<&mut dyn Tracer> {
        self.branch.tracer()
    }

    fn survey(&self) -> Survey {
        self.search.survey()
    }

    fn trace(&self) -> Option<u64> {
        self.outcome.trace
    }

    fn end(&mut self, steps: u32) {
        self.branch.end(steps);
        self.branch.give(&mut self.outcome);
        if let Some(ticket) = self.ticket.take() {
            self.search.enter(ticket, &self.outcome);
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
