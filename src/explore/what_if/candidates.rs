//! What a failure suggests: small changes, none of which is known to help yet.
//!
//! Invariant: nothing but the failing execution decides what is suggested, and in which order.

use super::order;
use crate::model::is_user_code;
use selvedge_checkers::finding::{Blocked, Evidence, Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::{ObjKind, OpKind, WaitReason};
use selvedge_checkers::repair::Repair;
use selvedge_checkers::trace::{Event, Outcome, Trace};

/// Room for more messages than that is no small change.
const MOST_ROOM: usize = 64;

/// What might help, kind by kind, in each the smallest change first.
pub(super) fn candidates(target: &Finding, all: &[Finding], trace: &Trace) -> Vec<Vec<Repair>> {
    match (&target.evidence, target.slug) {
        (Evidence::Stuck { blocked, cycle, .. }, _) => vec![
            order::reversals(blocked, cycle, trace),
            wanted(blocked, true).flat_map(|(ch, _)| more_room(ch, blocked, trace)).collect(),
            wanted(blocked, false).flat_map(|(ch, waits)| close(ch, waits, blocked, trace)).collect(),
            all.iter().filter_map(cancel).collect(),
        ],
        (Evidence::Panic { object, .. }, Slug::SendOnClosed) => {
            let channel = object.and_then(|channel| made_at(channel, trace));
            vec![channel.map(|channel| Repair::CloseByLast { channel }).into_iter().collect()]
        }
        (Evidence::Panic { object, .. }, Slug::CloseOfClosed) => {
            let channel = object.and_then(|channel| made_at(channel, trace));
            vec![channel.map(|channel| Repair::CloseOnce { channel }).into_iter().collect()]
        }
        _ => Vec::new(),
    }
}

/// The channels somebody waits to send on, or to receive from, alone or in a select; each with who does.
fn wanted(blocked: &[Blocked], sends: bool) -> impl Iterator<Item = (ObjId, &Blocked)> {
    let of_one = move |b: &'_ Blocked| {
        let alone = match b.reason {
            WaitReason::ChanSend => b.object.filter(|_| sends),
            WaitReason::ChanReceive => b.object.filter(|_| !sends),
            _ => None,
        };
        let arms = b.arms.iter().filter(move |arm| arm.sends == sends).map(|arm| arm.channel);
        alone.into_iter().chain(arms).collect::<Vec<ObjId>>()
    };
    blocked.iter().flat_map(move |b| of_one(b).into_iter().map(move |channel| (channel, b)))
}

/// Where a channel was made.
fn made_at(channel: ObjId, trace: &Trace) -> Option<Site> {
    let object = trace.object(channel)?;
    let is_the_users = is_user_code(&object.created.file, "");
    (object.kind == ObjKind::Chan && is_the_users).then(|| object.created.clone())
}

/// Somebody waits to send: room for one message, for those that wait, or for all there were.
fn more_room(wanted_by_some: ObjId, blocked: &[Blocked], trace: &Trace) -> Vec<Repair> {
    let Some(channel) = made_at(wanted_by_some, trace) else { return Vec::new() };
    let waiting = wanted(blocked, true).filter(|(channel, _)| *channel == wanted_by_some).count();
    let done = |e: &&Event| sends_on(e, wanted_by_some) && e.outcome != Outcome::Blocks;
    let mut room = vec![1, waiting, waiting + trace.events.iter().filter(done).count()];
    room.retain(|n| (1..=MOST_ROOM).contains(n));
    room.dedup();
    let capacity = |n: usize| Repair::Capacity { channel: channel.clone(), capacity: n as u32 };
    room.into_iter().map(capacity).collect()
}

fn sends_on(e: &Event, channel: ObjId) -> bool {
    let sends = matches!(e.op, OpKind::Send | OpKind::TrySend);
    e.object == Some(channel) && (sends || matches!(e.outcome, Outcome::Arm { sends: true, .. }))
}

/// Somebody waits to receive: a close by the one goroutine that sends, or by whoever is the last to do so.
fn close(awaited: ObjId, waits: &Blocked, blocked: &[Blocked], trace: &Trace) -> Vec<Repair> {
    let Some(channel) = made_at(awaited, trace) else { return Vec::new() };
    let mut senders: Vec<Gid> = trace.events.iter().filter(|e| sends_on(e, awaited)).map(|e| e.g).collect();
    senders.sort_unstable();
    senders.dedup();
    let at_end = |g: &Gid| {
        let spawned = trace.goroutine(*g)?.spawned.clone();
        Some(Repair::CloseAtEnd { channel: channel.clone(), spawned })
    };
    let elsewhere = |b: &&Blocked| b.g != waits.g && b.object != Some(awaited);
    let main = blocked.iter().find(|b| b.g == Gid::MAIN).filter(elsewhere);
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
