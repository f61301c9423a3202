//! Tells a thread-local that is borrowed across a wait from a double borrow of a goroutine's own.
//!
//! All goroutines of an execution share an OS thread, and so the thread-locals of std. A `RefCell`
//! in one that a goroutine keeps borrowed while it waits makes another goroutine panic that borrows
//! it; a goroutine that borrows twice by itself panics alike. What tells them apart is an experiment
//! with two pieces of code that nothing orders, of which a race-free program that shares no
//! thread-local cannot notice in which order they run:
//!
//! - A goroutine `b` that waits when `a` panics has synchronised with nobody since its last operation
//!   took effect. Make the same decisions, but never run what `b` did after that operation.
//! - What others do after the last operation of `a` took effect synchronises with nothing in `a`
//!   before it panics. Make the same decisions, but let them go on for a while before `a` does; the
//!   one whose step ends the panic is `b`.
//!
//! If `a` then comes by the same operations, with the same outcomes, to the same place and does not
//! panic, it met what `b` had borrowed. Invariants: a goroutine that borrows twice by itself does so
//! in both executions, and nobody is accused; no execution of the search is changed.
//!
//! Does not detect: a borrow that was taken before `b` started `a` or before one of `b`'s earlier
//! operations, and that cannot end before `a` has gone on. Would accuse wrongly: a goroutine that
//! borrows twice only if a `Cell` in a thread-local, an atomic of std or unsafe code, changed by the
//! other goroutine at that very moment, tells it to.

use super::explorer::on_worker;
use super::plan::{Body, Plan};
use super::strategies::Without;
use crate::model::{Decision, Hold, Limits, Report, Stand, Worker};
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, SiteRef};
use selvedge_checkers::trace::{Event, Trace};
use std::any::Any;

/// Goroutines that may be asked about, each for the price of two executions.
const SUSPECTS: usize = 32;
/// Steps that others may make before the goroutine that panicked goes on.
const PATIENCE: u32 = 256;

/// Whether a panic's message is one of a `RefCell`'s: std's own since 1.89 and before, and the
/// errors of `try_borrow` unwrapped.
fn is_of_a_borrow(message: &str) -> bool {
    let text = message.strip_prefix("RefCell ").unwrap_or(message);
    let own = text.starts_with("already borrowed") || text.starts_with("already mutably borrowed");
    own || message.ends_with(": BorrowMutError") || message.ends_with(": BorrowError")
}

/// The panic of a borrow that the report tells of, and when it was.
fn panic_of_a_borrow(report: &Report) -> Option<&Side> {
    report.findings.iter().find_map(|f| match &f.evidence {
        Evidence::Panic { message, side, .. } if f.slug == Slug::Panic && is_of_a_borrow(message) => {
            Some(side)
        }
        _ => None,
    })
}

/// If the recorded execution is about a borrowed thread-local, add that to its findings.
pub(super) fn explain(plan: &Plan, body: &Body, site: SiteRef, report: &mut Report) {
    let Some(panicked) = panic_of_a_borrow(report).cloned() else { return };
    let decisions = report.decisions.get(..panicked.step as usize).unwrap_or_default().to_vec();
    let lab = Lab { plan, body, site, decisions, a: panicked.g };
    if let Some(holder) = lab.holder() {
        let evidence = Evidence::Borrow { holder, other: panicked };
        report.findings.push(Finding { slug: Slug::BorrowedThreadLocal, evidence });
    }
}

/// An execution up to the panic of `a`, to be repeated with one thing changed.
struct Lab<'a> {
    plan: &'a Plan,
    body: &'a Body,
    site: SiteRef,
    decisions: Vec<Decision>,
    a: Gid,
}

impl Lab<'_> {
    /// Who holds the borrow that `a` found, and where it waits.
    fn holder(&self) -> Option<Side> {
        let (known, _) = self.run(&[], 0)?;
        if !self.panics(&known) {
            return None;
        }
        let waits = |s: &&Stand| s.waits && s.g != self.a && s.announced > 0;
        let suspects: Vec<&Stand> = known.stands.iter().filter(waits).take(SUSPECTS).collect();
        let without = |b: &&&Stand| {
            self.cured(&known, &[Hold { g: b.g, announced: b.announced - 1, goes_on: false }], 0).is_some()
        };
        let found = suspects.iter().find(without).copied();
        let found = found.or_else(|| self.releases(&known, &suspects))?;
        let step = self.decisions.len() as u32;
        Some(Side { g: found.g, op: found.op, site: found.site.into(), step })
    }

    /// Who of the suspects ends the panic by going on before `a` does.
    fn releases<'s>(&self, known: &Report, suspects: &[&'s Stand]) -> Option<&'s Stand> {
        let hold = Hold { g: self.a, announced: stand(known, self.a)?.announced, goes_on: true };
        let (mut ill, mut well) = (0, PATIENCE);
        self.cured(known, &[hold], well)?;
        while well - ill > 1 {
            let middle = ill.midpoint(well);
            *if self.cured(known, &[hold], middle).is_some() { &mut well } else { &mut ill } = middle;
        }
        // Whoever ran after that step: without the piece of code that did it, the panic is back.
        let (still, _) = self.run(&[Hold { goes_on: false, ..hold }], well)?;
        let step = self.decisions.len() as u32 + well;
        let did_it = |b: &&&Stand| {
            let ran = still.trace.iter().flat_map(|t| &t.events).any(|e| e.g == b.g && e.step == step);
            let Some(after) = stand(&still, b.g).filter(|_| ran) else { return false };
            let announced = after.announced - u32::from(after.waits);
            let holds = [Hold { g: b.g, announced, goes_on: false }, hold];
            self.run(&holds, well).is_some_and(|(report, _)| self.panics(&report))
        };
        suspects.iter().find(did_it).copied()
    }

    /// The execution with these goroutines held, if `a` does what it did and then does not panic.
    fn cured(&self, known: &Report, holds: &[Hold], more: u32) -> Option<Report> {
        let panicked = stand(known, self.a)?.announced;
        let (report, kept) = self.run(holds, more)?;
        let cured = self.same_so_far(known, &report, &kept) && self.goes_on(&report, panicked);
        cured.then_some(report)
    }

    /// Repeat the decisions, and up to `more` of the default policy's, with these goroutines held; with the
    /// decisions that were to be made.
    fn run(&self, holds: &[Hold], more: u32) -> Option<(Report, Vec<Decision>)> {
        let limits = Limits { steps: self.decisions.len() as u32 + more, ..self.plan.limits };
        let plan = Plan { limits, ..self.plan.clone() };
        let (body, site, decisions) = (self.body.clone(), self.site, self.decisions.clone());
        let (holds, first) = (holds.to_vec(), holds.first().map_or(Gid::CLOCK, |h| h.g));
        let work = move |mut worker: Worker| {
            let idle = worker.set_strategy(Box::new(Without::new(decisions, first)));
            worker.hold(&holds);
            let report = worker.run(0, &body, site, true);
            let strategy: Box<dyn Any> = worker.set_strategy(idle);
            let kept = strategy.downcast::<Without>().map(|s| s.kept());
            (report.zip(kept.ok()), worker)
        };
        on_worker(&plan, work).ok()?
    }

    /// Whether the decisions were made, and `a` did what it had done before, with the same outcomes.
    fn same_so_far(&self, known: &Report, report: &Report, kept: &[Decision]) -> bool {
        let before = |trace: &Option<Trace>| own(trace, self.a);
        let (known, found) = (before(&known.trace), before(&report.trace));
        report.decisions.starts_with(kept) && found.starts_with(&known)
    }

    /// Whether `a` panics as it did.
    fn panics(&self, report: &Report) -> bool {
        panic_of_a_borrow(report).is_some_and(|side| side.g == self.a)
    }

    /// Whether `a` came past the place of its panic.
    fn goes_on(&self, report: &Report, panicked: u32) -> bool {
        let past = |s: &Stand| s.exited || s.announced > panicked;
        stand(report, self.a).is_some_and(past) && !self.panics(report)
    }
}

fn stand(report: &Report, g: Gid) -> Option<&Stand> {
    report.stands.get(g.index())
}

/// What a goroutine did up to its end, whenever it was.
fn own(trace: &Option<Trace>, g: Gid) -> Vec<Event> {
    use selvedge_checkers::op::OpKind::Exit;
    let events = trace.iter().flat_map(|trace| &trace.events);
    let mine = events.filter(|e| e.g == g && e.op != Exit);
    mine.map(|e| Event { step: 0, peer: None, ..e.clone() }).collect()
}
