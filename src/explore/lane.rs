//! The frontier in the mix: executions that are leaves of the tree of all traces, taken at random without
//! ever taking one twice.
//!
//! Some of the mix's executions, told by their numbers alone, belong to the lane, and are run in the order
//! of their numbers by whichever worker has them; the others wait. When the frontier is empty, every trace
//! has been run: that is a proof, unless the search leaves out something that the other strategies have, and
//! the exploration is over.
//!
//! The lane closes, and leaves its executions to the others, when an execution is too long or has too many
//! races to be analysed for its price, when the tree takes too much memory, and when the frontier is empty without a proof.
//! Invariant: what an execution of the lane does depends on the seed and on the lane's executions before it.

use super::dpor::search::{Search, Ticket};
use super::dpor::{Branch, Outcome};
use super::plan::Plan;
use super::rng::Rng;
use super::spec::StrategySpec;
use super::strategies::Mix;
use crate::model::{Report, Strategy, Worker};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Events of an execution that are analysed. What that costs grows with their square: at this length it is
/// about ten times what running them costs.
const EVENTS: usize = 256;
/// Nodes of the tree.
const NODES: usize = 1 << 18;
/// The stream of the choices among leaves.
const STREAM: u64 = 0x6C61_6E65;

struct State {
    search: Search,
    rng: Rng,
    is_closed: bool,
    /// Something was left out that the other strategies have.
    is_partial: bool,
    /// The lane's execution whose turn it is.
    next: u64,
    is_over: bool,
    branch: Option<Box<Branch>>,
    outcome: Outcome,
}

/// What the lane has for an execution.
pub(super) enum Turn {
    /// A leaf, which the worker is ready to run.
    Leaf(Held),
    /// Nothing: the execution is the mix's.
    Closed,
    /// Nothing is run any more.
    Over,
}

/// A leaf that a worker runs.
pub(super) struct Held {
    ticket: Ticket,
    /// The worker's own strategy.
    strategy: Box<dyn Strategy>,
}

/// See the module.
pub(super) struct Lane {
    plan: Plan,
    state: Mutex<State>,
    changed: Condvar,
}

impl Lane {
    /// The lane of the mix. Of several machines, the first has it.
    pub(super) fn of(plan: &Plan) -> Option<Lane> {
        if plan.strategy != StrategySpec::Mix || plan.shard.is_some_and(|(k, _)| k != 0) {
            return None;
        }
        let mut lane = Lane {
            plan: plan.clone(),
            state: Mutex::new(State {
                search: Search::new(),
                rng: Rng::new(plan.seed).split(STREAM),
                is_closed: false,
                is_partial: plan.limits.early_timers > 0,
                next: 0,
                is_over: false,
                branch: Some(Box::new(Branch::up_to(EVENTS))),
                outcome: Outcome::default(),
            }),
            changed: Condvar::new(),
        };
        let first = lane.after(None);
        lane.state.get_mut().unwrap_or_else(PoisonError::into_inner).next = first;
        Some(lane)
    }

    /// Whether execution `index` is one of the lane's.
    pub(super) fn has(&self, index: u64) -> bool {
        Mix::is_of_the_lane(index)
    }

    /// The lane's next execution.
    fn after(&self, index: Option<u64>) -> u64 {
        let mut next = self.plan.next_owned(index.map_or(0, |index| index + 1));
        while next != u64::MAX && !self.has(next) {
            next = self.plan.next_owned(next + 1);
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody is to wait for anything any more.
    pub(super) fn stop(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Wait for the turn of execution `index`, and make the worker ready to run it.
    pub(super) fn take(&self, index: u64, worker: &mut Worker) -> Turn {
        let mut state = self.state();
        while !state.is_over && state.next != index {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over {
            return Turn::Over;
        }
        let State { search, rng, is_closed, branch, .. } = &mut *state;
        let choose = |open| rng.below(open);
        if !*is_closed
            && let Some(mut branch) = branch.take()
            && let Some(ticket) = search.take(choose)
        {
            search.leaf(ticket, branch.leaf_mut());
            return Turn::Leaf(Held { ticket, strategy: worker.set_strategy(branch) });
        }
        self.pass(state, index);
        Turn::Closed
    }

    /// The worker ran the leaf; whether every trace there is has now been run.
    pub(super) fn bring(&self, index: u64, worker: &mut Worker, held: Held, report: &Report) -> bool {
        let mut state = self.state();
        // What a stack overflow left behind half way is not looked at.
        if worker.has_overflowed() {
            state.is_closed = true;
            self.pass(state, index);
            return false;
        }
        let State { search, outcome, .. } = &mut *state;
        let given = worker.with_strategy(|branch: &mut Branch| branch.give(outcome));
        given.expect("the strategy that was set");
        let any: Box<dyn std::any::Any> = worker.set_strategy(held.strategy);
        let branch = any.downcast::<Branch>().expect("the strategy that was set");
        search.enter(held.ticket, outcome);
        let is_lost = search.survey().nondeterminism.is_some() || outcome.is_lost();
        let is_over = search.is_over();
        let is_proof = search.survey().exhausted && !is_lost;
        let is_large = search.nodes() > NODES.min(self.plan.nodes);
        state.is_partial |= report.truncated || is_lost;
        state.branch = Some(branch);
        let proved = is_over && is_proof && !state.is_partial;
        if is_over || is_lost || is_large {
            state.is_closed = true;
            state.search = Search::new();
        }
        self.pass(state, index);
        proved
    }

    /// The turn of execution `index` is over.
    fn pass(&self, mut state: MutexGuard<'_, State>, index: u64) {
        state.next = self.after(Some(index));
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
