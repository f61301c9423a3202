//! A wait group: a counter that goroutines wait to see at zero.
//!
//! Invariants: the counter is never negative (`Done` too often panics); a wait is possible exactly
//! at zero. A waiter that was blocked and then released by a zero, but has not returned yet when
//! the counter is raised again, panics with Go's "reused before previous Wait has returned".

use super::op::{Misuse, Ret};
use super::{State, Step, World};
use selvedge_checkers::access::{Class, Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// The counter, and who waits on it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WgState {
    pub(crate) count: i64,
    /// Waiters that found the counter above zero, and whether a zero has released them since.
    pub(crate) waiters: Vec<(Gid, bool)>,
}

fn wg(world: &mut World, o: ObjId) -> &mut WgState {
    match &mut world.slot_mut(o).state {
        State::WaitGroup(wg) => wg,
        other => unreachable!("a wait group operation on {other:?}"),
    }
}

pub(crate) fn is_zero(state: &State) -> bool {
    matches!(state, State::WaitGroup(wg) if wg.count == 0)
}

/// The counter.
pub(crate) fn count(state: &State) -> i64 {
    match state {
        State::WaitGroup(wg) => wg.count,
        _ => 0,
    }
}

/// A goroutine announced a wait and found the counter above zero.
pub(crate) fn blocked(world: &mut World, g: Gid, o: ObjId) {
    let waiters = &mut wg(world, o).waiters;
    if waiters.iter().all(|&(w, _)| w != g) {
        waiters.push((g, false));
    }
}

pub(super) fn add(world: &mut World, o: ObjId, delta: i32) -> Ret {
    let wg = wg(world, o);
    let before = wg.count;
    wg.count += i64::from(delta);
    if wg.count < 0 {
        // Those who were about to find zero do not any more.
        world.whole(o, Mode::Commute(Class::Add), Sync::None);
        return Ret::Misuse(Misuse::NegativeWaitGroup);
    }
    if wg.count == 0 {
        wg.waiters.iter_mut().for_each(|w| w.1 = true);
    } else if before == 0 {
        let released: Vec<Gid> = wg.waiters.iter().filter(|w| w.1).map(|w| w.0).collect();
        wg.waiters.retain(|w| !w.1);
        let reused = Step::Done(Ret::Misuse(Misuse::WaitGroupReused));
        world.woken.extend(released.into_iter().map(|g| (g, reused)));
    }
    // Only `Done` happens before the wait it ends.
    let sync = if delta < 0 { Sync::Release } else { Sync::None };
    world.whole(o, Mode::Commute(Class::Add), sync);
    Ret::Value(before as u64)
}

pub(super) fn wait(world: &mut World, g: Gid, o: ObjId) -> Ret {
    wg(world, o).waiters.retain(|w| w.0 != g);
    world.whole(o, Mode::Read, Sync::Acquire);
    Ret::Unit
}
