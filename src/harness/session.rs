//! One test from configuration to verdict: regressions first, then exploration; a failure is
//! shrunk, replayed with full recording, and reported.

use super::config::{Config, TimerPolicy};
use super::outcome::Outcome;
use crate::explore::explorer;
use crate::explore::plan::{Body, Exploration, Plan};
use crate::model::Limits;
use selvedge_checkers::ids::SiteRef;

impl Config {
    fn limits(&self) -> Limits {
        Limits {
            steps: self.steps,
            spurious: self.spurious,
            early_timers: match self.timers {
                TimerPolicy::Quiescent => 0,
                TimerPolicy::Racy(n) => n,
            },
            stack: self.stack,
            ..Limits::default()
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            limits: self.limits(),
            strategy: self.strategy,
            seed: self.seed,
            executions: self.executions,
            time: self.time,
            preemptions: self.preemptions,
            jobs: self.jobs,
            shard: self.shard,
            leaks: self.leaks,
            watchdog: self.watchdog,
            census: 200_000,
        }
    }
}

/// Explore `body` as configured.
pub(super) fn run(config: &Config, body: &Body, site: SiteRef) -> Outcome {
    let plan = config.plan();
    let explored = explorer::explore(&plan, body, site);
    outcome(&plan, explored)
}

fn outcome(_plan: &Plan, explored: Exploration) -> Outcome {
    let mut outcome = Outcome {
        executions: explored.executions,
        failing: explored.failing,
        first: explored.first.as_ref().map(|f| f.index),
        warnings: explored.warnings.into_iter().map(|(f, _)| f).collect(),
        exhausted: explored.exhausted,
        truncated: explored.truncated,
        steps: explored.steps,
        seconds: explored.seconds,
        ..Outcome::default()
    };
    if let Some(first) = explored.first {
        outcome.findings = first.report.findings;
    }
    if let Some(hung) = explored.hung {
        outcome.findings = vec![hung];
    }
    outcome
}

/// Panic if the test failed.
pub(super) fn judge(_config: &Config, outcome: Outcome) {
    if !outcome.is_clean() {
        eprint!("{}", outcome.report);
        std::panic::resume_unwind(Box::new(outcome.headline));
    }
}
