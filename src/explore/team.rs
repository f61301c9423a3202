//! The workers of one exhaustive search.
//!
//! Each takes leaves and runs them, ahead of their turn where the others are at work; whoever brings what
//! comes next enters it. Invariants: executions are counted in the order in which one worker alone would
//! run them; no user code runs while the search is locked; whoever waits is woken when the team is told
//! to stop.

use super::checkpoint::Witness;
use super::dpor::ledger::{Entry, Ledger, Next};
use super::dpor::search::{Search, Ticket};
use super::dpor::{Branch, Leaf, Outcome};
use crate::model::{Report, Survey, Worker};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many leaves a worker may run ahead. Outcomes that wait take memory; leaves differ in length.
const AHEAD: usize = 32;

/// What an execution gave besides its outcome.
#[derive(Default)]
struct Ran {
    report: Report,
    /// It ended half way: what the search knows ends here.
    is_broken: bool,
}

/// An execution in its turn.
pub(super) struct Entered<'a> {
    pub(super) index: u64,
    pub(super) report: Report,
    pub(super) trace: Option<u64>,
    /// Its steps, if it is to be a witness.
    pub(super) witness: Option<Witness>,
    pub(super) survey: &'a Survey,
}

struct State {
    ledger: Ledger<Ran>,
    entered: u64,
    is_over: bool,
    /// Buffers to be used again.
    spare: Vec<(Leaf, Outcome)>,
}

/// See the module.
pub(super) struct Team {
    state: Mutex<State>,
    changed: Condvar,
}

impl Team {
    /// A team for a search that has seen so many executions.
    pub(super) fn new(search: Search, entered: u64, workers: usize) -> Team {
        let window = if workers > 1 { AHEAD * workers } else { 1 };
        let ledger = Ledger::new(search, window);
        let state = State { ledger, entered, is_over: false, spare: Vec::new() };
        Team { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody takes or enters anything any more.
    pub(super) fn stop(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Give the worker a leaf to run, as soon as there is one; `None` if there will be none.
    pub(super) fn take(&self, worker: &mut Worker) -> Option<Ticket> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            let take = |branch: &mut Branch| state.ledger.take(branch.leaf_mut(), |_| 0);
            match worker.with_strategy(take).expect("the workers of a team run branches") {
                Next::Run(ticket) => return Some(ticket),
                Next::Over => return None,
                Next::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Look at the search, between two executions.
    pub(super) fn with_search(&self, look: impl FnOnce(&Search)) {
        look(self.state().ledger.search());
    }

    /// Bring what the worker ran, and enter what can be entered, telling `each`; it says whether to go on.
    pub(super) fn bring(
        &self,
        worker: &mut Worker,
        ticket: Ticket,
        report: Report,
        mut each: impl FnMut(Entered<'_>) -> bool,
    ) {
        let is_broken = worker.has_overflowed();
        let spare = self.state().spare.pop();
        let (leaf, outcome) = spare.unwrap_or_default();
        let mut entry = Entry { leaf, outcome, report: Ran { report, is_broken } };
        worker.with_strategy(|branch: &mut Branch| {
            entry.leaf.clone_from(branch.leaf());
            match is_broken {
                true => entry.outcome = Outcome::default(),
                false => branch.give(&mut entry.outcome),
            }
        });
        let mut state = self.state();
        state.ledger.bring(ticket, entry);
        while !state.is_over
            && let Some(Entry { leaf, outcome, report: ran }) = state.ledger.enter()
        {
            let State { ledger, entered, .. } = &mut *state;
            let index = *entered;
            *entered += 1;
            let survey = ledger.search().survey();
            let survey = Survey { exhausted: survey.exhausted && !ran.is_broken, ..survey };
            let (report, trace) = (ran.report, outcome.trace);
            let fingerprint = report.fingerprint;
            let witness = || Witness { index, path: outcome.path(), fingerprint };
            let witness = Witness::is_wanted(index).then(witness);
            let goes_on = each(Entered { index, report, trace, witness, survey: &survey });
            state.is_over |= !goes_on || ran.is_broken;
            state.spare.push((leaf, outcome));
        }
        self.changed.notify_all();
    }
}
