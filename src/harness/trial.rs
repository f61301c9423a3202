//! One test from configuration to verdict: regressions first, then exploration; a failure is
//! shrunk, replayed twice with full recording, and reported.

use super::config::{
    Config, DEFAULT_EXECUTIONS, LeakPolicy, MemoryModel, RegressionMode, ReportMode, TimerPolicy,
};
use super::identity::Identity;
use super::outcome::Outcome;
use super::present::{self, Shrunk};
use super::progress;
use super::regressions::{self, Entry};
use super::remote;
use super::resume;
use super::schedule::Schedule;
use super::summary;
use crate::explore::bounds::Bounds;
use crate::explore::explorer;
use crate::explore::minimise::{self, Minimal};
use crate::explore::nearest;
use crate::explore::plan::{Body, Exploration, Failure, Leaks, Observer, Plan, Sought, Warning};
use crate::explore::token::{Token, TokenBody};
use crate::explore::what_if::{self, Rate};
use crate::model::{Limits, Report};
use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::repair::Verified;
use selvedge_checkers::statistics::Chosen;
use selvedge_checkers::trace::Trace;
use std::path::PathBuf;

impl Config {
    fn limits(&self) -> Limits {
        Limits {
            steps: self.steps,
            spurious: self.spurious,
            weak: self.memory == MemoryModel::C11,
            early_timers: match self.timers {
                TimerPolicy::Quiescent => 0,
                TimerPolicy::Racy(n) => n,
            },
            stack: self.stack,
            ..Limits::default()
        }
    }

    /// What is to be explored. A configuration that makes no sense is refused.
    pub(super) fn plan(&self) -> Plan {
        self.check_bounds().unwrap_or_else(|error| refuse(&error.to_string()));
        Plan {
            limits: self.limits(),
            strategy: self.strategy,
            seed: self.seed,
            executions: self.executions,
            time: self.time,
            bounds: Bounds { preemptions: self.preemptions, delays: self.delays },
            nodes: self.nodes,
            jobs: self.jobs,
            shard: self.shard,
            leaks: match self.leaks {
                LeakPolicy::Deny => Leaks::Deny,
                LeakPolicy::Warn => Leaks::Warn,
                LeakPolicy::Allow => Leaks::Allow,
            },
            watchdog: self.watchdog,
            census: 200_000,
            work: u64::MAX,
            observer: None,
            sought: None,
        }
    }
}

/// Explore `body` as configured.
pub(super) fn run(config: &Config, body: &Body, identity: &Identity<'_>) -> Outcome {
    let plan = config.plan();
    if let Some(socket) = &config.step {
        return remote::run(config, plan, body, identity, socket);
    }
    if let Some(what) = &config.replay {
        return replay(config, &plan, body, identity, what);
    }
    if let Some(outcome) = replay_regressions(config, &plan, body, identity) {
        return outcome;
    }
    let mut explored = resume::explore(config, &plan, body, identity);
    let warnings = std::mem::take(&mut explored.warnings);
    let first_warning = warnings.first().cloned();
    let warnings = warnings.into_iter().map(|w| w.finding).collect();
    let mut outcome = Outcome { warnings, ..counted(&explored) };
    if let Some(finding) = without_execution(config, &explored) {
        outcome.findings = vec![finding];
        present::failure(config, identity, &mut outcome, Shrunk::default());
        return outcome;
    }
    match explored.first {
        None => {
            let shrunk = warned(config, &plan, body, identity, &mut outcome, first_warning);
            present::success(config, identity, &mut outcome, shrunk);
        }
        Some(failure) => {
            outcome.first = Some(failure.index);
            found(config, &plan, body, identity, &mut outcome, &failure);
            remember(config, identity, &outcome);
        }
    }
    outcome
}

/// Explore all that is planned, whatever is found, and tell `observer` after each execution: no
/// failure is shrunk, kept or reported.
pub(super) fn observe(config: &Config, body: &Body, identity: &Identity<'_>, observer: Observer) -> Outcome {
    let plan = Plan { census: u64::MAX / 2, observer: Some(observer), ..config.plan() };
    let explored = explorer::explore(&plan, body, identity.site);
    let findings = without_execution(config, &explored).into_iter().collect();
    Outcome { findings, ..counted(&explored) }
}

/// Explore until an execution shows what is sought, and no further: nothing is shrunk, kept or reported.
pub(super) fn seek(config: &Config, body: &Body, identity: &Identity<'_>, sought: Sought) -> Outcome {
    let plan = Plan { census: 0, sought: Some(sought), ..config.plan() };
    let explored = explorer::explore(&plan, body, identity.site);
    let findings = match (without_execution(config, &explored), &explored.first) {
        (Some(finding), _) => vec![finding],
        (None, Some(failure)) => failure.report.findings.clone(),
        (None, None) => Vec::new(),
    };
    Outcome { first: explored.first.as_ref().map(|f| f.index), findings, ..counted(&explored) }
}

/// The numbers of a search.
fn counted(explored: &Exploration) -> Outcome {
    Outcome {
        executions: explored.executions,
        failing: explored.failing,
        exhausted: explored.exhausted,
        outgrown: explored.outgrown,
        truncated: explored.truncated,
        spurious: explored.spurious,
        redundant: explored.redundant,
        vain: explored.vain,
        beyond: explored.beyond,
        steps: explored.steps,
        seconds: explored.seconds,
        estimate: explored.estimate,
        ..Outcome::default()
    }
}

/// A failure that no execution shows.
fn without_execution(config: &Config, explored: &Exploration) -> Option<Finding> {
    if let Some(hung) = &explored.hung {
        return Some(hung.clone());
    }
    if let (Some(diverged), None) = (&explored.diverged, &explored.first) {
        return Some(diverged.clone());
    }
    // In a round there may be less to run than shards.
    let nothing = explored.executions == 0 && !config.is_in_rounds();
    nothing.then_some(Finding { slug: Slug::NothingExplored, evidence: Evidence::None })
}

fn token_of(plan: &Plan, minimal: &Minimal, failure: &Failure) -> Token {
    match &minimal.deviations {
        Some(list) => Token::deviations(minimal.report.fingerprint as u16, list.clone()),
        None => Token::seeded(failure.report.fingerprint as u16, plan.strategy, plan.seed, failure.index),
    }
}

/// Shrink, replay and report a failing execution.
fn found(
    config: &Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
    outcome: &mut Outcome,
    failure: &Failure,
) {
    let minimal = minimise::minimise(plan, body, identity.site, failure);
    outcome.passing = nearest_passing(config, plan, body, identity, &minimal);
    let rate = Rate { failing: outcome.failing, executions: outcome.executions };
    outcome.repairs = repairs(config, plan, body, identity, &minimal, rate);
    let shrunk = settle(plan, outcome, failure, minimal, None);
    outcome.shrunk = Some(shrunk);
    present::failure(config, identity, outcome, shrunk);
}

/// Small changes that help, where somebody wants to know.
fn repairs(
    config: &Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
    failing: &Minimal,
    rate: Rate,
) -> Vec<Verified> {
    let wanted = config.repairs.unwrap_or(identity.kept && config.report != ReportMode::Off);
    let hung = failing.report.findings.iter().any(|f| f.slug == Slug::Stuck);
    if !wanted || failing.diverged || hung {
        return Vec::new();
    }
    // To replay is to run one execution, which verifies nothing.
    let executions = if config.replay.is_some() { DEFAULT_EXECUTIONS } else { plan.executions };
    let plan = Plan { executions, ..plan.clone() };
    what_if::verified(&plan, body, identity.site, &failing.report, rate)
}

/// What to compare a failing execution with, where somebody will look at it.
fn nearest_passing(
    config: &Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
    failing: &Minimal,
) -> Option<Trace> {
    let is_looked_at = identity.kept && config.report != ReportMode::Off;
    let comparable = is_looked_at && !failing.diverged && plan.fails(&failing.report);
    let hung = failing.report.findings.iter().any(|f| f.slug == Slug::Stuck);
    let nearest = (comparable && !hung).then(|| nearest::passing(plan, body, identity.site, &failing.report));
    nearest.flatten()?.trace
}

/// The first warning of a passing test, shrunk and recorded like a failure.
fn warned(
    config: &Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
    outcome: &mut Outcome,
    first: Option<Warning>,
) -> Shrunk {
    let Some(Warning { failure, tried, .. }) = first.filter(|_| config.report != ReportMode::Off) else {
        return Shrunk::default();
    };
    let minimal = minimise::minimise(plan, body, identity.site, &failure);
    if minimal.diverged || minimal.report.trace.is_none() {
        return Shrunk::default();
    }
    Shrunk { tried, ..settle(plan, outcome, &failure, minimal, None) }
}

/// Put a minimised failure into the outcome; `token` is the one it was replayed from, if it was.
fn settle(
    plan: &Plan,
    outcome: &mut Outcome,
    failure: &Failure,
    minimal: Minimal,
    token: Option<Token>,
) -> Shrunk {
    let shrunk = Shrunk {
        preemptions: minimal.report.preemptions,
        steps: (failure.report.steps, minimal.report.steps),
        switches: (switches(&failure.report), switches(&minimal.report)),
        replayed: minimal.replayed,
        replaying: false,
        chosen: None,
        tried: 0,
        steered: failure.steered,
    };
    outcome.token = token.or_else(|| Some(token_of(plan, &minimal, failure)));
    outcome.decisions = pairs(&minimal.report);
    (outcome.findings, outcome.warnings) = sort(plan, minimal.report.findings, &outcome.warnings);
    outcome.trace = minimal.report.trace;
    shrunk
}

/// Errors first; what is only a warning goes to the warnings, unless it is known.
fn sort(plan: &Plan, findings: Vec<Finding>, known: &[Finding]) -> (Vec<Finding>, Vec<Finding>) {
    let (errors, more): (Vec<_>, Vec<_>) = findings.into_iter().partition(|f| plan.is_error(f));
    let mut warnings: Vec<Finding> = more.into_iter().filter(|f| plan.is_of_interest(f)).collect();
    for finding in known {
        if !warnings.iter().any(|w| w.same_bug(finding)) {
            warnings.push(finding.clone());
        }
    }
    (errors, warnings)
}

fn switches(report: &Report) -> u32 {
    minimise::switches(report.decisions.iter().map(|d| d.goroutine.0))
}

fn pairs(report: &Report) -> Vec<(u32, u32)> {
    report.decisions.iter().map(|d| (d.goroutine.0, d.alternative.into())).collect()
}

/// Run exactly what a token, a trace or a file of regressions says.
fn replay(config: &Config, plan: &Plan, body: &Body, identity: &Identity<'_>, what: &str) -> Outcome {
    let (minimal, token) = scheduled(plan, body, identity, what);
    if config.shrink && plan.fails(&minimal.report) && !minimal.diverged {
        return shrink(config, plan, body, identity, minimal.report);
    }
    finish_replay(config, plan, body, identity, minimal, token)
}

fn scheduled(plan: &Plan, body: &Body, identity: &Identity<'_>, what: &str) -> (Minimal, Option<Token>) {
    let schedule = Schedule::read(what);
    match schedule.unwrap_or_else(|problem| refuse(&format!("SELVEDGE_REPLAY={what}: {problem}"))) {
        Schedule::Token(token) => (replay_token(plan, body, identity, &token), Some(token)),
        Schedule::Decisions(all) => (minimise::follow(plan, body, identity.site, all), None),
    }
}

/// The decisions of what is to be run again.
pub(super) fn decisions(plan: &Plan, body: &Body, identity: &Identity<'_>, what: &str) -> Vec<(u32, u32)> {
    pairs(&scheduled(plan, body, identity, what).0.report)
}

/// Tell a failing execution as shortly as can be.
fn shrink(config: &Config, plan: &Plan, body: &Body, identity: &Identity<'_>, report: Report) -> Outcome {
    let mut outcome = Outcome {
        executions: 1,
        failing: 1,
        first: Some(0),
        steps: report.steps.into(),
        ..Outcome::default()
    };
    let failure = Failure { index: 0, report, steered: true };
    let minimal = minimise::minimise(plan, body, identity.site, &failure);
    outcome.passing = nearest_passing(config, plan, body, identity, &minimal);
    outcome.repairs = repairs(config, plan, body, identity, &minimal, SELDOM);
    let shrunk = Shrunk { replaying: true, ..settle(plan, &mut outcome, &failure, minimal, None) };
    outcome.shrunk = Some(shrunk);
    present::failure(config, identity, &mut outcome, shrunk);
    outcome
}

fn replay_token(plan: &Plan, body: &Body, identity: &Identity<'_>, token: &Token) -> Minimal {
    let mut minimal = match &token.choices {
        TokenBody::Deviations(list) => minimise::deviate(plan, body, identity.site, list.clone()),
        TokenBody::Seeded { strategy, seed, execution } => {
            let plan = Plan { strategy: *strategy, seed: *seed, ..plan.clone() };
            minimise::reseed(&plan, body, identity.site, *execution)
        }
    };
    if minimal.report.fingerprint as u16 != token.fingerprint {
        minimal.diverged = true;
    }
    minimal
}

pub(super) fn finish_replay(
    config: &Config,
    plan: &Plan,
    body: &Body,
    identity: &Identity<'_>,
    minimal: Minimal,
    token: Option<Token>,
) -> Outcome {
    let chosen = match (&config.replay, &token) {
        _ if config.step.is_some() => Some(Chosen::ByHand),
        (Some(_), _) => None,
        (None, Some(_)) => Some(Chosen::Remembered),
        (None, None) => Some(Chosen::ByHand),
    };
    let passing = nearest_passing(config, plan, body, identity, &minimal);
    let fails = plan.fails(&minimal.report);
    let repairs = match fails {
        true => repairs(config, plan, body, identity, &minimal, SELDOM),
        false => Vec::new(),
    };
    let steps = minimal.report.steps.into();
    let mut outcome = Outcome { passing, repairs, executions: 1, steps, ..Outcome::default() };
    let divergence = minimal.diverged.then(|| minimal.divergence(fails));
    (outcome.failing, outcome.first) = (fails.into(), fails.then_some(0));
    let failure = Failure { index: 0, report: minimal.report.clone(), steered: false };
    // What runs now is not what the token stands for: it gets a token of its own.
    let token = token.filter(|_| divergence.is_none());
    let settled = settle(plan, &mut outcome, &failure, minimal, token);
    let shrunk = Shrunk { replaying: true, chosen, ..settled };
    match divergence {
        Some(divergence) if !fails => {
            outcome.findings = vec![divergence];
            outcome.token = None;
            present::failure(config, identity, &mut outcome, shrunk);
        }
        divergence if fails => {
            present::failure(config, identity, &mut outcome, shrunk);
            if let Some(divergence) = divergence {
                present::diverged(config, identity, &mut outcome, &divergence);
            }
        }
        _ => present::success(config, identity, &mut outcome, shrunk),
    }
    outcome
}

/// How often a replayed execution fails is not known: a repair has to stand this.
const SELDOM: Rate = Rate { failing: 1, executions: 40 };

fn regressions_file(config: &Config, identity: &Identity<'_>) -> Option<PathBuf> {
    let test = identity.test?;
    let root = identity.package_root()?;
    (config.regressions != RegressionMode::Off).then(|| regressions::file_of(&root, test.path))
}

/// What failed once is tried first.
fn replay_regressions(config: &Config, plan: &Plan, body: &Body, identity: &Identity<'_>) -> Option<Outcome> {
    let file = regressions_file(config, identity)?;
    let entries = regressions::load(&file).unwrap_or_else(|error| refuse(&error.to_string()));
    for entry in entries {
        let minimal = replay_token(plan, body, identity, &entry.token);
        let minimal = match plan.fails(&minimal.report) {
            true => minimal,
            false => minimise::follow(plan, body, identity.site, entry.decisions),
        };
        if plan.fails(&minimal.report) {
            return Some(finish_replay(config, plan, body, identity, minimal, Some(entry.token)));
        }
    }
    None
}

fn remember(config: &Config, identity: &Identity<'_>, outcome: &Outcome) {
    let (Some(test), Some(token), Some(finding)) = (identity.test, &outcome.token, outcome.failure()) else {
        return;
    };
    if config.regressions != RegressionMode::Write {
        return;
    }
    let Some(file) = regressions_file(config, identity) else { return };
    let entry = Entry {
        token: token.clone(),
        slug: finding.slug.text().to_owned(),
        note: String::new(),
        decisions: outcome.decisions.clone(),
    };
    if let Err(error) = regressions::append(&file, test.path, &entry) {
        eprintln!("selvedge: the failure could not be kept: {error}");
    }
}

/// A test that cannot be run as it was asked to: say why, without a backtrace of ours.
pub(super) fn refuse(why: &str) -> ! {
    eprintln!("error: {why}");
    std::panic::resume_unwind(Box::new(why.to_owned()))
}

/// What std prints of a panic before its message, where somebody looks for it.
fn panic_line(config: &Config, identity: &Identity<'_>, site: Option<String>) {
    if config.panic_line && !matches!(config.report, ReportMode::Json | ReportMode::Off) {
        let site = site.unwrap_or_else(|| identity.site.to_string());
        eprintln!("thread '{}' panicked at {site}:", identity.name());
    }
}

/// Panic if the test failed.
pub(super) fn judge(config: &Config, identity: &Identity<'_>, outcome: Outcome) {
    if !outcome.report.is_empty() {
        progress::clear();
        if let (false, Some(finding)) = (outcome.is_clean(), outcome.failure()) {
            panic_line(config, identity, finding.site().map(ToString::to_string));
        }
        eprint!("{}", outcome.report);
    }
    // The end of a round is no end.
    let unfinished =
        config.exhaustive && !outcome.exhausted && config.replay.is_none() && !config.is_in_rounds();
    summary::add(config, identity, &outcome, unfinished && outcome.is_clean());
    if !outcome.is_clean() {
        std::panic::resume_unwind(Box::new(outcome.headline));
    }
    if unfinished {
        let n = outcome.executions;
        let why =
            if outcome.outgrown { "the tree of the search outgrew its memory" } else { "the budget ended" };
        panic_line(config, identity, None);
        eprintln!("error: {why} after {n} executions, before all were explored");
        std::panic::resume_unwind(Box::new(format!("{why} before all executions were explored")));
    }
    debug_assert!(config.leaks != LeakPolicy::Deny || outcome.is_clean());
}
