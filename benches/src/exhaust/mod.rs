//! The table of the exhaustive search: how many executions a program takes against how many traces
//! it has, how many of them were blocked or repeated others, and what loom and shuttle need for the
//! programs they can express.
//!
//! Invariant: a row is right when as many executions ran as the program has traces, none of them
//! blocked and none of a trace already seen.

mod loom;
mod ours;
mod shuttle;

use crate::measure::{Sample, Stopwatch, median};
use crate::{peers, table};
pub(crate) use ours::{Program, all};
use selvedge::Explorer;
use selvedge::harness::config::MemoryModel;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// A model by its name, and where in the table its counts are.
struct Model {
    name: &'static str,
    memory: MemoryModel,
    expected: fn(&Program) -> Option<u64>,
}

const MODELS: [Model; 2] = [
    Model { name: "sc", memory: MemoryModel::Sc, expected: |program| Some(program.sc) },
    Model { name: "c11", memory: MemoryModel::C11, expected: |program| program.c11 },
];

/// How much to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Samples of one program, of which the median is told.
    rounds: usize,
    /// The seconds a sample should last: a short exploration is repeated, a longer one is one sample.
    sample: f64,
    /// An exploration that takes longer than so many seconds is made once.
    slow: f64,
    /// A peer is cut after so many executions.
    peer_limit: u64,
    /// Whether the large programs are run at all.
    large: bool,
}

impl Effort {
    /// Enough to publish.
    pub(crate) const FULL: Effort =
        Effort { rounds: 5, sample: 0.04, slow: 1.0, peer_limit: 100_000, large: true };
    /// Enough to see that every small program is right.
    pub(crate) const QUICK: Effort =
        Effort { rounds: 1, sample: 0.0, slow: 0.0, peer_limit: 500, large: false };

    /// Whether the program is to be run.
    pub(crate) fn covers(self, program: &Program) -> bool {
        self.large || !program.large
    }
}

/// A line of the table.
pub(crate) struct Row {
    program: &'static Program,
    model: &'static str,
    expected: u64,
    executions: u64,
    blocked: u64,
    duplicates: u64,
    exhausted: bool,
    /// Median seconds of one exploration, its worker thread's start included. Not of CPU time: the
    /// kernel counts a thread that has just run on another core only from tick to tick.
    seconds: f64,
    loom: Option<Sample>,
    shuttle: Option<Sample>,
}

impl Row {
    /// See the module.
    pub(crate) fn is_right(&self) -> bool {
        self.exhausted && self.executions == self.expected && self.blocked == 0 && self.duplicates == 0
    }

    /// What is wrong with a row that is not right.
    pub(crate) fn name(&self) -> String {
        format!("{} under {}", self.program.name, self.model)
    }
}

/// What one exploration came to.
struct Exploration {
    executions: u64,
    blocked: u64,
    duplicates: u64,
    exhausted: bool,
    seconds: f64,
}

/// Runs the program to the end. One that goes far beyond its number is cut there.
fn explore(program: &Program, model: &Model, expected: u64) -> Exploration {
    let traces = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&traces);
    let explorer =
        Explorer::new().exhaustive().spurious(0).memory(model.memory).executions(expected * 10 + 1_000);
    let watch = Stopwatch::start();
    let outcome = explorer.observe(program.run, move |observed| {
        seen.lock().unwrap().extend(observed.trace);
    });
    let sample = watch.stop(outcome.executions, outcome.exhausted);
    let traces = traces.lock().unwrap().len() as u64;
    Exploration {
        executions: outcome.executions - outcome.vain,
        blocked: outcome.redundant,
        duplicates: outcome.executions - outcome.vain - outcome.redundant - traces,
        exhausted: outcome.exhausted,
        seconds: sample.wall.as_secs_f64(),
    }
}

/// A peer runs the program: nothing if it cannot express it, or fails on it.
fn beside(body: Option<fn()>, explore: impl Fn(fn()) -> Sample) -> Option<Sample> {
    catch_unwind(AssertUnwindSafe(|| explore(body?).into())).ok().flatten()
}

/// The rows of one program, one for each model in which its traces were counted.
pub(crate) fn rows(program: &'static Program, effort: Effort) -> Vec<Row> {
    // The peers have a model of their own each, whatever ours is.
    let limit = effort.peer_limit;
    let loom = beside(loom::body(program.name), |body| peers::loom::explore(body, limit));
    let shuttle = beside(shuttle::body(program.name), |body| peers::shuttle::explore(body, limit));
    let row = |model: &'static Model| {
        let expected = (model.expected)(program)?;
        let first = explore(program, model, expected);
        let repeats = (effort.sample / first.seconds.max(1e-6)).ceil().max(1.0) as u32;
        let sample = |_| {
            let sum: f64 = (0..repeats).map(|_| explore(program, model, expected).seconds).sum();
            sum / f64::from(repeats)
        };
        let seconds = if first.seconds > effort.slow {
            first.seconds
        } else {
            median((0..effort.rounds).map(sample).collect())
        };
        Some(Row {
            program,
            model: model.name,
            expected,
            executions: first.executions,
            blocked: first.blocked,
            duplicates: first.duplicates,
            exhausted: first.exhausted,
            seconds,
            loom,
            shuttle,
        })
    };
    MODELS.iter().filter_map(row).collect()
}

const HEADER: [&str; 10] = [
    "program",
    "model",
    "expected",
    "selvedge",
    "blocked",
    "duplicates",
    "seconds",
    "exec/s",
    "loom",
    "shuttle",
];

/// The aligned table.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEADER.map(String::from)];
    lines.extend(rows.iter().map(cells));
    table::aligned(&lines, 2).into_iter().map(|line| line + "\n").collect()
}

fn cells(row: &Row) -> [String; HEADER.len()] {
    let bound = |exhausted: bool| if exhausted { "" } else { ">" };
    let peer = |sample: &Option<Sample>| match sample {
        None => "-".into(),
        Some(s) => format!("{}{} in {:.3} s", bound(s.exhausted), s.executions, s.wall.as_secs_f64()),
    };
    [
        row.program.name.into(),
        row.model.into(),
        row.expected.to_string(),
        format!("{}{}", bound(row.exhausted), row.executions),
        row.blocked.to_string(),
        row.duplicates.to_string(),
        format!("{:.4}", row.seconds),
        format!("{:.0}", row.executions as f64 / row.seconds),
        peer(&row.loom),
        peer(&row.shuttle),
    ]
}

/// One JSON object a line.
pub(crate) fn json(rows: &[Row]) -> String {
    let peer = |sample: &Option<Sample>| {
        sample.map_or(Value::Null, |s| {
            json!({ "executions": s.executions, "exhausted": s.exhausted, "seconds": s.wall.as_secs_f64() })
        })
    };
    let line = |row: &Row| {
        let object = json!({
            "program": row.program.name,
            "model": row.model,
            "expected": row.expected,
            "selvedge": row.executions,
            "blocked": row.blocked,
            "duplicates": row.duplicates,
            "seconds": row.seconds,
            "loom": peer(&row.loom),
            "shuttle": peer(&row.shuttle),
        });
        format!("{object}\n")
    };
    rows.iter().map(line).collect()
}
