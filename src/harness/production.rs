//! A test on real threads: one run, in real time, and a look at who is left behind.
//!
//! Invariant: what is reported is proved: a goroutine of the test (see `runtime::scope`) that waits at
//! channels that nobody can ever use from the other end, because no handle is left, or that waits in a
//! circle. That is true whatever other threads and other tests do, and stays true. A body that panics has
//! said enough.
//!
//! Does not detect: waits that somebody could still end, though nobody will (a wait group, a channel whose
//! other end is held by somebody who waits too): a thread of std's may do it, and nothing knows that.

use super::config::{Config, LeakPolicy};
use super::identity::Identity;
use super::outcome::Outcome;
use super::present::{self, Shrunk};
use super::trial;
use crate::port::wait::census::{self, Portrait};
use crate::port::wait::{dump, scope};
use selvedge_checkers::finding::{Blocked, Evidence, Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::trace::{GoroutineInfo, ObjectInfo, Trace};
use std::time::Duration;

/// How long those who still run get to come to their end or to a wait.
const GRACE: Duration = Duration::from_secs(1);

/// Run `body` once.
pub(super) fn run<R>(config: &Config, identity: &Identity<'_>, body: impl FnOnce() -> R) -> R {
    let main = census::myself();
    let (value, left) = {
        let scope = scope::begin();
        let value = body();
        (value, census::settle(Some(scope.number()), GRACE, |_| false))
    };
    let circle = dump::circle(&left.all);
    let stuck: Vec<Portrait> =
        left.all.into_iter().filter(|p| p.stranded || circle.contains(&p.id)).collect();
    if stuck.is_empty() || config.leaks == LeakPolicy::Allow {
        return value;
    }
    let (finding, trace) = tell(&stuck, &circle, main, identity);
    let mut outcome = Outcome { executions: 1, trace: Some(trace), ..Outcome::default() };
    if config.leaks == LeakPolicy::Warn {
        outcome.warnings.push(finding);
        present::success(config, identity, &mut outcome, Shrunk::default());
    } else {
        outcome.failing = 1;
        outcome.findings.push(finding);
        present::failure(config, identity, &mut outcome, Shrunk::default());
    }
    trial::judge(config, identity, outcome);
    value
}

/// The finding, with goroutines and channels numbered as they come.
fn tell(stuck: &[Portrait], circle: &[u64], main: u64, identity: &Identity<'_>) -> (Finding, Trace) {
    let number = |id: u64| match stuck.iter().position(|s| s.id == id) {
        Some(nth) => Some(Gid(nth as u32 + 1)),
        None => (id == main).then_some(Gid::MAIN),
    };
    let mut trace = Trace::default();
    let info = |id, name, parent, spawned, exited| GoroutineInfo { id, name, parent, spawned, exited };
    trace.goroutines.push(info(Gid::MAIN, None, None, identity.site.into(), true));
    let mut blocked = Vec::new();
    let mut known: Vec<usize> = Vec::new();
    for (nth, s) in stuck.iter().enumerate() {
        let (g, parent) = (Gid(nth as u32 + 1), number(s.parent));
        // Where it was started says little if it is not known by whom.
        let spawned = s.created.filter(|_| parent.is_some()).map_or(Site::default(), Into::into);
        trace.goroutines.push(info(g, s.name.clone(), parent, spawned, false));
        let object = s.object.map(|(id, kind, created)| {
            let nth = known.iter().position(|k| *k == id).unwrap_or_else(|| {
                let info = ObjectInfo {
                    id: ObjId(known.len() as u32),
                    kind,
                    created: created.into(),
                    state: String::new(),
                    holders: Vec::new(),
                };
                trace.objects.push(info);
                known.push(id);
                known.len() - 1
            });
            ObjId(nth as u32)
        });
        let Some(wait) = s.waits else { continue };
        let waits_for = s.holders.first().and_then(|&holder| number(holder));
        let site = wait.site.map_or(Site::default(), Into::into);
        blocked.push(Blocked { g, reason: wait.reason, object, waits_for, site, arms: Vec::new() });
    }
    let cycle: Vec<Gid> = circle.iter().filter_map(|&id| number(id)).collect();
    let slug = if cycle.is_empty() { Slug::LeakedGoroutine } else { Slug::Deadlock };
    (Finding { slug, evidence: Evidence::Stuck { blocked, cycle, proved: true } }, trace)
}
