//! Loops that go round a number of times and give up, beside loops that wait: what they can come to is what a
//! depth-first search sees that runs every round, every trace is run once, and every execution can be repeated.

use super::fuzz::sizes;
use super::spins::{Sight, is_like_brute_force, outcomes};
use super::{Dpor, Order, optimally_in};
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::explore::strategies::tests::programs::Run;
use crate::explore::strategies::{Dfs, Replay};
use crate::model::{Decision, Limits};
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use crate::sync::atomic::{AtomicBool, AtomicUsize};
use crate::sync::{Arc, RawMutex};
use crate::{go, hint, thread};
use std::any::Any;

/// More rounds than any loop counts here, and than two in a row.
const ROUNDS: usize = 5;
const PATIENCE: u8 = 9;
/// What a goroutine notes that gave up.
const GAVE_UP: usize = 99;

/// What a loop says in each round.
#[derive(Clone, Copy, Debug)]
enum Says {
    Nothing,
    Yields,
    Waits,
}

impl Says {
    fn say(self) {
        match self {
            Says::Nothing => {}
            Says::Yields => thread::yield_now(),
            Says::Waits => hint::spin_loop(),
        }
    }
}

#[derive(Clone, Debug)]
enum Stmt {
    Load(usize),
    Store(usize, usize),
    Add(usize),
    /// Until the value is not 0.
    Await(usize, Says),
    /// So many times.
    Look(usize, usize, Says),
    /// At both atomics, so many times.
    LookAtBoth(usize, Says),
    /// Until the value is not 0, at most so many times.
    Poll(usize, usize, Says),
    /// Take the lock, in at most so many attempts, and give it back.
    Swap(usize, Says),
    TryLock(usize, Says),
    Exchange(usize, Says),
}

fn stmt(rng: &mut Rng) -> Stmt {
    let says = [Says::Nothing, Says::Yields, Says::Yields, Says::Waits][rng.below(4) as usize];
    let (x, n) = (rng.below(2) as usize, 2 + rng.below(ROUNDS as u32 - 2) as usize);
    match rng.below(14) {
        0 => Stmt::Load(x),
        1..=3 => Stmt::Store(x, rng.below(2) as usize),
        4 => Stmt::Add(x),
        5 => Stmt::Await(x, says),
        6 | 7 => Stmt::Look(x, n, says),
        8 => Stmt::LookAtBoth(n, says),
        9 | 10 => Stmt::Poll(x, n, says),
        11 => Stmt::Swap(n, says),
        12 => Stmt::TryLock(n, says),
        _ => Stmt::Exchange(n, says),
    }
}

#[derive(Default)]
struct Shared {
    atomics: [AtomicUsize; 2],
    flag: AtomicBool,
    mutex: RawMutex,
}

impl Shared {
    /// Try so many times.
    fn attempt(&self, times: usize, says: Says, mut get: impl FnMut() -> Option<usize>) -> usize {
        for _ in 0..times {
            if let Some(got) = get() {
                return got;
            }
            says.say();
        }
        GAVE_UP
    }

    fn run(&self, stmt: &Stmt, saw: &mut Vec<usize>) {
        let load = |x: usize| self.atomics[x].load(Acquire);
        let inside = || self.atomics[0].fetch_add(1, AcqRel);
        match *stmt {
            Stmt::Load(x) => saw.push(load(x)),
            Stmt::Store(x, value) => self.atomics[x].store(value, Release),
            Stmt::Add(x) => saw.push(self.atomics[x].fetch_add(1, AcqRel)),
            Stmt::Await(x, says) => {
                while load(x) == 0 {
                    says.say();
                }
            }
            Stmt::Look(x, n, says) => {
                for _ in 0..n {
                    saw.push(load(x));
                    says.say();
                }
            }
            Stmt::LookAtBoth(n, says) => {
                for _ in 0..n {
                    saw.push(10 * load(0) + load(1));
                    says.say();
                }
            }
            Stmt::Poll(x, n, says) => saw.push(self.attempt(n, says, || Some(load(x)).filter(|&v| v > 0))),
            Stmt::Swap(n, says) => saw.push(self.attempt(n, says, || {
                (!self.flag.swap(true, AcqRel)).then(|| {
                    let saw = inside();
                    self.flag.store(false, Release);
                    saw
                })
            })),
            Stmt::TryLock(n, says) => saw.push(self.attempt(n, says, || {
                self.mutex.try_lock().then(|| {
                    let saw = inside();
                    self.mutex.unlock();
                    saw
                })
            })),
            Stmt::Exchange(n, says) => saw.push(self.attempt(n, says, || {
                self.flag.compare_exchange(false, true, AcqRel, Acquire).is_ok().then(|| {
                    let saw = inside();
                    self.flag.store(false, Release);
                    saw
                })
            })),
        }
    }
}

fn program(seed: u64, lengths: &[usize]) -> (String, Body, Sight) {
    let mut rng = Rng::new(seed);
    let mut block = |&n: &usize| (0..n).map(|_| stmt(&mut rng)).collect::<Vec<Stmt>>();
    let all: Vec<Vec<Stmt>> = lengths.iter().map(&mut block).collect();
    let text = format!("{all:?}");
    let sight = Sight::default();
    let (all, seen) = (std::sync::Arc::new(all), sight.clone());
    let body = std::sync::Arc::new(move || {
        *seen.lock().unwrap() = None;
        let shared = Arc::new(Shared::default());
        let start = |i: usize| {
            let (all, shared) = (all.clone(), shared.clone());
            go(move || {
                let mut saw = Vec::new();
                all[i].iter().for_each(|stmt| shared.run(stmt, &mut saw));
                saw
            })
        };
        let handles: Vec<_> = (0..all.len()).map(start).collect();
        *seen.lock().unwrap() = Some(handles.into_iter().map(|h| h.join().unwrap()).collect());
    });
    (text, body, sight)
}

/// Lengths of goroutines.
const SHAPES: [&[usize]; 4] = [&[1, 1], &[1, 2], &[2, 2], &[1, 1, 1]];

fn compare(weak: bool) {
    let limits = |rounds| Limits { weak, spurious: 0, rounds, ..Limits::default() };
    let (from, n, most) = sizes(40);
    let (mut compared, mut counted) = (0, 0);
    for (shape, lengths) in SHAPES.iter().enumerate() {
        for seed in from..from + n {
            let (text, body, sight) = program(seed * SHAPES.len() as u64 + shape as u64, lengths);
            let dfs = Box::new(Dfs::new(Bounds::default()));
            let Some(expected) = outcomes(dfs, limits(PATIENCE), &body, &sight, 8 * most) else { continue };
            let optimal = Box::new(Dpor::new(Order::DepthFirst, None));
            let Some(found) = outcomes(optimal, limits(0), &body, &sight, 20 * most) else { continue };
            assert_eq!(found, expected, "{seed} {weak} {text}");
            compared += 1;
            counted += u64::from(is_like_brute_force(limits(0), &body, seed, (8 * most, 20 * most), &text));
        }
    }
    println!("{compared} programs, {counted} with their traces");
    assert!(compared > n && counted > n / 2, "{compared} {counted}");
}

#[test]
fn rounds_that_are_counted_are_all_run() {
    compare(false);
}

#[test]
fn rounds_that_are_counted_are_all_run_where_loads_may_read_old_stores() {
    compare(true);
}

#[test]
fn what_the_search_runs_can_be_repeated() {
    let (from, n, _) = sizes(20);
    for weak in [false, true] {
        let limits = || Limits { weak, ..Limits::default() };
        for (shape, lengths) in SHAPES.iter().enumerate() {
            // The program with this number ends while its goroutine could still read an older store.
            for seed in (from..from + n).chain([8_000_038]) {
                let (text, body, _) = program(seed * SHAPES.len() as u64 + shape as u64, lengths);
                let mut run = Run::with(Box::new(Dpor::new(Order::DepthFirst, None)), limits());
                for index in 0..12 {
                    let Some(report) = run.next(index, &body) else { break };
                    let made: Vec<Decision> = report.decisions;
                    let mut again = Run::with(Box::new(Replay::new(made.clone())), limits());
                    let is_same = again.one(0, &body).decisions == made;
                    assert!(is_same, "{seed} {weak} {index} {text}");
                    let replay: Box<dyn Any> = again.strategy();
                    let mismatch = replay.downcast::<Replay>().unwrap().mismatch();
                    assert_eq!(mismatch, None, "{seed} {weak} {index} {text}");
                }
            }
        }
    }
}

/// How many executions there are of a loop of `n` rounds that looks at what another goroutine stores.
fn executions(n: usize, says: Says) -> u64 {
    let body: Body = std::sync::Arc::new(move || {
        let x = Arc::new(AtomicUsize::new(0));
        let theirs = x.clone();
        let other = go(move || {
            for _ in 0..n {
                theirs.load(Acquire);
                says.say();
            }
        });
        x.store(1, Release);
        other.join().unwrap();
    });
    let limits = Limits { weak: false, ..Limits::default() };
    let found = optimally_in(limits, &body, None, 100).unwrap();
    found.counts.explored
}

#[test]
fn a_loop_counts_as_far_as_it_is_tried() {
    for says in [Says::Nothing, Says::Yields, Says::Waits] {
        for n in 1..=16 {
            assert_eq!(executions(n, says), n as u64 + 1, "{n} {says:?}");
        }
    }
}
