//! From a prediction to the schedules that would show it.
//!
//! A prediction says that two operations of an execution could have come in the other order, or that
//! goroutines could have met in front of locks. It is no failure before an execution has failed: each
//! schedule repeats the decisions of the execution it was predicted from, with some of the goroutines
//! stopped in front of an operation until the others have gone on.
//!
//! | prediction | schedules |
//! |---|---|
//! | a cycle of locks | everybody stops in front of the lock it wants; the same after everybody stopped in front of the lock it holds |
//! | a send races a close | the send waits for the close |
//! | an `add` races a `wait` | the `add` waits for the `wait`; for everybody |
//! | a notification ended a wait | the wait waits for the notification, in front of itself; in front of the lock before |
//!
//! Source: iGoodLock and DeadlockFuzzer (Joshi, Park, Sen & Naik, PLDI 2009) for locks, RaceFuzzer (Sen,
//! PLDI 2008) for pairs: predict from any execution, then steer another into it. Deviation: the schedule
//! is not random, so that one prediction costs a known number of executions.
//!
//! Does not find: what needs another order of earlier operations as well. A prediction that was not
//! confirmed stays one.

use super::strategies::{Stage, Stop, Until};
use crate::model::{Decision, Report};
use selvedge_checkers::finding::{Evidence, Finding, HeardSignal, LockEdge, Side, Slug};
use selvedge_checkers::ids::{Gid, SiteRef};
use selvedge_checkers::op::OpKind;

/// Something that could have been otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Prediction {
    /// It is told as a warning as long as nothing worse comes of it.
    Told(Finding),
    /// A wait and the notification that ended it.
    Heard(SiteRef, SiteRef),
}

impl Prediction {
    /// Whether the two, perhaps of different executions, are about the same places.
    pub(super) fn is_same(&self, other: &Prediction) -> bool {
        match (self, other) {
            (Prediction::Told(a), Prediction::Told(b)) => a.same_bug(b),
            (Prediction::Heard(a, b), Prediction::Heard(c, d)) => (a, b) == (c, d),
            _ => false,
        }
    }
}

/// Stages of a schedule; see [`super::strategies::Reorder`].
pub(super) type Schedule = Vec<Stage>;

/// What an execution predicts, with the schedules that would show it.
pub(super) fn predictions(report: &Report) -> Vec<(Prediction, Vec<Schedule>)> {
    let decisions = &report.decisions;
    let told = report.findings.iter().filter_map(|finding| {
        let schedules = match (&finding.evidence, finding.slug) {
            (Evidence::Locks { edges }, _) => of_locks(decisions, edges),
            (Evidence::Race { first, second, .. }, Slug::SendRacesClose) => {
                of_close(decisions, first, second)
            }
            (Evidence::Race { first, second, .. }, Slug::AddRacesWait) => of_add(decisions, first, second),
            _ => return None,
        };
        Some((Prediction::Told(finding.clone()), schedules))
    });
    let heard = report.heard.iter().map(|heard| {
        let prediction = Prediction::Heard(heard.waiter.1, heard.notifier.1);
        (prediction, of_wait(decisions, heard))
    });
    told.chain(heard).collect()
}

/// How many of the first `steps` decisions were those of `g`.
fn made(decisions: &[Decision], g: Gid, steps: u32) -> u32 {
    let before = decisions.get(..steps as usize).unwrap_or(decisions);
    before.iter().filter(|d| d.goroutine == g).count() as u32
}

/// In front of the operation that was step number `step`.
fn before(decisions: &[Decision], g: Gid, step: u32) -> Stop {
    Stop { g, after: made(decisions, g, step.saturating_sub(1)) }
}

fn after(decisions: &[Decision], g: Gid, step: u32) -> Until {
    Until::Made(g, made(decisions, g, step))
}

fn of_locks(decisions: &[Decision], edges: &[LockEdge]) -> Vec<Schedule> {
    let stage = |stop: &dyn Fn(&LockEdge) -> Stop| Stage {
        stops: edges.iter().map(stop).collect(),
        until: Until::AllStopped,
    };
    let wanted = stage(&|e| Stop { g: e.g, after: made(decisions, e.g, e.asked) });
    let held = stage(&|e| before(decisions, e.g, e.taken));
    vec![vec![wanted.clone()], vec![held, wanted]]
}

fn of_close(decisions: &[Decision], send: &Side, close: &Side) -> Vec<Schedule> {
    let stops = vec![before(decisions, send.g, send.step)];
    vec![vec![Stage { stops, until: after(decisions, close.g, close.step) }]]
}

fn of_add(decisions: &[Decision], first: &Side, second: &Side) -> Vec<Schedule> {
    let is_add = first.op == OpKind::WaitGroupAdd;
    let (add, wait) = if is_add { (first, second) } else { (second, first) };
    // A wait that had to wait took two decisions; one that does not takes one.
    let waited = made(decisions, wait.g, wait.step.saturating_sub(1));
    let own = decisions.iter().filter(|d| d.goroutine == wait.g);
    let last = waited.checked_sub(1).and_then(|n| own.clone().nth(n as usize));
    let twice = last.is_some_and(|d| d.op == OpKind::WaitGroupWait);
    let stops = vec![before(decisions, add.g, add.step)];
    let until = Until::Made(wait.g, waited + u32::from(!twice));
    vec![vec![Stage { stops: stops.clone(), until }], vec![Stage { stops, until: Until::Quiet }]]
}

fn of_wait(decisions: &[Decision], heard: &HeardSignal) -> Vec<Schedule> {
    let ((waiter, _, waits), (notifier, _, notifies)) = (heard.waiter, heard.notifier);
    let until = after(decisions, notifier, notifies);
    let wait = before(decisions, waiter, waits);
    let earlier = decisions.get(..waits.saturating_sub(1) as usize).unwrap_or_default();
    let lock = earlier.iter().rposition(|d| d.goroutine == waiter && d.op == OpKind::Lock);
    let lock = lock.map(|at| Stop { g: waiter, after: made(decisions, waiter, at as u32) });
    let stop = |stop| vec![Stage { stops: vec![stop], until }];
    [Some(wait), lock].into_iter().flatten().map(stop).collect()
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
