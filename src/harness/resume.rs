//! Searches that go on where an earlier run of the test stopped.
//!
//! Invariant: a file that does not belong to the test as it is now stops the test, by name, and is never
//! overwritten.

use super::config::Config;
use super::identity::Identity;
use super::progress;
use super::trial::refuse;
use crate::explore::checkpoint::{self, Checkpoint, Subject, Totals};
use crate::explore::explorer;
use crate::explore::minimise;
use crate::explore::plan::{Body, Exploration, Failure, Plan, Warning};
use crate::explore::progress::{Keep, Start};
use crate::explore::shards;
use crate::explore::spec::StrategySpec;
use std::path::Path;

/// The name of a test as a file's.
pub(super) fn file_name(identity: &Identity<'_>) -> String {
    let name = identity.name().replace("::", "__");
    if name.is_empty() { "main".to_owned() } else { name }
}

/// The folder of the search and what it is about; `None` if it is not kept, or does not come to its end.
fn subject<'a>(
    config: &'a Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
) -> Option<(&'a Path, Subject)> {
    let folder = config.checkpoint.as_ref().filter(|_| config.strategy == StrategySpec::Optimal)?;
    // Who hangs at the first try hangs again.
    let fingerprint = explorer::fingerprint(plan, body, identity.site).ok()?;
    Some((folder, Subject::new(file_name(identity), fingerprint, plan)))
}

/// Explore, from where the last run stopped, or this process's share of a round.
pub(super) fn explore(config: &Config, plan: &Plan, body: &Body, identity: &Identity<'_>) -> Exploration {
    let fresh = Start { tell: progress::teller(config, identity), ..Start::default() };
    let start = match subject(config, plan, body, identity) {
        Some((folder, subject)) => match config.shard {
            Some(shard) => {
                let explored = shards::run(folder, &subject, shard, plan, body, identity.site);
                return explored.unwrap_or_else(|error| refuse(&error.to_string()));
            }
            None => Start { tell: fresh.tell, ..resume(folder, subject, plan, body, identity) },
        },
        None => fresh,
    };
    if let (Some((k, n)), true) = (config.shard, config.strategy.is_sequential()) {
        let why = match config.strategy {
            StrategySpec::Optimal => "its search is shared out only in a folder, SELVEDGE_CHECKPOINT=DIR",
            _ => "this strategy cannot be shared out",
        };
        eprintln!("selvedge: {}: shard {} of {n} runs all of it: {why}", identity.name(), k + 1);
    }
    let explored = explorer::explore_from(start, plan, body, identity.site);
    if let Some(problem) = &explored.unwritten {
        eprintln!("selvedge: the search could not be kept: {problem}");
    }
    explored
}

fn resume(folder: &Path, subject: Subject, plan: &Plan, body: &Body, identity: &Identity<'_>) -> Start {
    let path = shards::search_file(folder, &subject.name);
    let read = checkpoint::read::<Checkpoint>(&path).unwrap_or_else(|error| refuse(&error.to_string()));
    let Some((found, Checkpoint { search, totals })) = read else {
        return Start { keep: Some(Keep { path, subject, seconds: 0.0 }), ..Start::default() };
    };
    checkpoint::compare(&path, &found, &subject).unwrap_or_else(|error| refuse(&error.to_string()));
    eprintln!("selvedge: {}: goes on after {} executions", path.display(), totals.executions);
    for witness in &totals.witnesses {
        // Who hangs now is found to hang below.
        if explorer::does_again(plan, body, identity.site, witness) == Ok(false) {
            refuse(&checkpoint::changed(&path, witness).to_string());
        }
    }
    let warnings = warnings(plan, body, identity, &totals);
    let keep = Some(Keep { path, subject, seconds: totals.seconds });
    Start { search: Some(search), totals, warnings, keep, tell: None }
}

/// The warnings of the executions that showed them, which are run again.
fn warnings(plan: &Plan, body: &Body, identity: &Identity<'_>, totals: &Totals) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for (index, decisions) in &totals.warnings {
        let report = minimise::follow(plan, body, identity.site, decisions.clone()).report;
        for finding in &report.findings {
            let known = warnings.iter().any(|w| w.finding.same_bug(finding));
            if !known && !plan.is_error(finding) && plan.is_of_interest(finding) {
                let failure = Failure { index: *index, report: report.clone(), steered: false };
                warnings.push(Warning { finding: finding.clone(), failure, tried: 0 });
            }
        }
    }
    warnings
}
