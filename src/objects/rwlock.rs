//! A reader-writer lock with Go's writer preference.
//!
//! Invariants: readers hold it together, a writer alone. A writer first *announces* itself, which
//! no second writer can and after which no new reader gets in (so a recursive read can deadlock,
//! as in Go); it holds the lock once the readers before it have left. Readers do not synchronise
//! with each other: what they publish goes to `Part::Readers`, which only writers learn.

use super::op::{Misuse, Op, Ret};
use super::{State, Step, World};
use selvedge_checkers::access::{Class, Mode, Part, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// Who holds, or waits to hold, a reader-writer lock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RwState {
    pub(crate) writer: Option<Gid>,
    pub(crate) announced: Option<Gid>,
    pub(crate) readers: Vec<Gid>,
}

/// What a writer that does not wait does about its lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Intent {
    /// Take the lock, or, if only readers hold it, announce to want it.
    Announce,
    /// Take the lock that was announced, by whoever now does.
    Take,
    /// Want it no more.
    Retract,
}

fn view(state: &State) -> &RwState {
    match state {
        State::RwLock(rw) => rw,
        other => unreachable!("a reader-writer operation on {other:?}"),
    }
}

fn rw(world: &mut World, o: ObjId) -> &mut RwState {
    match &mut world.slot_mut(o).state {
        State::RwLock(rw) => rw,
        other => unreachable!("a reader-writer operation on {other:?}"),
    }
}

pub(crate) fn can_read(state: &State) -> bool {
    let rw = view(state);
    rw.writer.is_none() && rw.announced.is_none()
}

pub(crate) fn can_announce(state: &State) -> bool {
    can_read(state)
}

pub(crate) fn can_write(state: &State) -> bool {
    view(state).readers.is_empty()
}

pub(super) fn read(world: &mut World, g: Gid, o: ObjId) -> Ret {
    rw(world, o).readers.push(g);
    world.whole(o, Mode::Commute(Class::Reader), Sync::Acquire);
    Ret::Unit
}

pub(super) fn try_read(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let free = can_read(world.state(o));
    if free {
        read(world, g, o);
    } else {
        world.whole(o, Mode::Read, Sync::None);
    }
    Ret::Flag(free)
}

pub(super) fn read_unlock(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let readers = &mut rw(world, o).readers;
    // Any goroutine may release a read lock, as in Go; its own goes first.
    let mine = readers.iter().position(|&r| r == g).or_else(|| readers.len().checked_sub(1));
    let Some(at) = mine else {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Misuse(Misuse::ReadUnlockOfUnlocked);
    };
    readers.remove(at);
    world.whole(o, Mode::Commute(Class::Reader), Sync::None);
    world.access(o, Part::Readers, 0, Mode::Commute(Class::Reader), Sync::Release);
    Ret::Unit
}

pub(super) fn announce(world: &mut World, g: Gid, o: ObjId) -> Step {
    if can_write(world.state(o)) {
        return Step::Done(write(world, g, o));
    }
    rw(world, o).announced = Some(g);
    world.whole(o, Mode::Write, Sync::None);
    Step::Next(Op::WriteWait(o))
}

pub(super) fn write(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let rw = rw(world, o);
    rw.announced = None;
    rw.writer = Some(g);
    world.whole(o, Mode::Write, Sync::Acquire);
    world.access(o, Part::Readers, 0, Mode::Write, Sync::Acquire);
    Ret::Unit
}

pub(super) fn try_write(world: &mut World, g: Gid, o: ObjId) -> Ret {
    let free = can_announce(world.state(o)) && can_write(world.state(o));
    if free {
        write(world, g, o);
    } else {
        world.whole(o, Mode::Read, Sync::None);
    }
    Ret::Flag(free)
}

/// Gives true if the lock was taken, that it would block if it is announced, else false.
pub(super) fn intend(world: &mut World, g: Gid, o: ObjId, intent: Intent) -> Ret {
    let (mode, ret) = match intent {
        Intent::Announce if !can_announce(world.state(o)) => (Mode::Read, Ret::Flag(false)),
        Intent::Announce | Intent::Take if can_write(world.state(o)) => {
            write(world, g, o);
            return Ret::Flag(true);
        }
        Intent::Announce => {
            rw(world, o).announced = Some(g);
            (Mode::Write, Ret::WouldBlock)
        }
        Intent::Take => (Mode::Read, Ret::WouldBlock),
        Intent::Retract => {
            rw(world, o).announced = None;
            (Mode::Write, Ret::Flag(false))
        }
    };
    world.whole(o, mode, Sync::None);
    ret
}

pub(super) fn write_unlock(world: &mut World, o: ObjId) -> Ret {
    if rw(world, o).writer.take().is_none() {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Misuse(Misuse::WriteUnlockOfUnlocked);
    }
    world.whole(o, Mode::Write, Sync::Publish);
    Ret::Unit
}
