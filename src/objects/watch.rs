//! Waiting in place of a future: until what it wants may be possible, or it wants it no more.
//!
//! A future that cannot have what it wants leaves a goroutine behind that waits for this operation, and
//! then wakes it; it looks again when it is polled. Nothing is taken meanwhile, so a future that is
//! dropped leaves nothing to be given back. Invariant: the operation changes nothing; it is possible
//! exactly while what is wanted could be had at once, or the token `cancel` has been woken.

use super::op::{Op, Ret};
use super::{World, chan, mutex, rwlock, task, wait_group};
use selvedge_checkers::access::{Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// What a future wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    /// A message, or to know that there will be none.
    Receive(ObjId),
    Lock(ObjId),
    Read(ObjId),
    /// To announce that it wants to write: that no other writer has, or holds the lock.
    Announce(ObjId),
    /// To write, announced: that the readers have left.
    Write(ObjId),
    /// That the counter of a wait group is zero.
    Zero(ObjId),
}

impl Want {
    /// The operation of a goroutine that would wait for the same.
    pub(crate) fn stands_for(self) -> Op {
        match self {
            Want::Receive(ch) => Op::Receive(ch),
            Want::Lock(o) => Op::Lock(o),
            Want::Read(o) => Op::ReadLock(o),
            Want::Announce(o) => Op::WriteLock(o),
            Want::Write(o) => Op::WriteWait(o),
            Want::Zero(o) => Op::WaitGroupWait(o),
        }
    }

    pub(crate) fn object(self) -> ObjId {
        match self {
            Want::Receive(o)
            | Want::Lock(o)
            | Want::Read(o)
            | Want::Announce(o)
            | Want::Write(o)
            | Want::Zero(o) => o,
        }
    }
}

pub(super) fn is_possible(world: &World, g: Gid, want: Want, cancel: ObjId) -> bool {
    task::is_woken(world.state(cancel)) || is_there(world, g, want)
}

fn is_there(world: &World, g: Gid, want: Want) -> bool {
    let state = world.state(want.object());
    match want {
        Want::Receive(ch) => chan::view(state).closed || chan::has_message(world, ch, g),
        Want::Lock(_) => mutex::is_free(state),
        Want::Read(_) => rwlock::can_read(state),
        Want::Announce(_) => rwlock::can_announce(state),
        Want::Write(_) => rwlock::can_write(state),
        Want::Zero(_) => wait_group::count(state) == 0,
    }
}

/// Gives whether it is there; if not, nobody wants it any more.
pub(super) fn step(world: &mut World, want: Want, cancel: ObjId) -> Ret {
    let cancelled = task::is_woken(world.state(cancel));
    world.whole(cancel, Mode::Read, Sync::Acquire);
    match want {
        _ if cancelled => {}
        Want::Receive(ch) => chan::look_receive(world, ch),
        other => world.whole(other.object(), Mode::Read, Sync::None),
    }
    Ret::Flag(!cancelled)
}
