//! What came of a test, as a line for whoever started the tests.
//!
//! Invariant: a line is written whole, in one call, at the end of a file that many processes add to.
//! Fields are only ever added.

use super::config::Config;
use super::identity::Identity;
use super::outcome::Outcome;
use super::seed;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;

/// Add the line of a test, if somebody wants it; `budget` says that the budget ended what should have been
/// exhausted.
pub(super) fn add(config: &Config, identity: &Identity<'_>, outcome: &Outcome, budget: bool) {
    let Some(file) = &config.summary else { return };
    let slugs = |findings: &[selvedge_checkers::finding::Finding]| {
        findings.iter().map(|finding| finding.slug.text()).collect::<Vec<_>>()
    };
    let line = json!({
        "version": 1,
        "kind": "test",
        "test": identity.name(),
        "path": identity.test.map(|test| test.path),
        "shard": config.shard.map(|(k, n)| [k + 1, n]),
        "seed": seed::display(config.seed),
        "limit": (config.executions != u64::MAX).then_some(config.executions),
        "first": outcome.first.map(|index| index + 1),
        "passed": outcome.is_clean() && !budget,
        "budget": budget,
        "finding": outcome.failure().map(|finding| finding.slug.text()),
        "findings": slugs(&outcome.findings),
        "warnings": slugs(&outcome.warnings),
        "executions": outcome.executions,
        "failing": outcome.failing,
        "exhausted": outcome.exhausted,
        "estimate": outcome.estimate.filter(|n| n.is_finite()),
        "seconds": outcome.seconds,
        "strategy": config.strategy.to_string(),
        "token": outcome.token.as_ref().map(ToString::to_string),
        "steps": outcome.shrunk.map(|shrunk| [shrunk.steps.0, shrunk.steps.1]),
        "switches": outcome.shrunk.map(|shrunk| [shrunk.switches.0, shrunk.switches.1]),
        "timeline": outcome.timeline,
    });
    let added = OpenOptions::new().create(true).append(true).open(file);
    if let Err(error) = added.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())) {
        super::once_a_process(&format!("cannot write {}: {error}", file.display()));
    }
}
