//! A one-time initialisation.
//!
//! Invariants: at most one goroutine runs the initialiser; the others wait until it has ended. A
//! goroutine that asks again from inside the initialiser waits for itself: a deadlock, as in Go.
//! Whether an initialiser that gave up spoils the object is for the surface to say: the state only
//! remembers it, and lets the next one try.

use super::op::Ret;
use super::{State, World};
use selvedge_checkers::access::{Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// How far the initialisation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum OnceState {
    /// Nobody has begun.
    #[default]
    Idle,
    /// Whoever began gave up.
    Poisoned,
    /// The initialiser runs.
    Running(Gid),
    /// It has ended.
    Done,
}

fn once(world: &mut World, o: ObjId) -> &mut OnceState {
    match &mut world.slot_mut(o).state {
        State::Once(once) => once,
        other => unreachable!("a once operation on {other:?}"),
    }
}

pub(crate) fn can_begin(state: &State) -> bool {
    !matches!(state, State::Once(OnceState::Running(_)))
}

pub(crate) fn can_stop_waiting(state: &State, force: bool) -> bool {
    match state {
        State::Once(OnceState::Done) => true,
        State::Once(OnceState::Poisoned) => !force,
        _ => false,
    }
}

/// `Flag(true)` if the caller is to run the initialiser, `Value(1)` if it is and another gave up
/// before, `Flag(false)` if it is done.
pub(super) fn begin(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let once = once(world, o);
    let before = *once;
    if before == OnceState::Done {
        world.whole(o, Mode::Read, Sync::Acquire);
        return Ret::Flag(false);
    }
    *once = OnceState::Running(g);
    world.whole(o, Mode::Write, Sync::Acquire);
    if before == OnceState::Poisoned { Ret::Value(1) } else { Ret::Flag(true) }
}

/// Whether it is done.
pub(super) fn peek(world: &mut World, o: ObjId) -> Ret {
    let done = *once(world, o) == OnceState::Done;
    world.whole(o, Mode::Read, Sync::Acquire);
    Ret::Flag(done)
}

pub(super) fn end(world: &mut World, o: ObjId, done: bool) -> Ret {
    *once(world, o) = if done { OnceState::Done } else { OnceState::Poisoned };
    world.whole(o, Mode::Write, Sync::Publish);
    Ret::Unit
}
