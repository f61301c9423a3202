//! From a failing execution to what the user gets: the printed report and the files beside it.

use super::artefacts::{self, Folder};
use super::config::{Config, ReportMode};
use super::identity::Identity;
use super::outcome::Outcome;
use super::seed;
use super::terminal;
use crate::report::{self, Beyond, Exhausted, Replay, Report, Statistics, Style};
use selvedge_checkers::finding::Finding;
use selvedge_checkers::statistics::Chosen;
use selvedge_checkers::trace::Trace;

/// What shrinking and replaying add to the numbers of a search.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shrunk {
    /// Of the execution that is shown.
    pub(super) preemptions: u32,
    pub(super) steps: (u32, u32),
    pub(super) switches: (u32, u32),
    pub(super) replayed: u32,
    /// A token said which execution to run.
    pub(super) replaying: bool,
    /// Or who did instead.
    pub(super) chosen: Option<Chosen>,
    /// Schedules that were to turn a prediction into a failure, and did not.
    pub(super) tried: u32,
    /// The failing execution was made to show what another one predicted.
    pub(super) steered: bool,
}

/// The numbers of the search.
pub(super) fn statistics(config: &Config, outcome: &Outcome, shrunk: Shrunk) -> Statistics {
    let exhausted = outcome.exhausted.then_some(match (config.preemptions, config.delays) {
        (None, None) => Exhausted::All,
        (preemptions, delays) => Exhausted::Within { preemptions, delays },
    });
    let preemptions = shrunk.preemptions;
    let beyond = config.preemptions.filter(|&bound| preemptions > bound);
    Statistics {
        beyond: beyond.map(|bound| Beyond { preemptions, bound }),
        executions: outcome.executions,
        limit: (config.executions != u64::MAX).then_some(config.executions),
        failing: outcome.failing,
        first_failing: outcome.first.map_or(0, |i| i + 1),
        exhausted,
        spurious: outcome.spurious.then_some(config.spurious),
        outgrown: outcome.outgrown,
        steps_before: shrunk.steps.0,
        steps_after: shrunk.steps.1,
        switches_before: shrunk.switches.0,
        switches_after: shrunk.switches.1,
        strategy: config.strategy.to_string(),
        seed: seed::display(config.seed),
        production: config.production,
        replaying: shrunk.replaying,
        chosen: shrunk.chosen,
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
        outcome.report.push_str(&report::summary(&statistics, outcome.warnings.len()));
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
        repairs: &[],
        trace: &trace,
        statistics: &statistics,
        replay: &replay,
        sources: &roots,
    };
    let notice = report.notice(&style(config, identity));
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
    let repairs = outcome.repairs.clone();
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
        repairs: &repairs,
        trace: outcome.trace.as_ref().unwrap_or(&empty),
        statistics: &statistics,
        replay: &Replay::default(),
        sources: &roots,
    };
    let style = style(config, identity);
    let folder = outcome.trace.as_ref().and_then(|_| Folder::of(config, identity));
    if let Some(folder) = &folder {
        artefacts::keep(folder, identity, outcome, &report, &mut replay);
    }
    let report = Report { replay: &replay, ..report };
    let text = match config.report {
        ReportMode::Default | ReportMode::Full => report.render(&style),
        ReportMode::Short => report.short(),
        ReportMode::Json => report.json(),
        ReportMode::Github => format!("{}\n{}", report.github(), report.render(&style)),
        ReportMode::Off => String::new(),
    };
    if let Some(folder) = folder.filter(|_| replay.out_dir.is_some() && identity.kept) {
        folder.write("report.txt", &report.render(&Style { color: false, ..style }));
    }
    outcome.headline = report.headline();
    outcome.timeline = replay.timeline.clone();
    outcome.report = text;
}

/// How to print, unless somebody said how: what a program asked for does not depend on its terminal.
fn style(config: &Config, identity: &Identity<'_>) -> Style {
    let shown = || if identity.kept { terminal::style(&std::io::stderr()) } else { Style::default() };
    config.style.unwrap_or_else(shown)
}
