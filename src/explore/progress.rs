//! How far an exploration is, and how a search goes on that was interrupted.

use super::checkpoint::{self, FileError, Subject, Totals};
use super::dpor::search::Search;
use super::plan::{Exploration, Warning};
use std::path::PathBuf;
use std::time::Duration;

/// How far an exploration is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) executions: u64,
    /// How many there may be in all.
    pub(crate) estimate: Option<f64>,
    /// How many of them were run now, and in which time.
    pub(crate) fresh: u64,
    pub(crate) elapsed: Duration,
}

/// Is told how far it is, now and then.
pub(crate) type Tell = dyn Fn(&Progress);

/// What an exploration begins with.
#[derive(Default)]
pub(crate) struct Start {
    /// A search that was interrupted, and what it had come to.
    pub(crate) search: Option<Search>,
    pub(crate) totals: Totals,
    /// The warnings among them, found again.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) keep: Option<Keep>,
    pub(crate) tell: Option<Box<Tell>>,
}

/// The file that a search is kept in.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    pub(crate) path: PathBuf,
    pub(crate) subject: Subject,
    /// The time that earlier runs took.
    pub(crate) seconds: f64,
}

impl Keep {
    /// Write the search and what it came to.
    pub(super) fn write(&self, search: &Search, total: &Exploration, seconds: f64) -> Result<(), FileError> {
        let pairs = |warning: &Warning| {
            let decisions = warning.failure.report.decisions.iter();
            (warning.failure.index, decisions.map(|d| (d.goroutine.0, d.alternative.into())).collect())
        };
        let totals = Totals {
            executions: total.executions,
            failing: total.failing,
            truncated: total.truncated,
            spurious: total.spurious,
            steps: total.steps,
            seconds: self.seconds + seconds,
            warnings: total.warnings.iter().map(pairs).collect(),
            witnesses: total.witnesses.clone(),
        };
        checkpoint::write_search(&self.path, &self.subject, search, &totals)
    }

    /// The search is over: there is nothing to go on with.
    pub(super) fn remove(&self) {
        // If there is none, that is as well.
        let _ = std::fs::remove_file(&self.path);
    }
}
