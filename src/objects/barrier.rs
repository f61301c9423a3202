//! A reusable barrier: the last of a generation to arrive releases the others.
//!
//! Invariant: fewer than `size` goroutines wait. Everything before any arrival of a generation
//! happens before everything after any departure of it.

use super::op::{Op, Ret};
use super::{State, Step, World};
use selvedge_checkers::access::{Access, Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// Who has arrived.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BarrierState {
    pub(crate) size: u32,
    pub(crate) waiting: Vec<Gid>,
}

pub(super) fn wait(world: &mut World, g: Gid, o: ObjId) -> Step {
    let State::Barrier(barrier) = &mut world.slot_mut(o).state else {
        unreachable!("a barrier operation on another object")
    };
    if barrier.waiting.len() as u32 + 1 < barrier.size {
        barrier.waiting.push(g);
        world.whole(o, Mode::Write, Sync::Release);
        return Step::Next(Op::BarrierPark(o));
    }
    let others = std::mem::take(&mut barrier.waiting);
    world.whole(o, Mode::Write, Sync::AcquireRelease);
    for peer in others {
        world.learned.push((peer, Access::whole(o, Mode::Write, Sync::Acquire)));
        world.woken.push((peer, Step::Done(Ret::Flag(false))));
    }
    Step::Done(Ret::Flag(true))
}
