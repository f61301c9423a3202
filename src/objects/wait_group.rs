//! A wait group: a counter that goroutines wait to see at zero.
//!
//! Invariants: the counter is never negative (`Done` too often panics); a wait is possible exactly
//! at zero. When a zero is followed by another `Add`, a goroutine whose wait is pending may have come
//! before the zero or after it, and nobody can tell: if before, it was released, has not returned yet
//! and panics with Go's "reused before previous Wait has returned"; if after, it waits on. Both are
//! alternatives of the wait.

use super::op::{Misuse, Op, Ret};
use super::{State, Step, World};
use selvedge_checkers::access::{Class, Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// The counter, and who waits on it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WgState {
    pub(crate) count: i64,
    /// Who has announced a wait, and whether there was a zero since.
    pub(crate) waiters: Vec<(Gid, bool)>,
}

fn wg(world: &mut World, o: ObjId) -> &mut WgState {
    match &mut world.slot_mut(o).state {
        State::WaitGroup(wg) => wg,
        other => unreachable!("a wait group operation on {other:?}"),
    }
}

/// The counter.
pub(crate) fn count(state: &State) -> i64 {
    match state {
        State::WaitGroup(wg) => wg.count,
        _ => 0,
    }
}

/// A goroutine announces a wait.
pub(crate) fn announced(world: &mut World, g: Gid, o: ObjId) {
    wg(world, o).waiters.push((g, false));
}

/// In how many ways a wait of `g` can go on.
pub(crate) fn alternatives(state: &State, g: Gid) -> u32 {
    match state {
        State::WaitGroup(wg) if wg.count == 0 => 1,
        State::WaitGroup(wg) if wg.waiters.contains(&(g, true)) => 2,
        _ => 0,
    }
}

pub(super) fn add(world: &mut World, o: ObjId, delta: i32) -> Ret {
    let wg = wg(world, o);
    let before = wg.count;
    wg.count += i64::from(delta);
    if wg.count < 0 {
        // Those who were about to find zero do not any more.
        world.whole(o, Mode::Write, Sync::None);
        return Ret::Misuse(Misuse::NegativeWaitGroup);
    }
    if wg.count == 0 && before != 0 {
        wg.waiters.iter_mut().for_each(|w| w.1 = true);
    }
    // Only `Done` happens before the wait it ends.
    let sync = if delta < 0 { Sync::Release } else { Sync::None };
    world.whole(o, Mode::Commute(Class::Add), sync);
    Ret::Value(before as u64)
}

pub(super) fn peek(world: &mut World, o: ObjId, released: bool) -> Ret {
    let zero = count(world.state(o)) == 0;
    world.whole(o, Mode::Read, if zero { Sync::Acquire } else { Sync::None });
    if released && !zero { Ret::Misuse(Misuse::WaitGroupReused) } else { Ret::Flag(zero) }
}

pub(super) fn wait(world: &mut World, g: Gid, o: ObjId, alternative: u32) -> Step {
    let wg = wg(world, o);
    wg.waiters.retain(|w| w.0 != g);
    let (step, sync) = match (wg.count, alternative) {
        (0, _) => (Step::Done(Ret::Unit), Sync::Acquire),
        (_, 0) => (Step::Done(Ret::Misuse(Misuse::WaitGroupReused)), Sync::None),
        _ => (Step::Next(Op::WaitGroupWait(o)), Sync::None),
    };
    world.whole(o, Mode::Read, sync);
    step
}
