//! Select: one operation over several channels.
//!
//! As in Go: channels and values are evaluated once, in order; a choice among the ready arms is
//! the explorer's (the first one for a biased select); the default is taken only if no arm is
//! ready; nil channels are never ready; a receive from a closed channel always is. A blocked
//! select over unbuffered channels queues up on all of them in one step and leaves all queues when
//! a peer, a ready buffered arm or the deadline ends it.

use super::chan::{self, Waiter};
use super::op::{Nanos, Op, Ret};
use super::{Step, World};
use selvedge_checkers::access::{Mode, Part, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// One arm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arm {
    Receive(ObjId),
    Send(ObjId, u32),
}

impl Arm {
    pub(crate) fn channel(self) -> ObjId {
        match self {
            Arm::Receive(ch) | Arm::Send(ch, _) => ch,
        }
    }
}

/// The select a goroutine has announced.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Select {
    pub(crate) arms: Vec<Arm>,
    pub(crate) default: bool,
    pub(crate) biased: bool,
    /// Whether the goroutine is in the queues of its unbuffered arms.
    pub(crate) queued: bool,
}

impl Clone for Select {
    fn clone(&self) -> Select {
        Select { arms: self.arms.clone(), ..*self }
    }

    fn clone_from(&mut self, other: &Select) {
        let arms = std::mem::take(&mut self.arms);
        *self = Select { arms, ..*other };
        self.arms.clone_from(&other.arms);
    }
}

impl Select {
    pub(crate) fn clear(&mut self) {
        self.arms.clear();
        self.default = false;
        self.biased = false;
        self.queued = false;
    }
}

fn is_ready(world: &World, g: Gid, arm: Arm) -> bool {
    if arm.channel() == ObjId::NIL {
        return false;
    }
    let c = chan::view(world.state(arm.channel()));
    c.closed
        || match arm {
            Arm::Receive(ch) => chan::has_message(world, ch, g),
            Arm::Send(ch, _) => chan::has_room(world, ch, g),
        }
}

/// Whether a buffered arm of the select that `g` waits in is ready. In Go whoever made it ready has
/// ended the select in the same step; here `g` does when its turn comes, and nobody meets it before.
pub(super) fn is_over(world: &World, g: Gid) -> bool {
    let buffered = |arm: &Arm| {
        arm.channel() != ObjId::NIL && {
            let c = chan::view(world.state(arm.channel()));
            let ready = match arm {
                Arm::Receive(_) => !c.buffer.is_empty(),
                Arm::Send(..) => c.buffer.len() < c.cap as usize,
            };
            c.cap > 0 && (c.closed || ready)
        }
    };
    world.goroutines[g.index()].select.arms.iter().any(buffered)
}

/// How many arms can be taken now (a biased select: at most one).
pub(super) fn ready(world: &World, g: Gid) -> u32 {
    let select = &world.goroutines[g.index()].select;
    let ready = select.arms.iter().filter(|&&a| is_ready(world, g, a)).count() as u32;
    if select.biased { ready.min(1) } else { ready }
}

pub(super) fn alternatives(world: &World, g: Gid) -> u32 {
    let ready = ready(world, g);
    let select = &world.goroutines[g.index()].select;
    if ready == 0 && (select.default || has_unbuffered(world, g)) { 1 } else { ready }
}

fn has_unbuffered(world: &World, g: Gid) -> bool {
    let select = &world.goroutines[g.index()].select;
    let unbuffered = |a: &Arm| a.channel() != ObjId::NIL && chan::view(world.state(a.channel())).cap == 0;
    select.arms.iter().any(unbuffered)
}

/// The arm that is alternative number `n`; `None` if none is ready.
pub(super) fn nth_ready(world: &World, g: Gid, n: u32) -> Option<u32> {
    let arms = &world.goroutines[g.index()].select.arms;
    let ready = arms.iter().enumerate().filter(|&(_, &a)| is_ready(world, g, a));
    ready.map(|(i, _)| i as u32).nth(n as usize)
}

pub(super) fn step(world: &mut World, g: Gid, op: &Op, alternative: u32) -> Step {
    let Some(arm) = nth_ready(world, g, alternative) else {
        let select = &world.goroutines[g.index()].select;
        if select.default {
            look_at_others(world, g, None);
            return Step::Done(Ret::WouldBlock);
        }
        return queue_up(world, g, op.deadline());
    };
    look_at_others(world, g, Some(arm));
    let ret = match world.goroutines[g.index()].select.arms[arm as usize] {
        Arm::Receive(ch) => match chan::take(world, g, ch).expect("the arm is ready") {
            Ret::Message(ticket) => Ret::Arm { arm, ticket: Some(ticket) },
            _ => Ret::Arm { arm, ticket: None },
        },
        Arm::Send(ch, ticket) => match chan::place(world, g, ch, ticket).expect("the arm is ready") {
            Ret::Unit => Ret::Arm { arm, ticket: None },
            misuse => misuse,
        },
    };
    leave_queues(world, g);
    Step::Done(ret)
}

/// A select observes the readiness of every arm, also of those it does not take.
fn look_at_others(world: &mut World, g: Gid, taken: Option<u32>) {
    for i in 0..world.goroutines[g.index()].select.arms.len() {
        let arm = world.goroutines[g.index()].select.arms[i];
        if Some(i as u32) == taken || arm.channel() == ObjId::NIL {
            continue;
        }
        match arm {
            Arm::Receive(ch) => chan::look_receive(world, ch),
            Arm::Send(ch, _) => chan::look_send(world, ch),
        }
    }
}

fn queue_up(world: &mut World, g: Gid, deadline: Option<Nanos>) -> Step {
    look_at_others(world, g, None);
    for i in 0..world.goroutines[g.index()].select.arms.len() {
        let arm = world.goroutines[g.index()].select.arms[i];
        let ch = arm.channel();
        if ch == ObjId::NIL {
            continue;
        }
        if chan::view(world.state(ch)).cap > 0 {
            chan::chan(world, ch).selected = true;
            world.access(ch, Part::Queue, 0, Mode::Write, Sync::None);
            continue;
        }
        match arm {
            Arm::Receive(ch) => {
                chan::queue_receiver(world, ch, Waiter { g, ticket: 0, arm: Some(i as u32) });
            }
            Arm::Send(ch, ticket) => chan::queue_sender(world, ch, Waiter { g, ticket, arm: Some(i as u32) }),
        }
    }
    world.goroutines[g.index()].select.queued = true;
    Step::Next(Op::SelectWait { deadline })
}

/// Take `g` out of every queue its select is in.
pub(super) fn leave_queues(world: &mut World, g: Gid) {
    if !world.goroutines[g.index()].select.queued {
        return;
    }
    world.goroutines[g.index()].select.queued = false;
    for i in 0..world.goroutines[g.index()].select.arms.len() {
        let ch = world.goroutines[g.index()].select.arms[i].channel();
        if ch != ObjId::NIL {
            let c = chan::chan(world, ch);
            c.senders.retain(|w| w.g != g);
            c.receivers.retain(|w| w.g != g);
            world.access(ch, Part::Queue, 0, Mode::Write, Sync::None);
        }
    }
}
