//! A test on real threads: one run, in real time, and a look at who is left behind.
//!
//! Invariant: what is reported is proved (see [`plain::host`]); a body that panics has said enough.

use super::config::{Config, LeakPolicy};
use super::identity::Identity;
use super::outcome::Outcome;
use super::present::{self, Shrunk};
use super::trial;
use crate::plain::{self, Stranded};
use selvedge_checkers::finding::{Blocked, Evidence, Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::trace::{GoroutineInfo, ObjectInfo, Trace};

/// Run `body` once.
pub(super) fn run<R>(config: &Config, identity: &Identity<'_>, body: impl FnOnce() -> R) -> R {
    let (value, stranded, main) = plain::host(body);
    if stranded.is_empty() || config.leaks == LeakPolicy::Allow {
        return value;
    }
    let (finding, trace) = tell(&stranded, main, identity);
    let mut outcome = Outcome { executions: 1, trace: Some(trace), ..Outcome::default() };
    if config.leaks == LeakPolicy::Warn {
        outcome.warnings.push(finding);
        present::success(config, identity, &mut outcome, Shrunk::default());
    } else {
        outcome.failing = 1;
        outcome.findings.push(finding);
        present::failure(config, identity, &mut outcome, Shrunk::default());
    }
    trial::judge(config, outcome);
    value
}

/// The finding, with goroutines and channels numbered as they come.
fn tell(stranded: &[Stranded], main: Gid, identity: &Identity<'_>) -> (Finding, Trace) {
    let number = |g: Gid| match stranded.iter().position(|s| s.g == g) {
        Some(nth) => Some(Gid(nth as u32 + 1)),
        None => (g == main).then_some(Gid::MAIN),
    };
    let mut trace = Trace::default();
    let info = |id, name, parent, spawned, exited| GoroutineInfo { id, name, parent, spawned, exited };
    trace.goroutines.push(info(Gid::MAIN, None, None, identity.site.into(), true));
    let mut blocked = Vec::new();
    let mut known: Vec<usize> = Vec::new();
    for (nth, s) in stranded.iter().enumerate() {
        let (g, parent) = (Gid(nth as u32 + 1), number(s.parent));
        // Where it was started says little if it is not known by whom.
        let spawned = if parent.is_some() { s.spawned.into() } else { Site::default() };
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
        blocked.push(Blocked { g, reason: s.reason, object, waits_for: None, site: s.site.into() });
    }
    let evidence = Evidence::Stuck { blocked, cycle: Vec::new(), proved: true };
    (Finding { slug: Slug::LeakedGoroutine, evidence }, trace)
}
