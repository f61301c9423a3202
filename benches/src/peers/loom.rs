//! loom 0.7. It has one strategy, the exhaustive one, and room for five threads with the main one;
//! programs with more are left out. Executions are counted by the program itself, since loom does
//! not return their number, and it tells nobody how many decisions it took.

use super::std_shaped_bodies;
use crate::measure::{Kind, Row, Runner, Sample, Stopwatch};
use crate::programs::Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name of the engine in the report.
const ENGINE: &str = "loom";

/// Branches of one execution before loom gives up; its default of 1 000 is too low for a pipeline.
const MAX_BRANCHES: usize = 50_000;

mod bodies {
    super::std_shaped_bodies!(loom);
}

/// The rows of one program.
pub(crate) fn rows(program: Program) -> Vec<Row> {
    if program.threads() > ::loom::MAX_THREADS {
        return Vec::new();
    }
    vec![Row {
        bench: program.name(),
        engine: ENGINE,
        strategy: "exhaustive",
        kind: Kind::Exhaustive,
        runner: Box::new(Loom { body: bodies::body(program) }),
    }]
}

/// Runs a program once, so that the panic hook which loom's generators install is in place.
pub(crate) fn prime() {
    Loom { body: bodies::spawn_join::<1> }.run(1);
}

/// Explores a program, at most so many executions of it. Panics if loom finds something, or has no room
/// for the program.
pub(crate) fn explore(body: fn(), executions: u64) -> Sample {
    Loom { body }.run(executions)
}

struct Loom {
    body: fn(),
}

impl Runner for Loom {
    fn run(&self, executions: u64) -> Sample {
        let mut builder = loom::model::Builder::new();
        builder.max_branches = MAX_BRANCHES;
        // loom looks at its limit only at a checkpoint, and before the execution of that number:
        // the first checkpoint one past the limit runs exactly as many executions as asked.
        let past = usize::try_from(executions).expect("a limit fits in memory") + 1;
        builder.max_permutations = Some(past);
        builder.checkpoint_interval = past;

        let ran = Arc::new(AtomicU64::new(0));
        let (counter, body) = (ran.clone(), self.body);
        let watch = Stopwatch::start();
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            body();
        });
        let ran = ran.load(Ordering::Relaxed);
        watch.stop(ran, ran < executions)
    }

    fn decisions(&self, _executions: u64) -> Option<f64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exploration_is_cut_exactly_at_its_limit_and_otherwise_ends() {
        let mutex = Loom { body: bodies::body(Program::Mutex1) };
        let cut = mutex.run(5);
        assert_eq!((cut.executions, cut.exhausted), (5, false));
        let whole = mutex.run(100);
        assert_eq!((whole.executions, whole.exhausted), (9, true));
    }
}
