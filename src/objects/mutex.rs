//! A lock: free, or held by one goroutine.
//!
//! Invariants: `Lock` is possible exactly while the lock is free; which waiter gets it is the
//! explorer's choice (Go's normal mode lets newcomers barge, std promises nothing). As in Go, any
//! goroutine may unlock; unlocking a free lock is fatal.

use super::op::{Misuse, Ret};
use super::{State, World};
use selvedge_checkers::access::{Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

pub(crate) fn is_free(state: &State) -> bool {
    matches!(state, State::Mutex { holder: None })
}

fn holder(world: &mut World, o: ObjId) -> &mut Option<Gid> {
    match &mut world.slot_mut(o).state {
        State::Mutex { holder } => holder,
        other => unreachable!("a lock operation on {other:?}"),
    }
}

pub(super) fn lock(world: &mut World, g: Gid, o: ObjId) -> Ret {
    *holder(world, o) = Some(g);
    world.whole(o, Mode::Write, Sync::Acquire);
    Ret::Unit
}

pub(super) fn try_lock(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let free = is_free(world.state(o));
    if free {
        lock(world, g, o);
    } else {
        world.whole(o, Mode::Read, Sync::None);
    }
    Ret::Flag(free)
}

pub(super) fn unlock(world: &mut World, o: ObjId) -> Ret {
    if holder(world, o).take().is_none() {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Misuse(Misuse::UnlockOfUnlocked);
    }
    world.whole(o, Mode::Write, Sync::Publish);
    Ret::Unit
}
