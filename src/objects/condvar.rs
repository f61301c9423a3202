//! A condition variable: a set of waiting goroutines.
//!
//! A wait is three steps, as the pthread standard describes it: queue up and release the lock in
//! one step; be woken, by a notification, the deadline or for no reason; take the lock again.
//! Invariants: a notification wakes one of those queued at that moment (which one is the
//! explorer's choice) and is never remembered; every wait between two moments without waiters
//! uses the same lock.

use super::op::{Misuse, Nanos, Op, Ret};
use super::{State, Step, World, mutex};
use selvedge_checkers::access::{Class, Mode, Part, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// Who waits, and with which lock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CvState {
    pub(crate) waiters: Vec<Gid>,
    pub(crate) mutex: Option<ObjId>,
}

fn cv(world: &mut World, o: ObjId) -> &mut CvState {
    match &mut world.slot_mut(o).state {
        State::Condvar(cv) => cv,
        other => unreachable!("a condition variable operation on {other:?}"),
    }
}

/// How many goroutines a notification could wake.
pub(crate) fn targets(state: &State) -> u32 {
    match state {
        State::Condvar(cv) => cv.waiters.len() as u32,
        other => unreachable!("a condition variable operation on {other:?}"),
    }
}

pub(super) fn wait(world: &mut World, g: Gid, o: ObjId, m: ObjId, deadline: Option<Nanos>) -> Step {
    let cv = cv(world, o);
    if cv.waiters.is_empty() {
        cv.mutex = Some(m);
    } else if cv.mutex != Some(m) {
        world.whole(o, Mode::Read, Sync::None);
        return Step::Done(Ret::Misuse(Misuse::CondvarTwoMutexes));
    }
    cv.waiters.push(g);
    mutex::unlock(world, m);
    world.whole(o, Mode::Commute(Class::Enqueue), Sync::None);
    Step::Next(Op::CondWoken { cv: o, mutex: m, deadline })
}

/// End the queueing of `g` without a notification.
pub(super) fn wake(world: &mut World, g: Gid, o: ObjId, m: ObjId, timed_out: bool) -> Step {
    cv(world, o).waiters.retain(|&w| w != g);
    // In which order waiters leave by themselves makes no difference.
    world.whole(o, Mode::Commute(Class::Leave), Sync::None);
    if !timed_out {
        world.spend_spurious(g);
    }
    Step::Next(Op::Relock { cv: o, mutex: m, timed_out })
}

pub(super) fn relock(world: &mut World, g: Gid, o: ObjId, m: ObjId, timed_out: bool) -> Ret {
    mutex::lock(world, g, m);
    world.access(o, Part::Signal, g.0, Mode::Write, Sync::Acquire);
    Ret::Flag(!timed_out)
}

fn release(world: &mut World, o: ObjId, waiter: Gid) {
    world.access(o, Part::Signal, waiter.0, Mode::Write, Sync::Publish);
    let m = cv(world, o).mutex.expect("a condition variable with waiters has their lock");
    world.woken.push((waiter, Step::Next(Op::Relock { cv: o, mutex: m, timed_out: false })));
}

pub(super) fn notify_one(world: &mut World, o: ObjId, alternative: u32) -> Ret {
    let cv = cv(world, o);
    if cv.waiters.is_empty() {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Flag(false);
    }
    let waiter = cv.waiters.remove(alternative as usize);
    world.whole(o, Mode::Write, Sync::None);
    release(world, o, waiter);
    Ret::Flag(true)
}

pub(super) fn notify_all(world: &mut World, o: ObjId) -> Ret {
    let waiters = std::mem::take(&mut cv(world, o).waiters);
    if waiters.is_empty() {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Flag(false);
    }
    world.whole(o, Mode::Write, Sync::None);
    for waiter in waiters {
        release(world, o, waiter);
    }
    Ret::Flag(true)
}
