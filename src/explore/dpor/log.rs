//! What happened in one execution, in the terms of that execution: enough to repeat any part of it on
//! a world of its own, and to tell which events are ordered.
//!
//! Invariants: events are in the order in which they took effect; `footprint` and `causes` of an event
//! are complete when the next one begins; a cause is an event that comes before for another reason
//! than a conflict (the goroutine's own last one, a spawn, a wake-up, a join, the passing of time).

use crate::objects::label::Label;
use crate::objects::timer::Due;
use crate::objects::{Arm, Budget, Op, State, Step, World};
use selvedge_checkers::access::{Access, Class, Mode, Part, Res, Sync};
use selvedge_checkers::ids::{Gid, ObjId};
use std::ops::Range;

/// A decision that took effect.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) g: Gid,
    /// How many events of `g` came before.
    pub(super) nth: u32,
    pub(super) label: Label,
    /// Which alternative it was, and of how many.
    pub(super) alternative: u32,
    pub(super) choices: u32,
    pub(super) op: Op,
    /// How many operations `g` had announced.
    pub(super) announced: u32,
    /// What time set off, if it is the clock's.
    pub(super) due: Option<Due>,
    /// What else was due then.
    ties: Range<u32>,
    /// The labels of all its alternatives, if it is a load that had several.
    offered: Range<u32>,
    /// How many stores to atomics `g` has made, this one included.
    pub(super) stores: u32,
    pub(super) footprint: Range<u32>,
    /// The part of the footprint that is the operation's own.
    pub(super) own: u32,
    pub(super) causes: Range<u32>,
    pub(super) spawned: Range<u32>,
    /// Operations that took effect in its wake without a decision.
    pub(super) settled: Range<u32>,
}

/// An announced operation.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) op: Op,
    pub(super) arms: Range<u32>,
    pub(super) default: bool,
    pub(super) biased: bool,
    /// It would be another round in vain: `g` does not come to it.
    pub(super) in_vain: bool,
}

/// A goroutine was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spawned {
    /// By whom; `None` if by time, or if it is main.
    pub(super) parent: Option<Gid>,
    pub(super) child: Gid,
    /// How many goroutines the parent had joined by then.
    pub(super) joins: u32,
}

/// An event ended a wait, of a select or at a condition variable, whose goroutine might have gone on by itself
/// before.
#[derive(Clone, Debug)]
pub(super) struct Overtaken {
    pub(super) by: u32,
    pub(super) g: Gid,
    pub(super) op: Op,
    pub(super) announced: u32,
    causes: Range<u32>,
}

/// One goroutine's part of the log.
#[derive(Default)]
pub(super) struct Goroutine {
    pub(super) announced: Vec<Announced>,
    /// What it waits to do; `None` once it has ended.
    pub(super) pending: Option<Op>,
    /// The events its next one comes after, whatever that is.
    pub(super) causes: Vec<u32>,
    /// Whom it has joined, and how many events it had made by then.
    pub(super) joins: Vec<(u32, Gid)>,
    events: u32,
}

impl Goroutine {
    /// Whether it has made any event.
    pub(super) fn has_events(&self) -> bool {
        self.events > 0
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) goroutines: Vec<Goroutine>,
    /// The objects' first states, by id.
    pub(super) objects: Vec<State>,
    footprints: Vec<(Res, Mode)>,
    causes: Vec<u32>,
    spawned: Vec<Spawned>,
    /// Goroutines started before the first event.
    pub(super) first: Vec<Spawned>,
    settled: Vec<(Gid, Op)>,
    arms: Vec<Arm>,
    /// Somebody went round in circles.
    spins: bool,
    ties: Vec<Due>,
    pub(super) labels: Vec<Label>,
    pub(super) overtaken: Vec<Overtaken>,
    /// Where the ties of the next event begin, and the labels it offers.
    tied: u32,
    offered: u32,
    live: usize,
    /// Every event was an access to an atomic or to a lock.
    is_uniform: bool,
    /// Some read an atomic and may have read an old store, unless all is sequentially consistent.
    chooses: bool,
    is_consistent: bool,
    /// There are atomics or fences, and loads may read old stores.
    pub(super) is_weak: bool,
    pub(super) has_fence: bool,
    fires: u32,
    /// What each goroutine began with.
    pub(super) budget: Budget,
    /// Somebody waited who may be woken without a cause.
    pub(super) has_waits: bool,
}

impl Log {
    pub(super) fn clear(&mut self) {
        self.events.clear();
        for g in &mut self.goroutines[..self.live] {
            g.announced.clear();
            g.causes.clear();
            g.joins.clear();
            g.pending = None;
            g.events = 0;
        }
        self.live = 0;
        self.is_uniform = true;
        self.chooses = false;
        self.is_consistent = true;
        self.is_weak = false;
        self.has_fence = false;
        self.fires = 0;
        self.has_waits = false;
        self.objects.clear();
        self.footprints.clear();
        self.causes.clear();
        self.spawned.clear();
        self.first.clear();
        self.settled.clear();
        self.arms.clear();
        self.spins = false;
        self.ties.clear();
        self.labels.clear();
        self.overtaken.clear();
        self.tied = 0;
        self.offered = 0;
    }

    /// How many goroutines there were.
    pub(super) fn width(&self) -> usize {
        self.live
    }

    /// Whether every event had one outcome, whatever came before, and ended nobody's wait.
    pub(super) fn is_plain(&self) -> bool {
        self.is_uniform && (!self.chooses || self.is_consistent)
    }

    pub(super) fn footprint(&self, event: usize) -> &[(Res, Mode)] {
        let range = &self.events[event].footprint;
        &self.footprints[range.start as usize..range.end as usize]
    }

    pub(super) fn causes_of_overtaken(&self, overtaken: &Overtaken) -> &[u32] {
        &self.causes[overtaken.causes.start as usize..overtaken.causes.end as usize]
    }

    pub(super) fn causes(&self, event: usize) -> &[u32] {
        let range = &self.events[event].causes;
        &self.causes[range.start as usize..range.end as usize]
    }

    /// What was due together with a timer that fired, itself included.
    pub(super) fn ties(&self, event: usize) -> &[Due] {
        let range = &self.events[event].ties;
        &self.ties[range.start as usize..range.end as usize]
    }

    /// The goroutines started in the wake of an event.
    pub(super) fn spawned_by(&self, event: usize) -> &[Spawned] {
        let range = &self.events[event].spawned;
        &self.spawned[range.start as usize..range.end as usize]
    }

    pub(super) fn settled_by(&self, event: usize) -> &[(Gid, Op)] {
        let range = &self.events[event].settled;
        &self.settled[range.start as usize..range.end as usize]
    }

    pub(super) fn arms(&self, announced: &Announced) -> &[Arm] {
        &self.arms[announced.arms.start as usize..announced.arms.end as usize]
    }

    /// The labels that a load could have had, by number.
    pub(super) fn offered(&self, event: usize) -> Range<usize> {
        let range = &self.events[event].offered;
        range.start as usize..range.end as usize
    }

    /// The load that is about to take effect could have these labels.
    pub(super) fn offer(&mut self, labels: impl Iterator<Item = Label>) {
        self.labels.extend(labels);
    }

    /// Whether any goroutine went round in circles.
    pub(super) fn has_spins(&self) -> bool {
        self.spins
    }

    /// The objects that `op` of `g` is on, which had announced so many operations by then.
    pub(super) fn objects_of(&self, g: Gid, op: &Op, announced: u32, mut f: impl FnMut(ObjId)) {
        let announced = (announced as usize).checked_sub(1).map(|n| &self.goroutines[g.index()].announced[n]);
        match *op {
            Op::Select { .. } | Op::SelectWait { .. } => {
                if let Some(announced) = announced {
                    self.arms(announced).iter().for_each(|arm| f(arm.channel()));
                }
            }
            // What ends such a wait by itself does not ask for the lock.
            Op::CondWoken { cv, .. } => f(cv),
            Op::CondWait { cv, mutex, .. } | Op::Relock { cv, mutex, .. } => {
                f(cv);
                f(mutex);
            }
            Op::Watch { want, cancel } => {
                f(want.object());
                f(cancel);
            }
            _ => op.object().into_iter().for_each(f),
        }
    }

    /// How many operations `g` has announced.
    pub(super) fn announcements(&self, g: Gid) -> u32 {
        self.goroutines[g.index()].announced.len() as u32
    }

    pub(super) fn created(&mut self, world: &World, object: ObjId) {
        let state = world.state(object);
        debug_assert_eq!(self.objects.len(), object.index());
        self.is_weak |= world.memory.weak && matches!(state, State::Atomic(_));
        self.objects.push(state.clone());
    }

    pub(super) fn spawned(&mut self, parent: Option<Gid>, child: Gid) {
        if self.goroutines.len() <= child.index() {
            self.goroutines.resize_with(child.index() + 1, Goroutine::default);
        }
        self.live = child.index() + 1;
        let joins = parent.map_or(0, |parent| self.goroutines[parent.index()].joins.len() as u32);
        let spawned = Spawned { parent, child, joins };
        if let Some(event) = self.events.last_mut() {
            self.spawned.push(spawned);
            event.spawned.end = self.spawned.len() as u32;
        } else {
            self.first.push(spawned);
        }
        let causes = match parent {
            Some(parent) => std::mem::take(&mut self.goroutines[parent.index()].causes),
            None => self.events.len().checked_sub(1).map(|last| last as u32).into_iter().collect(),
        };
        self.goroutines[child.index()].causes.extend_from_slice(&causes);
        if let Some(parent) = parent {
            self.goroutines[parent.index()].causes = causes;
        }
    }

    pub(super) fn joined(&mut self, joiner: Gid, target: Gid) {
        let causes = std::mem::take(&mut self.goroutines[target.index()].causes);
        let me = &mut self.goroutines[joiner.index()];
        me.causes.extend_from_slice(&causes);
        me.joins.push((me.events, target));
        self.goroutines[target.index()].causes = causes;
    }

    pub(super) fn announced(&mut self, world: &World, g: Gid, op: &Op) {
        self.budget = world.budget;
        let arms = self.arms.len() as u32;
        let select = &world.goroutines[g.index()].select;
        let (mut default, mut biased) = (false, false);
        if matches!(op, Op::Select { .. }) {
            self.arms.extend_from_slice(&select.arms);
            (default, biased) = (select.default, select.biased);
        }
        self.goroutines[g.index()].announced.push(Announced {
            op: *op,
            arms: arms..self.arms.len() as u32,
            default,
            biased,
            in_vain: false,
        });
    }

    pub(super) fn pended(&mut self, g: Gid, op: &Op) {
        self.has_waits |= matches!(op, Op::CondWoken { .. } | Op::Park { .. });
        let me = &mut self.goroutines[g.index()];
        me.pending = Some(*op);
        if matches!(op, Op::Await)
            && let Some(announced) = me.announced.last_mut()
        {
            announced.in_vain = true;
            self.spins = true;
        }
    }

    /// Nobody else can go on, and `g` goes round once more: after everything so far.
    pub(super) fn granted(&mut self, g: Gid) {
        let mut causes = std::mem::take(&mut self.goroutines[g.index()].causes);
        for other in &self.goroutines[..self.live] {
            causes.extend_from_slice(&other.causes);
        }
        causes.sort_unstable();
        causes.dedup();
        let me = &mut self.goroutines[g.index()];
        me.causes = causes;
        if let Some(announced) = me.announced.last_mut() {
            announced.in_vain = false;
        }
    }

    /// Forget the events from this one on, all of `g`, and what `g` announced from the operation with this number on
    /// but for the last, to which it does not come.
    pub(super) fn forget(&mut self, g: Gid, event: usize, announced: u32) {
        let made = self.events.len() - event;
        let Some(first) = self.events.get(event) else { return };
        let (footprint, causes, offered) = (first.footprint.start, first.causes.clone(), first.offered.start);
        let me = &mut self.goroutines[g.index()];
        me.events -= made as u32;
        me.causes.clear();
        me.causes.extend_from_slice(&self.causes[causes.start as usize..causes.end as usize]);
        let last = me.announced.len() - 1;
        me.announced.swap(announced as usize - 1, last);
        me.announced.truncate(announced as usize);
        self.footprints.truncate(footprint as usize);
        self.causes.truncate(causes.start as usize);
        self.labels.truncate(offered as usize);
        self.offered = offered;
        self.events.truncate(event);
    }

    pub(super) fn exited(&mut self, g: Gid) {
        self.goroutines[g.index()].pending = None;
        self.touched(Access::of_goroutine(g, Part::Life, Mode::Commute(Class::Drop), Sync::None));
    }

    /// These are due together; one of them is about to fire.
    pub(super) fn tied(&mut self, due: &[Due]) {
        self.tied = self.ties.len() as u32;
        self.ties.extend_from_slice(due);
    }

    /// An event took effect; its footprint is the world's.
    pub(super) fn stepped(
        &mut self,
        world: &World,
        g: Gid,
        op: &Op,
        (alternative, choices, label): (u32, u32, Label),
        step: Step,
    ) {
        let (number, causes) = (self.events.len() as u32, self.causes.len() as u32);
        let me = &mut self.goroutines[g.index()];
        self.causes.append(&mut me.causes);
        me.causes.push(number);
        let (nth, announced) = (me.events, me.announced.len() as u32);
        me.events += 1;
        if !matches!(step, Step::Next(_)) {
            me.pending = None;
        }
        let none = || 0..0;
        let event = Event {
            g,
            nth,
            label,
            alternative,
            choices,
            op: *op,
            announced,
            due: None,
            ties: none(),
            offered: none(),
            stores: 0,
            footprint: none(),
            own: 0,
            causes: none(),
            spawned: none(),
            settled: none(),
        };
        self.push(world, event, causes);
    }

    /// Time has come for `due`: after everything so far, and before everything to come.
    pub(super) fn fired(&mut self, world: &World, due: Due, label: Label) {
        let (number, causes) = (self.events.len() as u32, self.causes.len() as u32);
        for g in &mut self.goroutines[..self.live] {
            self.causes.append(&mut g.causes);
            g.causes.push(number);
        }
        let ties = self.tied..self.ties.len() as u32;
        self.tied = ties.end;
        let alternative = self.ties[ties.start as usize..].iter().position(|&other| other == due);
        let none = || 0..0;
        let event = Event {
            g: Gid::CLOCK,
            nth: self.fires,
            label,
            alternative: alternative.unwrap_or(0) as u32,
            choices: (ties.end - ties.start).max(1),
            op: Op::Await,
            announced: 0,
            due: Some(due),
            ties,
            offered: none(),
            stores: 0,
            footprint: none(),
            own: 0,
            causes: none(),
            spawned: none(),
            settled: none(),
        };
        self.fires += 1;
        self.push(world, event, causes);
    }

    fn push(&mut self, world: &World, event: Event, causes: u32) {
        self.has_fence |= matches!(event.op, Op::Fence(_));
        self.is_weak |= self.has_fence && world.memory.weak;
        let is_weak_exchange = matches!(event.op, Op::CompareExchange { weak: true, .. });
        self.is_uniform &= is_plain(&event.op) && !(is_weak_exchange && self.budget.spurious > 0);
        self.chooses |= self.is_weak && matches!(event.op, Op::Load { .. } | Op::CompareExchange { .. });
        self.is_consistent &= event.op.is_consistent();
        let number = self.events.len() as u32;
        let footprint = self.footprints.len() as u32;
        self.footprints.extend(world.footprint.iter().map(|a| (a.res, a.mode)));
        let (spawned, settled) = (self.spawned.len() as u32, self.settled.len() as u32);
        let offered = std::mem::replace(&mut self.offered, self.labels.len() as u32);
        self.events.push(Event {
            offered: offered..self.offered,
            stores: world.goroutines.get(event.g.index()).map_or(0, |g| g.stores),
            footprint: footprint..self.footprints.len() as u32,
            own: self.footprints.len() as u32 - footprint,
            causes: causes..self.causes.len() as u32,
            spawned: spawned..spawned,
            settled: settled..settled,
            ..event
        });
        self.reach_peers(world, number);
    }

    /// Whoever the step woke or told something comes after it.
    fn reach_peers(&mut self, world: &World, event: u32) {
        let peers = world.woken.iter().map(|w| w.0).chain(world.learned.iter().map(|l| l.0));
        for peer in peers {
            let peer_of = &mut self.goroutines[peer.index()];
            if peer_of.causes.last() == Some(&event) {
                continue;
            }
            let might_go_on = |op: &Op| match op {
                Op::SelectWait { .. } => true,
                Op::CondWoken { .. } => world.may_wake_spuriously(peer, op),
                _ => false,
            };
            if let Some(op) = peer_of.pending.filter(might_go_on) {
                let from = self.causes.len() as u32;
                self.causes.extend_from_slice(&peer_of.causes);
                let causes = from..self.causes.len() as u32;
                let announced = peer_of.announced.len() as u32;
                self.overtaken.push(Overtaken { by: event, g: peer, op, announced, causes });
            }
            peer_of.causes.push(event);
        }
    }

    pub(super) fn settled(&mut self, world: &World, g: Gid, op: &Op) {
        let Some(last) = self.events.len().checked_sub(1) else { return };
        self.settled.push((g, *op));
        self.events[last].settled.end = self.settled.len() as u32;
        self.footprints.extend(world.footprint.iter().map(|a| (a.res, a.mode)));
        self.events[last].footprint.end = self.footprints.len() as u32;
        self.reach_peers(world, last as u32);
    }

    pub(super) fn touched(&mut self, access: Access) {
        if let Some(event) = self.events.last_mut() {
            self.footprints.push((access.res, access.mode));
            event.footprint.end = self.footprints.len() as u32;
        }
    }
}

/// Whether the operation has one outcome, and ends nobody else's wait.
fn is_plain(op: &Op) -> bool {
    matches!(
        op,
        Op::Yield
            | Op::Load { .. }
            | Op::Store { .. }
            | Op::Update { .. }
            | Op::Add { .. }
            | Op::CompareExchange { .. }
            | Op::Lock(_)
            | Op::TryLock(_)
            | Op::Unlock(_)
            | Op::ReadLock(_)
            | Op::TryReadLock(_)
            | Op::ReadUnlock(_)
            | Op::WriteLock(_)
            | Op::WriteWait(_)
            | Op::TryWriteLock(_)
            | Op::WriteUnlock(_)
    )
}
