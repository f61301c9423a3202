//! The engine against an oracle: tiny programs, every outcome, twice.
//!
//! A program of the [`language`] is run by an abstract [`machine`], which knows nothing of the
//! engine and searches all of its states, and by the engine's depth-first strategy. The two must
//! find the same outcomes: what each thread observed, and how it all ended.
//!
//! `ORACLE_CASES=4000 ORACLE_SEED=7 cargo test --release --test oracle` tries other and more programs;
//! `ORACLE_PRINT` shows each before it runs.

mod channels;
mod generate;
mod groups;
mod language;
mod locks;
mod machine;
mod named;
mod runner;
mod search;

use language::Program;
use selvedge::Explorer;
use selvedge::harness::config::StrategySpec;

/// States the machine may visit, and executions the engine may run, for one program.
const STATES: usize = 200_000;

/// Compare the machine with a search on one program; false if it is too large.
fn compare(program: &Program, search: StrategySpec, executions: u64) -> Result<bool, String> {
    let Some(expected) = search::outcomes(program, STATES) else { return Ok(false) };
    let found = runner::explore(program, Explorer::new().strategy(search).executions(executions));
    // Subtractions from a wait group count as independent, so which of them goes below zero, or
    // whether a waiter was there before a zero, is not part of a trace.
    let misuse = expected.iter().any(|outcome| format!("{outcome:?}").contains("WaitGroup"));
    let complete = search == StrategySpec::Dfs || !misuse;
    for outcome in &found.outcomes {
        if !expected.contains(outcome) {
            return Err(format!("impossible: {outcome:?}\n of {expected:#?}"));
        }
    }
    if !found.exhausted {
        return Ok(false);
    }
    for outcome in expected.iter().filter(|_| complete && !program.asks_for_ends()) {
        if !found.outcomes.contains(outcome) {
            let n = found.executions;
            return Err(format!("missed in {n} executions: {outcome:?}\n found {:#?}", found.outcomes));
        }
    }
    Ok(true)
}

/// What other strategies find is possible, too.
fn sample(program: &Program, executions: u64) -> Result<(), String> {
    let Some(expected) = search::outcomes(program, STATES) else { return Ok(()) };
    let strategies = ["random", "pct:3", "pos", "surw", "mix", "round-robin"];
    for name in strategies {
        let spec = StrategySpec::parse(name).expect("a strategy");
        let found = runner::explore(program, Explorer::new().strategy(spec).executions(executions));
        if let Some(outcome) = found.outcomes.iter().find(|o| !expected.contains(o)) {
            return Err(format!("impossible, found by {name}: {outcome:?}\n of {expected:#?}"));
        }
    }
    Ok(())
}
