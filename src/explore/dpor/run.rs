//! One execution of the search: follows a leaf, goes on freely, and logs what happens.
//!
//! An execution that begins with the decisions of the last one, with the same beside them, does the same:
//! what is known of these events is kept, and only the rest is worked out.
//!
//! Invariants: what it decides and what it gives depend on the program and the leaf alone; where
//! nothing is prescribed, it does nothing that sleeps, unless there is nothing else to do.

use super::index::mix;
use super::leaf::{Candidate, Leaf, Outcome};
use super::log::Log;
use super::names::{CLOCK, NAMELESS, Names};
use super::pace::Pace;
use super::races::Races;
use super::reverse::Bench;
use super::schedule::{Choice, Lists, Planned, Touch, conflict};
use super::trial::Trial;
use crate::model::{Nondeterminism, Scene, Tracer};
use crate::objects::label::{Label, label};
use crate::objects::timer::Due;
use crate::objects::{Op, Ret, State, Step, World, chan};
use selvedge_checkers::access::Access;
use selvedge_checkers::ids::{Gid, ObjId};
use std::ops::Range;

/// A decision about to be made.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub(super) alternative: u32,
    pub(super) choices: u32,
    pub(super) label: Label,
}

/// What sleeps, in the terms of the execution.
pub(super) struct Asleep {
    pub(super) choice: Choice,
    pub(super) footprint: (u32, u32),
}

/// See the module.
#[derive(Default)]
pub(super) struct Run {
    /// What is followed, and what is to be followed next.
    leaf: Leaf,
    next: Leaf,
    pub(super) names: Names,
    pub(super) log: Log,
    pub(super) races: Races,
    pub(super) bench: Bench,
    /// The events of a schedule that are taken over.
    pub(super) kept: Vec<usize>,
    /// How many decisions are prescribed.
    followed: usize,
    /// Which of the leaf's sleepers come next.
    waking: usize,
    pub(super) sleepers: Vec<Asleep>,
    pub(super) sleeping_touches: Vec<Touch>,
    /// What sleeps, and what slept when each event was chosen.
    pub(super) sleep: Vec<u32>,
    pub(super) slept: Vec<u32>,
    pub(super) sleeps: Vec<Range<u32>>,
    /// The events as a schedule: in names that hold for every execution.
    pub(super) plan: Vec<Planned>,
    pub(super) lists: Lists,
    /// What the events up to each distinguish in the trace, as far as it was asked for.
    hashes: Vec<u64>,
    /// The schedule that is being worked out, and the event it follows from.
    pub(super) draft: Vec<Planned>,
    pub(super) since: u32,
    pub(super) candidates: Vec<Candidate>,
    pub(super) schedules: Vec<u32>,
    pub(super) new: Vec<Planned>,
    pub(super) chosen: Option<Chosen>,
    pub(super) pace: Pace,
    /// Who goes on alone, and the events after which goroutines stopped for good.
    pub(super) trial: Option<Trial>,
    pub(super) stops: Vec<u32>,
    /// What each goroutine has seen so far, and how many channels it has made.
    history: Vec<(u64, u64)>,
    pub(super) is_blocked: bool,
    /// What follows is not looked at any more: see [`Outcome::is_vain`].
    pub(super) is_vain: bool,
    pub(super) has_died: bool,
    /// It was not made to its end.
    pub(super) is_cut: bool,
    /// Schedules that could not be worked out or followed.
    pub(super) lost: u64,
    /// There was no room for all schedules.
    pub(super) is_outgrown: bool,
    /// The order of its events is known.
    pub(super) is_analysed: bool,
    nondeterminism: Option<Nondeterminism>,
    /// At most so many preemptions are asked for.
    pub(super) bound: Option<u32>,
    pub(super) order: super::bound::Order,
    /// The trace needs more.
    pub(super) is_beyond: bool,
    /// Executions of more events, or of more races than that pays for, are not analysed.
    pub(super) limit: Option<usize>,
}

impl Run {
    /// The leaf to be followed next; to be set before the execution begins.
    pub(super) fn next_mut(&mut self) -> &mut Leaf {
        &mut self.next
    }

    /// The leaf of the execution that is run, or was run last.
    pub(super) fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// How many events an earlier execution shared.
    pub(super) fn fresh(&self) -> usize {
        self.leaf.fresh
    }

    /// How many decisions are prescribed.
    pub(super) fn followed(&self) -> usize {
        self.followed
    }

    /// What `g` has seen so far.
    #[cfg(test)]
    pub(super) fn history(&self, g: Gid) -> u64 {
        self.history[g.index()].0
    }

    /// The execution begins.
    pub(super) fn begin(&mut self) {
        let shared = self.shared();
        std::mem::swap(&mut self.leaf, &mut self.next);
        self.keep(shared);
        self.followed = self.leaf.path.len();
        self.names.clear();
        self.log.clear();
        self.candidates.clear();
        self.schedules.clear();
        self.new.clear();
        self.history.clear();
        self.pace.clear();
        self.trial = None;
        self.stops.clear();
        self.chosen = None;
        self.is_blocked = false;
        self.is_vain = false;
        self.has_died = false;
        self.is_cut = false;
        self.lost = 0;
        self.is_outgrown = false;
        self.is_analysed = false;
        self.nondeterminism = None;
        self.is_beyond = false;
    }

    /// How many events of the last execution are the first of the next one as well, with the same asleep
    /// before and after each.
    fn shared(&self) -> usize {
        // An object that had to be named by nobody got its name when an event was closed.
        if self.names.mentions().iter().any(|mention| mention.name == NAMELESS) {
            return 0;
        }
        let made = self.plan.iter().map(|planned| planned.choice);
        let same = self.next.path.iter().zip(made).take_while(|(next, made)| *next == made).count();
        // More may belong to the last event than to the same one of another execution.
        let same = same.min(self.sleeps.len().saturating_sub(1));
        let same = same.min(self.leaf.same_beside(&self.next));
        let stops = |&event: &u32| self.plan[event as usize].stops == self.next.stops.contains(&event);
        (0..same as u32).take_while(stops).count()
    }

    /// Go back to where so many events are over, and the next decision is about to be made.
    fn keep(&mut self, shared: usize) {
        self.sleep.clear();
        let slept = match self.sleeps.get(shared) {
            Some(slept) if shared > 0 => slept.clone(),
            _ => 0..0,
        };
        self.sleep.extend_from_slice(&self.slept[slept.start as usize..slept.end as usize]);
        self.slept.truncate(slept.start as usize);
        self.sleeps.truncate(shared);
        self.waking = self.leaf.sleepers.iter().take_while(|q| (q.depth as usize) < shared).count();
        self.sleepers.truncate(self.waking);
        self.sleeping_touches.truncate(self.sleepers.last().map_or(0, |q| q.footprint.1 as usize));
        self.plan.truncate(shared);
        self.lists.truncate(self.plan.last());
        self.hashes.truncate(shared);
        self.races.keep(shared);
    }

    /// The execution is over: work out what it could have done otherwise.
    pub(super) fn end(&mut self) {
        if self.limit.is_some_and(|limit| self.log.events.len() > limit) {
            self.lost += 1;
        } else if !self.is_blocked {
            self.close_event();
            for &event in &self.stops {
                self.plan[event as usize].stops = true;
            }
            self.conclude();
        }
    }

    /// Give away what the execution came to; the buffers of `outcome` are used for the next one.
    pub(super) fn give(&mut self, outcome: &mut Outcome) {
        outcome.trace = self.trace();
        outcome.plan.clone_from(&self.plan);
        outcome.lists.clone_from(&self.lists);
        std::mem::swap(&mut outcome.candidates, &mut self.candidates);
        std::mem::swap(&mut outcome.schedules, &mut self.schedules);
        std::mem::swap(&mut outcome.new, &mut self.new);
        outcome.mentions.clear();
        outcome.mentions.extend(self.names.mentions().iter().map(|m| (m.name, m.object.0)));
        outcome.goroutines.clear();
        outcome.goroutines.extend(self.names.goroutines());
        outcome.followed = self.followed;
        outcome.is_blocked = self.is_blocked;
        outcome.is_vain = self.is_vain;
        outcome.has_died = self.has_died;
        outcome.lost = self.lost;
        outcome.is_outgrown = self.is_outgrown;
        outcome.nondeterminism = self.nondeterminism;
        outcome.is_beyond = self.is_beyond && !self.is_vain;
    }

    /// What distinguishes the trace of the execution from all others; `None` if that is not known.
    fn trace(&mut self) -> Option<u64> {
        if self.is_blocked || self.is_vain || !self.is_analysed {
            return None;
        }
        for event in self.hashes.len()..self.plan.len() {
            self.hashes.push(self.hash_of(event));
        }
        Some(self.hashes.iter().copied().fold(0, u64::wrapping_add))
    }

    /// The next decision, if it is prescribed.
    fn prescribed(&self) -> Option<Choice> {
        let depth = self.log.events.len();
        (depth < self.followed).then(|| self.leaf.path[depth])
    }

    /// Whether this choice is covered elsewhere.
    pub(super) fn is_asleep(&self, choice: Choice) -> bool {
        self.sleep.iter().any(|&q| self.sleepers[q as usize].choice == choice)
    }

    pub(super) fn choice(&self, g: Gid, label: Label) -> Choice {
        Choice { g: self.names.of(g), label: self.names.label(label) }
    }

    /// The last event is over: nothing more belongs to it.
    pub(super) fn close_event(&mut self) {
        let Some(last) = self.log.events.len().checked_sub(1) else { return };
        if self.plan.len() > last {
            return;
        }
        let (g, label) = (self.log.events[last].g, self.log.events[last].label);
        let choice = self.choice(g, label);
        let names = &mut self.names;
        let touches = self.log.footprint(last).iter().map(|&(res, mode)| names.touch(g, res, mode));
        let footprint = self.lists.add_footprint(touches);
        let causes = self.lists.add_causes(self.log.causes(last));
        let planned = Planned { choice, footprint, event: last as u32, causes, stops: false };
        if last < self.followed && !self.trial.as_ref().is_some_and(|trial| trial.includes(last)) {
            self.lay_down(last as u32);
        }
        let footprint = self.lists.footprint(&planned);
        // Time passes after everything there was, and before everything to come.
        let is_of_time = |g: u64| g == CLOCK || choice.g == CLOCK;
        self.sleep.retain(|&q| {
            let q = &self.sleepers[q as usize];
            let (from, to) = (q.footprint.0 as usize, q.footprint.1 as usize);
            !is_of_time(q.choice.g)
                && q.choice.g != choice.g
                && !conflict(&self.sleeping_touches[from..to], footprint, &self.names)
        });
        self.plan.push(planned);
    }

    /// What was there first at this depth sleeps.
    fn lay_down(&mut self, depth: u32) {
        while let Some(sleeper) = self.leaf.sleepers.get(self.waking).filter(|s| s.depth == depth) {
            self.waking += 1;
            let from = self.sleeping_touches.len() as u32;
            let named = self.leaf.footprint(sleeper).iter();
            self.sleeping_touches.extend(named.map(|&(owner, touch)| self.names.resolve(touch, owner)));
            let footprint = (from, self.sleeping_touches.len() as u32);
            self.sleep.push(self.sleepers.len() as u32);
            self.sleepers.push(Asleep { choice: sleeper.choice, footprint });
        }
    }

    /// The prescribed decision; `None` if it is not possible.
    fn follow(&self, scene: &Scene<'_>, wanted: Choice) -> Option<(Gid, Chosen)> {
        let g = self.names.goroutine(wanted.g)?;
        if g == Gid::CLOCK || !scene.enabled.contains(&g) {
            return None;
        }
        let op = &scene.pending[g.index()].op;
        let choices = scene.world.outcomes(g, op);
        (0..choices).find_map(|alternative| {
            let label = label(scene.world, g, op, alternative);
            (self.names.label(label) == wanted.label).then_some((g, Chosen { alternative, choices, label }))
        })
    }

    /// What is prescribed cannot be done. Where an execution has been, the program did something else
    /// after the same decisions; elsewhere the plan was wrong.
    pub(super) fn lose_way(&mut self) {
        let step = self.log.events.len();
        if step < self.leaf.fresh {
            self.nondeterminism.get_or_insert(Nondeterminism { step: step as u32, expected: 1, found: 0 });
        }
        if step < self.plan.len() {
            self.keep(step);
            self.note_choice();
        }
        self.lost += 1;
        self.is_blocked = true;
        self.followed = step;
    }

    /// What an event adds to what distinguishes the trace from all others: its outcome and its past, in
    /// whichever way they were linearized.
    fn hash_of(&self, event: usize) -> u64 {
        let width = self.log.width();
        let name = |g: usize| self.names.of(if g == width { Gid::CLOCK } else { Gid(g as u32) });
        let before = self.races.row(event).iter().enumerate().filter(|(_, n)| **n > 0);
        let past = before.fold(0_u64, |sum, (g, &n)| sum.wrapping_add(mix(name(g), n.into())));
        let Choice { g, label } = self.plan[event].choice;
        mix(mix(mix(g, label), past), u64::from(self.log.events[event].nth))
    }

    /// What distinguishes the trace of the last execution from all others.
    #[cfg(test)]
    pub(super) fn canonical(&self) -> u64 {
        (0..self.plan.len()).map(|event| self.hash_of(event)).fold(0, u64::wrapping_add)
    }

    pub(super) fn note_choice(&mut self) {
        self.close_event();
        if self.sleeps.len() > self.log.events.len() {
            return;
        }
        let from = self.slept.len() as u32;
        self.slept.extend_from_slice(&self.sleep);
        self.sleeps.push(from..self.slept.len() as u32);
    }

    /// The goroutine has seen `ret`.
    fn saw(&mut self, g: Gid, ret: Ret) {
        let word = match ret {
            Ret::Unit => 1,
            Ret::Flag(flag) => 2 + u64::from(flag),
            Ret::Value(value) => mix(4, value),
            Ret::Exchange { old, done } => mix(5 + u64::from(done), old),
            Ret::Message(_) => 7,
            Ret::Closed => 8,
            Ret::WouldBlock => 9,
            Ret::TimedOut => 10,
            Ret::Arm { arm, ticket } => mix(11 + u64::from(ticket.is_some()), arm.into()),
            Ret::Misuse(_) => 13,
        };
        let (seen, _) = &mut self.history[g.index()];
        *seen = mix(*seen, word);
    }

    fn saw_what_woke(&mut self, world: &World) {
        for &(peer, step) in &world.woken {
            if let Step::Done(ret) = step {
                self.saw(peer, ret);
            }
        }
    }

    /// Decide.
    pub(super) fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        if self.is_vain {
            return scene.default_choice();
        }
        let unseen = |g: &&Gid| nobody_sees(scene.world, &scene.pending[g.index()].op);
        if let Some(&g) = scene.enabled.iter().find(unseen) {
            return g;
        }
        if self.trial.is_some()
            && let Some((g, chosen)) = self.choose_in_trial(scene)
        {
            return self.make(scene, g, chosen);
        }
        self.note_choice();
        let followed = self.prescribed().map(|choice| self.follow(scene, choice));
        let (g, chosen) = match followed {
            Some(Some(found)) => found,
            Some(None) => {
                self.lose_way();
                self.choose(scene)
            }
            None => self.choose(scene),
        };
        self.make(scene, g, chosen)
    }

    /// This is the decision.
    fn make(&mut self, scene: &Scene<'_>, g: Gid, chosen: Chosen) -> Gid {
        self.chosen = Some(chosen);
        let op = &scene.pending[g.index()].op;
        if chosen.choices > 1 && matches!(op, Op::Load { .. }) {
            self.log.offer((0..chosen.choices).map(|n| label(scene.world, g, op, n)));
        }
        g
    }
}

impl Run {
    /// Nobody can go on with a cause: who is to wake up without one.
    pub(super) fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        let wanted = self.prescribed().filter(|wanted| wanted.is_spurious() && !self.is_vain)?;
        self.note_choice();
        let Some((g, chosen)) = self.follow(scene, wanted) else {
            self.lose_way();
            return None;
        };
        self.chosen = Some(chosen);
        Some(g)
    }
}

impl Tracer for Run {
    fn created(&mut self, world: &World, g: Gid, object: ObjId) {
        let state = world.state(object);
        self.log.created(world, object);
        // A channel is made by whoever makes it, anything else by whoever happens to use it first.
        if matches!(state, State::Chan(_)) {
            let (seen, made) = &mut self.history[g.index()];
            *made += 1;
            let name = mix(mix(*seen, self.names.of(g)), *made << 32);
            self.names.mention(g, object, name);
        }
    }

    fn announced(&mut self, world: &World, g: Gid, op: &Op) {
        // To join is no step: it goes on as part of the other's last one.
        if matches!(op, Op::Join(_)) || nobody_sees(world, op) {
            return;
        }
        self.log.announced(world, g, op);
        // What a mutex protects is nothing that was seen, and yet may decide between unlocking and waiting.
        let seen = mix(mix(self.history[g.index()].0, self.names.of(g)), op.kind() as u64);
        let names = &mut self.names;
        let mut slot = 0;
        self.log.objects_of(g, op, self.log.announcements(g), |object| {
            slot += 1;
            names.mention(g, object, mix(seen, slot));
        });
    }

    fn pended(&mut self, world: &World, g: Gid, op: &Op) {
        if nobody_sees(world, op) {
            return;
        }
        self.log.pended(g, op);
    }

    fn outcome(&mut self, _world: &World, _g: Gid, _op: &Op, _n: u32) -> u32 {
        self.chosen.map_or(0, |chosen| chosen.alternative)
    }

    fn tie(&mut self, due: &[Due]) -> u32 {
        self.close_event();
        let wanted = self.prescribed().map(|choice| choice.label);
        let labels: Vec<u64> = due.iter().map(|&due| self.names.label(label_of(due))).collect();
        let at = match wanted {
            Some(wanted) => labels.iter().position(|&label| label == wanted).unwrap_or(0),
            None => 0,
        };
        self.log.tied(due);
        at as u32
    }

    fn stepped(&mut self, world: &World, g: Gid, op: &Op, alternative: u32, step: Step) {
        if nobody_sees(world, op) {
            return;
        }
        let chosen = self.chosen.take().unwrap_or(Chosen { alternative, choices: 1, label: Label::Only });
        self.log.stepped(world, g, op, (alternative, chosen.choices, chosen.label), step);
        if let Step::Done(ret) = step {
            self.saw(g, ret);
        }
        self.saw_what_woke(world);
    }

    fn fired(&mut self, world: &World, due: Due) {
        self.note_choice();
        let fired = self.choice(Gid::CLOCK, label_of(due));
        if self.prescribed().is_some_and(|wanted| wanted != fired) {
            self.lose_way();
        }
        self.log.fired(world, due, label_of(due));
        if let Due::Operation(g) = due {
            self.saw(g, Ret::TimedOut);
        }
        self.saw_what_woke(world);
    }

    fn tries_loop(&mut self, world: &World, g: Gid, op: &Op, is_same: bool) -> bool {
        self.try_loop(world, g, op, is_same)
    }

    fn leaves_loop(&mut self, g: Gid) {
        self.pass_trial(g);
    }

    fn stays_in_loop(&mut self, g: Gid) -> u32 {
        self.fail_trial(g)
    }

    fn granted(&mut self, g: Gid) {
        self.log.granted(g);
    }

    fn went_in_vain(&mut self) {
        self.is_vain = true;
    }

    fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        self.names.spawned(if child == Gid::MAIN { None } else { parent }, child);
        self.log.spawned(parent, child);
        let inherited = parent.map_or(0, |parent| self.history[parent.index()].0);
        self.history.push((inherited, 0));
    }

    fn joined(&mut self, joiner: Gid, target: Gid) {
        self.log.joined(joiner, target);
        let told = self.history[target.index()].0;
        let (seen, _) = &mut self.history[joiner.index()];
        *seen = mix(*seen, told);
    }

    fn died(&mut self) {
        self.has_died = true;
    }

    fn cut(&mut self) {
        self.is_cut = true;
    }

    fn exited(&mut self, g: Gid) {
        self.pass_trial(g);
        self.log.exited(g);
    }

    fn settled(&mut self, world: &World, g: Gid, op: &Op) {
        self.log.settled(world, g, op);
    }

    fn touched(&mut self, _g: Gid, access: Access) {
        self.log.touched(access);
    }
}

/// Whether the step changes nothing that another goroutine could ever notice: it belongs to the one
/// before, whoever happens to make it.
fn nobody_sees(world: &World, op: &Op) -> bool {
    matches!(*op, Op::HandleDrop { ch, .. } if !chan::hangs_up(world.state(ch)))
}

/// What time did.
pub(super) fn label_of(due: Due) -> Label {
    match due {
        Due::Operation(g) => Label::TimesOut(g),
        Due::Timer(object) => Label::Fires(object),
    }
}
