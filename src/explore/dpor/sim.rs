//! Repeats parts of a logged execution on a world of its own, in another order, without user code.
//!
//! A goroutine whose operations have the results they had goes on to the operation it went on to; so
//! the log says what comes next as long as every event keeps its label. Invariant: an event is
//! repeated after everything that it depends on, or that comes before it for another reason.

use super::log::{Log, Spawned};
use crate::objects::label::{Label, label};
use crate::objects::timer::{self, Due};
use crate::objects::{Op, Ret, Slot, Step, World, wait_group};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::{Gid, ObjId};

/// A state of the world, and what everybody is about to do in it.
#[derive(Default)]
pub(super) struct Sim {
    pub(super) world: World,
    goroutines: Vec<Place>,
}

/// How far a goroutine has come.
#[derive(Clone, Copy)]
struct Place {
    op: Op,
    /// It has gone round in circles, and does not go on.
    circles: bool,
    /// How many operations it has announced.
    announced: u32,
    events: u32,
    /// How many of its joins are accounted for.
    joined: u32,
}

impl Sim {
    /// Become the state that `other` is.
    pub(super) fn copy_from(&mut self, other: &Sim) {
        self.world.copy_from(&other.world);
        self.goroutines.clone_from(&other.goroutines);
    }

    /// Back to the beginning of the execution.
    pub(super) fn begin(&mut self, log: &Log) {
        self.world.reset(log.budget, log.is_weak);
        self.world.keeps_ids = true;
        self.world.traced = true;
        self.goroutines.clear();
        for state in &log.objects {
            self.world.create(state.clone(), std::panic::Location::caller());
        }
        for g in 0..log.width() {
            self.world.add_goroutine(None, Gid(g as u32));
            let place = Place { op: Op::Yield, circles: false, announced: 0, events: 0, joined: 0 };
            self.goroutines.push(place);
        }
        for &spawned in &log.first {
            self.start(log, spawned);
        }
    }

    /// In how many ways `g` can go on now, with a cause or without one.
    pub(super) fn alternatives(&self, g: Gid) -> u32 {
        let place = &self.goroutines[g.index()];
        match place.op {
            Op::Join(_) => 0,
            _ if place.circles => 0,
            op => self.world.outcomes(g, &op),
        }
    }

    /// Whether what `g` waits for may end now without a cause, and only so.
    pub(super) fn may_wake_spuriously(&self, g: Gid) -> bool {
        self.world.may_wake_spuriously(g, &self.pending(g))
    }

    /// What `g` is about to do.
    pub(super) fn pending(&self, g: Gid) -> Op {
        self.goroutines[g.index()].op
    }

    /// How many operations `g` has announced.
    pub(super) fn announced(&self, g: Gid) -> u32 {
        self.goroutines[g.index()].announced
    }

    pub(super) fn label(&self, g: Gid, alternative: u32) -> Label {
        label(&self.world, g, &self.goroutines[g.index()].op, alternative)
    }

    /// The alternative of `g` with this label.
    pub(super) fn alternative_of(&self, g: Gid, wanted: Label) -> Option<u32> {
        (0..self.alternatives(g)).find(|&n| self.label(g, n) == wanted)
    }

    /// Let `g` go on; gives the footprint, with that of what it then gives back if the operation panics.
    pub(super) fn step(&mut self, log: &Log, g: Gid, alternative: u32) -> &[Access] {
        if let Step::Done(Ret::Misuse(_)) = self.take_step(log, g, alternative) {
            self.give_back(g);
        }
        &self.world.footprint
    }

    fn take_step(&mut self, log: &Log, g: Gid, alternative: u32) -> Step {
        let place = &mut self.goroutines[g.index()];
        let op = place.op;
        place.events += 1;
        self.unregister(g, &op);
        let step = self.world.step(g, &op, alternative);
        self.learn(g, &op);
        self.finish(log, g, step);
        step
    }

    /// `g` panics: it gives back what it holds as it unwinds, which is no decision. That it catches the panic
    /// before is left out: then the footprint says too much.
    fn give_back(&mut self, g: Gid) {
        let mut footprint = std::mem::take(&mut self.world.footprint);
        let held = |(object, slot): (ObjId, &Slot)| slot.state.given_back_by(g, object);
        loop {
            let Some(op) = self.world.slots().find_map(held) else { break };
            self.world.step(g, &op, 0);
            self.learn(g, &op);
            footprint.append(&mut self.world.footprint);
        }
        self.world.footprint = footprint;
    }

    /// Repeat an event of the log, with everything that it set off. False if it is not possible now.
    pub(super) fn repeat(&mut self, log: &Log, event: usize) -> bool {
        let e = &log.events[event];
        match e.due {
            Some(due) => self.fire(log, due),
            None => {
                self.join(log, e.g);
                let Some(alternative) = self.alternative_of(e.g, e.label) else { return false };
                self.take_step(log, e.g, alternative);
            }
        }
        for &(g, op) in log.settled_by(event) {
            let step = self.world.step(g, &op, 0);
            self.learn(g, &op);
            debug_assert!(matches!(step, Step::Done(_)));
            self.move_woken(log);
        }
        for &spawned in log.spawned_by(event) {
            if let (None, Some(Due::Timer(timer))) = (spawned.parent, e.due) {
                self.world.clocks.start_from(spawned.child, timer);
            }
            self.start(log, spawned);
        }
        true
    }

    /// The clocks decide what loads may read; where all read the newest store, nobody asks them.
    fn learn(&mut self, g: Gid, op: &Op) {
        if self.world.memory.weak {
            self.world.learn(g, op);
        }
    }

    fn start(&mut self, log: &Log, spawned: Spawned) {
        if let Some(parent) = spawned.parent {
            self.join_up_to(log, parent, |joined, _| joined < spawned.joins);
            self.world.clocks.spawn(parent, spawned.child);
        }
        self.advance(log, spawned.child);
    }

    /// Account for the goroutines that `g` has joined before its next event.
    pub(super) fn join(&mut self, log: &Log, g: Gid) {
        let made = self.goroutines[g.index()].events;
        self.join_up_to(log, g, |_, events| events <= made);
    }

    /// Account for the next joins of `g`, while `wanted` says so of their number and of the events that
    /// `g` had made before.
    fn join_up_to(&mut self, log: &Log, g: Gid, wanted: impl Fn(u32, u32) -> bool) {
        let place = &mut self.goroutines[g.index()];
        while let Some(&(events, target)) = log.goroutines[g.index()].joins.get(place.joined as usize)
            && wanted(place.joined, events)
        {
            place.joined += 1;
            self.world.clocks.join(g, target);
        }
    }

    fn fire(&mut self, log: &Log, due: Due) {
        self.world.timers.pass_to(due);
        match due {
            Due::Operation(g) => {
                let op = self.goroutines[g.index()].op;
                self.unregister(g, &op);
                self.world.begin();
                let step = self.world.time_out(g, &op);
                self.finish(log, g, step);
            }
            Due::Timer(object) => {
                timer::fired(&mut self.world, object);
                self.move_woken(log);
            }
        }
    }

    /// The operation of `g` took effect.
    fn finish(&mut self, log: &Log, g: Gid, step: Step) {
        self.proceed(log, g, step);
        self.move_woken(log);
    }

    fn move_woken(&mut self, log: &Log) {
        for i in 0..self.world.woken.len() {
            let (peer, step) = self.world.woken[i];
            let op = self.goroutines[peer.index()].op;
            self.unregister(peer, &op);
            self.proceed(log, peer, step);
        }
    }

    fn proceed(&mut self, log: &Log, g: Gid, step: Step) {
        match step {
            Step::Done(_) => self.advance(log, g),
            Step::Next(op) => self.pend(g, op),
        }
    }

    fn pend(&mut self, g: Gid, op: Op) {
        self.goroutines[g.index()].op = op;
        match op {
            Op::WaitGroupWait(wg) => wait_group::announced(&mut self.world, g, wg),
            Op::Select { .. } | Op::SelectWait { .. } => self.register(g),
            _ => {}
        }
        if let Some(at) = op.deadline() {
            self.world.timers.arm(Due::Operation(g), at);
        }
    }

    /// `g` announces its next operation, if the log knows it.
    fn advance(&mut self, log: &Log, g: Gid) {
        let place = &mut self.goroutines[g.index()];
        place.op = Op::Join(g);
        let Some(next) = log.goroutines[g.index()].announced.get(place.announced as usize) else { return };
        place.announced += 1;
        if let Op::Select { .. } = next.op {
            let select = &mut self.world.goroutines[g.index()].select;
            select.clear();
            select.arms.extend_from_slice(log.arms(next));
            select.default = next.default;
            select.biased = next.biased;
        }
        place.circles = next.in_vain;
        self.pend(g, next.op);
    }

    /// Other channels' operations have to know who selects on theirs.
    fn register(&mut self, g: Gid) {
        for i in 0..self.world.goroutines[g.index()].select.arms.len() {
            let ch = self.world.goroutines[g.index()].select.arms[i].channel();
            if ch != selvedge_checkers::ids::ObjId::NIL {
                self.world.slot_mut(ch).pending.push(g);
            }
        }
    }

    fn unregister(&mut self, g: Gid, op: &Op) {
        if op.deadline().is_some() {
            self.world.timers.disarm(Due::Operation(g));
        }
        if !matches!(op, Op::Select { .. } | Op::SelectWait { .. }) {
            return;
        }
        for i in 0..self.world.goroutines[g.index()].select.arms.len() {
            let ch = self.world.goroutines[g.index()].select.arms[i].channel();
            if ch != selvedge_checkers::ids::ObjId::NIL {
                self.world.slot_mut(ch).pending.retain(|&p| p != g);
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/diamond.rs"]
mod diamond;
