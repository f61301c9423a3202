//! Which goroutines, objects and steps a finding is about: what the step table keeps.
//!
//! Invariant: everything in the focus is named by the evidence, held by a goroutine in it, or, for
//! a panic, used by the goroutine that panicked. Steps that happen between two decisions share a
//! number, so a step is known by its place in the list of events.

use std::collections::{BTreeMap, BTreeSet};

use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, Outcome};

use super::scene::Scene;

/// The part of an execution that a finding is about.
#[derive(Default)]
pub(super) struct Focus {
    goroutines: BTreeSet<Gid>,
    objects: BTreeSet<ObjId>,
    /// Events the evidence names, with the number they have in the source snippet.
    sides: BTreeMap<usize, String>,
    /// Events at which a goroutine began to wait for good.
    stops: BTreeSet<usize>,
    /// Rounds of a loop that come again: the last one stands for all.
    repeated: BTreeSet<usize>,
}

impl Focus {
    pub(super) fn new(f: &Finding, scene: &Scene<'_>) -> Focus {
        let mut focus = Focus::default();
        match &f.evidence {
            Evidence::Stuck { blocked, .. } => {
                for b in blocked {
                    focus.goroutines.insert(b.g);
                    focus.goroutines.extend(b.waits_for);
                    focus.objects.extend(b.object.into_iter().chain(scene.held_by(b.g)));
                    focus.stops.extend(scene.last_wait(b.g));
                }
            }
            Evidence::Race { object, first, second } => {
                focus.objects.insert(*object);
                focus.side(first, "(1)", scene);
                focus.side(second, "(2)", scene);
            }
            Evidence::Panic { side, object, .. } => {
                focus.goroutines.insert(side.g);
                focus.objects.extend(*object);
                if object.is_none() {
                    let own = scene.trace.events.iter().filter(|e| e.g == side.g);
                    focus.objects.extend(own.filter_map(|e| e.object));
                }
                focus.sides.extend(scene.last_before_panic(side).map(|i| (i, "✗".to_owned())));
            }
            Evidence::Single { side, object } => {
                focus.objects.extend(*object);
                focus.side(side, "", scene);
                if f.slug == Slug::LeakedTimer {
                    focus.fold_rounds(scene);
                }
            }
            Evidence::Locks { edges } => {
                for e in edges {
                    focus.goroutines.insert(e.g);
                    focus.objects.extend([e.held, e.wanted]);
                }
            }
            Evidence::Cycle { round, .. } => {
                for (nth, side) in round.iter().enumerate() {
                    let mark = if round.len() > 1 { format!("({})", nth + 1) } else { String::new() };
                    focus.objects.extend(scene.alike(side).and_then(|e| e.object));
                    focus.side(side, &mark, scene);
                }
                focus.fold_rounds(scene);
            }
            Evidence::Notification { object, waiter, notifier } => {
                focus.objects.extend(*object);
                focus.side(notifier, "", scene);
                focus.goroutines.insert(waiter.g);
                focus.stops.extend(scene.last_wait(waiter.g));
            }
            Evidence::Borrow { holder, other } => {
                focus.goroutines.insert(other.g);
                focus.side(holder, "", scene);
                focus.stops.extend(scene.last_wait(holder.g));
                focus.sides.extend(scene.last_before_panic(other).map(|i| (i, "✗".to_owned())));
            }
            Evidence::Divergence { .. } | Evidence::None => {}
        }
        focus
    }

    fn side(&mut self, side: &Side, mark: &str, scene: &Scene<'_>) {
        self.goroutines.insert(side.g);
        if let Some(i) = scene.position(side) {
            self.sides.entry(i).or_insert_with(|| mark.to_owned());
        }
    }

    /// Of the steps of the looping goroutines that come again and again, keep the last.
    fn fold_rounds(&mut self, scene: &Scene<'_>) {
        let mut later = BTreeSet::new();
        for (i, e) in scene.trace.events.iter().enumerate().rev() {
            let same = (e.g, e.op, e.object, &e.site, e.outcome == Outcome::Blocks);
            if self.goroutines.contains(&e.g) && !later.insert(same) {
                self.repeated.insert(i);
            }
        }
    }

    /// The event with which it began to go wrong: somebody took what another one waits for, or did what
    /// a misuse clashes with; else the first that the evidence names.
    pub(super) fn cause(&self, scene: &Scene<'_>) -> Option<usize> {
        let events = &scene.trace.events;
        let took = self.stops.iter().flat_map(|&stop| {
            let object = events.get(stop).and_then(|e| e.object);
            let holders = scene.object(object).map_or(&[][..], |o| &o.holders);
            holders.iter().filter_map(move |(g, step)| {
                events.iter().position(|e| e.object == object && e.g == *g && e.step == *step)
            })
        });
        let clash =
            self.sides.keys().filter(|&&at| events.get(at).is_some_and(|e| e.outcome == Outcome::Misuse));
        let clashes = clash.filter_map(|&at| {
            events[..at].iter().rposition(|e| e.object.is_some() && e.object == events[at].object)
        });
        let began = took.chain(clashes).min();
        began.or_else(|| self.sides.keys().chain(&self.stops).copied().min())
    }

    /// Whether the finding is about any execution at all.
    pub(super) fn is_empty(&self) -> bool {
        self.goroutines.is_empty()
    }

    /// Whether the goroutine of the event waits for good from here on.
    pub(super) fn stops_at(&self, i: usize) -> bool {
        self.stops.contains(&i)
    }

    /// The number or sign the event has in the snippet.
    pub(super) fn mark(&self, i: usize) -> &str {
        self.sides.get(&i).map_or("", String::as_str)
    }

    /// Whether the evidence names the event.
    pub(super) fn names(&self, i: usize) -> bool {
        self.stops_at(i) || self.sides.contains_key(&i)
    }

    /// How much an event matters; those of weight 0 are shown only where everything is.
    pub(super) fn weight(&self, i: usize, e: &Event) -> u32 {
        if self.names(i) {
            return 4;
        }
        if self.repeated.contains(&i) || is_noise(e) {
            return 0;
        }
        let mine = self.goroutines.contains(&e.g);
        let touches = e.object.is_some_and(|o| self.objects.contains(&o));
        let spawns = e.op == OpKind::Spawn && e.peer.is_some_and(|p| self.goroutines.contains(&p));
        match (mine, touches) {
            (true, true) => 3,
            (false, true) => 2,
            _ if spawns => 2,
            (true, false) => 1,
            (false, false) => 0,
        }
    }
}

/// Events that are no steps: a goroutine's beginning and its end.
pub(super) fn is_noise(e: &Event) -> bool {
    matches!(e.op, OpKind::Start | OpKind::Exit) && e.outcome != Outcome::Misuse
}
