//! Which small change of the program makes a failure go away: tried out, never guessed.
//!
//! A failing execution suggests repairs: room in a channel somebody cannot send to, a close where somebody
//! waits for more, a context that is cancelled. Each is made by the engine
//! ([`model::repair`](crate::model)), first in the failing schedule and then in a new exploration under the
//! same plan. Invariants: what is given did not fail once; it was explored to its end, or for long enough
//! that the failure would have shown [`OFTEN`] times at the rate at which it did before; it brought no other
//! finding; nothing depends on anything but the failing execution and the plan, except that a slow program is
//! given up after [`PATIENCE`].
//!
//! Not tried: what is not local to one place of the source (a wait moved elsewhere); another order of locks,
//! because a lock has no identity before its first use; more room in a channel that has some, which may be a
//! semaphore; sends and receives that wait in a select.

use super::explorer;
use super::minimise::{Bench, at_bench};
use super::plan::{Body, Exploration, Plan};
use super::strategies::Replay;
use crate::model::{Change, Limits, Report, is_user_code};
use selvedge_checkers::finding::{Blocked, Evidence, Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site, SiteRef};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::repair::{Repair, Verified};
use selvedge_checkers::trace::{Event, Outcome, Trace};
use std::time::Duration;

/// Steps that may be spent on one repair, of executions as long as the failing one.
const STEPS: u64 = 200_000;
/// Executions that may be.
const EXECUTIONS: u64 = 1_000;
/// How often a failure would have to show before its absence says something.
const OFTEN: u64 = 5;
/// On the wall clock, for one repair.
const PATIENCE: Duration = Duration::from_secs(1);
/// Room for more messages than that is no small change.
const MOST_ROOM: usize = 64;

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
    let affordable = (STEPS / u64::from(failing.steps.max(1))).clamp(OFTEN, EXECUTIONS);
    let changed = Plan {
        limits: Limits { change: Some(Change::from(&repair)), ..plan.limits },
        executions: affordable,
        time: Some(plan.time.map_or(PATIENCE, |time| time.min(PATIENCE))),
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
    let helps = is_clean(&explored, &failing.findings) && (explored.exhausted || would_show);
    let (executions, exhausted) = (explored.executions, explored.exhausted && plan.preemptions.is_none());
    helps.then_some(Verified { repair, executions, exhausted })
}

/// Whether nothing failed, and nothing worse is predicted than before.
fn is_clean(explored: &Exploration, before: &[Finding]) -> bool {
    let is_known = |slug: Slug| before.iter().any(|f| f.slug == slug);
    let predicts = |slug: Slug| matches!(slug, Slug::LockOrder | Slug::SendRacesClose | Slug::AddRacesWait);
    let silent = explored.warnings.iter().all(|w| !predicts(w.finding.slug) || is_known(w.finding.slug));
    let complete = explored.truncated == 0 && explored.hung.is_none() && explored.diverged.is_none();
    explored.executions > 0 && explored.failing == 0 && explored.first.is_none() && complete && silent
}

/// What might help, kind by kind, in each the smallest change first.
fn candidates(target: &Finding, all: &[Finding], trace: &Trace) -> Vec<Vec<Repair>> {
    match (&target.evidence, target.slug) {
        (Evidence::Stuck { blocked, .. }, _) => vec![
            blocked.iter().flat_map(|b| more_room(b, blocked, trace)).collect(),
            blocked.iter().flat_map(|b| close(b, blocked, trace)).collect(),
            all.iter().filter_map(cancel).collect(),
        ],
        (Evidence::Panic { object, .. }, Slug::SendOnClosed) => {
            vec![channel(*object, trace).map(|channel| Repair::CloseByLast { channel }).into_iter().collect()]
        }
        (Evidence::Panic { object, .. }, Slug::CloseOfClosed) => {
            vec![channel(*object, trace).map(|channel| Repair::CloseOnce { channel }).into_iter().collect()]
        }
        _ => Vec::new(),
    }
}

/// Where a channel was made.
fn channel(object: Option<ObjId>, trace: &Trace) -> Option<Site> {
    let object = trace.object(object?)?;
    let is_the_users = is_user_code(&object.created.file, "");
    (object.kind == ObjKind::Chan && is_the_users).then(|| object.created.clone())
}

/// Somebody waits to send: room for one message, for those that wait, or for all there were.
fn more_room(one: &Blocked, blocked: &[Blocked], trace: &Trace) -> Vec<Repair> {
    let wants_to_send = |b: &&Blocked| b.reason == WaitReason::ChanSend && b.object == one.object;
    let Some(channel) = channel(one.object, trace).filter(|_| wants_to_send(&one)) else { return Vec::new() };
    let waiting = blocked.iter().filter(wants_to_send).count();
    let done = |e: &&Event| sends_on(e, one.object) && e.outcome != Outcome::Blocks;
    let mut room = vec![1, waiting, waiting + trace.events.iter().filter(done).count()];
    room.retain(|n| (1..=MOST_ROOM).contains(n));
    room.dedup();
    let capacity = |n: usize| Repair::Capacity { channel: channel.clone(), capacity: n as u32 };
    room.into_iter().map(capacity).collect()
}

fn sends_on(e: &Event, object: Option<ObjId>) -> bool {
    let sends = matches!(e.op, OpKind::Send | OpKind::TrySend);
    e.object == object && (sends || matches!(e.outcome, Outcome::Arm { sends: true, .. }))
}

/// Somebody waits to receive: a close by the one goroutine that sends, or by whoever is the last to do so.
fn close(waits: &Blocked, blocked: &[Blocked], trace: &Trace) -> Vec<Repair> {
    let wants_more = matches!(waits.reason, WaitReason::ChanReceive);
    let Some(channel) = channel(waits.object, trace).filter(|_| wants_more) else { return Vec::new() };
    let mut senders: Vec<Gid> =
        trace.events.iter().filter(|e| sends_on(e, waits.object)).map(|e| e.g).collect();
    senders.sort_unstable();
    senders.dedup();
    let at_end = |g: &Gid| {
        let spawned = trace.goroutine(*g)?.spawned.clone();
        Some(Repair::CloseAtEnd { channel: channel.clone(), spawned })
    };
    let main = blocked.iter().find(|b| b.g == Gid::MAIN && b.object != waits.object);
    let before = main.filter(|_| senders.contains(&Gid::MAIN) || senders.is_empty());
    let mut repairs = Vec::new();
    repairs.extend(before.map(|b| Repair::CloseBefore { channel: channel.clone(), before: b.site.clone() }));
    repairs.extend(Some(&senders).filter(|all| all.len() == 1).and_then(|all| at_end(&all[0])));
    repairs.push(Repair::CloseByLast { channel: channel.clone() });
    repairs
}

/// A context that nobody ends.
fn cancel(finding: &Finding) -> Option<Repair> {
    let context = finding.site().filter(|_| finding.slug == Slug::LostCancel)?;
    Some(Repair::Cancel { context: context.clone() })
}
