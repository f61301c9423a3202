//! Where goroutines wait for each other's locks: one of them might have taken the two in the other order.

use selvedge_checkers::finding::Blocked;
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::{OpKind, WaitReason};
use selvedge_checkers::repair::{NamedLock, Repair};
use selvedge_checkers::trace::{Event, Outcome, Trace};

/// For each goroutine of the ring: the lock it waits for, before the one that is waited for behind it.
pub(super) fn reversals(blocked: &[Blocked], cycle: &[Gid], trace: &Trace) -> Vec<Repair> {
    let waits_for = |g: Gid| {
        let waits = blocked.iter().find(|b| b.g == g)?;
        let is_lock = matches!(waits.reason, WaitReason::Lock | WaitReason::ReadLock | WaitReason::WriteLock);
        waits.object.filter(|_| is_lock)
    };
    let behind = cycle.iter().cycle().skip(cycle.len().saturating_sub(1));
    let pairs = behind.zip(cycle).filter_map(|(&behind, &g)| Some((g, waits_for(g)?, waits_for(behind)?)));
    let reversal = |(g, sooner, later): (Gid, ObjId, ObjId)| {
        let named = |lock| named(g, lock, trace).filter(|_| sooner != later);
        Some(Repair::LockOrder { g, sooner: named(sooner)?, later: named(later)? })
    };
    pairs.filter_map(reversal).collect()
}

/// An acquisition of a goroutine, and which of all of its.
struct Acquisition<'a> {
    event: &'a Event,
    nth: u32,
}

/// What the goroutines acquired, or wait to.
fn acquisitions(trace: &Trace) -> Vec<Acquisition<'_>> {
    let mut all: Vec<Acquisition<'_>> = Vec::new();
    let mut counts = vec![0; trace.goroutines.len()];
    // A wait on a condition variable ends with its lock, at the place of the wait.
    let mut conditions: Vec<Option<&Site>> = vec![None; trace.goroutines.len()];
    for (n, event) in trace.events.iter().enumerate() {
        let g = event.g.index();
        match event.op {
            OpKind::CondWait => conditions[g] = Some(&event.site),
            OpKind::Lock | OpKind::ReadLock | OpKind::WriteLock if conditions[g] != Some(&event.site) => {
                let mut later = trace.events[n + 1..].iter();
                let mut goes_on = || later.any(|e| e.g == event.g);
                if event.outcome == Outcome::Done || (event.outcome == Outcome::Blocks && !goes_on()) {
                    counts[g] += 1;
                    all.push(Acquisition { event, nth: counts[g] });
                }
            }
            _ => {}
        }
    }
    all
}

/// A lock as `g` takes it.
fn named(g: Gid, object: ObjId, trace: &Trace) -> Option<NamedLock> {
    let all = acquisitions(trace);
    let mut of_it = all.iter().filter(|a| a.event.object == Some(object));
    let mine = of_it.clone().rfind(|a| a.event.g == g)?;
    let mut uses: Vec<(Gid, u32)> = Vec::new();
    let first = of_it.clone().find(|a| a.event.g == g).into_iter();
    for a in first.chain(of_it.by_ref()) {
        if uses.iter().all(|(who, _)| *who != a.event.g) {
            uses.push((a.event.g, a.nth));
        }
    }
    let created = trace.object(object)?.created.clone();
    Some(NamedLock { object, created, at: mine.event.site.clone(), op: mine.event.op, uses })
}
