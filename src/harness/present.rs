//! From a failing execution to what the user gets: the printed report and the files beside it.

use super::config::{Config, ReportMode};
use super::identity::Identity;
use super::outcome::Outcome;
use super::seed;
use crate::report::{Exhausted, Replay, Report, Statistics, Style};
use selvedge_checkers::trace::Trace;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What shrinking and replaying add to the numbers of a search.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shrunk {
    pub(super) steps: (u32, u32),
    pub(super) switches: (u32, u32),
    pub(super) replayed: u32,
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
        steps_before: shrunk.steps.0,
        steps_after: shrunk.steps.1,
        switches_before: shrunk.switches.0,
        switches_after: shrunk.switches.1,
        strategy: config.strategy.to_string(),
        seed: seed::display(config.seed),
        replayed: shrunk.replayed,
        estimate: outcome.estimate.filter(|_| !outcome.exhausted),
        patterns: None,
        seconds: outcome.seconds,
    }
}

/// Fill in the report of a failure.
pub(super) fn failure(config: &Config, identity: &Identity<'_>, outcome: &mut Outcome, shrunk: Shrunk) {
    let Some(finding) = outcome.findings.first() else { return };
    let statistics = statistics(config, outcome, shrunk);
    let empty = Trace::default();
    let roots = identity.roots();
    let mut replay = Replay {
        token: outcome.token.as_ref().map(ToString::to_string).unwrap_or_default(),
        command: identity.command(),
        out_dir: None,
        timeline: None,
    };
    let others: Vec<_> = outcome.findings[1..].iter().chain(&outcome.warnings).cloned().collect();
    let report = Report {
        finding,
        others: &others,
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
    outcome.headline = report.headline();
    outcome.report = match config.report {
        ReportMode::Default | ReportMode::Full => report.render(&style),
        ReportMode::Short => report.short(),
        ReportMode::Json => report.json(),
        ReportMode::Github => format!("{}\n{}", report.github(), report.render(&style)),
        ReportMode::Off => String::new(),
    };
}

/// Fill in what a passing test has to say, if it was asked to, and warnings always.
pub(super) fn success(config: &Config, identity: &Identity<'_>, outcome: &mut Outcome) {
    let statistics = statistics(config, outcome, Shrunk::default());
    let empty = Trace::default();
    let roots = identity.roots();
    let replay = Replay {
        token: outcome.token.as_ref().map(ToString::to_string).unwrap_or_default(),
        command: identity.command(),
        ..Replay::default()
    };
    let shown = config.report != ReportMode::Off;
    if let (true, Some(first)) = (shown, outcome.warnings.first()) {
        let report = Report {
            finding: first,
            others: &outcome.warnings[1..],
            trace: outcome.trace.as_ref().unwrap_or(&empty),
            statistics: &statistics,
            replay: &replay,
            sources: &roots,
        };
        outcome.report = match config.report {
            ReportMode::Json => report.json(),
            ReportMode::Github => report.github(),
            ReportMode::Short | ReportMode::Default => report.short(),
            _ => report.render(&style(config)),
        };
    }
    if config.report == ReportMode::Full {
        outcome.report.push_str(&statistics.summary(outcome.warnings.len()));
        outcome.report.push('\n');
    }
}

/// How to print: colours only on a terminal that did not ask for none.
fn style(config: &Config) -> Style {
    if let Some(style) = config.style {
        return style;
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(100);
    Style { width, color: std::io::stderr().is_terminal() && !plain, unicode: true }
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
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => identity.roots().workspace.join("target"),
    };
    Some((target.join("selvedge").join(&name), format!("target/selvedge/{name}")))
}

/// A folder that cannot be written is no reason to fail: the report just does not mention it.
fn write_steps(config: &Config, identity: &Identity<'_>, steps: &str) -> Option<String> {
    let (dir, shown) = out_dir(config, identity)?;
    std::fs::create_dir_all(&dir).ok()?;
    std::fs::write(dir.join("trace.txt"), steps).ok()?;
    Some(shown)
}
