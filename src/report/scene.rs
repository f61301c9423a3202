//! What the sentences of one report are about: the trace, the names and the sources, together with
//! the few questions about the trace that more than one block asks.
//!
//! Invariant: everything here is looked up in the trace; nothing is judged.

use selvedge_checkers::finding::Side;
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

    /// Where the goroutine was spawned; main was not.
    pub(super) fn spawned(&self, g: Gid) -> Option<&'a Site> {
        self.trace.goroutine(g).filter(|info| info.parent.is_some()).map(|info| &info.spawned)
    }

    /// The objects the goroutine holds at the end.
    pub(super) fn held_by(&self, g: Gid) -> Vec<ObjId> {
        let holds = |o: &&ObjectInfo| o.holders.iter().any(|(holder, _)| *holder == g);
        self.trace.objects.iter().filter(holds).map(|o| o.id).collect()
    }

    /// The event with which a goroutine began the wait it never ended.
    pub(super) fn last_wait(&self, g: Gid) -> Option<usize> {
        let last = self.trace.events.iter().rposition(|e| e.g == g)?;
        (self.trace.events[last].outcome == Outcome::Blocks).then_some(last)
    }

    /// Whether the goroutine has come to its end.
    pub(super) fn has_ended(&self, g: Gid) -> bool {
        self.trace.goroutine(g).is_some_and(|info| info.exited)
    }

    /// The event of a side: several may share its step.
    pub(super) fn position(&self, side: &Side) -> Option<usize> {
        let same = |e: &Event| (e.g, e.op, &e.site) == (side.g, side.op, &side.site);
        let events = &self.trace.events;
        events.iter().position(|e| same(e) && e.step == side.step).or_else(|| events.iter().rposition(same))
    }

    /// An event at the side's place: what the side is about where the evidence names no object.
    pub(super) fn alike(&self, side: &Side) -> Option<&'a Event> {
        self.position(side).map(|i| &self.trace.events[i])
    }

    /// The operation that panicked, or the last one before the panic.
    pub(super) fn last_before_panic(&self, side: &Side) -> Option<usize> {
        let events = &self.trace.events;
        let misuse = |e: &Event| e.g == side.g && e.outcome == Outcome::Misuse;
        let before =
            |e: &Event| e.g == side.g && e.op != OpKind::Exit && (side.step == 0 || e.step <= side.step);
        events.iter().rposition(misuse).or_else(|| events.iter().rposition(before))
    }

    /// The atomic through which the second goroutine learned of the first one's access although its
    /// orderings do not say so: stored to after the one event and loaded before the other.
    pub(super) fn unsynchronised_hand_over(&self, one: usize, two: usize) -> Option<ObjId> {
        use OpKind::*;
        let between = self.trace.events.get(one + 1..two)?;
        let (giver, taker) = (self.trace.events.get(one)?.g, self.trace.events.get(two)?.g);
        let took = |e: &&Event| e.g == taker && matches!(e.op, Load | Update | CompareExchange);
        let gave = |stored: &Event, loaded: &Event| {
            stored.g == giver
                && stored.object == loaded.object
                && (matches!(stored.op, Store | Update)
                    || stored.op == CompareExchange && stored.outcome != Outcome::Failed)
        };
        let after_gift = |&(i, loaded): &(usize, &Event)| between[..i].iter().any(|e| gave(e, loaded));
        let loads = between.iter().enumerate().filter(|(_, e)| took(e));
        loads.filter(after_gift).find_map(|(_, e)| e.object)
    }

    /// What the wait group's counter was before the event, as far as the trace says.
    pub(super) fn counter_before(&self, at: usize) -> u64 {
        let object = self.trace.events.get(at).and_then(|e| e.object);
        let earlier = self.trace.events.iter().take(at).rev();
        let counts = |e: &Event| match e.outcome {
            Outcome::Value(v) if e.op == OpKind::WaitGroupAdd && e.object == object => Some(v),
            _ => None,
        };
        earlier.filter_map(counts).next().unwrap_or(0)
    }

    /// The last step before `step` at which anybody did `op` on the object.
    pub(super) fn last(&self, op: OpKind, object: Option<ObjId>, step: u32) -> Option<&'a Event> {
        let until = |e: &&Event| step == 0 || e.step < step;
        let wanted = |e: &&Event| e.op == op && e.object == object && e.object.is_some();
        self.trace.events.iter().rev().filter(until).find(wanted)
    }

    /// The locks the goroutine of event `at` holds then, and whether each only for reading.
    pub(super) fn locks_at(&self, at: usize) -> Vec<(ObjId, bool)> {
        use OpKind::*;
        let mut held: Vec<(ObjId, bool)> = Vec::new();
        let g = self.trace.events.get(at).map_or(Gid::MAIN, |e| e.g);
        for e in self.trace.events.iter().take(at + 1).filter(|e| e.g == g) {
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
