//! Whether a loop waits for good is tried.
//!
//! A goroutine that goes round in a loop and sees nothing new may wait for a change, or may go round a fixed number of
//! times. Before the former is believed of it, it goes on alone: nothing changes meanwhile, so what it
//! does then follows from what it did and saw before. If it leaves the loop, its rounds are events as any others. If it
//! does not, they are forgotten: the trace has what came before the trial, and the goroutine stops there.
//!
//! It looks only at what it has looked at before and what has not changed since, so that it stops is a property of
//! its last event, whatever others do before it or after: whoever follows a schedule with this event is told,
//! and tries the goroutine right there as well. Where something has changed already there is no trial, and it goes on.
//!
//! Invariant: a trial that ended with the goroutine in its loop
//! leaves nothing behind, neither in the log nor in what sleeps.

use super::log::Event;
use super::run::{Chosen, Run};
use crate::model::Scene;
use crate::objects::label::{Label, label};
use crate::objects::{Op, World};
use selvedge_checkers::ids::Gid;

/// A goroutine goes on alone.
pub(super) struct Trial {
    g: Gid,
    /// The schedule says that it stays in its loop.
    is_known: bool,
    /// How many operations it had announced when the trial began.
    announced: u32,
    before: Option<Before>,
}

/// How much there was of everything before the first event of a trial.
struct Before {
    events: usize,
    plan: usize,
    sleeps: usize,
    slept: usize,
    sleep: Vec<u32>,
}

impl Trial {
    /// Whether it is this goroutine that is tried.
    pub(super) fn is_of(&self, g: Gid) -> bool {
        self.g == g
    }

    /// Whether this event is one of the trial.
    pub(super) fn includes(&self, event: usize) -> bool {
        self.before.as_ref().is_some_and(|before| event >= before.events)
    }
}

impl Run {
    /// The last event of `g`.
    fn last_of(&self, g: Gid) -> Option<usize> {
        self.log.events.iter().rposition(|event| event.g == g)
    }

    /// All that `g` has seen so far.
    #[cfg(test)]
    pub(super) fn seen_by(&self, g: Gid) -> u64 {
        super::index::mix(self.history(g), self.names.of(g))
    }

    /// `g` is about to go round once more: it is tried now, unless the schedule says that it leaves its loop, or
    /// what it looks at is not the same as before. True if it is known to stay.
    pub(super) fn try_loop(&mut self, world: &World, g: Gid, op: &Op, is_same: bool) -> bool {
        let is_same = self.is_same(world, g, op, is_same);
        if self.trial.as_ref().is_some_and(|trial| trial.is_of(g)) {
            let is_known = self.trial.as_ref().is_some_and(|trial| trial.is_known);
            if !is_same && !is_known {
                self.trial = None;
            }
            return !is_same && is_known;
        }
        let is_known = self.last_of(g).is_some_and(|last| self.leaf().stops.contains(&(last as u32)));
        let is_free = self.log.events.len() >= self.followed();
        if is_same && self.trial.is_none() && (is_free || is_known) {
            self.trial = Some(Trial { g, is_known, announced: self.log.announcements(g), before: None });
        }
        is_known && !is_same
    }

    /// Whether `g` can see what it saw last.
    pub(super) fn is_same(&self, world: &World, g: Gid, op: &Op, is_same: bool) -> bool {
        is_same && self.once_more(world, g, op).is_some()
    }

    /// How `g` does `op` if it does and sees what it did and saw last.
    fn once_more(&self, world: &World, g: Gid, op: &Op) -> Option<Chosen> {
        let choices = world.alternatives(g, op);
        let own = |event: &&Event| event.g == g && event.op.object() == op.object();
        let before = self.log.events.iter().rev().find(own).map(|event| match event.label {
            _ if matches!(event.op, Op::Update { .. }) => Label::Write(g, event.stores),
            Label::Fails(writer, number) => Label::Write(writer, number),
            label => label,
        });
        let mut all = (0..choices).map(|alternative| {
            let label = label(world, g, op, alternative);
            Chosen { alternative, choices, label }
        });
        let is_read = |label| matches!(label, Label::Write(..));
        all.find(|chosen| match op {
            Op::Load { .. } | Op::CompareExchange { .. } if is_read(chosen.label) => {
                before == Some(chosen.label)
            }
            _ => true,
        })
    }

    /// What the goroutine that is tried does next: what it did before.
    pub(super) fn choose_in_trial(&mut self, scene: &Scene<'_>) -> Option<(Gid, Chosen)> {
        let g = self.trial.as_ref()?.g;
        let chosen = match scene.enabled.contains(&g) {
            true => self.once_more(scene.world, g, &scene.pending[g.index()].op),
            false => None,
        };
        self.note_choice();
        let is_covered = |chosen: &Chosen| self.is_asleep(self.choice(g, chosen.label));
        let Some(chosen) = chosen.filter(|chosen| !is_covered(chosen)) else {
            // Whoever ran what covers this knows that the goroutine leaves its loop.
            self.trial = None;
            return None;
        };
        let (events, plan, sleeps) = (self.log.events.len(), self.plan.len(), self.sleeps.len());
        let (slept, sleep, trial) = (self.slept.len(), &self.sleep, self.trial.as_mut()?);
        trial.before.get_or_insert_with(|| Before { events, plan, sleeps, slept, sleep: sleep.clone() });
        Some((g, chosen))
    }

    /// `g` leaves its loop: its rounds count.
    pub(super) fn pass_trial(&mut self, g: Gid) {
        let Some(trial) = self.trial.take_if(|trial| trial.is_of(g)) else { return };
        if trial.is_known {
            self.lose_way();
        }
    }

    /// `g` stays in its loop: forget the rounds of the trial. Gives how many stores it has made without them.
    pub(super) fn fail_trial(&mut self, g: Gid) -> u32 {
        let trial = self.trial.take_if(|trial| trial.is_of(g));
        if let Some(Trial { announced, before: Some(before), .. }) = trial {
            self.log.forget(g, before.events, announced);
            self.pace.forget(before.events);
            self.plan.truncate(before.plan);
            self.lists.truncate(self.plan.last());
            self.sleeps.truncate(before.sleeps);
            self.slept.truncate(before.slept);
            self.sleep = before.sleep;
        }
        let last = self.last_of(g);
        self.stops.extend(last.map(|last| last as u32));
        last.map_or(0, |last| self.log.events[last].stores)
    }
}
