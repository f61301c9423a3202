//! From a failing execution to the shortest way to tell it: fewer switches first, then fewer steps,
//! always the same bug.
//!
//! The failing decisions become deviations from the default policy, which are dropped in chunks,
//! then one by one (ddmin, Zeller & Hildebrandt 2002), as long as the same finding comes back. What
//! is left is run twice with full recording. Invariant: the execution that is reported was run with
//! exactly the deviations that are reported, twice, with one fingerprint.

use super::explorer::on_worker;
use super::follow::{Follow, Guide, Mismatch, Taken};
use super::plan::{Body, Failure, Plan};
use super::strategies;
use super::token::{Deviation, Token};
use crate::model::{Decision, Report, Worker};
use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::ids::SiteRef;
use std::sync::PoisonError;

/// Executions that may be spent on shrinking one failure.
const ATTEMPTS: u32 = 2_000;
/// Steps that may be spent on it.
const STEPS: u64 = 5_000_000;
/// A token of more characters is no fun to copy.
const TOKEN_LENGTH: usize = 64;

/// A failure, told as shortly as we could.
#[derive(Clone, Debug, Default)]
pub(crate) struct Minimal {
    /// The execution, recorded.
    pub(crate) report: Report,
    /// Its schedule, if that is short enough for a token.
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
            Some(m) => (m.step, m.expected.clone(), m.found.clone()),
            None => {
                let found = match fails {
                    true => "another execution: the program has changed",
                    false => "another execution, which does not fail: the program has changed",
                };
                (self.report.steps, "the failure the token stands for".to_owned(), found.to_owned())
            }
        };
        Finding { slug: Slug::NotDeterministic, evidence: Evidence::Divergence { step, expected, found } }
    }
}

/// How often an execution went from one goroutine to another.
pub(crate) fn switches(decisions: &[Decision]) -> u32 {
    decisions.windows(2).filter(|pair| pair[0].goroutine != pair[1].goroutine).count() as u32
}

/// One worker and the body it runs.
struct Bench<'a> {
    worker: Worker,
    plan: &'a Plan,
    body: &'a Body,
    site: SiteRef,
    attempts: u32,
    steps: u64,
}

impl Bench<'_> {
    fn run(&mut self, guide: Guide, record: bool) -> (Report, Taken) {
        let (follow, taken) = Follow::new(guide);
        self.worker.set_strategy(Box::new(follow));
        let report = self.worker.run(0, self.body, self.site, record).expect("a guide always goes on");
        self.attempts += 1;
        self.steps += u64::from(report.steps);
        let taken = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
        (report, taken)
    }

    fn may_go_on(&self) -> bool {
        self.attempts < ATTEMPTS && self.steps < STEPS && !self.worker.is_tainted()
    }
}

/// An execution that shows the bug, with its price.
struct Best {
    deviations: Vec<Deviation>,
    price: (u32, u32),
}

/// Shrink a failing execution and record it.
pub(crate) fn minimise(plan: &Plan, body: &Body, site: SiteRef, failure: &Failure) -> Minimal {
    let (plan_, body_, failure) = (plan.clone(), body.clone(), failure.clone());
    let work = move |worker: Worker| {
        let mut bench = Bench { worker, plan: &plan_, body: &body_, site, attempts: 0, steps: 0 };
        let minimal = shrink(&mut bench, &failure);
        (minimal, bench.worker)
    };
    on_worker(plan, work).unwrap_or_else(|hung| Minimal {
        report: Report { findings: vec![hung], ..Report::default() },
        ..Minimal::default()
    })
}

fn exact(report: &Report) -> Guide {
    Guide::Exact(report.decisions.iter().map(|d| (d.goroutine.0, d.alternative.into())).collect())
}

fn shrink(bench: &mut Bench<'_>, failure: &Failure) -> Minimal {
    // A passing test's report is about a warning.
    let findings = &failure.report.findings;
    let error = findings.iter().find(|f| bench.plan.is_error(f));
    let Some(target) = error.or_else(|| findings.iter().find(|f| bench.plan.is_of_interest(f))).cloned()
    else {
        return Minimal { report: failure.report.clone(), ..Minimal::default() };
    };
    let (again, taken) = bench.run(exact(&failure.report), false);
    let same = |report: &Report| report.findings.iter().any(|f| f.same_bug(&target));
    if !same(&again) || again.fingerprint != failure.report.fingerprint {
        return not_deterministic(bench, failure, taken.mismatch);
    }
    let price = (switches(&again.decisions), again.steps);
    let mut best = Best { deviations: taken.deviations, price };
    reduce(bench, &mut best, &same);
    let deviations = best.deviations;
    let (first, _) = bench.run(Guide::Deviations(deviations.clone()), true);
    if bench.worker.is_tainted() {
        return Minimal { replayed: 1, ..told(first, deviations) };
    }
    let (second, _) = bench.run(Guide::Deviations(deviations.clone()), true);
    if second.fingerprint != first.fingerprint || !same(&second) {
        return not_deterministic(bench, failure, None);
    }
    Minimal { replayed: 2, ..told(second, deviations) }
}

fn told(report: Report, deviations: Vec<Deviation>) -> Minimal {
    let token = Token::deviations(report.fingerprint as u16, deviations.clone());
    let short = token.len() <= TOKEN_LENGTH;
    Minimal { report, deviations: short.then_some(deviations), ..Minimal::default() }
}

fn not_deterministic(bench: &Bench<'_>, failure: &Failure, mismatch: Option<Mismatch>) -> Minimal {
    let _ = bench;
    let (step, expected, found) = match mismatch {
        Some(m) => (m.step, m.expected, m.found),
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
    let (report, taken) = bench.run(Guide::Deviations(deviations), false);
    let price = (switches(&report.decisions), report.steps);
    let shorter = (taken.deviations.len(), price) < (best.deviations.len(), best.price);
    let accepted = same(&report) && shorter;
    if accepted {
        *best = Best { deviations: taken.deviations, price };
    }
    accepted
}

fn alone(plan: &Plan, body: &Body, site: SiteRef, guide: Guide) -> Minimal {
    let (plan_, body_) = (plan.clone(), body.clone());
    let work = move |worker: Worker| {
        let mut bench = Bench { worker, plan: &plan_, body: &body_, site, attempts: 0, steps: 0 };
        let (report, taken) = bench.run(guide, true);
        let minimal = Minimal {
            replayed: 1,
            diverged: taken.mismatch.is_some(),
            mismatch: taken.mismatch,
            ..told(report, taken.deviations)
        };
        (minimal, bench.worker)
    };
    on_worker(plan, work).unwrap_or_else(|hung| Minimal {
        report: Report { findings: vec![hung], ..Report::default() },
        ..Minimal::default()
    })
}

/// Run exactly these decisions, recorded.
pub(crate) fn follow(plan: &Plan, body: &Body, site: SiteRef, decisions: Vec<(u32, u32)>) -> Minimal {
    alone(plan, body, site, Guide::Exact(decisions))
}

/// Run the default policy with these deviations, recorded.
pub(crate) fn deviate(plan: &Plan, body: &Body, site: SiteRef, deviations: Vec<Deviation>) -> Minimal {
    alone(plan, body, site, Guide::Deviations(deviations))
}

/// Run execution `index` of the plan's strategy and seed, recorded.
pub(crate) fn reseed(plan: &Plan, body: &Body, site: SiteRef, index: u64) -> Minimal {
    let (plan_, body_) = (plan.clone(), body.clone());
    let work = move |mut worker: Worker| {
        worker.set_strategy(strategies::make(&plan_, &body_, site));
        let report = worker.run(index, &body_, site, true).unwrap_or_default();
        (Minimal { report, replayed: 1, ..Minimal::default() }, worker)
    };
    on_worker(plan, work).unwrap_or_else(|hung| Minimal {
        report: Report { findings: vec![hung], ..Report::default() },
        ..Minimal::default()
    })
}
