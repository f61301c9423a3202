//! Strategies: one a file, all behind [`Strategy`](crate::model::Strategy).
//!
//! Invariant: a strategy decides from its seed, the index of the execution and what the scene
//! shows, and from nothing else.

mod random;

pub(crate) use random::Random;

use super::spec::StrategySpec;
use crate::explore::plan::{Body, Plan};
use crate::model::Strategy;
use selvedge_checkers::ids::SiteRef;

/// The strategy of the plan, with what it has to know of the program.
pub(crate) fn make(plan: &Plan, _body: &Body, _site: SiteRef) -> Box<dyn Strategy> {
    Box::new(Random::new(plan.seed))
}

/// Whether each execution depends on the one before.
pub(crate) fn is_sequential(spec: StrategySpec) -> bool {
    spec == StrategySpec::Dfs
}
