//! What happens while nobody can go on, and what time sets off.
//!
//! Invariants: spinning goroutines look again before time passes; time passes before an execution
//! ends; a timer that fires is a decision of the clock.

use super::*;
use crate::objects::memory;

impl Execution {
    /// The goroutine, about to do `op`, spins: block it until one of the objects it read changes.
    pub(in crate::model) fn set_aside(&mut self, g: Gid, op: Op) -> Op {
        if !self.is_told() {
            let world = &self.world;
            let unchanged = |&(o, seen): &(ObjId, u32)| world.slot(o).version == seen;
            if !self.spins[g.index()].seen.iter().all(unchanged) {
                self.spins[g.index()].clear();
                return op;
            }
            let seen = &self.spins[g.index()].seen;
            let is_behind = match self.repeats {
                // Which store it reads was decided before, until all that is repeated has happened.
                true => !self.strategy.is_over(self.steps) && memory::is_behind(&self.world, g, seen),
                false => memory::catch_up(&mut self.world, g, seen),
            };
            if is_behind {
                return op;
            }
        }
        self.goroutines[g.index()].suspended_op = Some(op);
        let record = &mut self.world.goroutines[g.index()].spin;
        record.clear();
        record.extend_from_slice(&self.spins[g.index()].seen);
        Op::Await
    }

    /// The same where the goroutine would wait for good: before that is believed of it, it is tried.
    pub(in crate::model) fn goes_on_in_circles(&mut self, g: Gid, op: &Op, site: SiteRef) -> bool {
        let spin = &mut self.spins[g.index()];
        if spin.grants > 0 {
            // It has been tried.
            return op.may_only_look() && spin.circles(site, op.object(), 0);
        }
        let rounds = spin.rounds(site, op).filter(|_| op.may_only_look());
        let Some(rounds) = rounds else {
            if spin.is_tried && !matches!(op, Op::Yield) {
                spin.is_tried = false;
                self.tell(|tracer, _| tracer.leaves_loop(g));
            }
            return false;
        };
        // Where loads may read old stores, what a load read is there to be read again.
        let is_free = self.world.memory.weak && matches!(op, Op::Load { .. } | Op::CompareExchange { .. });
        let is_same = op.object().filter(|&o| o != ObjId::NIL).is_none_or(|object| {
            spin.saw(object).is_some_and(|seen| is_free || seen == self.world.slot(object).version)
        });
        let Some(tracer) = self.strategy.tracer() else { return false };
        let believed = rounds >= spin::TRIAL && !matches!(op, Op::Yield);
        let stays = believed || tracer.tries_loop(&self.world, g, op, is_same);
        spin.is_tried = !stays;
        if stays {
            let stores = tracer.stays_in_loop(g);
            memory::forget_rounds(&mut self.world, g, stores);
        }
        stays
    }

    /// Nobody else can go on: whether somebody went round in vain who could leave the loop by now.
    fn went_in_vain(&mut self) -> bool {
        for i in 0..self.goroutines.len() {
            let g = Gid(i as u32);
            let waits = self.goroutines[i].status == Status::Pending && self.pending[i].op == Op::Await;
            if waits
                && (self.world.spin_changed(g) || memory::catch_up(&mut self.world, g, &self.spins[i].seen))
            {
                self.spins[i].clear();
                self.tell(|tracer, _| tracer.went_in_vain());
                self.goes_on_in_vain = true;
                self.lets_rest = true;
                self.resume_spin(g);
            }
        }
        self.goes_on_in_vain
    }

    /// Somebody who was set aside goes round once more, if the strategy says so.
    pub(in crate::model) fn goes_round(&mut self) -> bool {
        let Some(g) = self.ask(|strategy, scene| strategy.goes_round(scene)) else { return false };
        let is_at_rest = self.enabled.list().len() <= self.optional as usize;
        self.spins[g.index()].goes_round(is_at_rest);
        self.resume_spin(g);
        true
    }

    /// Let a timer fire although goroutines could go on, if the strategy says so and a budget allows it.
    pub(in crate::model) fn fire_early(&mut self) -> Option<Next> {
        let due = self.world.early_due();
        if due.is_empty() {
            return None;
        }
        if !self.ask(|strategy, scene| strategy.fire_early(scene)) {
            return None;
        }
        if let Some(end) = self.lives_on_timers() {
            return Some(end);
        }
        let alternative = if due.len() > 1 { self.break_tie(&due) } else { 0 };
        let due = due[alternative as usize];
        self.world.spend_early(due);
        self.world.timers.pass_to(due);
        Some(self.fired(due, alternative))
    }

    /// Nobody can go on: let spinning goroutines look again, then let time pass, then end.
    pub(in crate::model) fn nobody(&mut self) -> Option<Next> {
        if self.is_told() && self.went_in_vain() {
            return None;
        }
        if self.grant(spin::EAGER_GRANTS) || self.repeats && self.goes_round() {
            return None;
        }
        let matters = !timer::ticks_in_vain(&self.world) || self.somebody_spins();
        if !self.world.timers.is_empty() && matters {
            return match self.fire() {
                Next::Advance => Some(Next::Advance),
                Next::End => Some(Next::End),
                Next::Resume(_) => None,
            };
        }
        if self.grant(spin::MAX_GRANTS) {
            return None;
        }
        self.ending = Ending::Quiet;
        Some(Next::End)
    }

    /// Whether somebody spins, perhaps until some time has passed.
    fn somebody_spins(&self) -> bool {
        let spins = |(g, p): (&Goroutine, &Pending)| g.status == Status::Pending && p.op == Op::Await;
        self.goroutines.iter().zip(&self.pending).any(spins)
    }

    /// Give every spinning goroutine another round, as long as its patience lasts.
    pub(in crate::model) fn grant(&mut self, most: u16) -> bool {
        let mut granted = false;
        if self.repeats && self.strategy.is_over(self.steps) {
            return false;
        }
        // At the end of most executions there is nobody to ask.
        let all = if self.live == 0 { 0 } else { self.goroutines.len() };
        for i in 0..all {
            let g = Gid(i as u32);
            if self.pending[i].op == Op::Await
                && self.goroutines[i].status == Status::Pending
                && self.spins[i].grants < most
            {
                self.spins[i].grant();
                self.lets_rest = true;
                self.tell(|tracer, _| tracer.granted(g));
                self.resume_spin(g);
                granted = true;
            }
        }
        granted
    }

    /// Make the operation a spinning goroutine was about to do its pending one again.
    pub(in crate::model) fn resume_spin(&mut self, g: Gid) {
        self.unregister(g, &Op::Await);
        let op =
            self.goroutines[g.index()].suspended_op.take().expect("a spinning goroutine had an operation");
        self.pend(g, op);
    }

    /// Let the earliest timer fire.
    pub(in crate::model) fn fire(&mut self) -> Next {
        if let Some(end) = self.lives_on_timers() {
            return end;
        }
        let alternative = if self.world.timers.ties() > 1 {
            let due = self.world.timers.tied();
            self.break_tie(&due)
        } else {
            0
        };
        let due = self.world.timers.fire(alternative).expect("a timer is live");
        self.fired(due, alternative)
    }

    /// Main has returned, and timers have fired often enough since.
    fn lives_on_timers(&mut self) -> Option<Next> {
        self.fires_after_main += u32::from(self.main_returned_at.is_some());
        let ends = self.fires_after_main > self.limits.fires_after_main;
        if ends {
            self.ending = Ending::TimersOnly;
        }
        ends.then_some(Next::End)
    }

    /// The time of `due` has come.
    fn fired(&mut self, due: Due, alternative: u32) -> Next {
        self.count_step(Gid::CLOCK, alternative, OpKind::Fire);
        match due {
            Due::Operation(g) => {
                let op = self.pending[g.index()].op;
                self.unregister(g, &op);
                self.world.begin();
                let step = self.world.time_out(g, &op);
                self.tell(|tracer, world| tracer.fired(world, Due::Operation(g)));
                self.recorder.timed_out(self.steps, g, &self.pending[g.index()]);
                self.proceed(g, step);
                self.after_effects();
            }
            Due::Timer(obj) => {
                let runs = timer::fired(&mut self.world, obj);
                self.tell(|tracer, world| tracer.fired(world, Due::Timer(obj)));
                self.recorder.fired(self.steps, obj, self.world.slot(obj).created);
                self.after_effects();
                if runs {
                    self.start_timer_function(obj);
                }
            }
        }
        if self.ready.is_empty() { Next::Resume(Gid::CLOCK) } else { Next::Advance }
    }

    /// Which of several timers due together fires.
    fn break_tie(&mut self, due: &[Due]) -> u32 {
        if !self.is_told() {
            return self.strategy.alternative(self.steps, Gid::CLOCK, due.len() as u32);
        }
        self.strategy.tracer().map_or(0, |tracer| tracer.tie(due))
    }

    pub(in crate::model) fn start_timer_function(&mut self, obj: ObjId) {
        let found = self.timer_functions.iter().find(|(o, _)| *o == obj);
        let f = Arc::clone(&found.expect("a timer that runs a function has one").1);
        let site = self.world.slot(obj).created;
        let g = self.spawn(None, Spawn { body: Box::new(move || f()), name: None, site });
        // The timer's start happens before its function.
        self.world.clocks.start_from(g, obj);
        self.goroutines[g.index()].detached = true;
        self.suite.spawned(&self.world.clocks, Gid::CLOCK, g, site);
        self.recorder.spawned(self.steps, Gid::CLOCK, g, site);
    }

    /// An object a spinning goroutine reads was touched: if it changed, the goroutine goes on.
    pub(in crate::model) fn stir(&mut self, g: Gid) {
        let waits = matches!(self.pending[g.index()].op, Op::Await) && !self.is_told();
        if waits && self.world.spin_changed(g) {
            self.spins[g.index()].clear();
            self.resume_spin(g);
        }
    }
}
