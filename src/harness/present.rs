//! From a failing execution to what the user gets: the printed report and the files beside it.

use super::config::{Config, ReportMode};
use super::identity::Identity;
use super::outcome::Outcome;
use super::seed;
use crate::report::{Exhausted, Replay, Report, Statistics, Style};
use selvedge_checkers::finding::Finding;
use selvedge_checkers::trace::Trace;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What shrinking and replaying add to the numbers of a search.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shrunk {
    pub(super) steps: (u32, u32),
    pub(super) switches: (u32, u32),
    pub(super) replayed: u32,
    /// A token said which execution to run.
    pub(super) replaying: bool,
    /// Schedules that were to turn a prediction into a failure, and did not.
    pub(super) tried: u32,
    /// The failing execution was made to show what another one predicted.
    pub(super) steered: bool,
}

/// The numbers of the search.
pub(super) fn statistics(config: &Config, outcome: &Outcome, shrunk: Shrunk) -> Statistics {
    let exhausted = outcome.exhausted.then_some(match config.preemptions {
        Some(preemptions) => Exhausted::Within { preemptions },
        None => Exhausted::All,
    });
    Statistics {
        executions: outcome.executions,
        limit: (config.executions != u64::MAX).then_some(config.executions),
        failing: outcome.failing,
        first_failing: outcome.first.map_or(0, |i| i + 1),
        exhausted,
        outgrown: outcome.outgrown,
        steps_before: shrunk.steps.0,
        steps_after: shrunk.steps.1,
        switches_before: shrunk.switches.0,
        switches_after: shrunk.switches.1,
        strategy: config.strategy.to_string(),
        seed: seed::display(config.seed),
        production: config.production,
        replaying: shrunk.replaying,
        replayed: shrunk.replayed,
        tried: shrunk.tried,
        steered: shrunk.steered,
        estimate: outcome.estimate.filter(|_| !outcome.exhausted),
        patterns: None,
        seconds: outcome.seconds,
    }
}

/// Fill in the report of a failure.
pub(super) fn failure(config: &Config, identity: &Identity<'_>, outcome: &mut Outcome, shrunk: Shrunk) {
    let all: Vec<Finding> = outcome.findings.iter().chain(&outcome.warnings).cloned().collect();
    show(config, identity, outcome, shrunk, &all);
}

/// Fill in what a passing test has to say: its warnings always, its numbers if it was asked to.
pub(super) fn success(config: &Config, identity: &Identity<'_>, outcome: &mut Outcome, shrunk: Shrunk) {
    let warnings = outcome.warnings.clone();
    show(config, identity, outcome, shrunk, &warnings);
    if config.report == ReportMode::Full {
        let statistics = statistics(config, outcome, shrunk);
        outcome.report.push_str(&statistics.summary(outcome.warnings.len()));
        outcome.report.push('\n');
    }
}

/// Say above a report that the token it was replayed from stands for another execution.
pub(super) fn diverged(config: &Config, identity: &Identity<'_>, outcome: &mut Outcome, what: &Finding) {
    if matches!(config.report, ReportMode::Json | ReportMode::Off) {
        return;
    }
    let (statistics, roots) = (Statistics::default(), identity.roots());
    let trace = Trace::default();
    let replay = Replay::default();
    let report = Report {
        finding: what,
        others: &[],
        trace: &trace,
        statistics: &statistics,
        replay: &replay,
        sources: &roots,
    };
    let notice = report.notice(&style(config));
    outcome.report.insert_str(0, &notice);
}

/// The report about the first of the findings; the others are mentioned.
fn show(
    config: &Config,
    identity: &Identity<'_>,
    outcome: &mut Outcome,
    shrunk: Shrunk,
    findings: &[Finding],
) {
    let Some((finding, others)) = findings.split_first() else { return };
    let statistics = statistics(config, outcome, shrunk);
    let empty = Trace::default();
    let roots = identity.roots();
    let mut replay = Replay {
        token: outcome.token.as_ref().map(ToString::to_string).unwrap_or_default(),
        command: identity.command(),
        out_dir: None,
        timeline: None,
    };
    let report = Report {
        finding,
        others,
        trace: outcome.trace.as_ref().unwrap_or(&empty),
        statistics: &statistics,
        replay: &Replay::default(),
        sources: &roots,
    };
    let style = style(config);
    if outcome.trace.is_some() {
        replay.out_dir = write_steps(config, identity, &report.steps(&Style { color: false, ..style }));
    }
    let report = Report { replay: &replay, ..report };
    let text = match config.report {
        ReportMode::Default | ReportMode::Full => report.render(&style),
        ReportMode::Short => report.short(),
        ReportMode::Json => report.json(),
        ReportMode::Github => format!("{}\n{}", report.github(), report.render(&style)),
        ReportMode::Off => String::new(),
    };
    outcome.headline = report.headline();
    outcome.report = text;
}

/// How to print: colours only on a terminal that did not ask for none.
fn style(config: &Config) -> Style {
    if let Some(style) = config.style {
        return style;
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let width = std::env::var("COLUMNS").ok().and_then(|c| c.trim().parse().ok()).unwrap_or(100);
    Style { width, color: std::io::stderr().is_terminal() && !plain, unicode: unicode() }
}

/// Whether the locale, if there is one, has characters beyond ASCII.
fn unicode() -> bool {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let Some(name) = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set) else { return true };
    let locale = std::env::var_os(name).unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Where a test's files go, as a path to open and as one to print.
fn out_dir(config: &Config, identity: &Identity<'_>) -> Option<(PathBuf, String)> {
    let name = identity.name().replace("::", "__");
    if name.is_empty() {
        return None;
    }
    if let Some(dir) = &config.out {
        let dir = dir.join(&name);
        let shown = dir.display().to_string();
        return Some((dir, shown));
    }
    let workspace = identity.roots().workspace;
    // A relative one is relative to where cargo was called, which is the workspace more often than not.
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let dir = workspace.join(target).join("selvedge").join(&name);
    let shown = dir.strip_prefix(&workspace).unwrap_or(&dir).display().to_string();
    Some((dir, shown))
}

/// A folder that cannot be written is no reason to fail: the report just does not mention it.
fn write_steps(config: &Config, identity: &Identity<'_>, steps: &str) -> Option<String> {
    let (dir, shown) = out_dir(config, identity)?;
    std::fs::create_dir_all(&dir).ok()?;
    std::fs::write(dir.join("trace.txt"), steps).ok()?;
    Some(shown)
}
