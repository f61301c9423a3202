//! The account of an exploration: executions are entered in the order of their numbers, whoever ran
//! them and whenever they came to an end.
//!
//! Invariant: what is entered is the same for any number of workers. Executions that others ran ahead
//! wait for those before them, and are dropped if one of those ends the exploration.
//!
//! What an execution predicts is put to the test when it is entered, each prediction once: whoever
//! enters it runs the schedules, and nobody enters anything meanwhile.

use super::checkpoint::Totals;
use super::confirm::{self, Prediction, Schedule};
use super::plan::{Exploration, Failure, Plan, Warning};
use crate::model::{Decision, Report};
use std::collections::BTreeMap;

/// Predictions that are put to the test in one exploration.
const MAX_PREDICTIONS: usize = 32;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The next execution to enter.
    next: u64,
    /// Executions from this one on are not worth running any more.
    end: u64,
    waiting: BTreeMap<u64, Report>,
    /// What was put to the test.
    tested: Vec<Prediction>,
    trials: Vec<Trial>,
    is_busy: bool,
    /// After this execution, all have been run.
    last: Option<u64>,
    total: Exploration,
}

/// A prediction to be put to the test.
#[derive(Debug)]
pub(super) struct Trial {
    prediction: Prediction,
    pub(super) index: u64,
    pub(super) decisions: Vec<Decision>,
    pub(super) schedules: Vec<Schedule>,
}

impl Account {
    pub(super) fn new(plan: &Plan) -> Account {
        Account { end: plan.executions, next: plan.next_owned(0), ..Account::default() }
    }

    /// The account of a search that goes on: the budget is for what is run from now on.
    pub(super) fn resumed(plan: &Plan, totals: &Totals, warnings: Vec<Warning>) -> Account {
        let &Totals { executions, failing, truncated, steps, spurious, .. } = totals;
        let witnesses = totals.witnesses.clone();
        let counts =
            Exploration { executions, failing, truncated, steps, spurious, ..Exploration::default() };
        let total = Exploration { warnings, witnesses, ..counts };
        let end = plan.executions.saturating_add(executions);
        Account { end, next: executions, total, ..Account::default() }
    }

    /// Executions from this one on are not worth running.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Execution `index` came to an end.
    pub(super) fn add(&mut self, index: u64, report: Report) {
        self.waiting.insert(index, report);
    }

    /// With execution `index`, every trace there is has been run.
    pub(super) fn proved(&mut self, index: u64) {
        self.last = Some(index);
    }

    /// Enter what can be entered, up to a prediction that is to be put to the test first: the caller
    /// then owes the account its [`Account::tried`].
    pub(super) fn advance(&mut self, plan: &Plan) -> Option<Trial> {
        while !self.is_busy {
            if let Some(trial) = self.trials.pop() {
                self.is_busy = true;
                return Some(trial);
            }
            if self.next >= self.end {
                return None;
            }
            let report = self.waiting.remove(&self.next)?;
            let index = self.next;
            self.next = plan.next_owned(index + 1);
            self.enter(plan, index, report);
        }
        None
    }

    /// What came of the schedules of a trial that were run: one failed, or none did.
    pub(super) fn tried(&mut self, plan: &Plan, trial: Trial, reports: Vec<Report>) {
        self.is_busy = false;
        let tried = reports.len() as u32;
        for report in reports {
            self.total.executions += 1;
            self.total.steps += u64::from(report.steps);
            self.total.truncated += u64::from(report.truncated);
            if plan.fails(&report) {
                self.fail(plan, Failure { index: trial.index, report, steered: true });
                self.trials.clear();
                return;
            }
        }
        let Prediction::Told(finding) = &trial.prediction else { return };
        if let Some(warning) = self.total.warnings.iter_mut().find(|w| w.finding.same_bug(finding)) {
            warning.tried = tried;
        }
    }

    fn enter(&mut self, plan: &Plan, index: u64, report: Report) {
        if self.last == Some(index) {
            self.total.exhausted = true;
            self.end = self.end.min(index + 1);
        }
        self.total.executions += 1;
        self.total.steps += u64::from(report.steps);
        if self.total.steps >= plan.work {
            self.end = self.end.min(index + 1);
        }
        self.total.spurious |= report.spurious;
        self.total.truncated += u64::from(report.truncated);
        for finding in &report.findings {
            let known = self.total.warnings.iter().any(|w| w.finding.same_bug(finding));
            if !known && !plan.is_error(finding) && plan.is_of_interest(finding) {
                let failure = Failure { index, report: report.clone(), steered: false };
                self.total.warnings.push(Warning { finding: finding.clone(), failure, tried: 0 });
            }
        }
        if plan.fails(&report) {
            self.fail(plan, Failure { index, report, steered: false });
        } else if plan.tests_predictions() && self.total.first.is_none() {
            self.plan_trials(index, report);
        }
    }

    fn fail(&mut self, plan: &Plan, failure: Failure) {
        self.total.failing += 1;
        if self.total.first.is_some() {
            return;
        }
        // Go on a while, only to learn what share of the executions fails.
        let more = plan.census / u64::from(failure.report.steps.max(1));
        self.end = self.end.min(failure.index.saturating_add(1 + more));
        self.total.first = Some(failure);
    }

    fn plan_trials(&mut self, index: u64, report: Report) {
        if report.findings.is_empty() && report.heard.is_empty() {
            return;
        }
        for (prediction, schedules) in confirm::predictions(&report) {
            let known = self.tested.iter().any(|p| p.is_same(&prediction));
            if !known && self.tested.len() < MAX_PREDICTIONS {
                self.tested.push(prediction.clone());
                let decisions = report.decisions.clone();
                self.trials.push(Trial { prediction, index, decisions, schedules });
            }
        }
        // They are taken from the end.
        self.trials.reverse();
    }

    /// What only the search as a whole knows.
    pub(super) fn total_mut(&mut self) -> &mut Exploration {
        &mut self.total
    }
}
