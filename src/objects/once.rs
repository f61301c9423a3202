//! A one-time initialisation.
//!
//! Invariants: at most one goroutine runs the initialiser; the others wait until it has ended. A
//! goroutine that asks again from inside the initialiser waits for itself: a deadlock, as in Go.

use super::op::Ret;
use super::{State, World};
use selvedge_checkers::access::{Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// How far the initialisation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum OnceState {
    /// Nobody has begun, or whoever began gave up.
    #[default]
    Idle,
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

/// True if the caller is to run the initialiser, false if it is done.
pub(super) fn begin(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let once = once(world, o);
    let idle = *once == OnceState::Idle;
    if idle {
        *once = OnceState::Running(g);
        world.whole(o, Mode::Write, Sync::Acquire);
    } else {
        world.whole(o, Mode::Read, Sync::Acquire);
    }
    Ret::Flag(idle)
}

pub(super) fn end(world: &mut World, o: ObjId, done: bool) -> Ret {
    *once(world, o) = if done { OnceState::Done } else { OnceState::Idle };
    world.whole(o, Mode::Write, Sync::Publish);
    Ret::Unit
}
