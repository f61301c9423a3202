//! The engine's side of the detectors: turns steps into what they want to know.
//!
//! Invariant: the order of calls is the one [`selvedge_checkers::suite`] asks for: `executed` before
//! the clocks learn of the step, `applied` after, `spawned` and `joined` after theirs.

use crate::objects::{Arm, Op, Ret, Step as Effect, World, condvar, wait_group};
use selvedge_checkers::access::Access;
use selvedge_checkers::clock::Clocks;
use selvedge_checkers::finding::{Finding, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use selvedge_checkers::suite::{Step, Suite};
use std::sync::atomic::Ordering;

/// What the detectors want to know of the state before a step.
#[inline]
pub(super) fn before(world: &World, op: &Op) -> i64 {
    match *op {
        Op::WaitGroupAdd { wg, .. } => wait_group::count(world.state(wg)),
        Op::NotifyOne(cv) | Op::NotifyAll(cv) => condvar::targets(world.state(cv)).into(),
        Op::Unpark(target) => target.0.into(),
        _ => 0,
    }
}

/// Whether the detectors look at the operation at all.
#[inline]
fn is_silent(op: &Op) -> bool {
    matches!(
        op,
        Op::Choose(_)
            | Op::Load { .. }
            | Op::Store { .. }
            | Op::Update { .. }
            | Op::Add { .. }
            | Op::CompareExchange { .. }
            | Op::Fence(_)
            | Op::Sleep { .. }
            | Op::Len(_)
            | Op::TimerStart { .. }
            | Op::TimerStop(_)
    )
}

/// Tell the detectors of a step that took effect; the clocks have not learned of it yet.
#[inline]
#[allow(clippy::too_many_arguments, reason = "the parts of a step, taken apart only here")]
pub(super) fn executed(
    suite: &mut Suite,
    clocks: &Clocks,
    world: &World,
    g: Gid,
    op: &Op,
    effect: &Effect,
    before: i64,
    site: SiteRef,
    number: u32,
) {
    if is_silent(op) {
        return;
    }
    let mut step = Step {
        g,
        op: op.kind(),
        object: op.object().unwrap_or(ObjId::NIL),
        ok: took_effect(op, effect),
        before,
        site,
        step: number,
    };
    match *op {
        Op::Select { .. } | Op::SelectWait { .. } => {
            let Effect::Done(Ret::Arm { arm, ticket }) = *effect else { return };
            let arm = world.goroutines[g.index()].select.arms[arm as usize];
            step.object = arm.channel();
            (step.op, step.ok) = match arm {
                Arm::Receive(_) => (OpKind::Receive, ticket.is_some()),
                Arm::Send(..) => (OpKind::Send, true),
            };
        }
        Op::CondWait { mutex, .. } => {
            suite.executed(clocks, &step);
            (step.op, step.object) = (OpKind::Unlock, mutex);
        }
        Op::CondWoken { .. } | Op::Watch { .. } => return,
        Op::WaitGroupPeek { .. } if !step.ok => return,
        // It goes on waiting, a writer announced: nothing has happened.
        Op::WaitGroupWait(_) | Op::WriteLock(_) if matches!(effect, Effect::Next(_)) => return,
        _ => {}
    }
    suite.executed(clocks, &step);
}

#[inline]
fn took_effect(op: &Op, effect: &Effect) -> bool {
    match (op, effect) {
        (Op::WaitGroupAdd { delta, .. }, _) => *delta > 0,
        (_, Effect::Next(_)) => true,
        (_, Effect::Done(ret)) => {
            !matches!(ret, Ret::Flag(false) | Ret::WouldBlock | Ret::TimedOut | Ret::Closed | Ret::Misuse(_))
        }
    }
}

/// Tell the order without locks what the clocks have just learned.
#[inline]
pub(super) fn applied(suite: &mut Suite, g: Gid, footprint: &[Access], op: &Op) {
    let lock = matches!(
        op,
        Op::Lock(_)
            | Op::TryLock(_)
            | Op::Unlock(_)
            | Op::ReadLock(_)
            | Op::TryReadLock(_)
            | Op::ReadUnlock(_)
            | Op::WriteLock(_)
            | Op::WriteWait(_)
            | Op::TryWriteLock(_)
            | Op::WriteIntent { .. }
            | Op::WriteUnlock(_)
            | Op::CondWait { .. }
            | Op::Relock { .. }
    );
    suite.applied(g, footprint, lock);
    if let Op::Fence(order) = *op {
        let acquire = matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst);
        let release = matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst);
        suite.fenced(g, acquire, release);
    }
}

/// A lost wake-up that explains why `g` waits for ever, if there is one.
pub(super) fn lost_wake_up(suite: &mut Suite, g: Gid, op: &Op, site: SiteRef, step: u32) -> Option<Finding> {
    let lost = match *op {
        Op::CondWoken { cv, .. } => suite.explain_wait(g, cv)?,
        Op::Park { .. } => suite.explain_park(g, site, step)?,
        _ => return None,
    };
    Some(Finding { slug: Slug::LostWakeUp, evidence: lost.evidence })
}
