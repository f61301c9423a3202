//! The controlled engine: one execution at a time on one OS thread, every visible operation a
//! decision.
//!
//! [`Worker::run`] runs one execution under a strategy and gives back what came of it. Invariants:
//! the same program and the same decisions give the same execution, on any machine; whatever user
//! code does (panics, overflows its stack, blocks for ever), the worker's thread gets control back
//! or is given up by the harness, and the next execution starts from a clean world.

pub(crate) mod decision;
mod enabled;
mod engine;
pub(crate) mod execution;
mod faults;
pub(crate) mod frames;
mod goroutine;
pub(crate) mod limits;
pub(crate) mod panics;
mod pulse;
mod record;
mod repair;
mod spin;
mod suite;
mod teardown;
mod verdict;

pub(crate) use decision::{Decision, Nondeterminism, Scene, Strategy, Survey, Tracer};
pub(crate) use engine::STACK_OVERFLOW;
pub(crate) use execution::{Hold, Stand};
pub(crate) use frames::is_user_code;
pub(crate) use limits::Limits;
pub(crate) use pulse::Pulse;
pub(crate) use repair::Change;

use crate::port::{self, Epoch, MAX_WORKERS, Spawn};
use engine::Engine_;
use execution::{Ending, Execution};
use selvedge_checkers::finding::{Finding, HeardSignal};
use selvedge_checkers::ids::{Gid, SiteRef};
use selvedge_checkers::trace::Trace;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of one execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// The waits that notifications ended: what could have been the other way round.
    pub(crate) heard: Vec<HeardSignal>,
    pub(crate) steps: u32,
    pub(crate) fingerprint: u64,
    /// The step limit cut it.
    pub(crate) truncated: bool,
    /// A wait could have ended, or a weak exchange failed, without a cause.
    pub(crate) spurious: bool,
    /// Its decisions; kept only if there is something to tell of it, or it was recorded.
    pub(crate) decisions: Vec<Decision>,
    pub(crate) trace: Option<Trace>,
    /// How often a goroutine that could go on was interrupted, if it was recorded.
    pub(crate) preemptions: u32,
    /// How far each goroutine came, if it was recorded.
    pub(crate) stands: Vec<Stand>,
}

/// Identities of workers, and how many executions each has run.
static WORKERS: Mutex<(Vec<usize>, Vec<u32>)> = Mutex::new((Vec::new(), Vec::new()));

/// Runs executions, one after the other, on the thread that made it.
pub(crate) struct Worker {
    engine: Engine_,
    _signals: faults::SignalStack,
    id: usize,
    executions: u32,
}

impl Worker {
    /// A worker for this thread.
    pub(crate) fn new(strategy: Box<dyn Strategy>, limits: Limits, beat: Arc<Pulse>) -> Worker {
        panics::install_hook();
        let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        let (free, counts) = &mut *workers;
        let id = free.pop().unwrap_or_else(|| {
            counts.push(0);
            counts.len()
        });
        assert!(id < MAX_WORKERS, "selvedge: more than {MAX_WORKERS} models run at once in this process");
        let executions = counts[id - 1];
        let _signals = faults::SignalStack::install();
        Worker { _signals, engine: Engine_::new(Execution::new(strategy, limits, beat)), id, executions }
    }

    /// Decide by `strategy` from now on.
    pub(crate) fn set_strategy(&self, strategy: Box<dyn Strategy>) -> Box<dyn Strategy> {
        std::mem::replace(&mut self.engine.ex().strategy, strategy)
    }

    /// Use the strategy, if it is of this type.
    pub(crate) fn with_strategy<S: Strategy, R>(&mut self, f: impl FnOnce(&mut S) -> R) -> Option<R> {
        let strategy: &mut dyn Any = &mut *self.engine.ex().strategy;
        strategy.downcast_mut().map(f)
    }

    /// Keep goroutines of the next execution from going on.
    pub(crate) fn hold(&self, holds: &[Hold]) {
        self.engine.ex().holds = holds.to_vec();
    }

    /// What the strategy knows of the space.
    pub(crate) fn survey(&self) -> Survey {
        self.engine.ex().strategy.survey()
    }

    /// See [`Strategy::trace`].
    pub(crate) fn trace(&self) -> Option<u64> {
        self.engine.ex().strategy.trace()
    }

    /// Whether this thread must not be used for another execution.
    pub(crate) fn is_tainted(&self) -> bool {
        self.engine.is_tainted()
    }

    /// Whether the strategy may have been interrupted half way.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.engine.has_overflowed()
    }

    /// The thread is about to end; gives the strategy. What a stack overflow may have interrupted half
    /// way, the strategy too, leaks.
    pub(crate) fn retire(self) -> Option<Box<dyn Strategy>> {
        if !self.engine.has_overflowed() {
            return Some(self.set_strategy(Box::new(Retired)));
        }
        self.give_back();
        self.engine.free_stacks();
        std::mem::forget(self);
        None
    }

    fn give_back(&self) {
        let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        workers.1[self.id - 1] = self.executions;
        workers.0.push(self.id);
    }

    /// Run execution `index` of `body`; `None` if the strategy has nothing left to explore.
    pub(crate) fn run(
        &mut self,
        index: u64,
        body: &Arc<dyn Fn() + Send + Sync>,
        site: SiteRef,
        record: bool,
    ) -> Option<Report> {
        if !self.engine.ex().strategy.begin(index) {
            return None;
        }
        self.executions += 1;
        let epoch = Epoch::begin(self.id, self.executions);
        let body = Arc::clone(body);
        self.engine.ex().recorder.on = record;
        let main = Spawn { body: Box::new(move || body()), name: None, site };
        Some(port::enter(&self.engine, || {
            self.engine.run(epoch, main);
            let ex = self.engine.ex();
            if !self.engine.has_overflowed() {
                ex.conclude();
            }
            match ex.ending {
                Ending::Fatal => ex.tell(|tracer, _| tracer.died()),
                Ending::Limit => ex.tell(|tracer, _| tracer.cut()),
                _ => {}
            }
            ex.find_users_code();
            // Whatever the strategy works out now, no goroutine is to blame for the time it takes.
            ex.beat.runs(Gid::CLOCK);
            ex.strategy.end(ex.steps);
            ex.beat.runs(ex.running);
            if let Some((object, created)) = epoch.trespassed() {
                ex.find_trespass(object, created);
            }
            let heard = ex.suite.heard().to_vec();
            let keep = record || !ex.findings.is_empty() || !heard.is_empty();
            let report = Report {
                heard,
                steps: ex.steps,
                fingerprint: ex.fingerprint,
                truncated: ex.ending == Ending::Limit,
                spurious: ex.spurious,
                decisions: if keep { ex.decisions.clone() } else { Vec::new() },
                trace: record.then(|| ex.trace()),
                preemptions: ex.preemptions,
                stands: if record { ex.stands() } else { Vec::new() },
                findings: std::mem::take(&mut ex.findings),
            };
            self.engine.tear_down();
            self.engine.ex().beat.runs(Gid::CLOCK);
            report
        }))
    }
}

/// The strategy of a worker that runs nothing any more.
struct Retired;

impl Strategy for Retired {
    fn begin(&mut self, _index: u64) -> bool {
        false
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        scene.enabled[0]
    }

    fn alternative(&mut self, _step: u32, _g: Gid, _n: u32) -> u32 {
        0
    }

    fn fire_early(&mut self, _scene: &Scene<'_>) -> bool {
        false
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.give_back();
    }
}
