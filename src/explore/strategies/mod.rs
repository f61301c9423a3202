//! Strategies: one a file, all behind [`Strategy`].
//!
//! Invariant: a strategy decides from its seed, the index of the execution, the profile and what the
//! scene shows, and from nothing else; so execution `index` is the same on any worker, after any
//! other execution. The exceptions are [`Dfs`], [`Dpor`] and [`Flip`], which go
//! from one execution to the next.

mod deviate;
mod dfs;
mod flip;
mod mix;
mod pairs;
mod pct;
mod pos;
mod random;
mod ranking;
mod recorder;
mod reorder;
mod replay;
mod round_robin;
mod step;
mod surw;
mod tally;
mod without;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use deviate::Deviate;
pub(crate) use dfs::Dfs;
pub(crate) use flip::Flip;
pub(crate) use mix::Mix;
pub(crate) use pct::Pct;
pub(crate) use pos::Pos;
pub(crate) use random::Random;
pub(crate) use recorder::Recorder;
pub(crate) use reorder::{Reorder, Stage, Stop, Until};
pub(crate) use replay::{Mismatch, Replay};
pub(crate) use round_robin::RoundRobin;
pub(crate) use step::Step;
pub(crate) use surw::Surw;
pub(crate) use without::Without;

use super::bounds::Bounds;
use super::dpor::{Dpor, Order};
use super::profile::{Profile, touches};
use super::rng::Rng;
use super::spec::StrategySpec;
use crate::explore::plan::Plan;
use crate::model::{Scene, Strategy};
use selvedge_checkers::ids::Gid;
use std::sync::Arc;

/// The strategy of the plan, with what it is to know of the program.
pub(crate) fn make(plan: &Plan, profile: Option<Arc<Profile>>) -> Box<dyn Strategy> {
    make_named(plan.strategy, plan.seed, profile, plan.bounds)
}

/// The strategy of this name. `bounds` limit the searches that can end with a proof.
fn make_named(
    spec: StrategySpec,
    seed: u64,
    profile: Option<Arc<Profile>>,
    bounds: Bounds,
) -> Box<dyn Strategy> {
    let profile = profile.as_ref();
    match spec {
        StrategySpec::Mix => Box::new(Mix::new(seed, profile)),
        StrategySpec::Random => Box::new(Random::new(seed)),
        StrategySpec::Pct(depth) => Box::new(Pct::new(seed, depth, profile)),
        StrategySpec::Pos => Box::new(Pos::new(seed)),
        StrategySpec::Surw => Box::new(Surw::new(seed, profile)),
        StrategySpec::RoundRobin => Box::new(RoundRobin::new()),
        StrategySpec::Dfs => Box::new(Dfs::new(bounds)),
        StrategySpec::Optimal => Box::new(Dpor::new(Order::DepthFirst, bounds.preemptions)),
        StrategySpec::Flip => Box::new(Flip::new(seed)),
        StrategySpec::Frontier => Box::new(Dpor::new(Order::Random(Rng::new(seed)), bounds.preemptions)),
    }
}

/// Whether the strategy needs to be told what the program is like. The mix finds out by itself if the
/// worker that runs the first executions runs all of them.
pub(crate) fn wants_profile(plan: &Plan) -> bool {
    match plan.strategy {
        StrategySpec::Pct(_) | StrategySpec::Surw => true,
        StrategySpec::Mix => plan.jobs > 1 || plan.shard.is_some(),
        _ => false,
    }
}

/// For strategies whose order knows only goroutines that can go on with a cause: now and then, one
/// that could wake up without.
#[inline]
fn wake_without_cause(rng: &mut Rng, scene: &Scene<'_>) -> Option<Gid> {
    /// Rare enough that waits mostly end by their cause, and often enough for the budget of such
    /// wake-ups to be used in most executions that wait for long.
    const ODDS: u32 = 16;
    if scene.optional_count == 0 || rng.below(ODDS) != 0 {
        return None;
    }
    let nth = rng.below(scene.optional_count) as usize;
    scene.enabled.iter().copied().filter(|g| scene.pending[g.index()].optional).nth(nth)
}

/// Which of `n > 1` stores a load reads: half of the time the newest, which is what processors nearly
/// always give, a quarter of the time the oldest, which is what a goroutine sees that was told of nothing,
/// else any of the older ones.
#[inline]
fn read_any(rng: &mut Rng, n: u32) -> u32 {
    match rng.below(4) {
        0 | 1 => 0,
        2 => n - 1,
        _ => 1 + rng.below(n - 1),
    }
}
