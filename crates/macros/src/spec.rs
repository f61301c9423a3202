//! The name of a strategy, as people write it: `pct:3`, `random`, `dfs`.
//!
//! Invariants: parsing and printing are inverse; nothing here knows how a strategy works. The
//! macros crate checks attributes with the same text (`crates/macros/src/spec.rs` is a copy of this
//! file, which a test compares), so this file uses nothing but `core`.

use core::fmt;

/// Which strategy chooses the next decision.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum StrategySpec {
    /// The rotation of all random strategies: the default, because none of them wins everywhere.
    #[default]
    Mix,
    /// A uniform choice among the enabled decisions.
    Random,
    /// Priorities with this many change points, counting the start as the first.
    Pct(u32),
    /// Partial order sampling: a fresh priority for each pending operation.
    Pos,
    /// Uniform over the interleavings of a few selected operations.
    Surw,
    /// Each enabled goroutine in turn.
    RoundRobin,
    /// Every execution, depth first.
    Dfs,
    /// Every trace once: executions that differ only in the order of independent steps are one.
    Optimal,
    /// The same traces in random order: sampling without replacement.
    Frontier,
    /// One pair of an earlier execution the other way round, led by which pairs are rare.
    Flip,
}

impl StrategySpec {
    /// The depths `pct` takes. Published bugs need up to 5; far beyond, every step is a change point.
    pub const DEPTHS: core::ops::RangeInclusive<u32> = 1..=100;

    /// Whether it comes to an end with a proof: then there is no other execution.
    pub const fn is_exhaustive(self) -> bool {
        matches!(self, StrategySpec::Dfs | StrategySpec::Optimal)
    }

    /// Whether each execution depends on the ones before.
    pub const fn is_sequential(self) -> bool {
        self.is_exhaustive() || matches!(self, StrategySpec::Frontier | StrategySpec::Flip)
    }

    /// Whether it keeps to a bound on preemptions.
    pub const fn keeps_preemptions(self) -> bool {
        self.is_exhaustive() || matches!(self, StrategySpec::Frontier)
    }

    /// Whether it keeps to a bound on delays: a search of traces does not, since two linearizations of one trace
    /// differ in them by any number.
    pub const fn keeps_delays(self) -> bool {
        matches!(self, StrategySpec::Dfs)
    }

    /// What a strategy looks like, for messages.
    pub const EXPECTED: &'static str = "`mix`, `random`, `pct:D` with D from 1 to 100, `pos`, `surw`, `round-robin`, `dfs`, \
         `optimal`, `frontier` or `flip`";

    /// The strategy of this name.
    pub fn parse(text: &str) -> Option<StrategySpec> {
        Some(match text {
            "mix" => StrategySpec::Mix,
            "random" => StrategySpec::Random,
            "pct" => StrategySpec::Pct(3),
            "pos" => StrategySpec::Pos,
            "surw" => StrategySpec::Surw,
            "round-robin" => StrategySpec::RoundRobin,
            "dfs" => StrategySpec::Dfs,
            "optimal" => StrategySpec::Optimal,
            "frontier" => StrategySpec::Frontier,
            "flip" => StrategySpec::Flip,
            _ => {
                let depth = text.strip_prefix("pct:")?;
                // `parse` alone would also take `+3`, which would print differently.
                let plain = depth.bytes().all(|byte| byte.is_ascii_digit());
                let depth = depth.parse().ok().filter(|depth| plain && Self::DEPTHS.contains(depth))?;
                StrategySpec::Pct(depth)
            }
        })
    }
}

impl fmt::Display for StrategySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StrategySpec::Mix => f.write_str("mix"),
            StrategySpec::Random => f.write_str("random"),
            StrategySpec::Pct(depth) => write!(f, "pct:{depth}"),
            StrategySpec::Pos => f.write_str("pos"),
            StrategySpec::Surw => f.write_str("surw"),
            StrategySpec::RoundRobin => f.write_str("round-robin"),
            StrategySpec::Dfs => f.write_str("dfs"),
            StrategySpec::Optimal => f.write_str("optimal"),
            StrategySpec::Frontier => f.write_str("frontier"),
            StrategySpec::Flip => f.write_str("flip"),
        }
    }
}
