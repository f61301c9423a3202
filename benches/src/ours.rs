//! The column of this library. Rows are named `selvedge`; a strategy named like a peer's
//! (`random`, `pct3`, `round-robin`) is compared with it, an exhaustive one with every exhaustive peer.
//! Spurious wake-ups are off, because the peers have none.

use crate::measure::{Kind, Row, Runner, Sample, Stopwatch};
use crate::programs::Program;
use selvedge::harness::config::StrategySpec;
use selvedge::{Explorer, Outcome};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Name of the engine in the report.
pub(crate) const ENGINE: &str = "selvedge";

mod bodies {
    crate::peers::std_shaped_bodies!(selvedge);
}

/// The strategies that draw executions, under the names the peers' have.
const SAMPLING: [(&str, StrategySpec); 6] = [
    ("random", StrategySpec::Random),
    ("pct3", StrategySpec::Pct(3)),
    ("pos", StrategySpec::Pos),
    ("surw", StrategySpec::Surw),
    ("round-robin", StrategySpec::RoundRobin),
    ("mix", StrategySpec::Mix),
];

/// The rows of one program.
pub(crate) fn rows(program: Program) -> Vec<Row> {
    let row = |strategy, spec, kind| Row {
        bench: program.name(),
        engine: ENGINE,
        strategy,
        kind,
        runner: Box::new(Ours { body: bodies::body(program), spec }),
    };
    let mut rows: Vec<Row> = SAMPLING.iter().map(|&(name, spec)| row(name, spec, Kind::Sampling)).collect();
    if program.is_small() {
        rows.push(row("dfs", StrategySpec::Dfs, Kind::Exhaustive));
    }
    rows
}

struct Ours {
    body: fn(),
    spec: StrategySpec,
}

impl Ours {
    fn explore(&self, executions: u64, body: impl Fn() + Send + Sync + 'static) -> Outcome {
        let explorer = Explorer::new().seed(1).spurious(0).strategy(self.spec).executions(executions);
        let outcome = explorer.run(body);
        assert!(outcome.is_clean(), "a correct program failed:\n{outcome}");
        outcome
    }
}

impl Runner for Ours {
    fn run(&self, executions: u64) -> Sample {
        if self.spec == StrategySpec::Dfs {
            let watch = Stopwatch::start();
            let outcome = self.explore(executions, self.body);
            return watch.stop(outcome.executions, outcome.exhausted);
        }
        // The first execution maps the stacks and grows the tables: the clock starts after it.
        let (body, started) = (self.body, Arc::new(OnceLock::new()));
        let (watch, begun) = (Arc::clone(&started), AtomicU64::new(0));
        let outcome = self.explore(executions + 1, move || {
            if begun.fetch_add(1, Ordering::Relaxed) == 1 {
                let _ = watch.set(Stopwatch::start());
            }
            body();
        });
        started.get().copied().expect("there is a second execution").stop(outcome.executions - 1, false)
    }

    fn decisions(&self, executions: u64) -> Option<f64> {
        let outcome = self.explore(executions, self.body);
        Some(outcome.steps as f64 / outcome.executions.max(1) as f64)
    }
}
