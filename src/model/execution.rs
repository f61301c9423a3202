//! One execution: the goroutines' pending operations, the world they act on, and the loop that
//! lets one of them take effect after the other.
//!
//! Invariants:
//! - A decision is made only while every goroutine has announced its operation, is blocked, or has
//!   ended; what user code does between two operations is invisible and needs no decision.
//! - `enabled` holds exactly the goroutines whose pending operation has an alternative or may end
//!   without a cause (counted apart in `optional`).
//! - Nothing here runs user code or switches stacks: [`super::engine`] does, between calls.

use super::decision::{Decision, Scene, Strategy};
use super::enabled::Enabled;
use super::goroutine::{Goroutine, Status};
use super::limits::Limits;
use super::panics::Panic;
use super::record::Recorder;
use super::spin::{self, Spin};
use super::suite;
use crate::objects::timer::{self, Due};
use crate::objects::{Op, Ret, State, Step, World, wait_group};
use crate::port::Spawn;
use selvedge_checkers::clock::Clocks;
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::race::{Access as RaceAccess, Races};
use selvedge_checkers::suite::Suite;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// An announced operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) op: Op,
    pub(crate) site: SiteRef,
    /// How many operations the goroutine announced before this one.
    pub(crate) index: u32,
    /// In how many ways it could take effect when it was last looked at.
    possible: u32,
    /// The step it was announced after.
    pub(super) since: u32,
    /// It could only end without a cause: a spurious wake-up.
    pub(crate) optional: bool,
}

/// What happens next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// This goroutine's operation is complete: resume it.
    Resume(Gid),
    /// Some goroutines are to run up to their next operation first.
    Advance,
    /// The execution is over.
    End,
}

/// Why an execution ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Ending {
    #[default]
    Running,
    /// Nobody can go on and no timer is left.
    Quiet,
    /// A finding that ends the program.
    Fatal,
    /// The step limit.
    Limit,
    /// Main has returned and only timers keep goroutines going.
    TimersOnly,
    /// Some goroutines were found to wait for ever a while ago, and others still run.
    Doomed,
}

pub(super) type TimerFunction = Arc<dyn Fn() + Send + Sync>;

pub(super) struct Execution {
    pub(super) world: World,
    pub(super) goroutines: Vec<Goroutine>,
    pub(super) pending: Vec<Pending>,
    pub(super) spins: Vec<Spin>,
    pub(super) enabled: Enabled,
    /// How many of `enabled` could only end without a cause.
    optional: u32,
    pub(super) ready: VecDeque<Gid>,
    /// The goroutine the last decision was about.
    pub(super) current: Gid,
    /// The goroutine whose code runs now.
    pub(super) running: Gid,
    pub(super) live: usize,
    pub(super) steps: u32,
    pub(super) decisions: Vec<Decision>,
    pub(super) fingerprint: u64,
    pub(super) ending: Ending,
    pub(super) limits: Limits,
    pub(super) strategy: Box<dyn Strategy>,
    follows: bool,
    early_fires: u32,
    pub(super) main_returned_at: Option<u32>,
    /// Goroutines that could still go on when main returned.
    pub(super) outlived_main: Vec<Gid>,
    fires_after_main: u32,
    pub(super) clocks: Clocks,
    pub(super) races: Races,
    pub(super) suite: Suite,
    pub(super) findings: Vec<Finding>,
    pub(super) recorder: Recorder,
    pub(super) timer_functions: Vec<(ObjId, TimerFunction)>,
    /// Payloads nobody wants, to be dropped where user code may run.
    pub(super) debris: Vec<Box<dyn Any + Send>>,
    /// Spinning goroutines to be looked at again after the step.
    stirred: Vec<Gid>,
    /// Goroutines whose wait nobody can end any more, with the step it became so.
    pub(super) doomed_at: Option<u32>,
    /// The worker's sign of life, and its value when the execution began.
    beat: Arc<AtomicU64>,
    beats: u64,
}

impl Execution {
    pub(super) fn new(strategy: Box<dyn Strategy>, limits: Limits, beat: Arc<AtomicU64>) -> Execution {
        let follows = strategy.follows();
        Execution {
            world: World::default(),
            goroutines: Vec::new(),
            pending: Vec::new(),
            spins: Vec::new(),
            enabled: Enabled::default(),
            optional: 0,
            ready: VecDeque::new(),
            current: Gid::MAIN,
            running: Gid::MAIN,
            live: 0,
            steps: 0,
            decisions: Vec::new(),
            fingerprint: 0,
            ending: Ending::Running,
            limits,
            strategy,
            follows,
            early_fires: 0,
            main_returned_at: None,
            outlived_main: Vec::new(),
            fires_after_main: 0,
            clocks: Clocks::default(),
            races: Races::default(),
            suite: Suite::default(),
            findings: Vec::new(),
            recorder: Recorder::default(),
            timer_functions: Vec::new(),
            debris: Vec::new(),
            stirred: Vec::new(),
            doomed_at: None,
            beat,
            beats: 0,
        }
    }

    /// Forget the last execution, keeping the memory.
    pub(super) fn reset(&mut self) {
        self.world.reset(self.limits.spurious);
        self.goroutines.clear();
        self.pending.clear();
        self.spins.iter_mut().for_each(Spin::clear);
        self.enabled.clear();
        self.optional = 0;
        self.ready.clear();
        self.stirred.clear();
        self.current = Gid::MAIN;
        self.running = Gid::MAIN;
        self.live = 0;
        self.beats += u64::from(self.steps) + 1;
        self.steps = 0;
        self.decisions.clear();
        self.fingerprint = 0xcbf2_9ce4_8422_2325;
        self.ending = Ending::Running;
        self.follows = self.strategy.follows();
        self.early_fires = self.limits.early_timers;
        self.main_returned_at = None;
        self.outlived_main.clear();
        self.fires_after_main = 0;
        self.clocks.reset();
        self.races.reset();
        self.suite.reset();
        self.findings.clear();
        self.recorder.reset();
        self.timer_functions.clear();
        self.doomed_at = None;
        self.beat.store(self.beats, Relaxed);
    }

    /// Register a goroutine; it runs before the next decision.
    pub(super) fn spawn(&mut self, parent: Option<Gid>, spawn: Spawn) -> Gid {
        let g = Gid(self.goroutines.len() as u32);
        let mut record = Goroutine::new(spawn.site);
        record.body = Some(spawn.body);
        record.name = spawn.name;
        record.parent = parent;
        self.goroutines.push(record);
        self.pending.push(Pending {
            op: Op::Yield,
            site: spawn.site,
            index: 0,
            possible: 0,
            since: 0,
            optional: false,
        });
        if self.spins.len() < self.goroutines.len() {
            self.spins.push(Spin::default());
        }
        self.world.add_goroutine(g);
        self.live += 1;
        self.ready.push_back(g);
        if let Some(parent) = parent {
            self.clocks.spawn(parent, g);
            self.suite.spawned(&self.clocks, parent, g, spawn.site);
            if self.follows {
                self.strategy.spawned(parent, g);
            }
            self.recorder.spawned(self.steps, parent, g, spawn.site);
        }
        g
    }

    /// The running goroutine is about to operate: from now on `op` is its pending operation.
    #[inline]
    pub(super) fn announce(&mut self, g: Gid, op: Op, site: SiteRef) {
        let p = &mut self.pending[g.index()];
        p.op = op;
        p.site = site;
        p.index += 1;
        p.since = self.steps;
        if op.only_looks() && self.spins[g.index()].circles(site) {
            let op = self.set_aside(g);
            self.pend(g, op);
        } else if matches!(op, Op::Yield) {
            self.pend_yield(g);
        } else {
            self.pend(g, op);
        }
    }

    /// The pending operation of `g` is a yield: always possible, and on no object.
    #[inline]
    fn pend_yield(&mut self, g: Gid) {
        self.goroutines[g.index()].status = Status::Pending;
        if self.follows {
            self.strategy.announced(g, &self.pending[g.index()]);
        }
        self.mark(g, true, false);
    }

    /// Make `op` the pending operation of `g`, and see whether it can take effect.
    fn pend(&mut self, g: Gid, op: Op) {
        self.pending[g.index()].op = op;
        if matches!(op, Op::Yield) {
            return self.pend_yield(g);
        }
        self.goroutines[g.index()].status = Status::Pending;
        if self.follows {
            self.strategy.announced(g, &self.pending[g.index()]);
        }
        self.register(g, &op);
        if let Some(at) = op.deadline() {
            self.world.timers.arm(Due::Operation(g), at);
        }
        if !self.refresh(g) {
            self.has_blocked(g, &op);
        }
        if matches!(op, Op::Lock(_) | Op::ReadLock(_) | Op::WriteLock(_)) {
            let p = &self.pending[g.index()];
            let object = op.object().unwrap_or(ObjId::NIL);
            self.suite.requested(&self.clocks, g, op.kind(), object, p.site, self.steps);
        }
    }

    /// The operation that `g` has just announced cannot take effect.
    fn has_blocked(&mut self, g: Gid, op: &Op) {
        if let Op::WaitGroupWait(wg) = *op {
            wait_group::blocked(&mut self.world, g, wg);
        }
        if self.doomed_at.is_none() && self.is_doomed(g) {
            self.doomed_at = Some(self.steps);
        }
    }

    /// The goroutine spins: block it until one of the objects it read changes.
    fn set_aside(&mut self, g: Gid) -> Op {
        let world = &self.world;
        let unchanged = |&(o, seen): &(ObjId, u32)| world.slot(o).version == seen;
        if !self.spins[g.index()].seen.iter().all(unchanged) {
            self.spins[g.index()].clear();
            return self.pending[g.index()].op;
        }
        self.goroutines[g.index()].suspended_op = Some(self.pending[g.index()].op);
        let record = &mut self.world.goroutines[g.index()].spin;
        record.clear();
        record.extend_from_slice(&self.spins[g.index()].seen);
        Op::Await
    }

    fn objects_of(&self, g: Gid, op: &Op, mut f: impl FnMut(ObjId)) {
        match op {
            Op::Select { .. } | Op::SelectWait { .. } => {
                for arm in &self.world.goroutines[g.index()].select.arms {
                    f(arm.channel());
                }
            }
            Op::Await => self.world.goroutines[g.index()].spin.iter().for_each(|&(o, _)| f(o)),
            _ => op.object().into_iter().for_each(f),
        }
    }

    #[inline]
    fn register(&mut self, g: Gid, op: &Op) {
        match op.object() {
            Some(ObjId::NIL) => {}
            Some(o) => self.world.slot_mut(o).pending.push(g),
            None => self.register_with_many(g, op),
        }
    }

    fn register_with_many(&mut self, g: Gid, op: &Op) {
        let mut objects = Vec::new();
        self.objects_of(g, op, |o| objects.push(o));
        for o in objects.into_iter().filter(|&o| o != ObjId::NIL) {
            self.world.slot_mut(o).pending.push(g);
        }
    }

    #[inline]
    fn unregister(&mut self, g: Gid, op: &Op) {
        match op.object() {
            Some(ObjId::NIL) => {}
            Some(o) => {
                let pending = &mut self.world.slot_mut(o).pending;
                if let Some(at) = pending.iter().rposition(|&p| p == g) {
                    pending.swap_remove(at);
                }
            }
            None => self.unregister_with_many(g, op),
        }
    }

    fn unregister_with_many(&mut self, g: Gid, op: &Op) {
        let mut objects = Vec::new();
        self.objects_of(g, op, |o| objects.push(o));
        for o in objects.into_iter().filter(|&o| o != ObjId::NIL) {
            self.world.slot_mut(o).pending.retain(|&p| p != g);
        }
    }

    /// See anew whether the pending operation of `g` can take effect.
    fn refresh(&mut self, g: Gid) -> bool {
        let p = &mut self.pending[g.index()];
        p.possible = self.world.alternatives(g, &p.op);
        let possible = p.possible > 0;
        let spurious = !possible && self.world.may_wake_spuriously(&p.op);
        self.mark(g, possible || spurious, spurious);
        possible || spurious
    }

    #[inline]
    fn mark(&mut self, g: Gid, enabled: bool, optional: bool) {
        let was_optional = std::mem::replace(&mut self.pending[g.index()].optional, optional);
        self.optional = self.optional + u32::from(optional) - u32::from(was_optional);
        if optional != was_optional || enabled != self.enabled.contains(g) {
            self.enable(g, (enabled, optional), was_optional);
        }
    }

    /// From now on `g` can, or cannot, go on; with a cause, or only without one.
    fn enable(&mut self, g: Gid, (enabled, optional): (bool, bool), was_optional: bool) {
        let was_enabled = if enabled { !self.enabled.insert(g) } else { self.enabled.remove(g) };
        if self.follows {
            match (was_enabled && !was_optional, enabled && !optional) {
                (false, true) => self.strategy.enabled(g),
                (true, false) => self.strategy.disabled(g),
                _ => {}
            }
        }
    }

    /// Make decisions until a goroutine is to run.
    #[inline]
    pub(super) fn decide(&mut self) -> Next {
        loop {
            if self.ending != Ending::Running {
                return Next::End;
            }
            if self.steps >= self.limits.steps {
                self.ending = Ending::Limit;
                return Next::End;
            }
            if self.doomed_at.is_some_and(|at| self.steps >= at.saturating_add(self.limits.after_doom)) {
                self.ending = Ending::Doomed;
                return Next::End;
            }
            if self.enabled.list().len() <= self.optional as usize {
                match self.nobody() {
                    Some(next) => return next,
                    None => continue,
                }
            }
            if self.early_fires > 0 && self.fires_early() {
                match self.fire() {
                    Next::Advance => return Next::Advance,
                    _ => continue,
                }
            }
            let g = self.strategy.pick(&Scene {
                enabled: self.enabled.list(),
                optional_count: self.optional,
                current: self.current,
                current_enabled: self.enabled.contains(self.current),
                step: self.steps,
                pending: &self.pending,
            });
            debug_assert!(self.enabled.contains(g), "the strategy picked {g}, which is not enabled");
            if let Some(next) = self.take_step(g) {
                return next;
            }
        }
    }

    fn fires_early(&mut self) -> bool {
        if self.world.timers.is_empty() {
            return false;
        }
        let scene = Scene {
            enabled: self.enabled.list(),
            optional_count: self.optional,
            current: self.current,
            current_enabled: self.enabled.contains(self.current),
            step: self.steps,
            pending: &self.pending,
        };
        let fires = self.strategy.fire_early(&scene);
        self.early_fires -= u32::from(fires);
        fires
    }

    /// Nobody can go on: let spinning goroutines look again, then let time pass, then end.
    fn nobody(&mut self) -> Option<Next> {
        if self.grant(spin::EAGER_GRANTS) {
            return None;
        }
        if !self.world.timers.is_empty() {
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

    /// Give every spinning goroutine another round, as long as its patience lasts.
    fn grant(&mut self, most: u16) -> bool {
        let mut granted = false;
        for i in 0..self.goroutines.len() {
            let g = Gid(i as u32);
            if self.pending[i].op == Op::Await
                && self.goroutines[i].status == Status::Pending
                && self.spins[i].grants < most
            {
                self.spins[i].grant();
                self.resume_spin(g);
                granted = true;
            }
        }
        granted
    }

    /// Make the operation a spinning goroutine was about to do its pending one again.
    fn resume_spin(&mut self, g: Gid) {
        self.unregister(g, &Op::Await);
        let op =
            self.goroutines[g.index()].suspended_op.take().expect("a spinning goroutine had an operation");
        self.pend(g, op);
    }

    /// Let the earliest timer fire.
    fn fire(&mut self) -> Next {
        if self.main_returned_at.is_some() {
            self.fires_after_main += 1;
            if self.fires_after_main > self.limits.fires_after_main {
                self.ending = Ending::TimersOnly;
                return Next::End;
            }
        }
        let ties = self.world.timers.ties();
        let alternative = if ties > 1 { self.strategy.alternative(self.steps, Gid::CLOCK, ties) } else { 0 };
        self.count_step(Gid::CLOCK, alternative, OpKind::Fire);
        match self.world.timers.fire(alternative) {
            Some(Due::Operation(g)) => {
                let op = self.pending[g.index()].op;
                self.unregister(g, &op);
                self.world.begin();
                let step = self.world.time_out(g, &op);
                self.recorder.timed_out(self.steps, g, &self.pending[g.index()]);
                self.proceed(g, step);
                self.after_effects();
            }
            Some(Due::Timer(obj)) => {
                let runs = timer::fired(&mut self.world, obj);
                self.recorder.fired(self.steps, obj, self.world.slot(obj).created);
                self.after_effects();
                if runs {
                    self.start_timer_function(obj);
                }
            }
            None => unreachable!("a timer is live"),
        }
        if self.ready.is_empty() { Next::Resume(Gid::CLOCK) } else { Next::Advance }
    }

    fn start_timer_function(&mut self, obj: ObjId) {
        let found = self.timer_functions.iter().find(|(o, _)| *o == obj);
        let f = Arc::clone(&found.expect("a timer that runs a function has one").1);
        let site = self.world.slot(obj).created;
        let g = self.spawn(None, Spawn { body: Box::new(move || f()), name: None, site });
        // The timer's start happens before its function.
        self.clocks.start_from(g, obj);
        self.goroutines[g.index()].detached = true;
        self.suite.spawned(&self.clocks, Gid::CLOCK, g, site);
        self.recorder.spawned(self.steps, Gid::CLOCK, g, site);
    }

    #[inline]
    fn count_step(&mut self, g: Gid, alternative: u32, op: OpKind) {
        self.steps += 1;
        self.beat.store(self.beats + u64::from(self.steps), Relaxed);
        self.decisions.push(Decision { goroutine: g, alternative: alternative as u16, op });
        let word = u64::from(g.0) << 24 | u64::from(alternative as u16) << 8 | op as u64;
        self.fingerprint = (self.fingerprint ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// Let the pending operation of `g` take effect; `Some` if a goroutine is to run now.
    #[inline]
    fn take_step(&mut self, g: Gid) -> Option<Next> {
        let p = &self.pending[g.index()];
        let site = p.site;
        if !matches!(p.op, Op::Yield) {
            return self.take_effect(g, p.op, site);
        }
        self.current = g;
        self.count_step(g, 0, OpKind::Yield);
        self.recorder.yielded(self.steps, g, site);
        if self.follows {
            self.strategy.stepped(g, &self.pending, &[]);
        }
        self.complete_own(g, Ret::Unit);
        Some(Next::Resume(g))
    }

    /// In how many ways the pending operation of `g`, which is `op`, can take effect.
    #[inline]
    fn possible(&self, g: Gid, op: &Op) -> u32 {
        match op {
            // What these depend on may change without a look at them.
            Op::Select { .. } | Op::SelectWait { .. } | Op::CompareExchange { weak: true, .. } => {
                self.world.alternatives(g, op)
            }
            _ => {
                let possible = self.pending[g.index()].possible;
                debug_assert_eq!(possible, self.world.alternatives(g, op), "{op:?} was not looked at anew");
                possible
            }
        }
    }

    fn take_effect(&mut self, g: Gid, op: Op, site: SiteRef) -> Option<Next> {
        let possible = self.possible(g, &op);
        let n = possible + u32::from(self.world.may_wake_spuriously(&op));
        let alternative = if n > 1 { self.strategy.alternative(self.steps, g, n) } else { 0 };
        let spurious = alternative >= possible;
        self.current = g;
        self.count_step(g, alternative, op.kind());
        self.unregister(g, &op);
        if op.deadline().is_some() {
            self.world.timers.disarm(Due::Operation(g));
        }
        let before = suite::before(&self.world, &op);
        let budget = self.world.spurious;
        let step = self.world.step(g, &op, alternative);
        let number = self.steps;
        suite::executed(&mut self.suite, &self.clocks, &self.world, g, &op, step, before, site, number);
        self.learn(g, &op);
        self.look(g, &op, site);
        self.recorder.step(self.steps, g, &op, site, step, spurious, &self.world);
        match step {
            Step::Done(ret) => self.complete_own(g, ret),
            Step::Next(op) => self.pend(g, op),
        }
        if self.follows {
            self.strategy.stepped(g, &self.pending, &self.world.footprint);
            self.tell_conflicts(g);
        }
        self.after_effects();
        if let Op::HandleDrop { ch, .. } = op {
            self.look_for_doomed(ch);
        }
        if budget > 0 && self.world.spurious == 0 {
            self.end_spurious();
        }
        // It goes on at once; what it woke runs when it has announced its next operation.
        match self.goroutines[g.index()].status {
            Status::Running => return Some(Next::Resume(g)),
            Status::Ready => {
                let at = self.ready.iter().rposition(|&r| r == g).expect("a ready goroutine is queued");
                self.ready.remove(at);
                self.goroutines[g.index()].status = Status::Running;
                return Some(Next::Resume(g));
            }
            _ => {}
        }
        (!self.ready.is_empty()).then_some(Next::Advance)
    }

    /// Nobody wakes up without a cause any more.
    fn end_spurious(&mut self) {
        for i in 0..self.pending.len() {
            if self.pending[i].optional {
                self.refresh(Gid(i as u32));
            }
        }
    }

    /// Apply the happens-before effects of the step.
    #[inline]
    fn learn(&mut self, g: Gid, op: &Op) {
        self.clocks.apply(g, &self.world.footprint);
        suite::applied(&mut self.suite, g, &self.world.footprint, op);
        for &(peer, access) in &self.world.learned {
            self.clocks.apply(peer, &[access]);
            suite::applied(&mut self.suite, peer, &[access], op);
        }
        if let Op::Fence(order) = *op {
            self.clocks.fence(g, order);
        }
    }

    /// Keep account of loops that only look.
    fn look(&mut self, g: Gid, op: &Op, site: SiteRef) {
        let only_looked = op.only_looks() && Spin::looks(&self.world.footprint);
        let spin = &mut self.spins[g.index()];
        if only_looked {
            let world = &self.world;
            spin.looked(site, &world.footprint, |o| world.slot(o).version);
        } else {
            spin.clear();
        }
    }

    /// The operation of `g` is complete, or goes on with its next phase.
    fn proceed(&mut self, g: Gid, step: Step) {
        match step {
            Step::Done(ret) => self.complete(g, ret),
            Step::Next(op) => self.pend(g, op),
        }
    }

    /// The operation of `g` is complete: it is to be resumed.
    pub(super) fn complete(&mut self, g: Gid, ret: Ret) {
        self.complete_own(g, ret);
        self.goroutines[g.index()].status = Status::Ready;
        self.ready.push_back(g);
    }

    /// The operation of `g`, whose step it is, is complete: it goes on at once.
    #[inline]
    fn complete_own(&mut self, g: Gid, ret: Ret) {
        let me = &mut self.goroutines[g.index()];
        me.ret = ret;
        me.status = Status::Running;
        let was_optional = std::mem::take(&mut self.pending[g.index()].optional);
        self.optional -= u32::from(was_optional);
        if was_optional && self.follows {
            self.strategy.enabled(g);
        }
    }

    /// Move on the goroutines the step woke, and look again at those it may have enabled.
    #[inline]
    fn after_effects(&mut self) {
        if !self.world.woken.is_empty() {
            self.move_woken();
        }
        for i in 0..self.world.touched.len() {
            let obj = self.world.touched[i];
            for k in 0..self.world.slot(obj).pending.len() {
                let g = self.world.slot(obj).pending[k];
                if matches!(self.pending[g.index()].op, Op::Await) {
                    self.stirred.push(g);
                } else {
                    self.refresh(g);
                }
            }
        }
        self.wake_parked();
        while let Some(g) = self.stirred.pop() {
            self.stir(g);
        }
    }

    /// Move on the goroutines the step woke.
    fn move_woken(&mut self) {
        for i in 0..self.world.woken.len() {
            let (peer, step) = self.world.woken[i];
            let op = self.pending[peer.index()].op;
            self.unregister(peer, &op);
            if op.deadline().is_some() {
                self.world.timers.disarm(Due::Operation(peer));
            }
            self.recorder.woken(self.steps, peer, &self.pending[peer.index()], step);
            self.proceed(peer, step);
        }
    }

    /// An object a spinning goroutine reads was touched: if it changed, the goroutine goes on.
    fn stir(&mut self, g: Gid) {
        if matches!(self.pending[g.index()].op, Op::Await) && self.world.spin_changed(g) {
            self.spins[g.index()].clear();
            self.resume_spin(g);
        }
    }

    /// The last handle of one end of a channel went away: nobody can meet those who wait at the other.
    fn look_for_doomed(&mut self, ch: ObjId) {
        for k in 0..self.world.slot(ch).pending.len() {
            let g = self.world.slot(ch).pending[k];
            if self.doomed_at.is_none() && !self.enabled.contains(g) && self.is_doomed(g) {
                self.doomed_at = Some(self.steps);
            }
        }
    }

    /// A token is not an object: whoever it belongs to is looked at directly.
    fn wake_parked(&mut self) {
        use selvedge_checkers::access::Part;
        if let Some(access) = self.world.footprint.first()
            && access.res.part == Part::Token
        {
            let target = Gid(access.res.owner);
            if self.goroutines[target.index()].status == Status::Pending {
                self.refresh(target);
            }
        }
    }

    /// Tell the strategy whose pending operation conflicts with the step just made: everybody's on
    /// an object it wrote, and those that would write on an object it read.
    fn tell_conflicts(&mut self, g: Gid) {
        use selvedge_checkers::access::Mode;
        let mut last = None;
        for access in &self.world.footprint {
            let key = (access.res.owner, access.mode == Mode::Read);
            if access.res.part.is_of_goroutine() || last.replace(key) == Some(key) {
                continue;
            }
            for &other in &self.world.slot(ObjId(access.res.owner)).pending {
                let reads = access.mode == Mode::Read && self.pending[other.index()].op.only_reads();
                if other != g && !reads {
                    self.strategy.conflicts(other);
                }
            }
        }
    }

    /// The running goroutine has ended.
    pub(super) fn exit(&mut self, g: Gid) {
        self.goroutines[g.index()].status = Status::Exited;
        self.world.goroutines[g.index()].exited = true;
        self.live -= 1;
        if self.enabled.remove(g) && self.follows {
            self.strategy.disabled(g);
        }
        self.recorder.exited(self.steps, g, self.goroutines[g.index()].spawned);
        let joiners = std::mem::take(&mut self.goroutines[g.index()].joiners);
        for joiner in joiners {
            self.clocks.join(joiner, g);
            self.suite.joined(joiner, g);
            self.complete(joiner, Ret::Unit);
        }
        self.retire(g);
        if g == Gid::MAIN {
            self.main_returned_at = Some(self.steps);
            let (goroutines, pending) = (&self.goroutines, &self.pending);
            let unfinished = |g: &Gid| match goroutines[g.index()].status {
                Status::Exited => false,
                Status::Pending => {
                    self.enabled.contains(*g) || matches!(pending[g.index()].op, Op::Sleep { .. })
                }
                Status::New | Status::Ready | Status::Running => true,
            };
            self.outlived_main = (1..goroutines.len() as u32).map(Gid).filter(unfinished).collect();
        }
    }

    /// Forget what an ended goroutine knew if nobody can join it. Of those that outlive main it is
    /// still asked at the end.
    pub(super) fn retire(&mut self, g: Gid) {
        let me = &self.goroutines[g.index()];
        if me.detached && me.status == Status::Exited && self.main_returned_at.is_none() {
            self.clocks.retire(g);
        }
    }

    /// An unsynchronised access of the running goroutine to a variable.
    pub(super) fn access(&mut self, cell: ObjId, write: bool, site: SiteRef) {
        let g = self.running;
        let access = RaceAccess { g, write, site, step: self.steps };
        self.recorder.access(self.steps, g, cell, write, site);
        let Some(race) = self.races.access(&self.clocks, cell, access) else { return };
        let side = |a: RaceAccess| Side {
            g: a.g,
            op: if a.write { OpKind::Write } else { OpKind::Read },
            site: a.site.into(),
            step: a.step,
        };
        self.find(Finding {
            slug: Slug::DataRace,
            evidence: Evidence::Race { object: cell, first: side(race.first), second: side(race.second) },
        });
    }

    /// An operation of an unwinding goroutine took effect without a decision.
    pub(super) fn settle(&mut self, g: Gid, op: &Op) {
        self.learn(g, op);
        self.after_effects();
    }

    /// A panic that nobody recovers and nobody can join ends the program.
    pub(super) fn unrecovered(&mut self, g: Gid, panic: Panic) {
        if panic.passes_on() {
            // The first thing to know is what went wrong in the goroutines that were joined.
            let claimed = |g: &mut Goroutine| g.claimed.take();
            let first: Vec<_> = self.goroutines.iter_mut().map(claimed).enumerate().collect();
            for (i, panic) in first {
                let Some(panic) = panic else { continue };
                self.unrecovered(Gid(i as u32), panic);
            }
            if self.ending == Ending::Fatal {
                return;
            }
        }
        let p = self.pending[g.index()];
        let site = panic.last.site.clone().unwrap_or_else(|| p.site.into());
        let side = Side { g, op: p.op.kind(), site, step: panic.step };
        let message = panic.message();
        let (slug, object) = panic.misuse().map_or((Slug::Panic, None), |(m, object)| (m.slug(), object));
        self.find(Finding { slug, evidence: Evidence::Panic { message, side, object } });
        self.ending = Ending::Fatal;
        self.debris.push(panic.payload);
    }

    /// Keep a finding, once.
    pub(super) fn find(&mut self, finding: Finding) {
        if !self.findings.iter().any(|f| f.same_bug(&finding)) {
            self.findings.push(finding);
        }
    }

    /// The state of an object, for those who ask without operating on it.
    pub(super) fn state(&self, obj: ObjId) -> &State {
        self.world.state(obj)
    }
}
