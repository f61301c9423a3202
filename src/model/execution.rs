//! One execution: the goroutines' pending operations, the world they act on, and the loop that
//! lets one of them take effect after the other.
//!
//! Invariants:
//! - A decision is made only while every goroutine has announced its operation, is blocked, or has
//!   ended; what user code does between two operations is invisible and needs no decision.
//! - `enabled` holds exactly the goroutines whose pending operation has an alternative or may end
//!   without a cause (counted apart in `optional`).
//! - Nothing here runs user code or switches stacks: [`super::engine`] does, between calls.

mod effects;
mod hold;
mod life;
mod time;

pub(crate) use hold::{Hold, Stand};

use super::decision::{Decision, Scene, Strategy, Tracer};
use super::enabled::Enabled;
use super::goroutine::{Goroutine, Status};
use super::limits::Limits;
use super::panics::Panic;
use super::pulse::Pulse;
use super::record::Recorder;
use super::repair::Repaired;
use super::spin::{self, Spin};
use super::suite;
use crate::objects::timer::{self, Due};
use crate::objects::{Op, Ret, State, Step, World, atomic, wait_group};
use crate::port::Spawn;
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::race::{Access as RaceAccess, Races};
use selvedge_checkers::suite::Suite;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

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
    /// Whether the strategy repeats what another one decided.
    repeats: bool,
    /// Whether the strategy is told everything.
    pub(super) traces: bool,
    /// Whether timers may fire while goroutines could go on.
    fires_early: bool,
    /// A wait could have ended, or a weak exchange failed, without a cause.
    pub(super) spurious: bool,
    pub(super) main_returned_at: Option<u32>,
    /// Goroutines that could still go on when main returned.
    pub(super) outlived_main: Vec<Gid>,
    fires_after_main: u32,
    pub(super) races: Races,
    pub(super) suite: Suite,
    pub(super) findings: Vec<Finding>,
    pub(super) recorder: Recorder,
    /// Switches away from a goroutine that could go on with a cause, if what happens is recorded.
    pub(super) preemptions: u32,
    pub(super) timer_functions: Vec<(ObjId, TimerFunction)>,
    /// Payloads nobody wants, to be dropped where user code may run.
    pub(super) debris: Vec<Box<dyn Any + Send>>,
    /// Spinning goroutines to be looked at again after the step.
    stirred: Vec<Gid>,
    /// A goroutine went round in vain although somebody let it go on later: a strategy that is told
    /// everything knows what follows from executions in which it did not.
    goes_on_in_vain: bool,
    /// Nobody woke without a cause where nobody could go on otherwise, and then somebody who spins was let go on:
    /// before the next decision nobody does, or it could not be told from one made there.
    lets_rest: bool,
    /// Goroutines whose wait nobody can end any more, with the step it became so.
    pub(super) doomed_at: Option<u32>,
    /// The worker's sign of life, and its value when the execution began.
    pub(super) beat: Arc<Pulse>,
    beats: u64,
    /// Panics in std's code, with the stack they came from.
    in_std: Vec<(Gid, Vec<usize>)>,
    /// Who does not come to run: see [`Hold`].
    pub(super) holds: Vec<Hold>,
    /// What the change of the program, if any, keeps in mind.
    pub(super) repaired: Repaired,
}

impl Execution {
    pub(super) fn new(strategy: Box<dyn Strategy>, limits: Limits, beat: Arc<Pulse>) -> Execution {
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
            repeats: false,
            traces: false,
            fires_early: false,
            spurious: false,
            main_returned_at: None,
            outlived_main: Vec::new(),
            fires_after_main: 0,
            races: Races::default(),
            suite: Suite::default(),
            findings: Vec::new(),
            recorder: Recorder::default(),
            preemptions: 0,
            timer_functions: Vec::new(),
            debris: Vec::new(),
            stirred: Vec::new(),
            goes_on_in_vain: false,
            lets_rest: false,
            doomed_at: None,
            beat,
            beats: 0,
            in_std: Vec::new(),
            holds: Vec::new(),
            repaired: Repaired::default(),
        }
    }

    /// Forget the last execution, keeping the memory.
    pub(super) fn reset(&mut self) {
        self.traces = self.strategy.tracer().is_some();
        let mut budget = self.limits.budget();
        if self.traces {
            // The reduction does not know timers that come early.
            budget.early = 0;
        }
        self.world.reset(budget, self.limits.weak);
        self.world.keeps_ids = self.traces;
        self.world.traced = self.traces;
        self.goroutines.clear();
        self.pending.clear();
        self.spins.iter_mut().for_each(Spin::begin);
        self.enabled.clear();
        self.optional = 0;
        self.ready.clear();
        self.stirred.clear();
        self.goes_on_in_vain = false;
        self.lets_rest = false;
        self.current = Gid::MAIN;
        self.running = Gid::MAIN;
        self.live = 0;
        self.beats += u64::from(self.steps) + 1;
        self.steps = 0;
        self.decisions.clear();
        self.fingerprint = 0xcbf2_9ce4_8422_2325;
        self.ending = Ending::Running;
        self.follows = self.strategy.follows();
        self.repeats = self.strategy.repeats();
        self.fires_early = budget.early > 0;
        self.spurious = false;
        self.main_returned_at = None;
        self.outlived_main.clear();
        self.fires_after_main = 0;
        self.races.reset();
        self.suite.reset();
        self.findings.clear();
        self.in_std.clear();
        self.recorder.reset();
        self.preemptions = 0;
        self.timer_functions.clear();
        self.doomed_at = None;
        self.repaired.reset();
        self.beat.beat(self.beats);
    }

    /// The running goroutine is about to operate: from now on `op` is its pending operation.
    #[inline(always)]
    pub(super) fn announce(&mut self, g: Gid, op: Op, site: SiteRef) {
        let p = &mut self.pending[g.index()];
        p.site = site;
        p.index += 1;
        p.since = self.steps;
        self.tell(|tracer, world| tracer.announced(world, g, &op));
        if self.goes_in_circles(g, &op, site) {
            let op = self.set_aside(g, op);
            self.pend(g, op);
        } else if matches!(op, Op::Yield) {
            self.pending[g.index()].op = op;
            self.pend_yield(g);
        } else {
            self.pend(g, op);
        }
    }

    /// Whether the goroutine, about to do `op`, is to be set aside.
    #[inline]
    fn goes_in_circles(&mut self, g: Gid, op: &Op, site: SiteRef) -> bool {
        if self.is_told() {
            self.goes_on_in_circles(g, op, site)
        } else {
            op.may_only_look() && self.spins[g.index()].circles(site, op.object(), self.limits.patience())
        }
    }

    /// The operation that `g` has just announced cannot take effect.
    fn has_blocked(&mut self, g: Gid) {
        if self.doomed_at.is_none() && self.is_doomed(g) {
            self.doomed_at = Some(self.steps);
        }
    }

    fn register_with_many(&mut self, g: Gid, op: &Op) {
        let mut objects = Vec::new();
        self.objects_of(g, op, |o| objects.push(o));
        for o in objects.into_iter().filter(|&o| o != ObjId::NIL) {
            self.world.slot_mut(o).pending.push(g);
        }
    }

    fn unregister_with_many(&mut self, g: Gid, op: &Op) {
        let mut objects = Vec::new();
        self.objects_of(g, op, |o| objects.push(o));
        for o in objects.into_iter().filter(|&o| o != ObjId::NIL) {
            self.world.slot_mut(o).pending.retain(|&p| p != g);
        }
    }

    /// Make decisions until a goroutine is to run.
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
                if self.optional > 0
                    && let Some(g) = self.wakes_at_rest()
                {
                    match self.take_step(g) {
                        Some(next) => return self.unless_held(next),
                        None => continue,
                    }
                }
                match self.nobody() {
                    Some(next) => return next,
                    None => continue,
                }
            }
            if self.fires_early
                && let Some(next) = self.fire_early()
            {
                match next {
                    Next::Advance => return Next::Advance,
                    _ => continue,
                }
            }
            if self.repeats {
                self.goes_round();
            }
            let g = match std::mem::take(&mut self.lets_rest) && self.optional > 0 {
                true => self.pick_with_cause(),
                false => self.ask(|strategy, scene| strategy.pick(scene)),
            };
            debug_assert!(self.enabled.contains(g), "the strategy picked {g}, which is not enabled");
            if self.recorder.on && g != self.current {
                self.preemptions += u32::from(self.ask(|_, scene| scene.goes_on()));
            }
            if let Some(next) = self.take_step(g) {
                return self.unless_held(next);
            }
        }
    }

    /// Who goes next of those who can with a cause.
    #[cold]
    fn pick_with_cause(&mut self) -> Gid {
        let mut enabled = self.enabled.list().to_vec();
        enabled.retain(|g| !self.pending[g.index()].optional);
        let scene = Scene {
            enabled: &enabled,
            optional_count: 0,
            current: self.current,
            current_enabled: enabled.contains(&self.current),
            step: self.steps,
            pending: &self.pending,
            world: &self.world,
        };
        self.strategy.pick(&scene)
    }

    /// Show the strategy what there is.
    #[inline]
    fn ask<R>(&mut self, question: impl FnOnce(&mut dyn Strategy, &Scene<'_>) -> R) -> R {
        let scene = Scene {
            enabled: self.enabled.list(),
            optional_count: self.optional,
            current: self.current,
            current_enabled: self.enabled.contains(self.current),
            step: self.steps,
            pending: &self.pending,
            world: &self.world,
        };
        question(&mut *self.strategy, &scene)
    }

    /// Nobody can go on with a cause: who wakes up without one.
    fn wakes_at_rest(&mut self) -> Option<Gid> {
        let g = self.ask(|strategy, scene| strategy.wake_at_rest(scene))?;
        debug_assert!(self.pending[g.index()].optional, "{g} cannot wake up without a cause");
        Some(g)
    }

    #[inline]
    fn count_step(&mut self, g: Gid, alternative: u32, op: OpKind) {
        self.steps += 1;
        self.beat.beat(self.beats + u64::from(self.steps));
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
        self.spins[g.index()].yielded();
        self.recorder.yielded(self.steps, g, site);
        if self.traces {
            self.world.begin();
            self.tell(|tracer, world| tracer.stepped(world, g, &Op::Yield, 0, Step::Done(Ret::Unit)));
        }
        if self.follows {
            self.strategy.stepped(g, &self.pending, &[]);
        }
        self.complete_own(g, Ret::Unit);
        Some(Next::Resume(g))
    }

    /// What an operation other than a yield does. It is not inlined: it runs on the stacks of
    /// goroutines, and a yield is not to touch the lines that its large frame takes.
    #[inline(never)]
    fn take_effect(&mut self, g: Gid, op: Op, site: SiteRef) -> Option<Next> {
        let possible = self.possible(g, &op);
        let n = possible + u32::from(self.world.may_wake_spuriously(g, &op));
        let alternative = if n > 1 { self.alternative(g, &op, n) } else { 0 };
        let spurious = alternative >= possible;
        self.current = g;
        self.count_step(g, alternative, op.kind());
        self.unregister(g, &op);
        if op.deadline().is_some() {
            self.world.timers.disarm(Due::Operation(g));
        }
        let before = suite::before(&self.world, &op);
        let step = self.world.step(g, &op, alternative);
        self.tell(|tracer, world| tracer.stepped(world, g, &op, alternative, step));
        let number = self.steps;
        suite::executed(
            &mut self.suite,
            &self.world.clocks,
            &self.world,
            g,
            &op,
            &step,
            before,
            site,
            number,
        );
        self.learn(g, &op);
        self.look(g, &op, site, step);
        self.recorder.step(self.steps, g, &op, site, &step, (spurious, alternative), &self.world);
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

    fn alternative(&mut self, g: Gid, op: &Op, n: u32) -> u32 {
        let reads = matches!(op, Op::Load { .. } | Op::CompareExchange { .. });
        let may_fail = self.world.goroutines.get(g.index()).is_some_and(|me| me.budget.spurious > 0);
        self.spurious |= may_fail && matches!(op, Op::CompareExchange { weak: true, .. });
        let told = self.is_told();
        match self.strategy.tracer().filter(|_| told) {
            Some(tracer) => tracer.outcome(&self.world, g, op, n),
            None if reads => self.strategy.read(self.steps, g, n),
            None => self.strategy.alternative(self.steps, g, n),
        }
    }

    /// Whether the strategy is told everything. While it is, a goroutine that went round in vain stays
    /// where it is, whatever changes: the search runs the executions in which it did not go round.
    #[inline]
    pub(super) fn is_told(&self) -> bool {
        self.traces && !self.goes_on_in_vain
    }

    /// Tell the strategy, if it is told everything.
    #[inline]
    pub(super) fn tell(&mut self, what: impl FnOnce(&mut dyn Tracer, &World)) {
        if self.is_told()
            && let Some(tracer) = self.strategy.tracer()
        {
            what(tracer, &self.world);
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
            self.recorder.woken(self.steps, peer, &self.pending[peer.index()], step, &self.world);
            self.proceed(peer, step);
        }
    }

    /// Forget what an ended goroutine knew if nobody can join it. Of those that outlive main it is
    /// still asked at the end.
    pub(super) fn retire(&mut self, g: Gid) {
        let me = &self.goroutines[g.index()];
        if me.detached && me.status == Status::Exited && self.main_returned_at.is_none() {
            self.world.clocks.retire(g);
        }
    }
}
