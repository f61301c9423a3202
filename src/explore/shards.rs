//! A search shared out among processes, in rounds.
//!
//! The folder of a round holds the search as far as it has come. Each process takes its share of the
//! leaves, goes on below them as far as its budget reaches, and writes down what came of every leaf it
//! ran. The merge enters these outcomes from left to right, as far as they go, and so makes the search of
//! the next round; what could not be entered yet is kept. Invariants: what is merged is what a single
//! process would have come to, execution by execution, whatever the shares; a file is used once, for the
//! round it was written in; merging runs no user code.

use super::checkpoint::{self, Checkpoint, FileError, Subject, Totals};
use super::codec::coded;
use super::dpor::search::{Search, Ticket};
use super::dpor::{Branch, Leaf, Outcome};
use super::explorer::{divergence, on_worker};
use super::plan::{Body, Exploration, Failure, Plan, Warning};
use crate::model::{Report, Worker};
use selvedge_checkers::finding::{Finding, Slug};
use selvedge_checkers::ids::SiteRef;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// How many executions a process makes in a round that nobody gave a number for.
const SHARE: u64 = 10_000;

/// How many executions for each process the first round has.
const FIRST: u64 = 32;

/// What a shard writes down of an execution.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ran {
    leaf: Leaf,
    outcome: Outcome,
    steps: u64,
    truncated: bool,
    /// Something could have happened without a cause.
    spurious: bool,
    /// The name of the finding that fails it.
    failure: Option<String>,
    /// The names of its other findings.
    warnings: Vec<String>,
    /// The decisions of an execution with findings, as (goroutine, alternative).
    decisions: Vec<(u32, u32)>,
}

/// What a shard writes down in a round.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Share {
    /// How many executions the search had seen when the round began.
    round: u64,
    /// How many nodes its tree may have.
    nodes: u64,
    /// At most so many preemptions were asked for.
    preemptions: Option<u32>,
    /// How often something may happen to a goroutine without a cause.
    spurious: u32,
    ran: Vec<Ran>,
}

coded!(Ran { leaf, outcome, steps, truncated, spurious, failure, warnings, decisions });
coded!(Share { round, nodes, preemptions, spurious, ran });

/// What merging the files of a test came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Merged {
    /// The test.
    pub test: String,
    /// Executions entered so far, over all rounds.
    pub executions: u64,
    /// How many executions there may be in all.
    pub estimate: Option<f64>,
    /// Executions that turned out to repeat what others cover.
    pub redundant: u64,
    /// Steps of all executions.
    pub steps: u64,
    /// No other execution exists.
    pub exhausted: bool,
    /// The first execution that fails, by its number from 1, and the finding's name.
    pub failure: Option<(u64, String)>,
    /// The names of what is no failure and yet worth a word.
    pub warnings: Vec<String>,
    /// The tree has more nodes than `SELVEDGE_NODES` allowed the shards: nothing more was entered.
    pub outgrown: bool,
    /// Only traces that take at most so many preemptions were asked for.
    pub preemptions: Option<u32>,
    /// Something could have happened without a cause, and so often it did, at most, to each goroutine.
    pub spurious: Option<u32>,
    /// Leaves to be run in the next round.
    pub leaves: u64,
}

/// What a leaf is found by.
type Key = Vec<(u64, u64)>;

fn by_leaf(ran: Vec<Ran>) -> BTreeMap<Key, Ran> {
    ran.into_iter().map(|ran| (ran.leaf.key(), ran)).collect()
}

/// The file of a search in a folder.
pub(crate) fn search_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.search"))
}

/// Where a shard writes.
fn share_file(folder: &Path, name: &str, k: u32, n: u32) -> PathBuf {
    folder.join(format!("{name}.{}-of-{n}.outcomes", k + 1))
}

/// What is kept of earlier rounds.
fn ahead_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.ahead"))
}

/// A share that is being run.
struct Work {
    search: Search,
    mine: VecDeque<Ticket>,
    /// The leaf below which the worker is, and how many executions it may still make there.
    at: Option<(Ticket, u64)>,
    each: u64,
    /// What was run in earlier rounds.
    known: BTreeMap<Key, Ran>,
    share: Share,
    total: Exploration,
}

/// Run this process's share of a round and write what came of it.
///
/// # Errors
/// If the search cannot be read or belongs to something else, or the outcomes cannot be written.
pub(crate) fn run(
    folder: &Path,
    subject: &Subject,
    (k, n): (u32, u32),
    plan: &Plan,
    body: &Body,
    site: SiteRef,
) -> Result<Exploration, FileError> {
    let path = search_file(folder, &subject.name);
    let mut search = match checkpoint::read::<Checkpoint>(&path)? {
        Some((found, Checkpoint { search, .. })) => {
            checkpoint::compare(&path, &found, subject)?;
            search
        }
        None => Search::new(),
    };
    search.limit(plan.nodes);
    let leaves = search.leaves().into_iter().zip(0..);
    let mine: VecDeque<Ticket> = leaves.filter(|(_, i)| i % n == k).map(|(leaf, _)| leaf).collect();
    let budget = if plan.executions == u64::MAX { SHARE } else { plan.executions };
    // The first has the one leaf there is: it goes on only until there is enough to share out.
    let budget = if search.entered() == 0 { budget.min(FIRST * u64::from(n)) } else { budget };
    let each = budget.div_ceil(mine.len().max(1) as u64);
    let share = Share {
        round: search.entered(),
        nodes: plan.nodes as u64,
        preemptions: plan.bounds.preemptions,
        spurious: plan.limits.spurious,
        ran: Vec::new(),
    };
    let ahead = ahead_file(folder, &subject.name);
    let known = match checkpoint::read::<Share>(&ahead)? {
        Some((found, share)) => {
            checkpoint::compare(&ahead, &found, subject)?;
            by_leaf(share.ran)
        }
        None => BTreeMap::new(),
    };
    let mut work = Work { search, mine, at: None, each, known, share, total: Exploration::default() };
    while work.next().is_some() {
        let (plan_of, body) = (plan.clone(), body.clone());
        match on_worker(plan, move |worker| go_on(work, &plan_of, &body, site, worker)) {
            Ok(done) => work = done,
            // Where it was is lost with the thread.
            Err(hung) => return Ok(Exploration { hung: Some(hung), ..Exploration::default() }),
        }
    }
    checkpoint::write(&share_file(folder, &subject.name, k, n), subject, &work.share)?;
    Ok(work.total)
}

/// Run leaves until there are no more, or the worker must not be used again.
fn go_on(mut work: Work, plan: &Plan, body: &Body, site: SiteRef, mut worker: Worker) -> (Work, Worker) {
    let idle = worker.set_strategy(Box::new(Branch::within(plan.bounds.preemptions)));
    while let Some(ticket) = work.next() {
        work.search.take_this(ticket);
        let is_known = worker.with_strategy(|branch: &mut Branch| {
            work.search.leaf(ticket, branch.leaf_mut());
            work.is_known(ticket, branch.leaf_mut())
        });
        if is_known == Some(true) {
            continue;
        }
        let Some(report) = worker.run(0, body, site, false) else { break };
        let mut ran = Ran::default();
        let overflowed = worker.has_overflowed();
        worker.with_strategy(|branch: &mut Branch| {
            ran.leaf.clone_from(branch.leaf());
            if !overflowed {
                branch.give(&mut ran.outcome);
            }
        });
        work.enter(ticket, ran, report, plan);
        if worker.is_tainted() {
            break;
        }
    }
    if !worker.has_overflowed() {
        worker.set_strategy(idle);
    }
    (work, worker)
}

impl Work {
    /// The next leaf to run: below the one before, or the next of this share.
    fn next(&mut self) -> Option<Ticket> {
        if self.total.diverged.is_some() || self.total.outgrown {
            return None;
        }
        if let Some((root, left)) = self.at
            && left > 0
            && let Some(below) = self.search.next_below(root)
        {
            return Some(below);
        }
        self.at = None;
        self.mine.front().copied()
    }

    /// Enter the leaf if an earlier round ran it.
    fn is_known(&mut self, ticket: Ticket, leaf: &Leaf) -> bool {
        let Some(ran) = self.known.remove(&leaf.key()) else { return false };
        let holds = self.search.would_hold(ticket, &ran.leaf, &ran.outcome);
        if holds {
            self.begin_at(ticket);
            self.search.enter(ticket, &ran.outcome);
        }
        holds
    }

    /// If it is one of this share, what comes below it is next.
    fn begin_at(&mut self, ticket: Ticket) {
        if self.at.is_none() {
            self.mine.pop_front();
            self.at = Some((ticket, self.each));
        }
    }

    fn enter(&mut self, ticket: Ticket, mut ran: Ran, report: Report, plan: &Plan) {
        self.begin_at(ticket);
        if let Some((_, left)) = &mut self.at {
            *left -= 1;
        }
        self.search.enter(ticket, &ran.outcome);
        self.total.outgrown = self.search.survey().is_outgrown;
        ran.steps = report.steps.into();
        ran.truncated = report.truncated;
        ran.spurious = report.spurious;
        let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
            report.findings.iter().partition(|f| plan.is_error(f));
        let name = |f: &&Finding| f.slug.text().to_owned();
        ran.failure = errors.first().map(name);
        ran.warnings = others.iter().filter(|f| plan.is_of_interest(f)).map(name).collect();
        if let Some(n) = ran.outcome.nondeterminism {
            self.total.diverged = Some(divergence(n));
            ran.failure = Some(Slug::NotDeterministic.text().to_owned());
        }
        if !report.findings.is_empty() {
            ran.decisions = report.decisions.iter().map(|d| (d.goroutine.0, d.alternative.into())).collect();
        }
        self.count(&report, plan);
        self.share.ran.push(ran);
    }

    /// For the process's own report.
    fn count(&mut self, report: &Report, plan: &Plan) {
        let (total, index) = (&mut self.total, self.share.ran.len() as u64);
        total.executions += 1;
        total.steps += u64::from(report.steps);
        total.truncated += u64::from(report.truncated);
        total.spurious |= report.spurious;
        let known = |total: &Exploration, f: &Finding| total.warnings.iter().any(|w| w.finding.same_bug(f));
        for finding in &report.findings {
            if !plan.is_error(finding) && plan.is_of_interest(finding) && !known(total, finding) {
                let failure = Failure { index, report: report.clone(), steered: false };
                total.warnings.push(Warning { finding: finding.clone(), failure, tried: 0 });
            }
        }
        if plan.fails(report) {
            total.failing += 1;
            total.first.get_or_insert_with(|| Failure { index, report: report.clone(), steered: false });
        }
    }
}

/// Merge the outcomes of all tests in the folder.
///
/// # Errors
/// If there are none, one is missing, or a file is damaged or belongs to something else; then nothing was
/// changed for its test.
pub fn merge(folder: &Path) -> Result<Vec<Merged>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // By test: how many parts each file says there are.
    let mut tests: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = file.strip_suffix(".outcomes") else { continue };
        let parsed = stem.rsplit_once('.').and_then(|(name, part)| {
            let (k, n) = part.split_once("-of-")?;
            let (k, n): (u32, u32) = (k.parse().ok()?, n.parse().ok()?);
            (1..=n).contains(&k).then(|| (name.to_owned(), n))
        });
        let wrong = || format!("{}: expected a name such as TEST.1-of-4.outcomes", entry.path().display());
        let (name, n) = parsed.ok_or_else(wrong)?;
        tests.entry(name).or_default().push(n);
    }
    if tests.is_empty() {
        return Err(format!("{}: no file *.outcomes; run the shards first", folder.display()));
    }
    tests.into_iter().map(|(name, parts)| merge_test(folder, &name, &parts)).collect()
}

fn merge_test(folder: &Path, name: &str, parts: &[u32]) -> Result<Merged, String> {
    let say = |error: FileError| error.to_string();
    let n = parts[0];
    if let Some(other) = parts.iter().find(|&&other| other != n) {
        return Err(format!("{}: parts of {n} and of {other} of one search", folder.join(name).display()));
    }
    let path = search_file(folder, name);
    let state = checkpoint::read::<Checkpoint>(&path).map_err(say)?;
    let (mut subject, mut totals, mut search) = (None, Totals::default(), Search::new());
    if let Some((found, checkpoint)) = state {
        subject = Some(found);
        (totals, search) = (checkpoint.totals, checkpoint.search);
    }
    let round = search.entered();
    let mut all: BTreeMap<Key, Ran> = BTreeMap::new();
    let (mut nodes, mut preemptions, mut spurious) = (u64::MAX, None, 0);
    let files = (0..n).map(|k| share_file(folder, name, k, n));
    for file in files.clone().chain([ahead_file(folder, name)]) {
        let is_ahead = file == ahead_file(folder, name);
        let Some((found, share)) = checkpoint::read::<Share>(&file).map_err(say)? else {
            if is_ahead {
                continue;
            }
            return Err(format!("{}: missing; run this shard of the round first", file.display()));
        };
        checkpoint::compare(&file, &found, subject.get_or_insert(found.clone())).map_err(say)?;
        if share.round != round {
            let rounds = format!("expected one after {round} executions");
            let found = format!("of a round after {} executions", share.round);
            return Err(format!("{}: {found}; {rounds}; remove it", file.display()));
        }
        if !is_ahead {
            nodes = nodes.min(share.nodes);
            (preemptions, spurious) = (share.preemptions, share.spurious);
        }
        all.append(&mut by_leaf(share.ran));
    }
    search.limit(usize::try_from(nodes).unwrap_or(usize::MAX));
    let subject = subject.expect("at least one share was read");
    let (mut failure, mut warnings) = (None, Vec::new());
    let mut leaf = Leaf::default();
    while let Some(ticket) = search.next()
        && failure.is_none()
        && !search.survey().is_outgrown
    {
        search.leaf(ticket, &mut leaf);
        let Some(ran) = all.remove(&leaf.key()) else { break };
        if !search.would_hold(ticket, &ran.leaf, &ran.outcome) {
            break;
        }
        search.take_this(ticket);
        search.enter(ticket, &ran.outcome);
        let index = totals.executions;
        totals.executions += 1;
        totals.steps += ran.steps;
        totals.truncated += u64::from(ran.truncated);
        totals.spurious |= ran.spurious;
        if !ran.warnings.is_empty() {
            let fresh = ran.warnings.iter().any(|w| !warnings.contains(w));
            totals.warnings.extend(fresh.then(|| (index, ran.decisions.clone())));
            warnings.extend(ran.warnings);
        }
        failure = ran.failure.map(|slug| (index + 1, slug));
    }
    warnings.sort();
    warnings.dedup();
    let survey = search.survey();
    let merged = Merged {
        test: name.to_owned(),
        executions: totals.executions,
        estimate: survey.progress.map(|share| totals.executions as f64 / share),
        redundant: survey.redundant,
        steps: totals.steps,
        exhausted: survey.exhausted && failure.is_none(),
        failure,
        warnings,
        outgrown: survey.is_outgrown,
        preemptions,
        spurious: totals.spurious.then_some(spurious),
        leaves: search.leaves().len() as u64,
    };
    if merged.exhausted || merged.failure.is_some() {
        for file in [path, ahead_file(folder, name)] {
            let _ = std::fs::remove_file(file);
        }
    } else {
        let ran = all.into_values().collect();
        let ahead = Share { round: search.entered(), nodes, preemptions, spurious, ran };
        checkpoint::write(&ahead_file(folder, name), &subject, &ahead).map_err(say)?;
        checkpoint::write_search(&path, &subject, &search, &totals).map_err(say)?;
    }
    for file in files {
        std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(merged)
}
