//! What the sentences of one report are about: the trace, the names and the sources, together with
//! the few questions about the trace that more than one block asks.
//!
//! Invariant: everything here is looked up in the trace; nothing is judged.

use selvedge_checkers::finding::Blocked;
use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, ObjectInfo, Outcome, Trace};

use super::names::Names;
use super::source::{Library, Sources};

/// A trace with names and sources.
pub(super) struct Scene<'a> {
    pub(super) trace: &'a Trace,
    pub(super) names: Names,
    pub(super) library: Library<'a>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(trace: &'a Trace, sources: &'a dyn Sources) -> Scene<'a> {
        let library = Library::new(sources);
        Scene { trace, names: Names::new(trace, &library), library }
    }

    pub(super) fn object(&self, obj: Option<ObjId>) -> Option<&'a ObjectInfo> {
        self.trace.object(obj?)
    }

    pub(super) fn event(&self, step: u32) -> Option<&'a Event> {
        self.trace.events.iter().find(|e| e.step == step)
    }

    /// Where the goroutine was spawned; main was not.
    pub(super) fn spawned(&self, g: Gid) -> Option<&'a Site> {
        self.trace.goroutine(g).filter(|info| info.parent.is_some()).map(|info| &info.spawned)
    }

    /// The objects the goroutine holds at the end.
    pub(super) fn held_by(&self, g: Gid) -> Vec<ObjId> {
        let holds = |o: &&ObjectInfo| o.holders.iter().any(|(holder, _)| *holder == g);
        self.trace.objects.iter().filter(holds).map(|o| o.id).collect()
    }

    /// The step at which a goroutine of the set began the wait it never ended.
    pub(super) fn last_wait(&self, b: &Blocked) -> Option<u32> {
        let last = self.trace.events.iter().rev().find(|e| e.g == b.g)?;
        (last.outcome == Outcome::Blocks).then_some(last.step)
    }

    /// The last step before `step` at which anybody did `op` on the object.
    pub(super) fn last(&self, op: OpKind, object: Option<ObjId>, step: u32) -> Option<&'a Event> {
        let until = |e: &&Event| step == 0 || e.step < step;
        let wanted = |e: &&Event| e.op == op && e.object == object && e.object.is_some();
        self.trace.events.iter().rev().filter(until).find(wanted)
    }

    /// The locks the goroutine holds just after `step`, and whether each only for reading.
    pub(super) fn locks_at(&self, g: Gid, step: u32) -> Vec<(ObjId, bool)> {
        use OpKind::*;
        let mut held: Vec<(ObjId, bool)> = Vec::new();
        for e in self.trace.events.iter().filter(|e| e.g == g && e.step <= step) {
            let (Some(obj), Outcome::Done | Outcome::Value(_)) = (e.object, &e.outcome) else { continue };
            match e.op {
                Lock | TryLock | WriteLock | TryWriteLock => held.push((obj, false)),
                ReadLock | TryReadLock => held.push((obj, true)),
                Unlock | ReadUnlock | WriteUnlock | CondWait => held.retain(|(o, _)| *o != obj),
                _ => {}
            }
        }
        held
    }
}
