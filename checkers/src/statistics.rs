//! What the search knows about itself: plain numbers, filled in by whoever ran it.
//!
//! Invariant: a field that was not measured is `None`, zero or empty, and the report leaves it out.

/// How much of the space was explored to the end.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhausted {
    /// All executions there are.
    All,
    /// All executions within bounds; those that are given.
    Within {
        /// At most so many preemptions.
        #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
        preemptions: Option<u32>,
        /// At most so many delays.
        #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
        delays: Option<u32>,
    },
}

/// The execution that is shown has more preemptions than the search was to look at: a search of traces makes some
/// such executions on its way to others.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beyond {
    /// How many it has.
    pub preemptions: u32,
    /// How many were asked for, at most.
    pub bound: u32,
}

/// Who says which execution to run, where none is looked for and no token was given.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chosen {
    /// The file of what failed before.
    Remembered,
    /// Somebody who made every decision.
    ByHand,
}

/// The numbers of one search.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(default))]
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
    /// Something could have happened without a cause: tried at most so often for each goroutine.
    #[cfg_attr(feature = "format", serde(skip_serializing_if = "Option::is_none"))]
    pub spurious: Option<u32>,
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
    /// It needs more preemptions than were asked for.
    #[cfg_attr(feature = "format", serde(skip_serializing_if = "Option::is_none"))]
    pub beyond: Option<Beyond>,
    /// It was one run on real threads, and nothing was searched.
    pub production: bool,
    /// The execution was not looked for: a token says which it is, or whatever `chosen` says.
    pub replaying: bool,
    /// Who said which execution to run, if no token did.
    #[cfg_attr(feature = "format", serde(skip_serializing_if = "Option::is_none"))]
    pub chosen: Option<Chosen>,
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
