//! Known bugs, and how many executions it takes to find them.

use super::{make_named, profile, programs};
use crate::explore::bounds::Bounds;
use crate::explore::spec::StrategySpec::{self, Dfs, Mix, Pct, Pos, Random, Surw};
use programs::{Program, Run};

/// The first execution that finds something, counted from 1.
fn first(spec: StrategySpec, program: &Program, seed: u64, most: u64) -> Option<u64> {
    let limits = crate::model::Limits { spurious: 0, ..Default::default() };
    let mut run = Run::with(make_named(spec, seed, profile(program, seed), Bounds::default()), limits);
    (0..most).find(|&i| run.next(i, &program.body).is_some_and(|r| programs::failed(&r))).map(|i| i + 1)
}

#[test]
fn every_strategy_finds_small_bugs() {
    for program in programs::all().iter().filter(|p| p.buggy) {
        for spec in [Mix, Random, Pct(3), Pos, Surw, Dfs] {
            let found = (0..3).filter(|&seed| first(spec, program, seed, 1000).is_some()).count();
            assert_eq!(found, 3, "{} under {spec}", program.name);
        }
    }
}

/// The mean number of executions to the first failure.
fn mean(spec: StrategySpec, program: &Program) -> f64 {
    const SEEDS: u64 = 20;
    let sum: u64 = (0..SEEDS).map(|seed| first(spec, program, seed, 3000).unwrap_or(3000)).sum();
    sum as f64 / SEEDS as f64
}

#[test]
fn the_published_differences_show() {
    let program = |name: &str| programs::all().into_iter().find(|p| p.name == name).unwrap();
    // (program, strategy, mean over 60 trials of an independent implementation)
    let reorder = program("reorder_3");
    let wakeup = program("lost wake-up");
    for (program, spec, expected) in [
        (&reorder, Random, 22.1),
        (&reorder, Pct(3), 17.8),
        (&reorder, Pos, 11.0),
        (&reorder, Surw, 7.4),
        (&wakeup, Random, 33.5),
        (&wakeup, Pct(3), 16.2),
        (&wakeup, Pos, 10.2),
        (&wakeup, Surw, 4.7),
    ] {
        let found = mean(spec, program);
        assert!(found < 2.5 * expected && found > expected / 2.5, "{} under {spec}: {found}", program.name);
    }
}
