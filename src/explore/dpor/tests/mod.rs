//! The explorer against brute force, and against counts worked out by hand or by other tools.

mod bounds;
mod brute;
mod counts;
mod forms;
pub(in crate::explore) mod fuzz;
mod pace;
mod rounds;
mod speculate;
mod spins;
mod wakes;

use super::search::Counts;
use super::{Dpor, Order};
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::explore::strategies::tests::programs::Run;
use crate::model::{Limits, Strategy};
use std::any::Any;
use std::collections::BTreeSet;

/// What exploring a program to the end came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Explored {
    traces: BTreeSet<u64>,
    counts: Counts,
    duplicates: u64,
    failing: u64,
}

/// Run executions until there are no more, asking `trace` for the trace of each.
fn explore(
    strategy: Box<dyn Strategy>,
    body: &Body,
    limits: Limits,
    most: u64,
    look: impl Fn(&mut dyn Any) -> (Option<u64>, Counts),
) -> Option<Explored> {
    let mut run = Run::with(strategy, limits);
    let mut explored = Explored::default();
    for index in 0..most {
        let Some(report) = run.next(index, body) else { return Some(explored) };
        let failed =
            report.findings.iter().any(|f| f.slug.severity() == selvedge_checkers::finding::Severity::Error);
        explored.failing += u64::from(failed);
        run.ask(|strategy| {
            let (trace, counts) = look(strategy);
            explored.counts = counts;
            let again = trace.is_some_and(|trace| !explored.traces.insert(trace));
            explored.duplicates += u64::from(again);
        });
    }
    None
}

/// Every trace, optimally, within limits.
fn optimally_in(limits: Limits, body: &Body, random: Option<u64>, most: u64) -> Option<Explored> {
    optimally_within(None, limits, body, random, most)
}

/// The traces that need at most so many preemptions, among all that were explored for them.
fn optimally_within(
    preemptions: Option<u32>,
    limits: Limits,
    body: &Body,
    random: Option<u64>,
    most: u64,
) -> Option<Explored> {
    let order = random.map_or(Order::DepthFirst, |seed| Order::Random(Rng::new(seed)));
    explore(Box::new(Dpor::new(order, preemptions)), body, limits, most, |strategy| {
        let dpor = strategy.downcast_ref::<Dpor>().unwrap();
        let counts = !dpor.outcome.is_beyond && !dpor.outcome.is_vain;
        let trace = counts.then(|| dpor.trace().unwrap_or(0));
        (trace, dpor.search.counts())
    })
}
