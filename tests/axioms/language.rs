//! Programs of atomics: threads of loads, stores, exchanges and fences.
//!
//! Invariant: every store and swap of a program writes a value of its own, so that a value read tells
//! which of them it came from.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

/// One operation on the variable with the number `x`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Load { x: usize, order: Ordering },
    Store { x: usize, value: u64, order: Ordering },
    Swap { x: usize, value: u64, order: Ordering },
    Add { x: usize, value: u64, order: Ordering },
    Exchange { x: usize, expected: u64, value: u64, success: Ordering, failure: Ordering },
    Fence(Ordering),
}

/// Threads that run at once. All variables are 0 at first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Program {
    pub(crate) variables: usize,
    pub(crate) threads: Vec<Vec<Op>>,
}

/// What each thread read, in order, and what the variables held at the end.
pub(crate) type Outcome = (Vec<Vec<u64>>, Vec<u64>);

/// A stream of numbers that is the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// How strong the orderings of a program are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Taste {
    Any,
    Consistent,
    Weak,
}

/// A random program.
pub(crate) fn generate(dice: &mut Dice) -> Program {
    if dice.below(2) == 0 {
        return generate_fenced(dice);
    }
    let taste = dice.of(&[Taste::Any, Taste::Consistent, Taste::Weak]);
    let variables: usize = dice.of(&[1, 2, 2, 2]);
    let threads: u64 = dice.of(&[2, 2, 3]);
    let (mut value, mut budget) = (0, if threads == 2 { 6 } else { 7 });
    let mut thread = |dice: &mut Dice, left: u64| {
        let most = 3.min(budget - left);
        let length = 1 + dice.below(most);
        budget -= length;
        (0..length).map(|_| operation(dice, taste, variables, &mut value)).collect()
    };
    Program { variables, threads: (1..=threads).rev().map(|left| thread(dice, left - 1)).collect() }
}

/// Threads that access one variable and then the other, mostly with a fence between: the shape of store
/// buffering, message passing and their like.
fn generate_fenced(dice: &mut Dice) -> Program {
    let mut value = 0;
    let mut thread = |dice: &mut Dice, _| {
        let first = dice.below(2) as usize;
        let mut access = |dice: &mut Dice, x| {
            value += 1;
            let strong = dice.below(4) == 0;
            match dice.below(2) {
                0 => Op::Load { x, order: if strong { SeqCst } else { Relaxed } },
                _ => Op::Store { x, value, order: if strong { SeqCst } else { Relaxed } },
            }
        };
        let mut ops = vec![access(dice, first)];
        if dice.below(6) != 0 {
            ops.push(Op::Fence(dice.of(&[SeqCst, SeqCst, SeqCst, AcqRel, Acquire, Release])));
        }
        let second = if dice.below(8) == 0 { first } else { 1 - first };
        ops.push(access(dice, second));
        ops
    };
    let threads = dice.of(&[2, 2, 3]);
    Program { variables: 2, threads: (0..threads).map(|t: u64| thread(dice, t)).collect() }
}

fn operation(dice: &mut Dice, taste: Taste, variables: usize, value: &mut u64) -> Op {
    let order = |dice: &mut Dice, all: &[Ordering]| match taste {
        // The first is the weakest, the last the strongest.
        Taste::Consistent if dice.below(3) != 0 => all[all.len() - 1],
        Taste::Weak => all[dice.below(all.len() as u64 - 1) as usize],
        _ => dice.of(all),
    };
    let x = dice.below(variables as u64) as usize;
    let mut fresh = || {
        *value += 1;
        *value
    };
    match dice.below(12) {
        0..4 => Op::Load { x, order: order(dice, &[Relaxed, Acquire, SeqCst]) },
        4..8 => Op::Store { x, value: fresh(), order: order(dice, &[Relaxed, Release, SeqCst]) },
        8 => Op::Swap { x, value: fresh(), order: order(dice, &[Relaxed, Acquire, Release, AcqRel, SeqCst]) },
        9 => Op::Add { x, value: 100, order: order(dice, &[Relaxed, Acquire, Release, AcqRel, SeqCst]) },
        10 => Op::Exchange {
            x,
            expected: dice.below(4),
            value: fresh(),
            success: order(dice, &[Relaxed, Acquire, Release, AcqRel, SeqCst]),
            failure: order(dice, &[Relaxed, Acquire, SeqCst]),
        },
        _ => Op::Fence(order(dice, &[Acquire, Release, AcqRel, SeqCst])),
    }
}
