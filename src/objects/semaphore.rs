//! A weighted semaphore, first come first served as in Go's x/sync.
//!
//! Invariants: `available <= size`; the front of the queue never fits; a request that would fit
//! waits behind a larger one that came before it. A request for more than there is holds nobody
//! back: it is never in the queue. A goroutine is in `refused` only between a cancellation that
//! came before or after its wait, and its next request or release.

use super::op::{Misuse, Op, Ret};
use super::{State, Step, World};
use selvedge_checkers::access::{Access, Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};
use std::collections::VecDeque;

/// Free permits and the queue of requests.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SemState {
    pub(crate) size: u32,
    pub(crate) available: u32,
    pub(crate) queue: VecDeque<(Gid, u32)>,
    /// Whose request was cancelled while it was not in the queue.
    pub(crate) refused: Vec<Gid>,
}

fn sem(world: &mut World, o: ObjId) -> &mut SemState {
    match &mut world.slot_mut(o).state {
        State::Semaphore(s) => s,
        other => unreachable!("a semaphore operation on {other:?}"),
    }
}

fn take(world: &mut World, o: ObjId, n: u32) -> bool {
    let s = sem(world, o);
    let fits = s.queue.is_empty() && s.available >= n;
    if fits {
        s.available -= n;
    }
    fits
}

/// Whether `g` was refused; it is not any more.
fn was_refused(world: &mut World, g: Gid, o: ObjId) -> bool {
    let refused = &mut sem(world, o).refused;
    let at = refused.iter().position(|&r| r == g);
    at.map(|at| refused.swap_remove(at)).is_some()
}

pub(super) fn acquire(world: &mut World, g: Gid, o: ObjId, n: u32) -> Step {
    if was_refused(world, g, o) {
        world.whole(o, Mode::Write, Sync::None);
        return Step::Done(Ret::Flag(false));
    }
    if take(world, o, n) {
        world.whole(o, Mode::Write, Sync::Acquire);
        return Step::Done(Ret::Flag(true));
    }
    let s = sem(world, o);
    if n <= s.size {
        s.queue.push_back((g, n));
    }
    world.whole(o, Mode::Write, Sync::None);
    Step::Next(Op::AcquireWait { sem: o, n })
}

pub(super) fn try_acquire(world: &mut World, o: ObjId, n: u32) -> Ret {
    let fits = take(world, o, n);
    match fits {
        true => world.whole(o, Mode::Write, Sync::Acquire),
        false => world.whole(o, Mode::Read, Sync::None),
    }
    Ret::Flag(fits)
}

pub(super) fn release(world: &mut World, g: Gid, o: ObjId, n: u32) -> Ret {
    was_refused(world, g, o);
    let s = sem(world, o);
    if s.available + n > s.size {
        world.whole(o, Mode::Read, Sync::None);
        return Ret::Misuse(Misuse::ReleasedMoreThanHeld);
    }
    s.available += n;
    world.whole(o, Mode::Write, Sync::Release);
    grant(world, o);
    Ret::Unit
}

/// A request is given up; those behind it may fit now. If it is not queued, it is refused when it
/// comes, or forgotten when what it got is released.
pub(super) fn cancel(world: &mut World, o: ObjId, g: Gid) -> Ret {
    let queue = &mut sem(world, o).queue;
    let queued = queue.iter().any(|&(w, _)| w == g);
    queue.retain(|&(w, _)| w != g);
    world.whole(o, Mode::Write, Sync::None);
    if queued {
        world.woken.push((g, Step::Done(Ret::Flag(false))));
        grant(world, o);
    } else {
        sem(world, o).refused.push(g);
    }
    Ret::Flag(queued)
}

fn grant(world: &mut World, o: ObjId) {
    loop {
        let s = sem(world, o);
        let Some(&(g, n)) = s.queue.front() else { return };
        if s.available < n {
            return;
        }
        s.available -= n;
        s.queue.pop_front();
        world.learned.push((g, Access::whole(o, Mode::Write, Sync::Acquire)));
        world.woken.push((g, Step::Done(Ret::Flag(true))));
    }
}
