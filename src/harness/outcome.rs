//! What a run of the explorer came to, as data.

use super::present::Shrunk;
use crate::explore::minimise;
use crate::explore::token::Token;
use selvedge_checkers::finding::Finding;
use selvedge_checkers::repair::Verified;
use selvedge_checkers::trace::Trace;
use std::fmt;

/// What came of exploring a program.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Executions run.
    pub executions: u64,
    /// How many of them failed.
    pub failing: u64,
    /// The index of the first one that did; if none did, of the one that showed the first warning.
    pub first: Option<u64>,
    /// What the first failing execution found, after shrinking; empty if none failed.
    pub findings: Vec<Finding>,
    /// Predictions and advice from any execution, each once.
    pub warnings: Vec<Finding>,
    /// Whether no other execution exists (within the preemption bound, if there is one).
    pub exhausted: bool,
    /// Whether an exhaustive search ended because its tree became too large.
    pub outgrown: bool,
    /// How many executions there may be in all, if the strategy can tell.
    pub estimate: Option<f64>,
    /// Executions cut by the step limit.
    pub truncated: u64,
    /// Whether a wait could have ended, or a weak exchange failed, without a cause: what is proved is so for as many
    /// of these for each goroutine as `spurious` says.
    pub spurious: bool,
    /// Executions that turned out to repeat what others cover: 0 under an optimal search.
    pub redundant: u64,
    /// Executions of an optimal search in which a goroutine went round in a loop in vain: what it can come to
    /// without that round is another of the executions.
    pub vain: u64,
    /// Executions of traces that need more preemptions than were asked for, made on the way to others.
    pub beyond: u64,
    /// Steps of all executions together.
    pub steps: u64,
    /// Wall time.
    pub seconds: f64,
    /// The failure, to be replayed: the value of `SELVEDGE_REPLAY`.
    pub token: Option<Token>,
    /// Small changes of the failing program with which nothing failed, if any were tried.
    pub repairs: Vec<Verified>,
    /// The exact decisions of the failing execution, as (goroutine, alternative).
    pub decisions: Vec<(u32, u32)>,
    /// The failing execution, recorded.
    pub trace: Option<Trace>,
    /// The report, as printed.
    pub report: String,
    pub(crate) headline: String,
    /// Where the timeline was written, as it is printed.
    pub(crate) timeline: Option<String>,
    /// The nearest execution that passes, to compare with.
    pub(crate) passing: Option<Trace>,
    /// What shrinking made of the failure.
    pub(super) shrunk: Option<Shrunk>,
}

impl Outcome {
    /// Whether nothing fails.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// How often the failing execution goes from one goroutine to another.
    pub fn switches(&self) -> u32 {
        minimise::switches(self.decisions.iter().map(|(goroutine, _)| *goroutine))
    }

    /// The finding that fails the test.
    pub fn failure(&self) -> Option<&Finding> {
        self.findings.first()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}
