//! What holds for all strategies: determinism, and known bugs found.

mod bugs;
pub(crate) mod programs;

use super::{Profile, make_named};
use crate::explore::profile::gather;
use crate::explore::spec::StrategySpec::{self, Dfs, Mix, Pct, Pos, Random, RoundRobin, Surw};
use programs::Run;
use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::Arc;

/// The strategies whose executions stand for themselves.
const SEEDED: [StrategySpec; 7] = [Mix, Random, Pct(1), Pct(3), Pos, Surw, RoundRobin];

fn profile(program: &programs::Program, seed: u64) -> Option<Arc<Profile>> {
    Some(gather(&program.body, Location::caller(), programs::limits(), seed))
}

#[test]
fn an_execution_depends_on_seed_index_and_profile_only() {
    for program in programs::all() {
        let profile = profile(&program, 3);
        for spec in SEEDED {
            let mut run = Run::new(make_named(spec, 3, profile.clone(), None));
            let forwards: Vec<u64> = (0..12).map(|i| run.one(i, &program.body).fingerprint).collect();
            let mut run = Run::new(make_named(spec, 3, profile.clone(), None));
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
            let mut run = Run::new(make_named(spec, seed, profile.clone(), None));
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
            let mut run = Run::new(make_named(spec, 11, None, Some(1)));
            for index in 0..40 {
                match run.next(index, &program.body) {
                    Some(report) => assert!(!report.truncated, "{} under {spec} {index}", program.name),
                    None => break,
                }
            }
        }
    }
}
