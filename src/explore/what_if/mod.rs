//! Which small change of the program makes a failure go away: tried out, never guessed.
//!
//! A failing execution suggests repairs: room in a channel somebody cannot send to, a close where somebody
//! waits for more, a context that is cancelled, two locks in the other order. Each is made by the engine
//! ([`model::repair`](crate::model)), first in the failing schedule and then in a new exploration under the
//! same plan. Invariants: what is given did not fail once; it was explored to its end, or for long enough
//! that the failure would have shown [`OFTEN`] times at the rate at which it did before; it brought no other
//! finding; how much was explored depends on the failing execution and the plan alone. If it was the plan's
//! wall time that ended it, nothing is said.
//!
//! Not tried: what is not local to one place of the source (a wait moved elsewhere); more room in a channel that
//! has some, which may be a semaphore.

mod candidates;
mod order;

use super::explorer;
use super::minimise::{Bench, at_bench};
use super::plan::{Body, Exploration, Plan};
use super::strategies::Replay;
use crate::model::{Change, Limits, Report};
use candidates::candidates;
use selvedge_checkers::finding::{Finding, Slug};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::repair::{Repair, Verified};

/// Steps that may be spent on one repair.
const STEPS: u64 = 200_000;
/// Executions that may be.
const EXECUTIONS: u64 = 1_000;
/// How often a failure would have to show before its absence says something.
const OFTEN: u64 = 5;

/// How often a failure shows: of so many executions so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) failing: u64,
    pub(crate) executions: u64,
}

/// The repairs that help: of each kind the first that does.
pub(crate) fn verified(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    failing: &Report,
    rate: Rate,
) -> Vec<Verified> {
    let (Some(trace), Some(target)) = (&failing.trace, failing.findings.iter().find(|f| plan.is_error(f)))
    else {
        return Vec::new();
    };
    let kinds = candidates(target, &failing.findings, trace);
    let tried = |repair: Repair| verify(plan, body, site, failing, rate, repair);
    kinds.into_iter().filter_map(|kind| kind.into_iter().find_map(tried)).collect()
}

fn verify(
    plan: &Plan,
    body: &Body,
    site: SiteRef,
    failing: &Report,
    rate: Rate,
    repair: Repair,
) -> Option<Verified> {
    let changed = Plan {
        limits: Limits { change: Some(Change::from(&repair)), ..plan.limits },
        executions: plan.executions.min(EXECUTIONS),
        work: STEPS,
        shard: None,
        // The first failure is enough.
        census: 0,
        ..plan.clone()
    };
    let pairs: Vec<(u32, u32)> =
        failing.decisions.iter().map(|d| (d.goroutine.0, d.alternative.into())).collect();
    let again = at_bench(&changed, body, site, move |bench: &mut Bench<'_>| {
        bench.run(Replay::of_pairs(&pairs), false).0
    });
    if !again.is_ok_and(|report| !plan.fails(&report) && !report.truncated) {
        return None;
    }
    let explored = explorer::explore(&changed, body, site);
    let would_show = explored.executions.saturating_mul(rate.failing) >= OFTEN * rate.executions.max(1);
    let is_complete = explored.executions >= changed.executions || explored.steps >= changed.work;
    let is_enough = explored.exhausted || (would_show && is_complete);
    let helps = is_clean(&explored, &failing.findings, &repair) && is_enough;
    let (executions, exhausted) = (explored.executions, explored.exhausted && plan.bounds.is_none());
    helps.then_some(Verified { repair, executions, exhausted })
}

/// Whether nothing failed, and nothing worse is predicted than before.
fn is_clean(explored: &Exploration, before: &[Finding], repair: &Repair) -> bool {
    let mends_order = matches!(repair, Repair::LockOrder { .. });
    let is_mended = |slug: Slug| slug == Slug::LockOrder && mends_order;
    let is_known = |slug: Slug| before.iter().any(|f| f.slug == slug) && !is_mended(slug);
    let predicts = |slug: Slug| matches!(slug, Slug::LockOrder | Slug::SendRacesClose | Slug::AddRacesWait);
    let silent = explored.warnings.iter().all(|w| !predicts(w.finding.slug) || is_known(w.finding.slug));
    let complete = explored.truncated == 0 && explored.hung.is_none() && explored.diverged.is_none();
    explored.executions > 0 && explored.failing == 0 && explored.first.is_none() && complete && silent
}
