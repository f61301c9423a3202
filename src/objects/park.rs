//! Park and unpark: one token a goroutine, as in std.
//!
//! Invariant: `unpark` before `park` is remembered once; two unparks leave one token.

use super::World;
use super::op::Ret;
use selvedge_checkers::access::{Access, Class, Mode, Part, Sync};
use selvedge_checkers::ids::Gid;

pub(super) fn park(world: &mut World, g: Gid) -> Ret {
    let had = std::mem::take(&mut world.goroutines[g.index()].token);
    if !had {
        // The explorer let it return without a cause.
        world.spend_spurious(g);
    }
    let sync = if had { Sync::Acquire } else { Sync::None };
    world.footprint.push(Access::of_goroutine(g, Part::Token, Mode::Write, sync));
    Ret::Flag(had)
}

pub(super) fn unpark(world: &mut World, target: Gid) -> Ret {
    world.goroutines[target.index()].token = true;
    let mode = Mode::Commute(Class::Unpark);
    world.footprint.push(Access::of_goroutine(target, Part::Token, mode, Sync::Release));
    Ret::Unit
}
