//! Every interleaving, one after the other, with the trace of each.

use super::super::run::{Chosen, Run, label_of};
use super::{Counts, Explored, explore};
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::strategies::Dfs;
use crate::model::{Limits, Scene, Strategy, Survey, Tracer};
use crate::objects::label::label;
use crate::objects::timer::Due;
use crate::objects::{Op, Step, World};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::{Gid, ObjId};
use std::any::Any;
use std::collections::HashMap;

/// A depth-first search that keeps the log an optimal one keeps.
pub(super) struct Brute {
    dfs: Dfs,
    notes: Run,
    step: u32,
    /// Who stays in its loop, by all that it has seen.
    stays: HashMap<u64, bool>,
    /// Of whom that is to be found out in this execution, which then does not count unless it stays.
    unknown: Option<u64>,
    is_void: bool,
    /// The search before this execution.
    before: Dfs,
}

impl Brute {
    fn new(preemptions: Option<u32>) -> Brute {
        let (dfs, before) = (Dfs::new(Bounds { preemptions, delays: None }), Dfs::default());
        let (notes, stays) = (Run::default(), HashMap::new());
        Brute { dfs, notes, step: 0, stays, unknown: None, is_void: false, before }
    }

    /// What the trace is of the execution that is over, if it counts.
    fn trace(&self) -> Option<u64> {
        (!self.notes.is_vain && !self.is_void).then(|| self.notes.canonical())
    }
}

impl Strategy for Brute {
    fn begin(&mut self, index: u64) -> bool {
        self.notes.begin();
        self.unknown = None;
        self.is_void = false;
        self.before = self.dfs.clone();
        self.dfs.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.step = scene.step;
        if self.is_void {
            return scene.default_choice();
        }
        if self.notes.is_vain {
            return self.dfs.pick(scene);
        }
        if let Some((g, chosen)) = self.notes.choose_in_trial(scene) {
            self.notes.chosen = Some(chosen);
            return g;
        }
        self.notes.note_choice();
        let g = self.dfs.pick(scene);
        let label = label(scene.world, g, &scene.pending[g.index()].op, 0);
        self.notes.chosen = Some(Chosen { alternative: 0, choices: 1, label });
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        if self.is_void { 0 } else { self.dfs.alternative(step, g, n) }
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.step = scene.step;
        if self.notes.is_vain || self.is_void {
            return None;
        }
        self.notes.note_choice();
        let g = self.dfs.wake_at_rest(scene)?;
        let label = label(scene.world, g, &scene.pending[g.index()].op, 0);
        self.notes.chosen = Some(Chosen { alternative: 0, choices: 1, label });
        Some(g)
    }

    fn fire_early(&mut self, _scene: &Scene<'_>) -> bool {
        false
    }

    fn tracer(&mut self) -> Option<&mut dyn Tracer> {
        Some(self)
    }

    fn survey(&self) -> Survey {
        self.dfs.survey()
    }

    fn end(&mut self, steps: u32) {
        self.notes.close_event();
        self.notes.races.analyse(&self.notes.log, 0);
        if self.is_void {
            self.dfs = self.before.clone();
        } else {
            self.dfs.end(steps);
        }
    }
}

impl Tracer for Brute {
    fn created(&mut self, world: &World, g: Gid, object: ObjId) {
        self.notes.created(world, g, object);
    }

    fn announced(&mut self, world: &World, g: Gid, op: &Op) {
        Tracer::announced(&mut self.notes, world, g, op);
    }

    fn pended(&mut self, world: &World, g: Gid, op: &Op) {
        self.notes.pended(world, g, op);
    }

    fn outcome(&mut self, world: &World, g: Gid, op: &Op, n: u32) -> u32 {
        if self.is_void {
            return 0;
        }
        if let Some(chosen) = self.notes.chosen.filter(|_| self.notes.trial.is_some()) {
            return chosen.alternative;
        }
        let alternative = self.dfs.alternative(self.step, g, n);
        let label = label(world, g, op, alternative);
        self.notes.chosen = Some(Chosen { alternative, choices: n, label });
        alternative
    }

    fn tie(&mut self, due: &[Due]) -> u32 {
        self.notes.close_event();
        self.notes.log.tied(due);
        if self.is_void { 0 } else { self.dfs.alternative(self.step, Gid::CLOCK, due.len() as u32) }
    }

    fn stepped(&mut self, world: &World, g: Gid, op: &Op, alternative: u32, step: Step) {
        Tracer::stepped(&mut self.notes, world, g, op, alternative, step);
    }

    fn fired(&mut self, world: &World, due: Due) {
        self.notes.note_choice();
        self.notes.log.fired(world, due, label_of(due));
    }

    fn tries_loop(&mut self, world: &World, g: Gid, op: &Op, is_same: bool) -> bool {
        if self.is_void {
            return false;
        }
        if self.notes.trial.is_none() {
            let saw = self.notes.seen_by(g);
            let stays = self.stays.get(&saw).copied();
            match stays {
                Some(false) => return false,
                Some(true) if !self.notes.is_same(world, g, op, is_same) => return true,
                Some(true) => {}
                None => self.unknown = Some(saw),
            }
        }
        self.notes.try_loop(world, g, op, is_same)
    }

    fn leaves_loop(&mut self, g: Gid) {
        if self.notes.trial.as_ref().is_some_and(|trial| trial.is_of(g))
            && let Some(saw) = self.unknown.take()
        {
            self.stays.insert(saw, false);
            self.is_void = true;
        }
        self.notes.pass_trial(g);
    }

    fn stays_in_loop(&mut self, g: Gid) -> u32 {
        self.stays.extend(self.unknown.take().map(|saw| (saw, true)));
        self.notes.fail_trial(g)
    }

    fn granted(&mut self, g: Gid) {
        self.notes.granted(g);
    }

    fn went_in_vain(&mut self) {
        self.notes.went_in_vain();
    }

    fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        Tracer::spawned(&mut self.notes, parent, child);
    }

    fn joined(&mut self, joiner: Gid, target: Gid) {
        self.notes.joined(joiner, target);
    }

    fn died(&mut self) {}

    fn cut(&mut self) {}

    fn exited(&mut self, g: Gid) {
        self.leaves_loop(g);
        self.notes.exited(g);
    }

    fn settled(&mut self, world: &World, g: Gid, op: &Op) {
        self.notes.settled(world, g, op);
    }

    fn touched(&mut self, g: Gid, access: Access) {
        self.notes.touched(g, access);
    }
}

/// Every interleaving within limits; `None` if there are more than `most`.
pub(super) fn by_force_in(limits: Limits, body: &Body, most: u64) -> Option<Explored> {
    by_force_within(None, limits, body, most)
}

/// The interleavings with at most so many preemptions.
pub(super) fn by_force_within(
    preemptions: Option<u32>,
    limits: Limits,
    body: &Body,
    most: u64,
) -> Option<Explored> {
    explore(Box::new(Brute::new(preemptions)), body, limits, most, |strategy: &mut dyn Any| {
        (strategy.downcast_ref::<Brute>().unwrap().trace(), Counts::default())
    })
}

/// Of the interleavings with at most so many preemptions, those of which the trace is said to need more.
pub(super) fn misjudged_within(preemptions: u32, body: &Body, most: u64) -> Option<u64> {
    let brute = Brute::new(Some(preemptions));
    let misjudged = std::cell::Cell::new(0);
    explore(Box::new(brute), body, Limits::default(), most, |strategy: &mut dyn Any| {
        let notes = &mut strategy.downcast_mut::<Brute>().unwrap().notes;
        notes.bound = Some(preemptions);
        let is_misjudged = notes.needs_too_many();
        notes.bound = None;
        misjudged.set(misjudged.get() + u64::from(is_misjudged));
        (None, Counts::default())
    })?;
    Some(misjudged.get())
}
