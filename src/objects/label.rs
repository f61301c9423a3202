//! Labels: the outcomes an operation can have, by what happens and not by how many others there are.
//!
//! An alternative is a number that means something in one state only. Its label means the same in
//! every state in which the operation is possible: two executions in which every operation had the
//! same label did the same. Invariant: the alternatives of one operation in one state have different
//! labels.

use super::select::{self, Arm};
use super::{Op, State, World, chan, memory};
use selvedge_checkers::ids::{Gid, ObjId};

/// An outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Label {
    /// What the operation does is a function of the state alone.
    Only,
    /// The number of a choice.
    Choice(u32),
    /// The goroutine that a notification wakes.
    Wakes(Gid),
    /// An arm of a select, with the number of the message it sends or receives.
    Arm(u32, u32),
    /// An arm of a select whose channel is closed.
    Closed(u32),
    /// No arm of a select is ready.
    Default,
    /// The goroutine whose operation is given up, by time.
    TimesOut(Gid),
    /// The timer that fires.
    Fires(ObjId),
    /// The store that is read: its goroutine, and its number among the stores of that goroutine.
    Write(Gid, u32),
    /// A weak exchange that reads this store, could succeed, and fails.
    Fails(Gid, u32),
    /// A wait that ends without a cause.
    Spurious,
}

/// The label of one of the alternatives of `op` of `g` in this state.
pub(crate) fn label(world: &World, g: Gid, op: &Op, alternative: u32) -> Label {
    match *op {
        Op::Choose(_) => Label::Choice(alternative),
        Op::NotifyOne(cv) => match world.state(cv) {
            State::Condvar(cv) if !cv.waiters.is_empty() => Label::Wakes(cv.waiters[alternative as usize]),
            _ => Label::Only,
        },
        Op::Select { .. } | Op::SelectWait { .. } => of_select(world, g, alternative),
        Op::WaitGroupWait(wg) if super::wait_group::count(world.state(wg)) != 0 => Label::Choice(alternative),
        Op::Load { .. } | Op::CompareExchange { .. } => of_read(world, g, op, alternative),
        Op::CondWoken { .. } | Op::Park { .. } if world.may_wake_spuriously(g, op) => Label::Spurious,
        _ => Label::Only,
    }
}

fn of_read(world: &World, g: Gid, op: &Op, alternative: u32) -> Label {
    let Some(store) = memory::read_from(world, g, op, alternative) else {
        return if alternative > 0 { Label::Choice(alternative) } else { Label::Only };
    };
    let (writer, number) = store.identity();
    match *op {
        Op::CompareExchange { expected, .. } if alternative > 0 && store.value == expected => {
            Label::Fails(writer, number)
        }
        _ => Label::Write(writer, number),
    }
}

fn of_select(world: &World, g: Gid, alternative: u32) -> Label {
    let Some(at) = select::nth_ready(world, g, alternative) else { return Label::Default };
    let arm = world.goroutines[g.index()].select.arms[at as usize];
    let c = chan::view(world.state(arm.channel()));
    match arm {
        Arm::Send(..) if c.closed => Label::Closed(at),
        Arm::Send(..) => Label::Arm(at, c.sent),
        Arm::Receive(ch) if c.closed && !chan::has_message(world, ch, g) => Label::Closed(at),
        Arm::Receive(_) => Label::Arm(at, c.received),
    }
}
