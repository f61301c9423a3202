//! The rich recording of one execution.
//!
//! Invariant: while off (all exploration), every method is one test of a flag.

use super::execution::{Ending, Execution, Pending};
use super::goroutine::Status;
use crate::objects::{Arm, Op, Ret, Slot, Step, World};
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::{Event, GoroutineInfo, ObjectInfo, Outcome, Trace};

/// Collects events while it is on.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) on: bool,
    pub(super) events: Vec<Event>,
    /// Objects that were gone before the end; their ids may stand for others since.
    pub(super) gone: Vec<ObjectInfo>,
}

impl Recorder {
    pub(super) fn reset(&mut self) {
        self.events.clear();
        self.gone.clear();
    }

    /// An object goes away.
    #[inline]
    pub(super) fn object_gone(&mut self, id: ObjId, slot: &Slot) {
        if self.on {
            self.gone.push(describe(id, slot));
        }
    }

    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the parts of an event")]
    fn push(
        &mut self,
        step: u32,
        g: Gid,
        op: OpKind,
        object: Option<ObjId>,
        peer: Option<Gid>,
        site: SiteRef,
        outcome: Outcome,
    ) {
        self.events.push(Event { step, g, op, object, peer, site: site.into(), outcome });
    }

    #[inline]
    pub(super) fn spawned(&mut self, step: u32, parent: Gid, child: Gid, site: SiteRef) {
        if self.on {
            self.push(step, parent, OpKind::Spawn, None, Some(child), site, Outcome::Done);
        }
    }

    #[inline]
    pub(super) fn exited(&mut self, step: u32, g: Gid, site: SiteRef) {
        if self.on {
            self.push(step, g, OpKind::Exit, None, None, site, Outcome::Done);
        }
    }

    #[inline]
    pub(super) fn yielded(&mut self, step: u32, g: Gid, site: SiteRef) {
        if self.on {
            self.push(step, g, OpKind::Yield, None, None, site, Outcome::Done);
        }
    }

    #[inline]
    pub(super) fn fired(&mut self, step: u32, timer: ObjId, site: SiteRef) {
        if self.on {
            self.push(step, Gid::CLOCK, OpKind::Fire, Some(timer), None, site, Outcome::Done);
        }
    }

    #[inline]
    pub(super) fn timed_out(&mut self, step: u32, g: Gid, pending: &Pending) {
        if self.on {
            let object = pending.op.object();
            self.push(step, g, pending.op.kind(), object, None, pending.site, Outcome::TimedOut);
        }
    }

    #[inline]
    pub(super) fn access(&mut self, step: u32, g: Gid, cell: ObjId, write: bool, site: SiteRef) {
        if self.on {
            let op = if write { OpKind::Write } else { OpKind::Read };
            self.push(step, g, op, Some(cell), None, site, Outcome::Done);
        }
    }

    #[inline]
    pub(super) fn woken(&mut self, step: u32, g: Gid, pending: &Pending, how: Step, world: &World) {
        if self.on
            && let Step::Done(ret) = how
        {
            let (object, outcome) = came(g, &pending.op, ret, world);
            self.push(step, g, pending.op.kind(), object, None, pending.site, outcome);
        }
    }

    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the parts of a step, taken apart only here")]
    pub(super) fn step(
        &mut self,
        number: u32,
        g: Gid,
        op: &Op,
        site: SiteRef,
        step: &Step,
        (spurious, alternative): (bool, u32),
        world: &World,
    ) {
        if !self.on {
            return;
        }
        let result = match (*step, *op) {
            _ if spurious => Outcome::Spurious,
            (Step::Done(Ret::Value(v)), Op::Load { .. }) if alternative > 0 => Outcome::Old(v),
            (Step::Done(Ret::Exchange { old, .. }), Op::CompareExchange { expected, .. })
                if alternative > 0 && old != expected =>
            {
                Outcome::Old(old)
            }
            (Step::Next(Op::Relock { .. }), _) => Outcome::Done,
            (Step::Next(_), _) => Outcome::Blocks,
            // What the counter is afterwards; the operation gives what it was before.
            (Step::Done(Ret::Value(before)), Op::WaitGroupAdd { delta, .. }) => {
                Outcome::Value(before.wrapping_add_signed(delta.into()))
            }
            (Step::Done(Ret::Unit), Op::Store { value, .. }) => Outcome::Value(value),
            (Step::Done(ret), _) => came(g, op, ret, world).1,
        };
        let peer = match *op {
            Op::Unpark(target) | Op::Join(target) => Some(target),
            _ => world.woken.first().map(|&(peer, _)| peer),
        };
        let object = match *step {
            Step::Done(ret) => came(g, op, ret, world).0,
            Step::Next(_) => op.object(),
        };
        self.push(number, g, op.kind(), object, peer, site, result);
    }
}

/// What an operation was on in the end, and what came of it: a select is on the channel it took.
fn came(g: Gid, op: &Op, ret: Ret, world: &World) -> (Option<ObjId>, Outcome) {
    let selects = matches!(op, Op::Select { .. } | Op::SelectWait { .. });
    match ret {
        Ret::Arm { arm, .. } => {
            let arms = &world.goroutines[g.index()].select.arms;
            let taken = arms[arm as usize];
            let sends = matches!(taken, Arm::Send(..));
            (Some(taken.channel()), Outcome::Arm { arm, of: arms.len() as u32, sends })
        }
        Ret::WouldBlock if selects => (None, Outcome::Default),
        ret => (op.object(), outcome(ret)),
    }
}

fn outcome(ret: Ret) -> Outcome {
    match ret {
        Ret::Unit | Ret::Message(_) | Ret::Flag(true) | Ret::Arm { .. } => Outcome::Done,
        Ret::Value(v) => Outcome::Value(v),
        Ret::Exchange { old, done: true } => Outcome::Value(old),
        Ret::Exchange { done: false, .. } | Ret::Flag(false) | Ret::WouldBlock => Outcome::Failed,
        Ret::Closed => Outcome::Closed,
        Ret::TimedOut => Outcome::TimedOut,
        Ret::Misuse(_) => Outcome::Misuse,
    }
}

fn describe(id: ObjId, slot: &Slot) -> ObjectInfo {
    ObjectInfo {
        id,
        kind: slot.state.kind(),
        created: slot.created.into(),
        state: slot.state.describe(),
        holders: slot.state.holders().map(|g| (g, 0)).collect(),
    }
}

impl Execution {
    /// The recording, complete with goroutines and objects.
    pub(super) fn trace(&mut self) -> Trace {
        let info = |(i, g): (usize, &super::goroutine::Goroutine)| GoroutineInfo {
            id: Gid(i as u32),
            name: g.name.clone(),
            parent: g.parent,
            spawned: g.spawned.into(),
            exited: g.status == Status::Exited,
        };
        let goroutines = self.goroutines.iter().enumerate().map(info).collect();
        let mut events = std::mem::take(&mut self.recorder.events);
        self.add_last_waits(&mut events);
        let mut objects: Vec<ObjectInfo> =
            self.world.objects().map(|(id, slot)| describe(id, slot)).collect();
        for object in &mut objects {
            for (g, since) in &mut object.holders {
                let takes =
                    |e: &&Event| e.object == Some(object.id) && e.g == *g && e.outcome == Outcome::Done;
                *since = events.iter().rev().find(takes).map_or(0, |e| e.step);
            }
        }
        let named: Vec<ObjId> = objects.iter().map(|o| o.id).collect();
        objects.extend(self.recorder.gone.drain(..).filter(|o| !named.contains(&o.id)));
        Trace { goroutines, objects, events }
    }

    /// Where each goroutine blocks at the end: an operation that never took effect made no event.
    fn add_last_waits(&self, events: &mut Vec<Event>) {
        for (i, g) in self.goroutines.iter().enumerate() {
            let (id, Pending { op, site, .. }) = (Gid(i as u32), self.pending[i]);
            // At a quiet end whoever is enabled could only wake up without a cause.
            let goes_on = self.enabled.contains(id) && self.ending != Ending::Quiet;
            if g.status != Status::Pending || goes_on || op == Op::Await {
                continue;
            }
            let last = events.iter().rev().find(|e| e.g == id);
            if last.is_some_and(|e| e.outcome == Outcome::Blocks) {
                continue;
            }
            let step = self.pending[id.index()].since.max(last.map_or(0, |e| e.step));
            let peer = if let Op::Join(target) = op { Some(target) } else { None };
            let object = op.object();
            let at = events.partition_point(|e| e.step <= step);
            let (op, site) = (op.kind(), site.into());
            events.insert(at, Event { step, g: id, op, object, peer, site, outcome: Outcome::Blocks });
        }
    }

    /// A thread outside the execution used one of its objects.
    pub(super) fn find_trespass(&mut self, object: ObjId, site: SiteRef) {
        let side = Side { g: Gid::MAIN, op: OpKind::Spawn, site: site.into(), step: self.steps };
        self.find(Finding {
            slug: Slug::UncontrolledThread,
            evidence: Evidence::Single { side, object: Some(object) },
        });
    }
}
