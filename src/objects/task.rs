//! The wakers of an async task, or of who blocks on a future: one token, as for park and unpark.
//!
//! Invariants: a wake before the wait is remembered once; two wakes leave one. All wakes happen before the end of
//! the wait that follows them: whoever polls next has seen what made it worth a poll.

use super::op::Ret;
use super::{State, World};
use selvedge_checkers::access::{Class, Mode, Sync};
use selvedge_checkers::ids::ObjId;

fn woken(world: &mut World, o: ObjId) -> &mut bool {
    match &mut world.slot_mut(o).state {
        State::Task { woken } => woken,
        other => unreachable!("a wake of {other:?}"),
    }
}

pub(super) fn is_woken(state: &State) -> bool {
    matches!(state, State::Task { woken: true })
}

pub(super) fn wait(world: &mut World, o: ObjId) -> Ret {
    *woken(world, o) = false;
    world.whole(o, Mode::Write, Sync::Acquire);
    Ret::Unit
}

pub(super) fn wake(world: &mut World, o: ObjId) -> Ret {
    *woken(world, o) = true;
    world.whole(o, Mode::Commute(Class::Unpark), Sync::Release);
    Ret::Unit
}
