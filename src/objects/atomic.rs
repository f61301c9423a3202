//! Atomics.
//!
//! Which store a load reads is the business of [`memory`]; where the model is sequentially consistent
//! it is the newest. Either way the orderings decide what happens before what (a relaxed load learns
//! nothing until a fence), so data races behind too weak orderings are found.

use super::memory::Exchange;
use super::op::{Int, Op, Ret, Update};
use super::{State, World, memory};
use core::sync::atomic::Ordering;
use selvedge_checkers::access::{Class, Mode, Sync};
use selvedge_checkers::ids::{Gid, ObjId};

/// The newest value, as a zero-extended `u64`.
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

/// An addition continues a release sequence and learns nothing, not even before a fence: whether it reads
/// what another one wrote is not to matter.
fn add_sync(order: Ordering) -> Sync {
    if releases(order) { Sync::Release } else { Sync::RelaxedAdd }
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

/// In how many ways a load or a compare-exchange of `g` can take effect.
pub(super) fn alternatives(world: &World, g: Gid, op: &Op) -> u32 {
    match *op {
        Op::Load { atomic, order } if world.memory.weak => memory::readable(world, g, atomic, order),
        Op::CompareExchange { atomic, expected, weak, failure, .. } => {
            let may_fail = weak && world.goroutines[g.index()].budget.spurious > 0;
            match world.memory.weak {
                true => Exchange { g, atomic, expected, failure }.alternatives(world, may_fail),
                false => 1 + u32::from(may_fail && value(world.state(atomic)) == expected),
            }
        }
        _ => 1,
    }
}

pub(super) fn step(world: &mut World, g: Gid, op: &Op, alternative: u32) -> Ret {
    match *op {
        Op::Load { atomic, order } => {
            let sync = load_sync(order);
            if world.memory.weak {
                return Ret::Value(memory::load(world, g, atomic, order, alternative, sync));
            }
            world.whole(atomic, Mode::Read, sync);
            Ret::Value(value(world.state(atomic)))
        }
        Op::Store { atomic, value, order } => {
            world.slot_mut(atomic).state = State::Atomic(AtomicState { value });
            if world.memory.weak {
                memory::store(world, g, atomic, value, order, store_sync(order));
            } else {
                world.whole(atomic, Mode::Write, store_sync(order));
            }
            Ret::Unit
        }
        Op::Update { atomic, update, int, operand, order } => {
            let old = value(world.state(atomic));
            replace(world, g, atomic, updated(update, int, old, operand), order);
            Ret::Value(old)
        }
        Op::Add { atomic, int, operand, order } => {
            let value = updated(Update::Add, int, value(world.state(atomic)), operand);
            world.slot_mut(atomic).state = State::Atomic(AtomicState { value });
            if world.memory.weak {
                // A load may read a store between two additions, and so tell their order.
                memory::store(world, g, atomic, value, order, add_sync(order));
            } else {
                world.whole(atomic, Mode::Commute(Class::Add), add_sync(order));
            }
            Ret::Unit
        }
        Op::CompareExchange { atomic, expected, new, success, failure, .. } => {
            let newest = value(world.state(atomic));
            if newest == expected && alternative == 0 {
                replace(world, g, atomic, new, success);
                return Ret::Exchange { old: newest, done: true };
            }
            let old = if world.memory.weak {
                let older_by = Exchange { g, atomic, expected, failure }.older_by(world, alternative);
                memory::load(world, g, atomic, failure, older_by, load_sync(failure))
            } else {
                world.whole(atomic, Mode::Read, load_sync(failure));
                newest
            };
            // What fails though it read what it expected does so without a cause.
            if old == expected {
                world.spend_spurious(g);
            }
            Ret::Exchange { old, done: false }
        }
        _ => unreachable!("{op:?} is not an atomic operation"),
    }
}

/// A read-modify-write takes effect. One that writes what it read tells nothing new to a loop that waits
/// for a change.
fn replace(world: &mut World, g: Gid, atomic: ObjId, new: u64, order: Ordering) {
    let slot = world.slot_mut(atomic);
    let changes = value(&slot.state) != new;
    let version = slot.version + u32::from(changes);
    slot.state = State::Atomic(AtomicState { value: new });
    if world.memory.weak {
        memory::store(world, g, atomic, new, order, update_sync(order));
    } else {
        world.whole(atomic, Mode::Write, update_sync(order));
    }
    world.slot_mut(atomic).version = version;
}
