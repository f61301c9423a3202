//! What is measured and how. Time is CPU time of the process, because the machine may be shared;
//! wall time is carried beside it. The rows of one program are sampled in turn (A B C A B C …), each
//! with the same work in every round, and a figure is the median over its rounds, so that a slow
//! spell of the machine falls on all engines alike.
//!
//! A sampling strategy repeats executions at will: its sample is a fixed number of executions. An
//! exhaustive strategy has a job that ends: its sample is the whole exploration, repeated when it is
//! short, and measured once when it is long.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

/// An exploration is cut after this many executions; the figure is then a lower bound.
const EXPLORATION_LIMIT: u64 = 250_000;
/// The same limit where only the machinery is being tried out.
const QUICK_EXPLORATION_LIMIT: u64 = 500;
/// An exploration longer than this is measured once: a median would cost minutes.
const SLOW_EXPLORATION: Duration = Duration::from_secs(2);
/// Decisions are counted over at most this many executions of a sampling strategy.
const COUNTED_EXECUTIONS: u64 = 1_000;

/// The work of one sample and the time it took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Executions inside the measured time.
    pub(crate) executions: u64,
    /// Whether nothing is left to explore; never so for a sampling strategy.
    pub(crate) exhausted: bool,
    /// CPU time of the process.
    pub(crate) cpu: Duration,
    /// Time on the wall.
    pub(crate) wall: Duration,
}

/// Both clocks at the start of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    cpu: Duration,
    wall: Instant,
}

impl Stopwatch {
    /// Starts both clocks.
    pub(crate) fn start() -> Self {
        Stopwatch { wall: Instant::now(), cpu: process_cpu_time() }
    }

    /// Ends a sample of `executions` executions.
    pub(crate) fn stop(self, executions: u64, exhausted: bool) -> Sample {
        let cpu = process_cpu_time().saturating_sub(self.cpu);
        Sample { executions, exhausted, cpu, wall: self.wall.elapsed() }
    }
}

fn process_cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, exclusively borrowed `timespec` for the length of the call, which is
    // all that `clock_gettime` asks of its pointer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    assert_eq!(status, 0, "the process has a CPU clock");
    let nanos =
        u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0);
    Duration::from_nanos(nanos)
}

/// One engine running one program under one strategy.
pub(crate) trait Runner {
    /// Runs executions and times them. A sampling strategy runs exactly `executions`; an exhaustive
    /// one explores from the start and stops at `executions` or when nothing is left. Whatever an
    /// engine sets up once per run and not per execution stays outside the measured time where the
    /// engine allows it. Panics if an execution fails.
    fn run(&self, executions: u64) -> Sample;

    /// The scheduling decisions in a run of `executions` executions, as the mean for one of them.
    /// Counting may be slow: it happens outside the samples. `None` where the engine does not tell.
    fn decisions(&self, executions: u64) -> Option<f64>;
}

/// Whether a strategy's job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Executions are drawn one after another for as long as one likes.
    Sampling,
    /// Every execution that matters is run, and then the program is proved.
    Exhaustive,
}

/// One line of the report, before it is measured.
pub(crate) struct Row {
    /// Name of the program.
    pub(crate) bench: &'static str,
    /// Name of the engine.
    pub(crate) engine: &'static str,
    /// Name of the strategy; equal names across engines are compared with each other.
    pub(crate) strategy: &'static str,
    /// Whether the strategy's job ends.
    pub(crate) kind: Kind,
    /// Runs the program.
    pub(crate) runner: Box<dyn Runner>,
}

impl Row {
    fn run(&self, executions: u64) -> Result<Sample, String> {
        self.guarded(|runner| runner.run(executions))
    }

    fn decisions(&self, executions: u64) -> Result<Option<f64>, String> {
        self.guarded(|runner| runner.decisions(executions))
    }

    /// Turns the panic of a failing program into a message that says whose it was.
    fn guarded<T>(&self, work: impl FnOnce(&dyn Runner) -> T) -> Result<T, String> {
        panic::catch_unwind(AssertUnwindSafe(|| work(self.runner.as_ref()))).map_err(|payload| {
            let message = message(payload.as_ref());
            format!("{} failed: {message}", self.name())
        })
    }

    fn name(&self) -> String {
        format!("{} under {} {}", self.bench, self.engine, self.strategy)
    }
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(message), _) => message,
        (None, Some(message)) => message,
        (None, None) => "a panic without a message",
    }
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Samples of each row.
    pub(crate) rounds: usize,
    /// CPU time a sample should last.
    pub(crate) sample: Duration,
    /// Executions after which an exploration is cut.
    pub(crate) exploration_limit: u64,
}

impl Effort {
    /// Enough to publish.
    pub(crate) const FULL: Effort =
        Effort { rounds: 9, sample: Duration::from_millis(75), exploration_limit: EXPLORATION_LIMIT };
    /// Enough to see that every row runs.
    pub(crate) const QUICK: Effort =
        Effort { rounds: 1, sample: Duration::from_millis(1), exploration_limit: QUICK_EXPLORATION_LIMIT };
}

/// One measured line of the report.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Name of the program.
    pub(crate) bench: &'static str,
    /// Name of the engine.
    pub(crate) engine: &'static str,
    /// Name of the strategy.
    pub(crate) strategy: &'static str,
    /// Whether the strategy's job ends.
    pub(crate) kind: Kind,
    /// Executions of one exploration when exhaustive, of one sample otherwise.
    pub(crate) executions: u64,
    /// Whether the exploration ended before its limit.
    pub(crate) exhausted: bool,
    /// Samples behind the medians.
    pub(crate) samples: usize,
    /// Median CPU seconds for `executions`.
    pub(crate) cpu_seconds: f64,
    /// Median wall seconds for `executions`.
    pub(crate) wall_seconds: f64,
    /// Mean scheduling decisions of an execution, where the engine tells.
    pub(crate) decisions: Option<f64>,
}

impl Figures {
    /// Executions in a second of CPU time.
    pub(crate) fn executions_per_second(&self) -> f64 {
        self.executions as f64 / self.cpu_seconds
    }

    /// CPU time of a scheduling decision, everything else in the execution included.
    pub(crate) fn ns_per_decision(&self) -> Option<f64> {
        self.decisions.map(|decisions| self.cpu_seconds * 1e9 / (self.executions as f64 * decisions))
    }
}

/// A row on its way to its figures.
struct Plan {
    row: Row,
    /// Executions asked of one run.
    budget: u64,
    /// Runs in a sample.
    repeats: u32,
    /// Executions the figures speak of.
    executions: u64,
    exhausted: bool,
    /// CPU and wall seconds of each sample, scaled to `executions`.
    seconds: Vec<(f64, f64)>,
    rounds: usize,
}

impl Plan {
    /// Chooses the work of a sample by trying the row out.
    fn new(row: Row, effort: &Effort) -> Result<Self, String> {
        let seconds = Vec::new();
        if row.kind == Kind::Sampling {
            let executions = sample_size(&row, effort.sample)?;
            let rounds = effort.rounds;
            return Ok(Plan {
                row,
                budget: executions,
                repeats: 1,
                executions,
                exhausted: false,
                seconds,
                rounds,
            });
        }
        let budget = effort.exploration_limit;
        let Sample { executions, exhausted, cpu, wall } = row.run(budget)?;
        if cpu > SLOW_EXPLORATION {
            let seconds = vec![(cpu.as_secs_f64(), wall.as_secs_f64())];
            return Ok(Plan { row, budget, repeats: 1, executions, exhausted, seconds, rounds: 1 });
        }
        let repeats = times(cpu, effort.sample).ceil().max(1.0) as u32;
        Ok(Plan { row, budget, repeats, executions, exhausted, seconds, rounds: effort.rounds })
    }

    /// Takes the sample of one round, unless the row has all of its samples.
    fn sample(&mut self) -> Result<(), String> {
        if self.seconds.len() >= self.rounds {
            return Ok(());
        }
        let mut sum = Sample::default();
        for _ in 0..self.repeats {
            let sample = self.row.run(self.budget)?;
            if sample.executions != self.executions {
                let (row, ran, first) = (self.row.name(), sample.executions, self.executions);
                return Err(format!("{row} ran {ran} executions where it first ran {first}"));
            }
            sum.cpu += sample.cpu;
            sum.wall += sample.wall;
        }
        let share = |time: Duration| time.as_secs_f64() / f64::from(self.repeats);
        self.seconds.push((share(sum.cpu), share(sum.wall)));
        Ok(())
    }

    fn finish(self) -> Result<Figures, String> {
        let counted = match self.row.kind {
            Kind::Sampling => self.executions.min(COUNTED_EXECUTIONS),
            Kind::Exhaustive => self.budget,
        };
        Ok(Figures {
            bench: self.row.bench,
            engine: self.row.engine,
            strategy: self.row.strategy,
            kind: self.row.kind,
            executions: self.executions,
            exhausted: self.exhausted,
            samples: self.seconds.len(),
            cpu_seconds: median(self.seconds.iter().map(|&(cpu, _)| cpu).collect()),
            wall_seconds: median(self.seconds.iter().map(|&(_, wall)| wall).collect()),
            decisions: self.row.decisions(counted)?,
        })
    }
}

/// Measures the rows of one program, turn by turn. The error names the row that failed.
pub(crate) fn measure(rows: Vec<Row>, effort: &Effort) -> Result<Vec<Figures>, String> {
    let plans: Result<Vec<Plan>, String> = rows.into_iter().map(|row| Plan::new(row, effort)).collect();
    let mut plans = plans?;
    for _ in 0..effort.rounds {
        for plan in &mut plans {
            plan.sample()?;
        }
    }
    plans.into_iter().map(Plan::finish).collect()
}

/// The executions that last about `target`: grown until the clock can see them, then scaled.
fn sample_size(row: &Row, target: Duration) -> Result<u64, String> {
    let mut executions = 1;
    loop {
        let sample = row.run(executions)?;
        if sample.cpu * 4 >= target {
            let scaled = executions as f64 * times(sample.cpu, target);
            return Ok(scaled.round().max(1.0) as u64);
        }
        executions *= 4;
    }
}

/// How often `part` fits into `whole`.
fn times(part: Duration, whole: Duration) -> f64 {
    whole.as_secs_f64() / part.as_secs_f64().max(1e-9)
}

/// The middle value, or the mean of the two middle ones; never of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a row has at least one sample");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_is_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    /// Runs three executions fewer each time, and fails when none is left.
    struct Shrinking(std::cell::Cell<u64>);

    impl Runner for Shrinking {
        fn run(&self, _executions: u64) -> Sample {
            let left = self.0.get();
            self.0.set(left.checked_sub(3).expect("executions are left"));
            Stopwatch::start().stop(left, true)
        }

        fn decisions(&self, _executions: u64) -> Option<f64> {
            None
        }
    }

    #[test]
    fn a_row_that_fails_or_changes_its_work_is_an_error_that_names_it() {
        for (left, message) in [(0, "executions are left"), (30, "ran 27 executions where it first ran 30")] {
            let runner = Box::new(Shrinking(left.into()));
            let row = Row { bench: "p", engine: "e", strategy: "s", kind: Kind::Exhaustive, runner };
            let error = measure(vec![row], &Effort::QUICK).unwrap_err();
            assert!(error.starts_with("p under e s") && error.contains(message), "{error}");
        }
    }

    #[test]
    fn the_cpu_clock_advances_with_work() {
        let watch = Stopwatch::start();
        let work: u64 = (0..2_000_000u64).fold(0, |sum, value| std::hint::black_box(sum ^ value));
        std::hint::black_box(work);
        assert!(watch.stop(1, false).cpu > Duration::ZERO);
    }
}
