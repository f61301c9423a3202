//! Every behaviour of a program exactly once: optimal dynamic partial order reduction.
//!
//! Two executions that differ only in the order of independent steps are one *trace*. Each execution is
//! logged; afterwards its races are reversed, and the schedules that do so go to the frontier tree. When
//! the tree is empty, every trace has been run. All of this works on the pure objects alone: a schedule
//! is worked out by simulating it, never by running user code.
//!
//! Not explored: wake-ups without a cause, and timers that fire while goroutines could go on; time
//! passes when nobody else can move.
//!
//! Invariants: a trace is never run twice; no execution is cut because all it could do is covered
//! (`blocked` counts those, and stays 0); the same program gives the same executions in the same order.

mod index;
mod known;
mod log;
mod names;
mod races;
mod reverse;
mod sim;
mod tree;

use crate::explore::rng::Rng;
use crate::model::{Nondeterminism, Scene, Strategy, Survey, Tracer};
use crate::objects::label::{Label, label};
use crate::objects::timer::Due;
use crate::objects::{Op, Ret, Step, World, chan, memory};
use index::mix;
use log::Log;
use names::Names;
use races::Races;
use reverse::Bench;
use selvedge_checkers::access::{Access, Mode, Part, Res};
use selvedge_checkers::ids::{Gid, ObjId};
use std::ops::Range;
use tree::{Choice, Lists, Planned, ROOT, Status, Touch, Tree, conflict};

/// In which order the leaves of the frontier are taken.
pub(crate) enum Order {
    /// Leftmost first: the order of a proof, which keeps the tree small.
    DepthFirst,
    /// Any: the order of a hunt, which sees different behaviour early.
    Random(Rng),
}

/// A decision about to be made.
#[derive(Clone, Copy)]
struct Chosen {
    alternative: u32,
    choices: u32,
    label: Label,
}

/// See the module.
pub(crate) struct Dpor {
    order: Order,
    tree: Tree,
    names: Names,
    log: Log,
    races: Races,
    bench: Bench,
    /// The events of a schedule that are taken over.
    kept: Vec<usize>,
    started: bool,
    /// The children to follow, and how many of them were there before the execution.
    path: Vec<u32>,
    forced: usize,
    /// From which depth on the execution goes where none has been.
    fresh: usize,
    /// What sleeps, and what slept when each event was chosen.
    sleep: Vec<u32>,
    slept: Vec<u32>,
    sleeps: Vec<Range<u32>>,
    /// The events as a schedule: in names that hold for every execution.
    plan: Vec<Planned>,
    lists: Lists,
    /// The schedule that is being worked out.
    draft: Vec<Planned>,
    chosen: Option<Chosen>,
    /// What each goroutine has seen so far.
    history: Vec<u64>,
    /// Everything it could do is covered elsewhere.
    is_blocked: bool,
    /// The program died in the execution.
    has_died: bool,
    /// There was an execution in which loads could have read old stores.
    is_weak: bool,
    progress: f64,
    pub(crate) counts: Counts,
    nondeterminism: Option<Nondeterminism>,
}

/// What the exploration came to so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// Executions of a trace of their own.
    pub(crate) explored: u64,
    /// Executions that turned out to repeat what others cover.
    pub(crate) blocked: u64,
    /// Schedules that could not be followed.
    pub(crate) lost: u64,
}

impl Dpor {
    pub(crate) fn new(order: Order) -> Dpor {
        Dpor {
            order,
            tree: Tree::new(),
            names: Names::default(),
            log: Log::default(),
            races: Races::default(),
            bench: Bench::default(),
            kept: Vec::new(),
            started: false,
            path: Vec::new(),
            forced: 0,
            fresh: 0,
            sleep: Vec::new(),
            slept: Vec::new(),
            sleeps: Vec::new(),
            plan: Vec::new(),
            lists: Lists::default(),
            draft: Vec::new(),
            chosen: None,
            history: Vec::new(),
            is_blocked: false,
            has_died: false,
            is_weak: false,
            progress: 0.0,
            counts: Counts::default(),
            nondeterminism: None,
        }
    }

    /// Whether an empty frontier means that there is no other trace. Where loads may read old stores,
    /// it takes the order of a proof.
    fn is_proof(&self) -> bool {
        let in_order = matches!(self.order, Order::DepthFirst) || !self.is_weak;
        in_order && self.counts.lost == 0
    }

    /// The next decision, if it is prescribed.
    fn prescribed(&self) -> Option<u32> {
        let depth = self.log.events.len();
        (depth < self.forced).then(|| self.path[depth])
    }

    /// Whether this choice is covered elsewhere.
    fn is_asleep(&self, choice: Choice) -> bool {
        self.sleep.iter().any(|&child| self.tree.get(child).choice == choice)
    }

    fn choice(&mut self, g: Gid, label: Label) -> Choice {
        Choice { g: self.names.of(g), label: self.label(label) }
    }

    /// A label in names that hold for every execution.
    fn label(&mut self, label: Label) -> u64 {
        let (kind, a, b) = match label {
            Label::Only => (0, 0, 0),
            Label::Choice(n) => (1, 0, n),
            Label::Wakes(g) => (2, 0, self.names.of(g)),
            Label::Arm(arm, message) => (3, arm, message),
            Label::Closed(arm) => (4, arm, 0),
            Label::Default => (5, 0, 0),
            Label::TimesOut(g) => (6, 0, self.names.of(g)),
            Label::Fires(object) => (7, 0, self.names.of_object(object)),
            Label::Write(g, number) => (8, self.writer(g), number),
            Label::Fails(g, number) => (9, self.writer(g), number),
        };
        kind << 60 | u64::from(a) << 32 | u64::from(b)
    }

    fn writer(&self, g: Gid) -> u32 {
        if g == memory::INITIAL { 0 } else { self.names.of(g) + 1 }
    }

    /// A footprint in names that hold for every execution.
    fn touch(names: &mut Names, res: Res, mode: Mode) -> Touch {
        let owner = match res.part {
            Part::Token | Part::Life => names.of(Gid(res.owner)),
            Part::Clock | Part::Fence => 0,
            _ => names.of_object(ObjId(res.owner)),
        };
        let index = match res.part {
            Part::Signal => names.of(Gid(res.index)),
            Part::Store => memory::renamed(res.index, |g| names.of(g)),
            _ => res.index,
        };
        Touch { owner, part: res.part, index, mode }
    }

    /// The last event is over: nothing more belongs to it.
    fn close_event(&mut self) {
        let Some(last) = self.log.events.len().checked_sub(1) else { return };
        if self.plan.len() > last {
            return;
        }
        let (g, label) = (self.log.events[last].g, self.log.events[last].label);
        let choice = self.choice(g, label);
        let names = &mut self.names;
        let touches = self.log.footprint(last).iter().map(|&(res, mode)| Self::touch(names, res, mode));
        let footprint = self.lists.add_footprint(touches);
        let causes = self.lists.add_causes(self.log.causes(last));
        let planned = Planned { choice, footprint, event: last as u32, causes };
        let footprint = self.lists.footprint(&planned);
        if last >= self.forced {
            let node = last.checked_sub(1).map_or(ROOT, |before| self.path[before]);
            let child = self.tree.append(node, choice, footprint, Status::Open);
            self.path.push(child);
        } else if last >= self.fresh {
            let child = self.tree.get_mut(self.path[last]);
            child.footprint.clear();
            child.footprint.extend_from_slice(footprint);
        }
        let child = self.path[last];
        let node = self.tree.parent(child);
        self.sleep.extend(self.tree.children(node).take_while(|&left| left != child));
        let (tree, names) = (&self.tree, &self.names);
        self.sleep.retain(|&q| {
            let q = tree.get(q);
            q.choice.g != choice.g && !conflict(&q.footprint, footprint, names)
        });
        self.plan.push(planned);
    }

    /// Choose where nothing is prescribed: the current goroutine if it has something new to do.
    fn choose(&mut self, scene: &Scene<'_>) -> (Gid, Chosen) {
        if scene.goes_on()
            && let Some(chosen) = self.choose_for(scene, scene.current)
        {
            return (scene.current, chosen);
        }
        let mut others: Vec<Gid> = scene.enabled.to_vec();
        others.retain(|&g| g != scene.current && !scene.pending[g.index()].optional);
        others.sort_unstable();
        let found = others.into_iter().find_map(|g| Some((g, self.choose_for(scene, g)?)));
        found.unwrap_or_else(|| {
            self.is_blocked = true;
            let g = scene.default_choice();
            let op = &scene.pending[g.index()].op;
            let choices = scene.world.alternatives(g, op);
            (g, Chosen { alternative: 0, choices, label: label(scene.world, g, op, 0) })
        })
    }

    /// The first outcome that `g` could have and that does not sleep.
    fn choose_for(&mut self, scene: &Scene<'_>, g: Gid) -> Option<Chosen> {
        let op = &scene.pending[g.index()].op;
        let choices = scene.world.alternatives(g, op);
        (0..choices).find_map(|alternative| {
            let label = label(scene.world, g, op, alternative);
            let choice = self.choice(g, label);
            (!self.is_asleep(choice)).then_some(Chosen { alternative, choices, label })
        })
    }

    /// The prescribed decision; `None` if it is not possible.
    fn follow(&mut self, scene: &Scene<'_>, child: u32) -> Option<(Gid, Chosen)> {
        let wanted = self.tree.get(child).choice;
        let g = self.names.goroutine(wanted.g)?;
        if g == Gid::CLOCK || !scene.enabled.contains(&g) {
            return None;
        }
        let op = &scene.pending[g.index()].op;
        let choices = scene.world.alternatives(g, op);
        (0..choices).find_map(|alternative| {
            let label = label(scene.world, g, op, alternative);
            (self.label(label) == wanted.label).then_some((g, Chosen { alternative, choices, label }))
        })
    }

    /// What is prescribed cannot be done. Where an execution has been, the program did something else
    /// after the same decisions; elsewhere the plan was wrong.
    fn lose_way(&mut self) {
        let step = self.log.events.len();
        if step < self.fresh {
            self.nondeterminism.get_or_insert(Nondeterminism { step: step as u32, expected: 1, found: 0 });
        }
        self.counts.lost += 1;
        self.is_blocked = true;
        self.forced = self.log.events.len();
        self.path.truncate(self.forced);
    }

    /// What distinguishes the trace of the last execution from all others: the outcomes of its events
    /// and their order, in whichever way it was linearized.
    fn canonical(&self) -> u64 {
        let width = self.log.width();
        let name = |g: usize| if g == width { names::CLOCK } else { self.names.of(Gid(g as u32)) };
        let hash = |(event, planned): (usize, &Planned)| {
            let before = self.races.row(event).iter().enumerate();
            let past = before.fold(0_u64, |sum, (g, &n)| sum.wrapping_add(mix(name(g).into(), n.into())));
            mix(
                mix(mix(planned.choice.g.into(), planned.choice.label), past),
                u64::from(self.log.events[event].nth),
            )
        };
        self.plan.iter().enumerate().map(hash).fold(0, u64::wrapping_add)
    }

    fn note_choice(&mut self) {
        self.close_event();
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
        let seen = &mut self.history[g.index()];
        *seen = mix(*seen, word);
    }

    fn saw_what_woke(&mut self, world: &World) {
        for &(peer, step) in &world.woken {
            if let Step::Done(ret) = step {
                self.saw(peer, ret);
            }
        }
    }
}

impl Strategy for Dpor {
    fn begin(&mut self, _index: u64) -> bool {
        self.path.clear();
        if self.started {
            let order = &mut self.order;
            let choose = |open: u32| match order {
                Order::DepthFirst => 0,
                Order::Random(rng) => rng.below(open),
            };
            self.tree.path_to_leaf(choose, &mut self.path);
            let Some(&leaf) = self.path.last() else { return false };
            self.tree.count(leaf, false);
        }
        self.started = true;
        self.forced = self.path.len();
        let tree = &mut self.tree;
        let known = |&&child: &&u32| tree.get(child).status != Status::Pending;
        self.fresh = self.path.iter().take_while(known).count();
        for &child in &self.path {
            tree.get_mut(child).status = Status::Open;
        }
        self.names.begin();
        self.log.clear();
        self.sleep.clear();
        self.slept.clear();
        self.sleeps.clear();
        self.plan.clear();
        self.lists.clear();
        self.history.clear();
        self.chosen = None;
        self.is_blocked = false;
        self.has_died = false;
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let unseen = |g: &&Gid| nobody_sees(scene.world, &scene.pending[g.index()].op);
        if let Some(&g) = scene.enabled.iter().find(unseen) {
            return g;
        }
        self.note_choice();
        let followed = self.prescribed().map(|child| self.follow(scene, child));
        let (g, chosen) = match followed {
            Some(Some(found)) => found,
            Some(None) => {
                self.lose_way();
                self.choose(scene)
            }
            None => self.choose(scene),
        };
        self.chosen = Some(chosen);
        let op = &scene.pending[g.index()].op;
        if chosen.choices > 1 && matches!(op, Op::Load { .. }) {
            self.log.offer((0..chosen.choices).map(|n| label(scene.world, g, op, n)));
        }
        g
    }

    fn alternative(&mut self, _step: u32, _g: Gid, _n: u32) -> u32 {
        0
    }

    fn fire_early(&mut self, _scene: &Scene<'_>) -> bool {
        false
    }

    fn tracer(&mut self) -> Option<&mut dyn Tracer> {
        Some(self)
    }

    fn survey(&self) -> Survey {
        Survey {
            exhausted: self.started && self.tree.leaves() == 0 && self.is_proof(),
            progress: Some(self.progress),
            redundant: self.counts.blocked,
            nondeterminism: self.nondeterminism,
        }
    }

    fn trace(&self) -> Option<u64> {
        (!self.is_blocked).then(|| self.canonical())
    }

    fn end(&mut self, _steps: u32) {
        self.is_weak |= self.log.is_weak;
        if self.is_blocked {
            self.counts.blocked += 1;
        } else {
            self.counts.explored += 1;
            self.conclude();
        }
        self.progress = self.tree.progress(&self.path);
        self.tree.collapse();
    }
}

impl Tracer for Dpor {
    fn created(&mut self, world: &World, _g: Gid, object: ObjId) {
        self.log.created(world, object);
    }

    fn announced(&mut self, world: &World, g: Gid, op: &Op) {
        // To join is no step: it goes on as part of the other's last one.
        if matches!(op, Op::Join(_)) || nobody_sees(world, op) {
            return;
        }
        self.log.announced(world, g, op);
        let seen = mix(self.history[g.index()], u64::from(self.names.of(g)));
        let names = &mut self.names;
        let mut slot = 0;
        self.log.objects_of(g, op, self.log.announcements(g), |object| {
            slot += 1;
            names.mention(object, mix(seen, slot));
        });
    }

    fn pended(&mut self, world: &World, g: Gid, op: &Op) {
        if nobody_sees(world, op) {
            return;
        }
        self.log.pended(world, g, op);
    }

    fn outcome(&mut self, _world: &World, _g: Gid, _op: &Op, _n: u32) -> u32 {
        self.chosen.map_or(0, |chosen| chosen.alternative)
    }

    fn tie(&mut self, due: &[Due]) -> u32 {
        self.close_event();
        let wanted = self.prescribed().map(|child| self.tree.get(child).choice.label);
        let labels: Vec<u64> = due.iter().map(|&due| self.label(label_of(due))).collect();
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
        let wanted = self.prescribed().map(|child| self.tree.get(child).choice);
        let label = self.label(label_of(due));
        if wanted.is_some_and(|wanted| wanted != Choice { g: names::CLOCK, label }) {
            self.lose_way();
        }
        self.log.fired(world, due, label_of(due));
        if let Due::Operation(g) = due {
            self.saw(g, Ret::TimedOut);
        }
        self.saw_what_woke(world);
    }

    fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        self.names.spawned(if child == Gid::MAIN { None } else { parent }, child);
        self.log.spawned(parent, child);
        let inherited = parent.map_or(0, |parent| self.history[parent.index()]);
        self.history.push(inherited);
    }

    fn joined(&mut self, joiner: Gid, target: Gid) {
        self.log.joined(joiner, target);
        self.history[joiner.index()] = mix(self.history[joiner.index()], self.history[target.index()]);
    }

    fn died(&mut self) {
        self.has_died = true;
    }

    fn exited(&mut self, g: Gid) {
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
fn label_of(due: Due) -> Label {
    match due {
        Due::Operation(g) => Label::TimesOut(g),
        Due::Timer(object) => Label::Fires(object),
    }
}

#[cfg(test)]
mod tests;
