//! The execution that passes and goes with a failing one for as long as possible: what to compare it with.
//!
//! Tried are the failing schedule without one of its deviations and, where all of these fail too, with a few
//! more. Not found: an execution that differs in more, so there may be a nearer one than the one given.

use super::minimise::{Bench, at_bench};
use super::plan::{Body, Plan};
use super::strategies::Recorder;
use super::token::{Deviation, DeviationKind};
use crate::model::{Decision, Report};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::collections::VecDeque;

/// Executions that may be spent on it.
const ATTEMPTS: u32 = 400;

/// The nearest execution that passes, recorded; `None` if none was found.
pub(crate) fn passing(plan: &Plan, body: &Body, site: SiteRef, failing: &Report) -> Option<Report> {
    let (plan_, failing) = (plan.clone(), failing.clone());
    let search = move |bench: &mut Bench<'_>| {
        let (_, recorder) = bench.run(Recorder::new(failing.decisions.clone()), false);
        let all = recorder.deviations().to_vec();
        let fewer = without_one(&all);
        let nearest = nearest(bench, &plan_, &failing.decisions, fewer);
        nearest.or_else(|| nearest_of_first(bench, &plan_, &failing, &all))
    };
    at_bench(plan, body, site, search).ok().flatten()
}

fn without_one(all: &[Deviation]) -> Vec<Vec<Deviation>> {
    let without = |skip: usize| {
        let rest = all.iter().enumerate().filter(|(nth, _)| *nth != skip);
        rest.map(|(_, deviation)| *deviation).collect()
    };
    (0..all.len()).rev().map(without).collect()
}

/// Of the schedules that pass, the one that differs last.
fn nearest(
    bench: &mut Bench<'_>,
    plan: &Plan,
    failing: &[Decision],
    schedules: Vec<Vec<Deviation>>,
) -> Option<Report> {
    let mut best: Option<(usize, Report)> = None;
    for schedule in schedules {
        if !bench.may_go_on() {
            break;
        }
        let (report, _) = bench.deviate(schedule, true);
        let common = common(failing, &report.decisions);
        if passes(plan, &report) && best.as_ref().is_none_or(|(most, _)| common > *most) {
            best = Some((common, report));
        }
    }
    best.map(|(_, report)| report)
}

/// With one more deviation, from the last decision backwards, then with two, and so on: the first schedule
/// that passes has the fewest and differs last.
fn nearest_of_first(
    bench: &mut Bench<'_>,
    plan: &Plan,
    failing: &Report,
    all: &[Deviation],
) -> Option<Report> {
    let goroutines = failing.trace.as_ref().map_or(0, |trace| trace.goroutines.len() as u32);
    let mut tried = 0;
    let mut queue = VecDeque::from([(all.to_vec(), failing.decisions.clone(), 0)]);
    while let Some((schedule, decisions, from)) = queue.pop_front() {
        for at in (from..decisions.len()).rev() {
            let g = decisions[at].goroutine;
            let made = decisions[..at].iter().filter(|d| d.goroutine == g).count() as u32;
            for other in (0..goroutines).filter(|other| *other != g.0 && g != Gid::CLOCK) {
                tried += 1;
                if tried > ATTEMPTS || !bench.may_go_on() {
                    return None;
                }
                let more = Deviation { at: (g.0, made), kind: DeviationKind::Run(other) };
                let mut longer = schedule.clone();
                longer.retain(|d| d.at != more.at);
                longer.push(more);
                longer.sort_unstable();
                let (report, followed) = bench.deviate(longer.clone(), true);
                if passes(plan, &report) {
                    return Some(report);
                }
                if followed.len() == longer.len() {
                    queue.push_back((longer, report.decisions, at + 1));
                }
            }
        }
    }
    None
}

fn passes(plan: &Plan, report: &Report) -> bool {
    !plan.fails(report) && !report.truncated && report.trace.is_some()
}

/// How many decisions two executions begin with in common.
fn common(a: &[Decision], b: &[Decision]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| (a.goroutine, a.alternative) == (b.goroutine, b.alternative)).count()
}
