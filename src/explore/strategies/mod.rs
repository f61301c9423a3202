//! Strategies: one a file, all behind [`Strategy`](crate::model::Strategy).
//!
//! Invariant: a strategy decides from its seed, the index of the execution and what the scene
//! shows, and from nothing else.

mod random;

pub(crate) use random::Random;

use super::spec::StrategySpec;
use crate::model::Strategy;

/// The strategy of this name, seeded.
pub(crate) fn make(spec: StrategySpec, seed: u64) -> Box<dyn Strategy> {
    let _ = spec;
    Box::new(Random::new(seed))
}
