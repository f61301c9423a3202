//! Atomics, sequentially consistent: every load reads the last store.
//!
//! The orderings decide what happens before what (a relaxed load learns nothing until a fence), so
//! data races behind too weak orderings are found although no stale value is ever read.
//! Not modelled yet: stale reads, and with them every bug that needs one.

use super::op::{Int, Op, Ret, Update};
use super::{State, World};
use core::sync::atomic::Ordering;
use selvedge_checkers::access::{Mode, Sync};

/// The value, as a zero-extended `u64`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AtomicState {
    pub(crate) value: u64,
}

pub(crate) fn value(state: &State) -> u64 {
    match state {
        State::Atomic(a) => a.value,
        other => unreachable!("an atomic operation on {other:?}"),
    }
}

fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

fn load_sync(order: Ordering) -> Sync {
    if acquires(order) { Sync::Acquire } else { Sync::RelaxedLoad }
}

fn store_sync(order: Ordering) -> Sync {
    if releases(order) { Sync::Publish } else { Sync::RelaxedStore }
}

fn update_sync(order: Ordering) -> Sync {
    match (acquires(order), releases(order)) {
        (true, true) => Sync::AcquireRelease,
        (true, false) => Sync::AcquireUpdate,
        (false, true) => Sync::ReleaseUpdate,
        (false, false) => Sync::RelaxedUpdate,
    }
}

/// The new value of a read-modify-write.
pub(crate) fn updated(update: Update, int: Int, old: u64, operand: u64) -> u64 {
    let signed = |v: u64| ((v << (64 - int.bits)) as i64) >> (64 - int.bits);
    let larger = if int.signed { signed(old) >= signed(operand) } else { old >= operand };
    let wide = match update {
        Update::Swap => operand,
        Update::Add => old.wrapping_add(operand),
        Update::Sub => old.wrapping_sub(operand),
        Update::And => old & operand,
        Update::Nand => !(old & operand),
        Update::Or => old | operand,
        Update::Xor => old ^ operand,
        Update::Max => {
            if larger {
                old
            } else {
                operand
            }
        }
        Update::Min => {
            if larger {
                operand
            } else {
                old
            }
        }
    };
    wide & (u64::MAX >> (64 - int.bits))
}

pub(super) fn step(world: &mut World, op: &Op, alternative: u32) -> Ret {
    match *op {
        Op::Load { atomic, order } => {
            world.whole(atomic, Mode::Read, load_sync(order));
            Ret::Value(value(world.state(atomic)))
        }
        Op::Store { atomic, value, order } => {
            world.slot_mut(atomic).state = State::Atomic(AtomicState { value });
            world.whole(atomic, Mode::Write, store_sync(order));
            Ret::Unit
        }
        Op::Update { atomic, update, int, operand, order } => {
            let old = value(world.state(atomic));
            let value = updated(update, int, old, operand);
            world.slot_mut(atomic).state = State::Atomic(AtomicState { value });
            world.whole(atomic, Mode::Write, update_sync(order));
            Ret::Value(old)
        }
        Op::CompareExchange { atomic, expected, new, success, failure, .. } => {
            let old = value(world.state(atomic));
            let spurious = alternative == 1;
            let done = old == expected && !spurious;
            if done {
                world.slot_mut(atomic).state = State::Atomic(AtomicState { value: new });
                world.whole(atomic, Mode::Write, update_sync(success));
            } else {
                world.spurious -= u32::from(spurious);
                world.whole(atomic, Mode::Read, load_sync(failure));
            }
            Ret::Exchange { old, done }
        }
        _ => unreachable!("{op:?} is not an atomic operation"),
    }
}
