//! shuttle 0.9 under its random, PCT, uniform-random-walk, round-robin and depth-first schedulers.
//! Seeds are fixed, so that each round draws the same executions. The clock is read inside the
//! scheduler, when an execution begins: the stack pool and the first execution, in which PCT and
//! the random walk take the program's measure, stay outside a sample of the sampling strategies.

use super::std_shaped_bodies;
use crate::measure::{Kind, Row, Runner, Sample, Stopwatch};
use crate::programs::Program;
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, RoundRobinScheduler, Schedule, Scheduler, Task, TaskId,
    UrwRandomScheduler,
};
use shuttle::{Config, FailurePersistence};
use std::cell::Cell;
use std::rc::Rc;

/// Name of the engine in the report.
const ENGINE: &str = "shuttle";

/// Executions before the clock starts.
const WARM_UP: u64 = 1;

const SEED: u64 = 1;

mod bodies {
    super::std_shaped_bodies!(shuttle);
}

/// One of shuttle's schedulers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Random,
    Pct3,
    Urw,
    RoundRobin,
    Dfs,
}

impl Strategy {
    fn name(self) -> &'static str {
        match self {
            Strategy::Random => "random",
            Strategy::Pct3 => "pct3",
            Strategy::Urw => "urw",
            Strategy::RoundRobin => "round-robin",
            Strategy::Dfs => "dfs",
        }
    }

    fn kind(self) -> Kind {
        if self == Strategy::Dfs { Kind::Exhaustive } else { Kind::Sampling }
    }

    /// The strategies worth a row. The depth-first one, which has no reduction, is left out where it
    /// would not come near an end.
    fn of(program: Program) -> &'static [Strategy] {
        match program {
            Program::Yield50 | Program::Yield1000 => {
                &[Strategy::Random, Strategy::Pct3, Strategy::Urw, Strategy::RoundRobin]
            }
            Program::Rmw
            | Program::Readers
            | Program::Mutex1
            | Program::Mutex2
            | Program::Mutex4
            | Program::Condvar1
            | Program::Condvar2
            | Program::Condvar3
            | Program::Pipeline3
            | Program::Spawn4 => &[Strategy::Random, Strategy::Pct3, Strategy::Dfs],
            // The execution in which PCT counts the steps meets no choice here, and PCT then refuses to go on.
            Program::Spawn1 => &[Strategy::Random, Strategy::Dfs],
            Program::Pipeline100 | Program::Spawn16 => &[Strategy::Random, Strategy::Pct3],
        }
    }
}

/// The rows of one program.
pub(crate) fn rows(program: Program) -> Vec<Row> {
    let row = |&strategy: &Strategy| Row {
        bench: program.name(),
        engine: ENGINE,
        strategy: strategy.name(),
        kind: strategy.kind(),
        runner: Box::new(Shuttle { body: bodies::body(program), strategy }),
    };
    Strategy::of(program).iter().map(row).collect()
}

/// Runs a program once, so that shuttle's panic hook is in place.
pub(crate) fn prime() {
    Shuttle { body: bodies::spawn_join::<1>, strategy: Strategy::Random }.run(1);
}

/// Explores a program depth first, at most so many executions of it. Panics if shuttle finds something.
pub(crate) fn explore(body: fn(), executions: u64) -> Sample {
    Shuttle { body, strategy: Strategy::Dfs }.run(executions)
}

struct Shuttle {
    body: fn(),
    strategy: Strategy,
}

impl Shuttle {
    /// Runs `executions` executions under the strategy, with `probe` around its scheduler.
    fn explore<P: Probe>(&self, executions: u64, probe: P) -> u64 {
        let limit = usize::try_from(executions).expect("a limit fits in memory");
        match self.strategy {
            Strategy::Random => self.launch(RandomScheduler::new_from_seed(SEED, limit), probe),
            Strategy::Pct3 => self.launch(PctScheduler::new_from_seed(SEED, 3, limit), probe),
            Strategy::Urw => self.launch(UrwRandomScheduler::new_from_seed(SEED, limit), probe),
            Strategy::RoundRobin => self.launch(RoundRobinScheduler::new(limit), probe),
            Strategy::Dfs => self.launch(DfsScheduler::new(Some(limit), false), probe),
        }
    }

    fn launch<S: Scheduler + 'static, P: Probe>(&self, scheduler: S, probe: P) -> u64 {
        let mut config = Config::new();
        config.failure_persistence = FailurePersistence::None;
        config.silence_warnings = true;
        shuttle::Runner::new(Probed { scheduler, probe }, config).run(self.body) as u64
    }
}

impl Runner for Shuttle {
    fn run(&self, executions: u64) -> Sample {
        let warm_up = if self.strategy == Strategy::Dfs { 0 } else { WARM_UP };
        let sample = Rc::new(Cell::new(None));
        let clock = Clock { warm_up, begun: 0, watch: None, sample: sample.clone() };
        let asked = executions + warm_up;
        let ran = self.explore(asked, clock);
        let sample: Sample = sample.get().expect("a run ends by asking for an execution too many");
        Sample { exhausted: ran < asked, ..sample }
    }

    fn decisions(&self, executions: u64) -> Option<f64> {
        let decisions = Rc::new(Cell::new(0));
        let ran = self.explore(executions, Count(decisions.clone()));
        Some(decisions.get() as f64 / ran as f64)
    }
}

/// What a scheduler sees, seen by the benchmark.
trait Probe: 'static {
    /// An execution is about to begin.
    fn execution(&mut self) {}
    /// The last execution is over.
    fn end(&mut self) {}
    /// A task is about to be picked.
    fn decision(&mut self) {}
}

/// Times the executions after the warm-up.
struct Clock {
    warm_up: u64,
    begun: u64,
    watch: Option<Stopwatch>,
    sample: Rc<Cell<Option<Sample>>>,
}

impl Probe for Clock {
    fn execution(&mut self) {
        if self.begun == self.warm_up {
            self.watch = Some(Stopwatch::start());
        }
        self.begun += 1;
    }

    fn end(&mut self) {
        let sample = self.watch.map(|watch| watch.stop(self.begun - self.warm_up, false));
        self.sample.set(sample);
    }
}

/// Counts the decisions, one for each time shuttle asks which task is next.
struct Count(Rc<Cell<u64>>);

impl Probe for Count {
    fn decision(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// A scheduler with a probe in front.
struct Probed<S, P> {
    scheduler: S,
    probe: P,
}

impl<S: Scheduler, P: Probe> Scheduler for Probed<S, P> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.scheduler.new_execution();
        match schedule {
            Some(_) => self.probe.execution(),
            None => self.probe.end(),
        }
        schedule
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.probe.decision();
        self.scheduler.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_not_in_a_sample() {
        for strategy in [Strategy::Random, Strategy::Pct3, Strategy::Urw, Strategy::RoundRobin] {
            let sample = Shuttle { body: bodies::body(Program::Rmw), strategy }.run(7);
            assert_eq!((sample.executions, sample.exhausted), (7, false), "{}", strategy.name());
        }
    }

    #[test]
    fn depth_first_ends_or_is_cut() {
        let mutex = Shuttle { body: bodies::body(Program::Mutex1), strategy: Strategy::Dfs };
        let cut = mutex.run(5);
        assert_eq!((cut.executions, cut.exhausted), (5, false));
        let whole = mutex.run(100);
        assert_eq!((whole.executions, whole.exhausted), (51, true));
    }

    #[test]
    fn a_yield_is_one_decision() {
        // 50 × 20 yields, three decisions around each task's life and two around the main one's.
        let yields = Shuttle { body: bodies::body(Program::Yield50), strategy: Strategy::RoundRobin };
        assert_eq!(yields.decisions(2), Some(1152.0));
    }
}
