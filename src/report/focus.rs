//! Which goroutines, objects and steps a finding is about: what the step table keeps.
//!
//! Invariant: everything in the focus is named by the evidence, or held by a goroutine in it.

use std::collections::{BTreeMap, BTreeSet};

use selvedge_checkers::finding::{Evidence, Finding, Side};
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, Outcome};

use super::scene::Scene;

/// The part of an execution that a finding is about.
#[derive(Default)]
pub(super) struct Focus {
    goroutines: BTreeSet<Gid>,
    objects: BTreeSet<ObjId>,
    /// Steps the evidence names, with the number it has in the source snippet.
    sides: BTreeMap<u32, String>,
    /// Steps at which a goroutine began to wait for good.
    stops: BTreeSet<u32>,
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
                    focus.stops.extend(scene.last_wait(b));
                }
            }
            Evidence::Race { object, first, second } => {
                focus.objects.insert(*object);
                focus.side(first, "(1)");
                focus.side(second, "(2)");
            }
            Evidence::Panic { side, object, .. } => {
                focus.objects.extend(*object);
                focus.side(side, "✗");
            }
            Evidence::Single { side, object } => {
                focus.objects.extend(*object);
                focus.side(side, "");
            }
            Evidence::Locks { edges } => {
                for e in edges {
                    focus.goroutines.insert(e.g);
                    focus.objects.extend([e.held, e.wanted]);
                }
            }
            Evidence::Cycle { round, .. } => {
                for (nth, side) in round.iter().enumerate() {
                    focus.side(side, &format!("({})", nth + 1));
                }
            }
            Evidence::Notification { object, waiter, notifier } => {
                focus.objects.extend(*object);
                focus.side(notifier, "");
                focus.side(waiter, "");
                let waits = |e: &&Event| e.g == waiter.g && e.outcome == Outcome::Blocks;
                focus.stops.extend(scene.trace.events.iter().rev().find(waits).map(|e| e.step));
            }
            Evidence::Divergence { .. } | Evidence::None => {}
        }
        focus
    }

    fn side(&mut self, side: &Side, mark: &str) {
        self.goroutines.insert(side.g);
        if side.step > 0 {
            self.sides.entry(side.step).or_insert_with(|| mark.to_owned());
        }
    }

    /// Whether the finding is about any execution at all.
    pub(super) fn is_empty(&self) -> bool {
        self.goroutines.is_empty()
    }

    /// Whether the goroutine of the step waits for good from here on.
    pub(super) fn stops_at(&self, step: u32) -> bool {
        self.stops.contains(&step)
    }

    /// The number or sign the step has in the snippet.
    pub(super) fn mark(&self, step: u32) -> &str {
        self.sides.get(&step).map_or("", String::as_str)
    }

    /// Whether the evidence names the step.
    pub(super) fn names(&self, step: u32) -> bool {
        self.stops_at(step) || self.sides.contains_key(&step)
    }

    /// How much a step matters; steps of weight 0 are never shown.
    pub(super) fn weight(&self, e: &Event) -> u32 {
        if self.names(e.step) {
            return 4;
        }
        let mine = self.goroutines.contains(&e.g);
        let touches = e.object.is_some_and(|o| self.objects.contains(&o));
        let spawns = e.op == OpKind::Spawn && e.peer.is_some_and(|p| self.goroutines.contains(&p));
        match (mine, touches, e.op) {
            (_, _, OpKind::Start | OpKind::Exit) => 0,
            (true, true, _) => 3,
            (false, true, _) => 2,
            _ if spawns => 2,
            (true, false, _) => 1,
            (false, false, _) => 0,
        }
    }
}
