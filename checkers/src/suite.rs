//! All detectors that follow an execution step by step, behind one door.
//!
//! The engine's side of the contract, in the order of one step:
//!
//! 1. [`Suite::requested`] when a goroutine announces a blocking lock operation, before it is
//!    granted and even if it never is;
//! 2. the effect of the step on the objects;
//! 3. [`Suite::executed`], **before** `Clocks::apply` of the same step: a wait or a close must be
//!    judged by what its goroutine knew without this step's own edges, and a stamp taken before
//!    the release is exactly the one the release publishes;
//! 4. `Clocks::apply`, and [`Suite::applied`] with the same footprint.
//!
//! Spawn and join are the exception, because their edges are no footprint: [`Suite::spawned`] and
//! [`Suite::joined`] follow `Clocks::spawn` and `Clocks::join`. A wait on a condition variable is
//! two steps for the suite, `CondWait` on the condition variable and `Unlock` of the mutex, and a
//! select is the operation of the arm it took. Operations that did not take effect (a failed try,
//! a send that found the channel closed, a timeout) are passed with `ok: false` or not at all.
//!
//! Invariants: findings come out in the order of their steps; equal steps give equal findings;
//! a step no detector looks at costs one jump; the pseudo goroutine that fires timers and the nil
//! object are of no interest to anybody here.
//!
//! Does not detect: data races ([`crate::race`]), and what needs a snapshot rather than steps
//! ([`crate::waits`], [`crate::cycles`]).

use crate::access::Access;
use crate::channel_use::ChannelUse;
use crate::clock::Clocks;
use crate::exits::Exits;
use crate::finding::{Finding, HeardSignal};
use crate::hard_order::HardOrder;
use crate::ids::{Gid, ObjId, SiteRef};
use crate::lock_order::LockOrder;
use crate::notifications::{LostWakeUp, Notifications};
use crate::op::OpKind;
use crate::wait_group::WaitGroups;

/// One executed step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Who.
    pub g: Gid,
    /// What.
    pub op: OpKind,
    /// On which object; [`ObjId::NIL`] if on none.
    pub object: ObjId,
    /// Whether it took effect: a try succeeded, a message was delivered, a lock was granted, a
    /// notification woke someone, an add was positive, a token was stored or consumed.
    pub ok: bool,
    /// The counter before an add; the number of waiters before a notification; the goroutine an
    /// unpark is for.
    pub before: i64,
    /// Where in the source.
    pub site: SiteRef,
    /// Its number within the execution.
    pub step: u32,
}

/// The detectors of one execution.
#[derive(Default)]
pub struct Suite {
    order: HardOrder,
    locks: LockOrder,
    channels: ChannelUse,
    groups: WaitGroups,
    notifications: Notifications,
    exits: Exits,
    findings: Vec<Finding>,
}

impl Suite {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.order.reset();
        self.locks.reset();
        self.channels.reset();
        self.groups.reset();
        self.notifications.reset();
        self.exits.reset();
        self.findings.clear();
    }

    /// A step took place; its edges are not applied yet.
    #[inline]
    pub fn executed(&mut self, clocks: &Clocks, s: &Step) {
        use OpKind::*;
        if s.g == Gid::CLOCK {
            return;
        }
        match s.op {
            Lock | TryLock | WriteLock | TryWriteLock | ReadLock | TryReadLock if s.ok => self.locked(s),
            Unlock | WriteUnlock if s.ok => self.locks.released(s.g, s.object, false),
            ReadUnlock if s.ok => self.locks.released(s.g, s.object, true),
            Unpark => self.unparked(s),
            Park if s.ok => self.notifications.parked(s.g, s.site),
            _ if s.object == ObjId::NIL => {}
            Send | TrySend if s.ok => self.channels.sent(clocks, s.object, s.g, s.op, s.site, s.step),
            Receive | TryReceive if s.ok => self.channels.received(s.object, s.g),
            Close if s.ok => {
                self.channels.closed(clocks, s.object, s.g, s.site, s.step, &mut self.findings);
            }
            WaitGroupAdd if s.ok && s.before == 0 => {
                let out = &mut self.findings;
                self.groups.raised_from_zero(clocks, s.object, s.g, s.site, s.step, out);
            }
            WaitGroupWait if s.ok => {
                self.groups.waited(clocks, s.object, s.g, s.site, s.step, &mut self.findings);
            }
            CondWait => self.notifications.waits(&mut self.order, s.object, s.g, s.site, s.step),
            NotifyOne | NotifyAll => {
                let order = &mut self.order;
                self.notifications.notified(order, s.object, s.g, s.op, s.before, s.site, s.step);
            }
            _ => {}
        }
    }

    #[inline]
    fn locked(&mut self, s: &Step) {
        let shared = matches!(s.op, OpKind::ReadLock | OpKind::TryReadLock);
        let blocking = matches!(s.op, OpKind::Lock | OpKind::WriteLock | OpKind::ReadLock);
        self.notifications.locked(s.g, s.step);
        let at = (s.site, s.step);
        self.locks.acquired(&mut self.order, s.g, s.object, shared, blocking, at, &mut self.findings);
    }

    fn unparked(&mut self, s: &Step) {
        if let Ok(target) = u32::try_from(s.before) {
            self.notifications.unparked(s.g, Gid(target), s.ok, s.site, s.step);
        }
    }

    /// A goroutine announces a blocking lock operation; other operations are ignored.
    #[inline]
    pub fn requested(&mut self, _: &Clocks, g: Gid, op: OpKind, object: ObjId, site: SiteRef, step: u32) {
        let shared = match op {
            OpKind::Lock | OpKind::WriteLock => false,
            OpKind::ReadLock => true,
            _ => return,
        };
        self.locks.requested(&mut self.order, g, object, shared, (site, step), &mut self.findings);
    }

    /// The edges of a step were applied; `lock` if it was an operation on a mutex or a
    /// reader-writer lock, including the release by a wait on a condition variable.
    #[inline]
    pub fn applied(&mut self, g: Gid, footprint: &[Access], lock: bool) {
        if !lock && g != Gid::CLOCK {
            self.order.applied(g, footprint);
        }
    }

    /// The acquire and release effects of a fence were applied.
    pub fn fenced(&mut self, g: Gid, acquire: bool, release: bool) {
        self.order.fenced(g, acquire, release);
    }

    /// The object is gone; its id may be given to another.
    pub fn forget(&mut self, obj: ObjId) {
        self.order.forget(obj);
        self.locks.forget(obj);
        self.channels.forget(obj);
        self.groups.forget(obj);
        self.notifications.forget(obj);
    }

    /// `parent` spawned `child`, after `Clocks::spawn`. A goroutine that a timer starts counts as
    /// spawned by whoever set the timer; where that is not known, by main, which can only hide a
    /// prediction.
    pub fn spawned(&mut self, clocks: &Clocks, parent: Gid, child: Gid, site: SiteRef) {
        let parent = if parent == Gid::CLOCK { Gid::MAIN } else { parent };
        self.order.spawned(parent, child);
        self.exits.spawned(clocks, child, site);
    }

    /// `g` joined `target`, after `Clocks::join`.
    pub fn joined(&mut self, g: Gid, target: Gid) {
        self.order.joined(g, target);
    }

    /// Main returned while these goroutines had neither ended nor were blocked for ever.
    pub fn main_returned(&mut self, clocks: &Clocks, outlived: &[Gid]) {
        self.exits.main_returned(clocks, outlived, &mut self.findings);
    }

    /// Why a goroutine that waits on a condition variable for ever was not woken.
    pub fn explain_wait(&mut self, g: Gid, cond: ObjId) -> Option<LostWakeUp> {
        self.notifications.explain_wait(&mut self.order, g, cond)
    }

    /// Why a goroutine that has parked for ever was not unparked.
    pub fn explain_park(&self, g: Gid, site: SiteRef, step: u32) -> Option<LostWakeUp> {
        self.notifications.explain_park(g, site, step)
    }

    /// The waits that notifications ended, each pair of places once.
    pub fn heard(&self) -> &[HeardSignal] {
        self.notifications.heard()
    }

    /// Whether there is anything to take.
    #[inline]
    pub fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Take what was found since the last call.
    pub fn findings(&mut self) -> std::vec::Drain<'_, Finding> {
        self.findings.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Mode, Sync};
    use crate::finding::Slug;
    use crate::rig::Rig;
    use std::panic::Location;

    #[test]
    fn the_clock_the_nil_object_and_what_took_no_effect_are_ignored() {
        let mut rig = Rig::with(2);
        let site = Location::caller();
        let all = [OpKind::Send, OpKind::Receive, OpKind::Close, OpKind::WaitGroupWait, OpKind::CondWait];
        for op in all {
            let clock = Step { g: Gid::CLOCK, op, object: ObjId(0), ok: true, before: 0, site, step: 1 };
            rig.suite.executed(&rig.clocks, &clock);
            let nil = Step { g: Gid(1), object: ObjId::NIL, ..clock };
            rig.suite.executed(&rig.clocks, &nil);
        }
        let failed =
            Step { g: Gid(1), op: OpKind::TrySend, object: ObjId(0), ok: false, before: 0, site, step: 1 };
        rig.suite.executed(&rig.clocks, &failed);
        rig.close(0, 0);
        assert!(!rig.suite.has_findings());
    }

    #[test]
    fn equal_executions_give_equal_findings() {
        let mut rig = Rig::with(0);
        let mut rounds = Vec::new();
        for _ in 0..3 {
            rig.restart(3);
            for (g, outer, inner) in [(1, 0, 1), (2, 1, 0)] {
                rig.lock(g, outer);
                rig.lock(g, inner);
                rig.send(g, 2);
                rig.unlock(g, inner);
                rig.unlock(g, outer);
                rig.add(g, 3, 1);
            }
            rig.close(0, 2);
            rig.main_returned(&[1, 2]);
            rounds.push(rig.findings());
        }
        assert!(rounds[0].len() >= 3, "{rounds:?}");
        assert_eq!(rounds[0], rounds[1]);
        assert_eq!(rounds[1], rounds[2]);
    }

    #[test]
    fn a_read_lock_that_is_asked_for_and_never_granted_counts() {
        let mut rig = Rig::with(3);
        rig.lock(1, 0);
        rig.lock(2, 1);
        rig.suite.requested(&rig.clocks, Gid(1), OpKind::ReadLock, ObjId(1), Location::caller(), 2);
        rig.request(2, 0);
        assert!(rig.suite.has_findings());
        assert_eq!(rig.slugs(), [Slug::LockOrder]);
        assert!(!rig.suite.has_findings(), "they are taken");
    }

    #[test]
    fn what_is_spawned_comes_after_what_its_parent_did() {
        let mut rig = Rig::with(2);
        rig.nest(1, 0, 1);
        rig.spawn(1, 2);
        rig.nest(2, 1, 0);
        assert!(!rig.suite.has_findings());
        // Of a timer it is only known that main came before.
        rig.restart(2);
        rig.clocks.spawn(Gid::MAIN, Gid(2));
        rig.suite.spawned(&rig.clocks, Gid::CLOCK, Gid(2), Location::caller());
        rig.nest(1, 0, 1);
        rig.nest(2, 1, 0);
        assert_eq!(rig.slugs(), [Slug::LockOrder]);
    }

    #[test]
    fn fences_order_requests() {
        for fences in [true, false] {
            let mut rig = Rig::with(3);
            let flag = |rig: &mut Rig, g: u32, sync| {
                let touched = [Access::whole(ObjId(7), Mode::Write, sync)];
                rig.suite.applied(Gid(g), &touched, false);
            };
            rig.nest(1, 0, 1);
            rig.suite.fenced(Gid(1), false, fences);
            flag(&mut rig, 1, Sync::RelaxedStore);
            flag(&mut rig, 2, Sync::RelaxedLoad);
            rig.suite.fenced(Gid(2), fences, false);
            rig.nest(2, 1, 0);
            assert_eq!(rig.suite.has_findings(), !fences);
        }
    }

    /// A step that took no effect.
    fn fails(rig: &mut Rig, g: u32, op: OpKind, object: u32) {
        let site = Location::caller();
        let s = Step { g: Gid(g), op, object: ObjId(object), ok: false, before: 0, site, step: 1 };
        rig.suite.executed(&rig.clocks, &s);
    }

    #[test]
    fn a_lock_that_was_not_got_is_not_held_and_one_that_was_not_released_is() {
        let mut rig = Rig::with(3);
        fails(&mut rig, 1, OpKind::TryLock, 0);
        rig.lock(1, 1);
        rig.lock(2, 1);
        rig.lock(2, 0);
        assert!(!rig.suite.has_findings());
        for release in [OpKind::Unlock, OpKind::ReadUnlock] {
            rig.restart(3);
            match release {
                OpKind::Unlock => rig.lock(1, 0),
                _ => rig.read_lock(1, 0),
            }
            fails(&mut rig, 1, release, 0);
            rig.lock(1, 1);
            rig.lock(2, 1);
            rig.lock(2, 0);
            assert_eq!(rig.slugs(), [Slug::LockOrder], "{release:?}");
        }
    }

    #[test]
    fn what_did_not_happen_is_not_judged() {
        let mut rig = Rig::with(2);
        rig.send(1, 0);
        fails(&mut rig, 0, OpKind::Close, 0);
        rig.add(1, 1, 1);
        fails(&mut rig, 0, OpKind::WaitGroupWait, 1);
        rig.wait(0, 2);
        fails(&mut rig, 1, OpKind::WaitGroupAdd, 2);
        assert!(!rig.suite.has_findings());
        fails(&mut rig, 0, OpKind::TryReceive, 0);
        rig.close(0, 0);
        assert_eq!(rig.slugs(), [Slug::SendRacesClose], "it has received nothing");
        rig.unpark(1, 0, true);
        fails(&mut rig, 0, OpKind::Park, ObjId::NIL.0);
        assert_eq!(rig.suite.explain_park(Gid(0), Location::caller(), 9), None, "the token is there");
    }
}
