//! What is to be explored, and what came of it.

use super::bounds::Bounds;
use super::checkpoint::Witness;
use super::spec::StrategySpec;
use super::strategies::Mix;
use crate::model::{Limits, Report};
use selvedge_checkers::finding::{Finding, Severity, Slug};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A test body, shared by all executions.
pub(crate) type Body = Arc<dyn Fn() + Send + Sync>;

/// Is told after each execution what it found; for comparing the engine with others.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) Arc<Watch>);

/// What is told of an execution.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// What it found.
    pub findings: &'a [Finding],
    /// The same number for all executions of a trace, under a strategy that knows traces.
    pub trace: Option<u64>,
    /// The trace needs more preemptions than were asked for.
    pub beyond: bool,
}

/// Who is told.
pub(crate) type Watch = dyn Fn(&Observed<'_>) + Send + Sync;

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Says of a finding whether it is what is sought.
#[derive(Clone)]
pub(crate) struct Sought(pub(crate) Arc<dyn Fn(&Finding) -> bool + Send + Sync>);

impl fmt::Debug for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sought")
    }
}

/// What goroutines left blocked at the end mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaks {
    Deny,
    Warn,
    Allow,
}

/// The budget and the ways of one exploration.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) limits: Limits,
    pub(crate) strategy: StrategySpec,
    pub(crate) seed: u64,
    pub(crate) executions: u64,
    pub(crate) time: Option<Duration>,
    pub(crate) bounds: Bounds,
    /// How many nodes the tree of an exhaustive search may have.
    pub(crate) nodes: usize,
    pub(crate) jobs: usize,
    pub(crate) shard: Option<(u32, u32)>,
    pub(crate) leaks: Leaks,
    pub(crate) watchdog: Duration,
    /// Steps that may be spent, after the first failure, on counting how many executions fail.
    pub(crate) census: u64,
    /// Steps of all executions together, after which no other begins.
    pub(crate) work: u64,
    pub(crate) observer: Option<Observer>,
    /// What counts as a failure, if that is not what fails a test.
    pub(crate) sought: Option<Sought>,
}

/// One failing execution.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) index: u64,
    pub(crate) report: Report,
    /// It is no execution of the strategy, but was made from one to show what that one predicted.
    pub(crate) steered: bool,
}

/// Something that is no failure, with the first execution that showed it.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    pub(crate) finding: Finding,
    pub(crate) failure: Failure,
    /// Schedules that were to turn it into a failure, and did not.
    pub(crate) tried: u32,
}

/// What an exploration came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exploration {
    pub(crate) executions: u64,
    pub(crate) failing: u64,
    /// The failing execution with the lowest index.
    pub(crate) first: Option<Failure>,
    /// The first of each warning.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) exhausted: bool,
    pub(crate) truncated: u64,
    /// Something could have happened without a cause, and did where the strategy wanted it to.
    pub(crate) spurious: bool,
    /// Some executions of a search that is kept in a file.
    pub(crate) witnesses: Vec<Witness>,
    /// Executions that turned out to repeat what others cover.
    pub(crate) redundant: u64,
    /// Executions in which a goroutine went round in a loop in vain.
    pub(crate) vain: u64,
    /// Executions that need more preemptions than were asked for.
    pub(crate) beyond: u64,
    pub(crate) steps: u64,
    pub(crate) seconds: f64,
    /// How many executions there may be in all.
    pub(crate) estimate: Option<f64>,
    /// Why the search could not be kept in its file.
    pub(crate) unwritten: Option<String>,
    /// What the search has to remember became more than it may.
    pub(crate) outgrown: bool,
    /// The search noticed that the program does not do the same twice.
    pub(crate) diverged: Option<Finding>,
    /// A goroutine that never came back, with what is known of the place.
    pub(crate) hung: Option<Finding>,
}

impl Plan {
    /// Whether the finding fails the test, or is what is sought instead.
    pub(crate) fn is_error(&self, finding: &Finding) -> bool {
        if let Some(sought) = &self.sought {
            return (sought.0)(finding);
        }
        let leak = finding.slug == Slug::LeakedGoroutine;
        finding.slug.severity() == Severity::Error && !(leak && self.leaks != Leaks::Deny)
    }

    /// Whether the finding is worth a word.
    pub(crate) fn is_of_interest(&self, finding: &Finding) -> bool {
        let leak = matches!(finding.slug, Slug::LeakedGoroutine | Slug::LeakedTimer);
        !(leak && self.leaks == Leaks::Allow)
    }

    /// Whether the execution failed.
    pub(crate) fn fails(&self, report: &Report) -> bool {
        report.findings.iter().any(|f| self.is_error(f))
    }

    /// Whether the seed and its number tell the execution.
    pub(crate) fn is_seeded(&self, failure: &Failure) -> bool {
        let in_lane = self.strategy == StrategySpec::Mix && Mix::is_of_the_lane(failure.index);
        !failure.steered && !self.strategy.is_sequential() && !in_lane
    }

    /// Whether what an execution predicts is put to the test at once. A search comes to it by itself.
    pub(crate) fn tests_predictions(&self) -> bool {
        !self.strategy.is_sequential() && self.observer.is_none()
    }

    /// The first execution from `index` on that is this machine's to run.
    pub(crate) fn next_owned(&self, index: u64) -> u64 {
        (index..).find(|&i| self.owns(i)).unwrap_or(u64::MAX)
    }

    /// Whether execution `index` is this machine's to run. In a search each depends on those before.
    pub(crate) fn owns(&self, index: u64) -> bool {
        self.strategy.is_sequential() || self.shard.is_none_or(|(k, n)| index % u64::from(n) == u64::from(k))
    }
}
