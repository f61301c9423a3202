//! The memory model against its axioms: random programs of atomics, every outcome, twice.
//!
//! [`graph`] enumerates the consistent executions of a program as RC11 defines them; the depth-first
//! search and the optimal one run the program. They must find the same outcomes. The axioms and the engine share nothing: no clock and no
//! state machine on one side, no relation on the other.
//!
//! `AXIOMS_CASES=100000 AXIOMS_SEED=7 cargo test --release --test axioms` tries other and more programs.

mod graph;
mod language;
mod runner;

use language::{Dice, Program};
use selvedge::Explorer;
use selvedge::harness::config::StrategySpec;
use std::collections::BTreeSet;

/// Executions the search may run for one program; larger ones are skipped.
const EXECUTIONS: u64 = 4_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Compare the axioms with both searches on one program; false if it is too large for one of them.
fn compare(program: &Program) -> Result<bool, String> {
    let expected = graph::outcomes(program);
    let agree = |search| compare_with(&expected, program, search).map_err(|e| format!("{search}: {e}"));
    Ok(agree(StrategySpec::Optimal)? & agree(StrategySpec::Dfs)?)
}

fn compare_with(
    expected: &BTreeSet<language::Outcome>,
    program: &Program,
    search: StrategySpec,
) -> Result<bool, String> {
    let explorer = Explorer::new().strategy(search).executions(EXECUTIONS);
    let found = runner::explore(program, &explorer);
    if let Some(outcome) = found.outcomes.difference(expected).next() {
        return Err(format!("impossible: {outcome:?}\n of {expected:?}"));
    }
    match expected.difference(&found.outcomes).next() {
        Some(outcome) if found.exhausted => Err(format!("missed: {outcome:?}\n found {:?}", found.outcomes)),
        _ => Ok(found.exhausted),
    }
}

#[test]
fn random_programs_have_the_outcomes_the_axioms_allow() {
    let mut dice = Dice(number("AXIOMS_SEED").unwrap_or(1));
    let (cases, mut compared) = (number("AXIOMS_CASES").unwrap_or(1_000), 0);
    while compared < cases {
        let program = language::generate(&mut dice);
        let done = compare(&program).unwrap_or_else(|error| panic!("{program:#?}\n{error}"));
        compared += u64::from(done);
    }
}

#[test]
fn other_strategies_find_only_what_the_axioms_allow() {
    let mut dice = Dice(number("AXIOMS_SEED").unwrap_or(2));
    for _ in 0..number("AXIOMS_CASES").unwrap_or(1_000) / 20 {
        let program = language::generate(&mut dice);
        let expected = graph::outcomes(&program);
        for name in ["random", "pct:3", "pos", "surw", "mix", "round-robin"] {
            let spec = StrategySpec::parse(name).expect("a strategy");
            let found = runner::explore(&program, &Explorer::new().strategy(spec).executions(60));
            let impossible = found.outcomes.difference(&expected).next();
            assert!(impossible.is_none(), "{name} found {impossible:?} of {expected:?} in {program:#?}");
        }
    }
}
