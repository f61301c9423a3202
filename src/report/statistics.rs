//! What the search knows about itself: plain numbers, filled in by whoever ran it.
//!
//! Invariant: a field that was not measured is `None`, zero or empty, and the report leaves it out.

/// How much of the space was explored to the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhausted {
    /// All executions there are.
    All,
    /// All executions with at most so many preemptions.
    Within {
        /// The bound.
        preemptions: u32,
    },
}

/// The numbers of one search.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Statistics {
    /// Executions explored.
    pub executions: u64,
    /// The budget of executions, if there was one.
    pub limit: Option<u64>,
    /// Executions that showed the finding reported.
    pub failing: u64,
    /// The number of the first of them, from 1; 0 where unknown.
    pub first_failing: u64,
    /// Whether and how the space was exhausted.
    pub exhausted: Option<Exhausted>,
    /// An exhaustive search ended because its tree became too large.
    pub outgrown: bool,
    /// Steps of the failing execution as found.
    pub steps_before: u32,
    /// Steps after shrinking.
    pub steps_after: u32,
    /// Switches of the failing execution as found.
    pub switches_before: u32,
    /// Switches after shrinking.
    pub switches_after: u32,
    /// The strategy, as the user would write it (`pct:3`).
    pub strategy: String,
    /// The base seed, as the user would write it; empty where the strategy has none.
    pub seed: String,
    /// It was one run on real threads, and nothing was searched.
    pub production: bool,
    /// The execution was not looked for: a token says which it is.
    pub replaying: bool,
    /// How often the finding was replayed with the same result.
    pub replayed: u32,
    /// A warning is told: schedules that were to turn it into a failure, and did not.
    pub tried: u32,
    /// The failing execution was made to show what the first of them predicted.
    pub steered: bool,
    /// An estimate of how many executions there are.
    pub estimate: Option<f64>,
    /// How many distinct hand-off patterns were seen.
    pub patterns: Option<u64>,
    /// How long the search took.
    pub seconds: f64,
}

impl Statistics {
    /// The one line of a test that passed: `explored 1000 executions (…), 0 findings, 0.84 s`.
    pub fn summary(&self, findings: usize) -> String {
        super::words::passed(self, findings)
    }
}

/// How to see a failure again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replay {
    /// The value of `SELVEDGE_REPLAY`; empty where there is no execution to replay.
    pub token: String,
    /// The user's own command (`cargo test orders_are_billed`).
    pub command: String,
    /// The directory that holds `trace.txt`, if it was written.
    pub out_dir: Option<String>,
    /// The path of the HTML timeline, if it was written.
    pub timeline: Option<String>,
}
