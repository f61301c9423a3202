//! A hand-driven execution for the tests of the detectors.
//!
//! ```text
//! let mut rig = Rig::with(2);       // main and goroutine 1
//! rig.send(1, 0);                   // goroutine 1 sends on object 0
//! rig.close(0, 0);                  // main closes it
//! assert_eq!(rig.slugs(), [Slug::SendRacesClose]);
//! ```
//!
//! Invariant: each call is one step, numbered from 1, in the order the contract of
//! [`crate::suite`] asks for; object ids are the caller's, goroutine ids count up from main.

use std::collections::BTreeMap;
use std::panic::Location;

use crate::access::{Access, Class, Mode, Part, Sync};
use crate::clock::Clocks;
use crate::finding::{Finding, Slug};
use crate::ids::{Gid, ObjId};
use crate::op::OpKind;
use crate::suite::{Step, Suite};

/// Clocks and suite, driven like the engine drives them.
#[derive(Default)]
pub(crate) struct Rig {
    pub(crate) clocks: Clocks,
    pub(crate) suite: Suite,
    step: u32,
    counters: BTreeMap<u32, i64>,
    /// Messages sent and received, by channel.
    traffic: BTreeMap<u32, (u32, u32)>,
}

impl Rig {
    /// Main and its children, `goroutines` in all.
    #[track_caller]
    pub(crate) fn with(goroutines: u32) -> Rig {
        let mut rig = Rig::default();
        rig.restart(goroutines);
        rig
    }

    /// A new execution on the same memory.
    #[track_caller]
    pub(crate) fn restart(&mut self, goroutines: u32) {
        self.clocks.reset();
        self.suite.reset();
        self.step = 0;
        self.counters.clear();
        self.traffic.clear();
        for child in 1..goroutines {
            self.spawn(0, child);
        }
    }

    pub(crate) fn findings(&mut self) -> Vec<Finding> {
        self.suite.findings().collect()
    }

    pub(crate) fn slugs(&mut self) -> Vec<Slug> {
        self.suite.findings().map(|f| f.slug).collect()
    }

    #[track_caller]
    fn run(&mut self, g: u32, op: OpKind, object: u32, ok: bool, before: i64, footprint: &[Access]) {
        self.step += 1;
        let site = Location::caller();
        let s = Step { g: Gid(g), op, object: ObjId(object), ok, before, site, step: self.step };
        self.suite.executed(&self.clocks, &s);
        self.clocks.apply(Gid(g), footprint);
        let lock = matches!(
            op,
            OpKind::Lock | OpKind::TryLock | OpKind::Unlock | OpKind::ReadLock | OpKind::ReadUnlock
        );
        self.suite.applied(Gid(g), footprint, lock);
    }

    #[track_caller]
    pub(crate) fn spawn(&mut self, parent: u32, child: u32) {
        self.clocks.spawn(Gid(parent), Gid(child));
        self.suite.spawned(&self.clocks, Gid(parent), Gid(child), Location::caller());
    }

    pub(crate) fn join(&mut self, g: u32, target: u32) {
        self.clocks.join(Gid(g), Gid(target));
        self.suite.joined(Gid(g), Gid(target));
    }

    pub(crate) fn main_returned(&mut self, still_running: &[u32]) {
        let list: Vec<Gid> = still_running.iter().map(|&g| Gid(g)).collect();
        self.suite.main_returned(&self.clocks, &list);
    }

    #[track_caller]
    pub(crate) fn request(&mut self, g: u32, lock: u32) {
        let site = Location::caller();
        self.suite.requested(&self.clocks, Gid(g), OpKind::Lock, ObjId(lock), site, self.step);
    }

    #[track_caller]
    pub(crate) fn lock(&mut self, g: u32, lock: u32) {
        self.request(g, lock);
        let acquire = [Access::whole(ObjId(lock), Mode::Write, Sync::Acquire)];
        self.run(g, OpKind::Lock, lock, true, 0, &acquire);
    }

    #[track_caller]
    pub(crate) fn try_lock(&mut self, g: u32, lock: u32) {
        let acquire = [Access::whole(ObjId(lock), Mode::Write, Sync::Acquire)];
        self.run(g, OpKind::TryLock, lock, true, 0, &acquire);
    }

    #[track_caller]
    pub(crate) fn unlock(&mut self, g: u32, lock: u32) {
        let release = [Access::whole(ObjId(lock), Mode::Write, Sync::Publish)];
        self.run(g, OpKind::Unlock, lock, true, 0, &release);
    }

    /// Take the inner lock under the outer one, and give both back.
    #[track_caller]
    pub(crate) fn nest(&mut self, g: u32, outer: u32, inner: u32) {
        self.lock(g, outer);
        self.lock(g, inner);
        self.unlock(g, inner);
        self.unlock(g, outer);
    }

    /// A read lock that is not announced, as production hooks do it.
    #[track_caller]
    pub(crate) fn read_lock(&mut self, g: u32, lock: u32) {
        let acquire = [Access::whole(ObjId(lock), Mode::Commute(Class::Reader), Sync::Acquire)];
        self.run(g, OpKind::ReadLock, lock, true, 0, &acquire);
    }

    #[track_caller]
    pub(crate) fn read_unlock(&mut self, g: u32, lock: u32) {
        let release = [Access::whole(ObjId(lock), Mode::Commute(Class::Reader), Sync::Release)];
        self.run(g, OpKind::ReadUnlock, lock, true, 0, &release);
    }

    #[track_caller]
    pub(crate) fn send(&mut self, g: u32, chan: u32) {
        let sent = &mut self.traffic.entry(chan).or_default().0;
        let publish = [Access::new(ObjId(chan), Part::Message, *sent, Mode::Write, Sync::Publish)];
        *sent += 1;
        self.run(g, OpKind::Send, chan, true, 0, &publish);
    }

    #[track_caller]
    pub(crate) fn receive(&mut self, g: u32, chan: u32) {
        let (sent, received) = self.traffic.entry(chan).or_default();
        assert!(*received < *sent, "the channel is empty");
        let learn = [Access::new(ObjId(chan), Part::Message, *received, Mode::Write, Sync::Acquire)];
        *received += 1;
        self.run(g, OpKind::Receive, chan, true, 0, &learn);
    }

    #[track_caller]
    pub(crate) fn close(&mut self, g: u32, chan: u32) {
        let publish = [Access::new(ObjId(chan), Part::Closed, 0, Mode::Write, Sync::Publish)];
        self.run(g, OpKind::Close, chan, true, 0, &publish);
    }

    #[track_caller]
    pub(crate) fn receive_closed(&mut self, g: u32, chan: u32) {
        let learn = [Access::new(ObjId(chan), Part::Closed, 0, Mode::Read, Sync::Acquire)];
        self.run(g, OpKind::Receive, chan, false, 0, &learn);
    }

    #[track_caller]
    pub(crate) fn add(&mut self, g: u32, group: u32, n: i64) {
        let counter = self.counters.entry(group).or_default();
        let before = *counter;
        *counter += n;
        assert!(*counter >= 0, "negative counter");
        let release = [Access::whole(ObjId(group), Mode::Commute(Class::Add), Sync::Release)];
        self.run(g, OpKind::WaitGroupAdd, group, n > 0, before, &release);
    }

    #[track_caller]
    pub(crate) fn done(&mut self, g: u32, group: u32) {
        self.add(g, group, -1);
    }

    #[track_caller]
    pub(crate) fn wait(&mut self, g: u32, group: u32) {
        assert_eq!(self.counters.get(&group).copied().unwrap_or(0), 0, "would block");
        let learn = [Access::whole(ObjId(group), Mode::Read, Sync::Acquire)];
        self.run(g, OpKind::WaitGroupWait, group, true, 0, &learn);
    }

    #[track_caller]
    pub(crate) fn cond_wait(&mut self, g: u32, cond: u32, mutex: u32) {
        self.run(g, OpKind::CondWait, cond, true, 0, &[]);
        self.unlock(g, mutex);
    }

    #[track_caller]
    pub(crate) fn notify(&mut self, g: u32, cond: u32, waiters: i64) {
        self.run(g, OpKind::NotifyOne, cond, waiters > 0, waiters, &[]);
    }

    #[track_caller]
    pub(crate) fn notify_all(&mut self, g: u32, cond: u32, waiters: i64) {
        self.run(g, OpKind::NotifyAll, cond, waiters > 0, waiters, &[]);
    }

    #[track_caller]
    pub(crate) fn unpark(&mut self, g: u32, target: u32, stored: bool) {
        let release =
            [Access::of_goroutine(Gid(target), Part::Token, Mode::Commute(Class::Unpark), Sync::Release)];
        self.run(g, OpKind::Unpark, ObjId::NIL.0, stored, i64::from(target), &release);
    }

    #[track_caller]
    pub(crate) fn park(&mut self, g: u32) {
        let learn = [Access::of_goroutine(Gid(g), Part::Token, Mode::Write, Sync::Acquire)];
        self.run(g, OpKind::Park, ObjId::NIL.0, true, 0, &learn);
    }
}
