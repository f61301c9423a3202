//! From a failing execution to the shortest way to tell it: fewer switches first, then fewer steps,
//! always the same bug.
//!
//! The failing decisions become deviations from the default policy, which are dropped in chunks,
//! then one by one (ddmin, Zeller & Hildebrandt 2002), as long as the same finding comes back. What
//! is left is run twice with full recording. Invariant: the execution that is reported was run with
//! exactly the deviations that are reported, twice, with one fingerprint.

use super::borrows;
use super::explorer::{gather, on_worker};
use super::plan::{Body, Failure, Plan};
use super::strategies::{self, Deviate, Mismatch, Recorder, Replay};
use super::token::{Deviation, Token};
use crate::model::{Decision, Report, STACK_OVERFLOW, Strategy, Worker};
use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::ids::SiteRef;
use std::any::Any;
use std::sync::Arc;

/// Executions that may be spent on shrinking one failure.
const ATTEMPTS: u32 = 2_000;
/// Steps that may be spent on it.
const STEPS: u64 = 1_000_000;
/// A token of more characters is no fun to copy.
const TOKEN_LENGTH: usize = 64;

/// A failure, told as shortly as we could.
#[derive(Clone, Debug, Default)]
pub(crate) struct Minimal {
    /// The execution, recorded.
    pub(crate) report: Report,
    /// Its schedule, if that is short enough for a token, or its seed does not tell it.
    pub(crate) deviations: Option<Vec<Deviation>>,
    /// How often it was replayed with the same result.
    pub(crate) replayed: u32,
    /// The program did not do what the schedule says.
    pub(crate) diverged: bool,
    mismatch: Option<Mismatch>,
}

impl Minimal {
    /// The finding that says where the program differed from the schedule.
    pub(crate) fn divergence(&self, fails: bool) -> Finding {
        let (step, expected, found) = match &self.mismatch {
            Some(m) => told_apart(m),
            None => {
                let found = match fails {
                    true => "another execution: the program has changed",
                    false => {
                        "one that does not fail: the bug is mended, or the program has changed otherwise, or the token is another test's"
                    }
                };
                (self.report.steps, "the failure the token stands for".to_owned(), found.to_owned())
            }
        };
        Finding { slug: Slug::NotDeterministic, evidence: Evidence::Divergence { step, expected, found } }
    }
}

/// A mismatch in words: which decision, what the schedule says, what happened.
fn told_apart(m: &Mismatch) -> (u32, String, String) {
    let tell = |d: Option<Decision>, end: &str| match d {
        Some(d) => format!("{} {} (alternative {})", d.goroutine, d.op.verb(), d.alternative),
        None => end.to_owned(),
    };
    (m.step, tell(m.expected, "the end"), tell(m.found, "the end"))
}

/// How often an execution went from one goroutine to another.
pub(crate) fn switches(goroutines: impl Iterator<Item = u32> + Clone) -> u32 {
    goroutines.clone().zip(goroutines.skip(1)).filter(|(before, after)| before != after).count() as u32
}

fn price(report: &Report) -> (u32, u32) {
    (switches(report.decisions.iter().map(|d| d.goroutine.0)), report.steps)
}

/// One worker and the body it runs.
pub(super) struct Bench<'a> {
    worker: Worker,
    body: &'a Body,
    site: SiteRef,
    attempts: u32,
    steps: u64,
}

impl Bench<'_> {
    /// Run once under a strategy, and get it back for what it learned.
    pub(super) fn run<S: Strategy>(&mut self, strategy: S, record: bool) -> (Report, S) {
        let before = self.worker.set_strategy(Box::new(strategy));
        let report = self.worker.run(0, self.body, self.site, record).expect("a schedule always goes on");
        self.attempts += 1;
        self.steps += u64::from(report.steps);
        let strategy: Box<dyn Any> = self.worker.set_strategy(before);
        (report, *strategy.downcast::<S>().expect("the strategy that was set"))
    }

    /// Run the default policy with these deviations; those that were followed come back.
    pub(super) fn deviate(&mut self, deviations: Vec<Deviation>, record: bool) -> (Report, Vec<Deviation>) {
        let (report, strategy) = self.run(Deviate::new(deviations.clone()), record);
        let unmatched = strategy.unmatched();
        // Sorted, and as many as there are steps where a livelock is cut.
        let followed = deviations.into_iter().filter(|d| unmatched.binary_search(d).is_err()).collect();
        (report, followed)
    }

    pub(super) fn may_go_on(&self) -> bool {
        self.attempts < ATTEMPTS && self.steps < STEPS && !self.worker.is_tainted()
    }
}

/// An execution that shows the bug, with its price.
struct Best {
    deviations: Vec<Deviation>,
    price: (u32, u32),
}

fn shrink(plan: &Plan, body: &Body, site: SiteRef, failure: &Failure) -> Result<Minimal, Box<Minimal>> {
    // A passing test's report is about a warning.
    let findings = &failure.report.findings;
    let error = findings.iter().find(|f| plan.is_error(f));
    let Some(target) = error.or_else(|| findings.iter().find(|f| plan.is_of_interest(f))).cloned() else {
        return Ok(Minimal { report: failure.report.clone(), ..Minimal::default() });
    };
    // How deep a stack is when it overflows depends on what the engine itself does on it, which is
    // more while it records: such an execution is the same without being equal step by step.
    let exact = !overflows(&target);
    let same = move |report: &Report| report.findings.iter().any(|f| f.same_bug(&target));
    let (wanted, is_same) = (failure.report.clone(), same.clone());
    let search = move |bench: &mut Bench<'_>| {
        let (again, recorder) = bench.run(Recorder::new(wanted.decisions.clone()), false);
        if !is_same(&again) || (exact && again.fingerprint != wanted.fingerprint) {
            return Err(recorder.mismatch());
        }
        let mut best = Best { deviations: recorder.deviations().to_vec(), price: price(&again) };
        reduce(bench, &mut best, &is_same);
        Ok(best.deviations)
    };
    let deviations = match at_bench(plan, body, site, search)? {
        Ok(deviations) => deviations,
        Err(mismatch) => return Ok(not_deterministic(failure, mismatch)),
    };
    // Each recording on a thread of its own: the bug may be one that costs its thread.
    let record = || {
        let deviations = deviations.clone();
        at_bench(plan, body, site, move |bench| bench.deviate(deviations, true).0)
    };
    let (first, second) = (record()?, record()?);
    if (exact && second.fingerprint != first.fingerprint) || !same(&second) {
        return Ok(not_deterministic(failure, None));
    }
    let told = match plan.is_seeded(failure) {
        true => told(second, deviations),
        false => Minimal { report: second, deviations: Some(deviations), ..Minimal::default() },
    };
    Ok(Minimal { replayed: 2, ..told })
}

fn overflows(finding: &Finding) -> bool {
    matches!(&finding.evidence, Evidence::Panic { message, .. } if message.starts_with(STACK_OVERFLOW))
}

fn told(report: Report, deviations: Vec<Deviation>) -> Minimal {
    let token = Token::deviations(report.fingerprint as u16, deviations.clone());
    let short = token.len() <= TOKEN_LENGTH;
    Minimal { report, deviations: short.then_some(deviations), ..Minimal::default() }
}

fn not_deterministic(failure: &Failure, mismatch: Option<Mismatch>) -> Minimal {
    let (step, expected, found) = match mismatch {
        Some(m) => told_apart(&m),
        None => (0, "the same execution for the same decisions".to_owned(), "another one".to_owned()),
    };
    let divergence =
        Finding { slug: Slug::NotDeterministic, evidence: Evidence::Divergence { step, expected, found } };
    let mut report = failure.report.clone();
    report.findings.insert(0, divergence);
    Minimal { report, diverged: true, ..Minimal::default() }
}

/// Drop deviations while the bug stays: halves first, then smaller chunks, then single ones.
fn reduce(bench: &mut Bench<'_>, best: &mut Best, same: &dyn Fn(&Report) -> bool) {
    let mut chunk = best.deviations.len().max(1);
    loop {
        let mut at = 0;
        let mut progress = false;
        while at < best.deviations.len() {
            if !bench.may_go_on() {
                return;
            }
            let mut fewer = best.deviations.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            if accept(bench, best, fewer, same) { progress = true } else { at += chunk }
        }
        if chunk == 1 && !progress {
            return;
        }
        chunk = if progress { best.deviations.len().clamp(1, chunk) } else { chunk / 2 }.max(1);
    }
}

/// Try a schedule; keep it if it shows the bug at a lower price.
fn accept(
    bench: &mut Bench<'_>,
    best: &mut Best,
    deviations: Vec<Deviation>,
    same: &dyn Fn(&Report) -> bool,
) -> bool {
    let (report, followed) = bench.deviate(deviations, false);
    let price = price(&report);
    let shorter = (followed.len(), price) < (best.deviations.len(), best.price);
    let accepted = same(&report) && shorter;
    if accepted {
        *best = Best { deviations: followed, price };
    }
    accepted
}

/// Run something on a worker of its own; what is said of a goroutine that hangs it is the error.
pub(super) fn at_bench<R: Send + 'static>(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    run: impl FnOnce(&mut Bench<'_>) -> R + Send + 'static,
) -> Result<R, Box<Minimal>> {
    let body_ = body.clone();
    let work = move |worker: Worker| {
        let mut bench = Bench { worker, body: &body_, site, attempts: 0, steps: 0 };
        let result = run(&mut bench);
        (result, bench.worker)
    };
    on_worker(plan, work).map_err(|hung| {
        let report = Report { findings: vec![hung], ..Report::default() };
        Box::new(Minimal { report, ..Minimal::default() })
    })
}

fn alone(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    run: impl FnOnce(&mut Bench<'_>) -> Minimal + Send + 'static,
) -> Minimal {
    explained(plan, body, site, at_bench(plan, body, site, run).unwrap_or_else(|hung| *hung))
}

/// Shrink a failing execution and record it.
pub(crate) fn minimise(plan: &Plan, body: &Body, site: SiteRef, failure: &Failure) -> Minimal {
    explained(plan, body, site, shrink(plan, body, site, failure).unwrap_or_else(|hung| *hung))
}

/// With what only further executions tell about a recorded one.
fn explained(plan: &Plan, body: &Body, site: SiteRef, mut minimal: Minimal) -> Minimal {
    if minimal.report.trace.is_some() {
        borrows::explain(plan, body, site, &mut minimal.report);
    }
    minimal
}

/// Run exactly these decisions, as (goroutine, alternative), recorded.
pub(crate) fn follow(plan: &Plan, body: &Body, site: SiteRef, decisions: Vec<(u32, u32)>) -> Minimal {
    alone(plan, body, site, move |bench| {
        let (report, replay) = bench.run(Replay::of_pairs(&decisions), true);
        let mismatch = replay.mismatch();
        Minimal { report, replayed: 1, diverged: mismatch.is_some(), mismatch, ..Minimal::default() }
    })
}

/// Run the default policy with these deviations, recorded.
pub(crate) fn deviate(plan: &Plan, body: &Body, site: SiteRef, deviations: Vec<Deviation>) -> Minimal {
    alone(plan, body, site, move |bench| {
        let all = deviations.len();
        let (report, followed) = bench.deviate(deviations, true);
        let diverged = followed.len() != all;
        Minimal { replayed: 1, diverged, ..told(report, followed) }
    })
}

/// Run execution `index` of the plan's strategy and seed, recorded.
pub(crate) fn reseed(plan: &Plan, body: &Body, site: SiteRef, index: u64) -> Minimal {
    let profile = gather(plan, body, site).map(Arc::new);
    let strategy = plan.clone();
    alone(plan, body, site, move |bench| {
        bench.worker.set_strategy(strategies::make(&strategy, profile.ok()));
        let report = bench.worker.run(index, bench.body, site, true).unwrap_or_default();
        Minimal { report, replayed: 1, ..Minimal::default() }
    })
}

/// Run one execution under a strategy that is made on the worker's thread, recorded.
pub(crate) fn under<S: Strategy>(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    strategy: impl FnOnce() -> S + Send + 'static,
) -> Minimal {
    alone(plan, body, site, move |bench| {
        let (report, _) = bench.run(strategy(), true);
        let (_, recorder) = bench.run(Recorder::new(report.decisions.clone()), false);
        Minimal { replayed: 1, ..told(report, recorder.deviations().to_vec()) }
    })
}
