//! Loops that wait: what they can lead to is what a depth-first search sees, which runs the rounds in vain,
//! and every trace without such a round is run once.

use super::brute::by_force_in;
use super::fuzz::sizes;
use super::{Counts, Dpor, Order, optimally_in};
use crate::explore::bounds::Bounds;
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::explore::strategies::Dfs;
use crate::explore::strategies::tests::programs::Run;
use crate::model::{Limits, Strategy};
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicBool, AtomicUsize};
use crate::sync::{Arc, RawMutex};
use crate::{go, hint, thread};
use selvedge_checkers::finding::Slug;
use std::collections::BTreeSet;

/// How a lock is taken: every way waits in a loop.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::enum_variant_names, reason = "the way is named after what std calls it")]
enum Lock {
    Swap,
    FetchOr,
    CompareExchange,
    TestAndSet,
    Ticket,
    TryLock,
}

#[derive(Clone, Debug)]
enum Stmt {
    Load(usize),
    Store(usize, usize),
    Add(usize),
    /// Until the value is not 0.
    Await(usize),
    /// Until the value is 2 or more, with each value that was seen on the way.
    Watch(usize),
    Locked(Vec<Stmt>),
}

struct Generator {
    rng: Rng,
    lock: Lock,
}

impl Generator {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u32) as usize
    }

    fn stmt(&mut self, depth: usize) -> Stmt {
        match self.below(9) {
            0 => Stmt::Load(self.below(2)),
            1 => Stmt::Store(self.below(2), self.below(3)),
            2 => Stmt::Add(self.below(2)),
            3 => Stmt::Await(self.below(2)),
            4 if depth == 0 && self.below(2) == 0 => Stmt::Watch(self.below(2)),
            _ if depth == 0 => {
                let n = self.below(2);
                Stmt::Locked((0..=n).map(|_| self.stmt(1)).collect())
            }
            _ => Stmt::Add(self.below(2)),
        }
    }
}

#[derive(Default)]
struct Shared {
    atomics: [AtomicUsize; 2],
    flag: AtomicBool,
    next: AtomicUsize,
    owner: AtomicUsize,
    mutex: RawMutex,
}

impl Shared {
    fn take(&self, lock: Lock) {
        match lock {
            Lock::Swap => {
                while self.flag.swap(true, Acquire) {
                    hint::spin_loop();
                }
            }
            Lock::FetchOr => {
                while self.flag.fetch_or(true, AcqRel) {
                    thread::yield_now();
                }
            }
            Lock::CompareExchange => {
                while self.flag.compare_exchange(false, true, Acquire, Relaxed).is_err() {
                    hint::spin_loop();
                }
            }
            Lock::TestAndSet => loop {
                while self.flag.load(Relaxed) {
                    hint::spin_loop();
                }
                if !self.flag.swap(true, Acquire) {
                    break;
                }
            },
            Lock::Ticket => {
                let ticket = self.next.fetch_add(1, Relaxed);
                while self.owner.load(Acquire) != ticket {
                    hint::spin_loop();
                }
            }
            Lock::TryLock => {
                while !self.mutex.try_lock() {
                    thread::yield_now();
                }
            }
        }
    }

    fn give_back(&self, lock: Lock) {
        match lock {
            Lock::Ticket => self.owner.store(self.owner.load(Relaxed) + 1, Release),
            Lock::TryLock => self.mutex.unlock(),
            _ => self.flag.store(false, Release),
        }
    }

    fn run(&self, stmts: &[Stmt], lock: Lock, saw: &mut Vec<usize>) {
        for stmt in stmts {
            match stmt {
                Stmt::Load(x) => saw.push(self.atomics[*x].load(Acquire)),
                Stmt::Store(x, value) => self.atomics[*x].store(*value, Release),
                Stmt::Add(x) => saw.push(self.atomics[*x].fetch_add(1, AcqRel)),
                Stmt::Await(x) => loop {
                    let value = self.atomics[*x].load(Acquire);
                    if value != 0 {
                        saw.push(value);
                        break;
                    }
                    hint::spin_loop();
                },
                Stmt::Watch(x) => loop {
                    let value = self.atomics[*x].load(Acquire);
                    if saw.last() != Some(&value) {
                        saw.push(value);
                    }
                    if value >= 2 {
                        break;
                    }
                    thread::yield_now();
                },
                Stmt::Locked(inner) => {
                    self.take(lock);
                    self.run(inner, lock, saw);
                    self.give_back(lock);
                }
            }
        }
    }
}

/// What the goroutines saw, if all came to their end.
pub(super) type Sight = std::sync::Arc<std::sync::Mutex<Option<Vec<Vec<usize>>>>>;

fn program(seed: u64, goroutines: usize, length: usize) -> (String, Body, Sight) {
    let mut rng = Rng::new(seed);
    let locks =
        [Lock::Swap, Lock::FetchOr, Lock::CompareExchange, Lock::TestAndSet, Lock::Ticket, Lock::TryLock];
    let lock = locks[rng.below(6) as usize];
    let mut generator = Generator { rng, lock };
    let mut block = || {
        let n = generator.below(length);
        (0..=n).map(|_| generator.stmt(0)).collect::<Vec<Stmt>>()
    };
    let all: Vec<Vec<Stmt>> = (0..goroutines).map(|_| block()).collect();
    let text = format!("{:?} {all:?}", generator.lock);
    let sight = Sight::default();
    let (all, seen) = (std::sync::Arc::new(all), sight.clone());
    let body = std::sync::Arc::new(move || {
        *seen.lock().unwrap() = None;
        let shared = Arc::new(Shared::default());
        let all = all.clone();
        let start = |i: usize| {
            let (all, shared) = (all.clone(), shared.clone());
            go(move || {
                let mut saw = Vec::new();
                shared.run(&all[i], lock, &mut saw);
                saw
            })
        };
        let handles: Vec<_> = (0..all.len()).map(start).collect();
        let saw = handles.into_iter().map(|h| h.join().unwrap()).collect();
        *seen.lock().unwrap() = Some(saw);
    });
    (text, body, sight)
}

/// An execution with a goroutine that never leaves its loop takes a thousand rounds: so many are enough.
const LIVELOCKS: usize = 2;

/// What an execution came to: what was seen, and what was found.
pub(super) type Outcomes = BTreeSet<(Option<Vec<Vec<usize>>>, BTreeSet<Slug>)>;

pub(super) fn outcomes(
    strategy: Box<dyn Strategy>,
    limits: Limits,
    body: &Body,
    sight: &Sight,
    most: u64,
) -> Option<Outcomes> {
    let mut run = Run::with(strategy, limits);
    let (mut all, mut livelocks) = (Outcomes::new(), 0);
    for index in 0..most {
        let Some(report) = run.next(index, body) else { return Some(all) };
        let found: BTreeSet<Slug> = report.findings.iter().map(|f| f.slug).collect();
        livelocks += usize::from(found.contains(&Slug::Livelock));
        if livelocks > LIVELOCKS {
            return None;
        }
        all.insert((sight.lock().unwrap().take(), found));
    }
    None
}

/// The traces of a program, in both orders of the search, are those of brute force, each run once; false if brute force takes
/// more executions than the first of `most`, the second being those of a search.
pub(super) fn is_like_brute_force(
    limits: Limits,
    body: &Body,
    seed: u64,
    most: (u64, u64),
    text: &str,
) -> bool {
    let Some(forced) = by_force_in(limits, body, most.0) else { return false };
    for random in [None, Some(seed)] {
        let found = optimally_in(limits, body, random, most.1).unwrap();
        assert_eq!(found.traces, forced.traces, "{seed} {} {random:?} {text}", limits.weak);
        let Counts { explored, vain, .. } = found.counts;
        assert_eq!(found.counts, Counts { explored, vain, ..Counts::default() }, "{seed} {text}");
        assert_eq!(found.duplicates, 0, "{seed} {text}");
    }
    true
}

fn compare(weak: bool) {
    let limits = || Limits { weak, spurious: 0, ..Limits::default() };
    let (from, n, most) = sizes(60);
    let (mut compared, mut counted) = (0, 0);
    for (goroutines, length) in [(2, 1), (2, 2), (3, 1)] {
        for seed in from..from + n {
            let (text, body, sight) = program(seed, goroutines, length);
            let dfs = Box::new(Dfs::new(Bounds::default()));
            let Some(expected) = outcomes(dfs, limits(), &body, &sight, 4 * most) else { continue };
            let optimal = Box::new(Dpor::new(Order::DepthFirst, None));
            let found = outcomes(optimal, limits(), &body, &sight, 20 * most);
            let found = found.unwrap_or_else(|| panic!("{seed} {weak}: no end: {text}"));
            assert_eq!(found, expected, "{seed} {weak} {text}");
            compared += 1;
            counted += u64::from(is_like_brute_force(limits(), &body, seed, (4 * most, 20 * most), &text));
        }
    }
    println!("{compared} programs, {counted} with their traces");
    assert!(compared > n / 2 && counted > n / 4, "{compared} {counted}");
}

#[test]
fn rounds_in_vain_make_no_difference() {
    compare(false);
}

#[test]
fn rounds_in_vain_make_no_difference_where_loads_may_read_old_stores() {
    compare(true);
}
