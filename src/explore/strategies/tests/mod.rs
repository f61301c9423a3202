//! What holds for all strategies: determinism, and known bugs found.

mod bounds;
mod budgets;
mod bugs;
mod hunts;
pub(crate) mod programs;

use super::{Mismatch, Profile, Recorder, make_named};
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::spec::StrategySpec::{self, Dfs, Mix, Pct, Pos, Random, RoundRobin, Surw};
use crate::explore::token::Deviation;
use crate::model::{Decision, Limits, Worker};
use programs::Run;
use selvedge_checkers::ids::SiteRef;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::Arc;

/// The strategies whose executions stand for themselves.
const SEEDED: [StrategySpec; 7] = [Mix, Random, Pct(1), Pct(3), Pos, Surw, RoundRobin];

/// The profile of a program, gathered on a worker of its own.
pub(super) fn gather(body: &Body, site: SiteRef, limits: Limits, seed: u64) -> Arc<Profile> {
    let mut worker = Worker::new(Box::new(super::Random::new(seed)), limits, Arc::default());
    Arc::new(crate::explore::profile::gather(&mut worker, body, site, seed))
}

/// The deviations of an execution with these decisions, found by running it once more.
pub(super) fn deviations_of(
    decisions: Vec<Decision>,
    body: &Body,
    site: SiteRef,
    limits: Limits,
) -> Result<Vec<Deviation>, Mismatch> {
    let mut worker = Worker::new(Box::new(Recorder::new(decisions)), limits, Arc::default());
    let _ = worker.run(0, body, site, false);
    let recorder: Box<dyn Any> = worker.set_strategy(Box::new(super::Random::new(0)));
    let recorder = recorder.downcast::<Recorder>().expect("the strategy this worker was made with");
    match recorder.mismatch() {
        Some(mismatch) => Err(mismatch),
        None => Ok(recorder.deviations().to_vec()),
    }
}

fn profile(program: &programs::Program, seed: u64) -> Option<Arc<Profile>> {
    Some(gather(&program.body, Location::caller(), programs::limits(), seed))
}

#[test]
fn an_execution_depends_on_seed_index_and_profile_only() {
    for program in programs::all() {
        let profile = profile(&program, 3);
        for spec in SEEDED {
            let mut run = Run::new(make_named(spec, 3, profile.clone(), Bounds::default()));
            let forwards: Vec<u64> = (0..12).map(|i| run.one(i, &program.body).fingerprint).collect();
            let mut run = Run::new(make_named(spec, 3, profile.clone(), Bounds::default()));
            let backwards: Vec<u64> = (0..12).rev().map(|i| run.one(i, &program.body).fingerprint).collect();
            assert!(forwards.iter().eq(backwards.iter().rev()), "{} under {spec}", program.name);
        }
    }
}

#[test]
fn seeds_and_indexes_make_a_difference() {
    let all = programs::all();
    let program = all.iter().find(|p| p.name == "reorder_3").unwrap();
    for spec in [Mix, Random, Pct(3), Pos, Surw] {
        let profile = profile(program, 1);
        let of_seed = |seed: u64| {
            let mut run = Run::new(make_named(spec, seed, profile.clone(), Bounds::default()));
            (0..10).map(|i| run.one(i, &program.body).fingerprint).collect::<Vec<u64>>()
        };
        assert_ne!(of_seed(1), of_seed(2), "{spec}");
        assert!(of_seed(1).into_iter().collect::<BTreeSet<u64>>().len() > 3, "{spec}");
    }
}

#[test]
fn any_strategy_brings_any_program_to_an_end() {
    for program in programs::all() {
        for spec in SEEDED.into_iter().chain([Dfs]) {
            let bounds = Bounds { preemptions: Some(1), delays: None };
            let mut run = Run::new(make_named(spec, 11, None, bounds));
            for index in 0..40 {
                match run.next(index, &program.body) {
                    Some(report) => assert!(!report.truncated, "{} under {spec} {index}", program.name),
                    None => break,
                }
            }
        }
    }
}
