//! Random programs over all primitives: the traces found are those that brute force finds.

use super::brute::by_force_in;
use super::forms::Form;
use super::{Counts, optimally_in};
use crate::chan::Chan;
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::future::{self, Either, Notify};
use crate::model::Limits;
use crate::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicAdd, AtomicUsize, fence};
use crate::sync::{Arc, Condvar, Mutex, RawMutex, RwLock, Semaphore, WaitGroup};
use crate::{choose, go, select, thread};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a goroutine of a random program does.
#[derive(Clone, Debug)]
enum Stmt {
    Load(usize, Ordering),
    Store(usize, usize, Ordering),
    Add(usize, Ordering),
    Count(usize, Ordering),
    CompareExchange(usize, usize, usize, Ordering),
    WeakExchange(usize, usize, usize, Ordering),
    Fence(Ordering),
    /// Only if the last result was not 0.
    If(Box<Stmt>),
    Locked(usize, Vec<Stmt>),
    TryLock(usize),
    Reading(Vec<Stmt>),
    Writing(Vec<Stmt>),
    TryRead,
    TryWrite,
    Send(usize),
    Receive(usize),
    TrySend(usize),
    TryReceive(usize),
    Close(usize),
    Len(usize),
    Select {
        default: bool,
    },
    SelectSend,
    Acquire(u32),
    Release(u32),
    TryAcquire,
    Add1,
    Done,
    Wait,
    CondWait,
    NotifyOne,
    NotifyAll,
    Park,
    Unpark(usize),
    Choose,
    Yield,
    /// If the last result was not 0.
    Panic,
    Spawn(Vec<Stmt>),
    /// Wait for a notification of async tasks, or for one of two.
    Notified {
        or_yield: bool,
    },
    Notify {
        all: bool,
    },
    /// A form for tasks of what blocks, given up if it does not come before a yield.
    Form {
        form: Form,
        or_yield: bool,
    },
    /// A task, which is joined, or aborted first.
    Task {
        inner: Vec<Stmt>,
        abort: bool,
    },
}

/// Which statements a family of programs consists of.
#[derive(Clone, Copy, Debug)]
pub(in crate::explore) enum Family {
    All,
    Atomics,
    /// With all orderings, and fences.
    Weak,
    /// With additions whose result nobody sees, where memory is sequentially consistent.
    Counts,
    Channels,
    Locks,
    Waits,
    /// Locks, of which some are given back by a goroutine that panics because of what it saw.
    Panics,
    /// Async tasks, beside park and unpark.
    Tasks,
    /// The same with tasks that are aborted. There a trace in some thousand is met twice.
    Aborts,
    /// Channels, locks, permits and groups, for tasks and goroutines.
    Forms,
}

impl Family {
    pub(in crate::explore) fn limits(self) -> Limits {
        Limits { weak: !matches!(self, Family::Counts), ..Limits::default() }
    }
}

struct Generator {
    rng: Rng,
    family: Family,
}

impl Generator {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u32) as usize
    }

    /// Sequentially consistent, or in the weak family one of these as often.
    fn ordering(&mut self, weak: [Ordering; 2]) -> Ordering {
        match self.family {
            Family::Weak | Family::Panics => [weak[0], weak[1], SeqCst][self.below(3)],
            _ => SeqCst,
        }
    }

    fn block(&mut self, most: usize, depth: usize) -> Vec<Stmt> {
        let n = 1 + self.below(most);
        (0..n).map(|_| self.stmt(depth)).collect()
    }

    fn stmt(&mut self, depth: usize) -> Stmt {
        let family = match self.family {
            Family::All => [Family::Atomics, Family::Channels, Family::Locks, Family::Waits][self.below(4)],
            one => one,
        };
        if depth == 0 && self.below(8) == 0 {
            return Stmt::If(Box::new(self.stmt(depth + 1)));
        }
        if depth == 0 && self.below(12) == 0 {
            return Stmt::Spawn(self.block(2, 1));
        }
        match family {
            Family::Counts if self.below(2) == 0 => {
                Stmt::Count(self.below(2), [Relaxed, Release, SeqCst][self.below(3)])
            }
            Family::Counts | Family::Atomics | Family::Weak | Family::All => match self.below(5) {
                0 => Stmt::Load(self.below(2), self.ordering([Relaxed, Acquire])),
                1 => Stmt::Store(self.below(2), 1 + self.below(2), self.ordering([Relaxed, Release])),
                2 => Stmt::Add(self.below(2), self.ordering([Relaxed, AcqRel])),
                3 if matches!(self.family, Family::Weak) && self.below(2) == 0 => {
                    Stmt::Fence([Acquire, Release, AcqRel, SeqCst][self.below(4)])
                }
                _ => {
                    let ordering = self.ordering([Relaxed, AcqRel]);
                    let kind = if self.below(3) == 0 { Stmt::WeakExchange } else { Stmt::CompareExchange };
                    kind(self.below(2), self.below(2), 1 + self.below(2), ordering)
                }
            },
            Family::Channels => match self.below(12) {
                0..=2 => Stmt::Send(self.below(3)),
                3..=5 => Stmt::Receive(self.below(3)),
                6 => Stmt::TrySend(self.below(3)),
                7 => Stmt::TryReceive(self.below(3)),
                8 => Stmt::Close(self.below(3)),
                9 => Stmt::Len(self.below(3)),
                10 => Stmt::Select { default: self.below(2) == 0 },
                _ => Stmt::SelectSend,
            },
            Family::Locks => match self.below(8) {
                0..=2 if depth < 2 => Stmt::Locked(self.below(2), self.block(2, depth + 1)),
                3 => Stmt::TryLock(self.below(2)),
                4 if depth < 2 => Stmt::Reading(self.block(1, depth + 1)),
                5 if depth < 2 => Stmt::Writing(self.block(1, depth + 1)),
                6 => Stmt::TryRead,
                7 => Stmt::TryWrite,
                _ => Stmt::Load(0, SeqCst),
            },
            Family::Waits => match self.below(14) {
                0 | 1 => Stmt::Acquire(1 + self.below(2) as u32),
                2 => Stmt::Release(1),
                3 => Stmt::TryAcquire,
                4 => Stmt::Add1,
                5 => Stmt::Done,
                6 => Stmt::Wait,
                7 => Stmt::CondWait,
                8 => Stmt::NotifyOne,
                9 => Stmt::NotifyAll,
                10 => Stmt::Park,
                11 => Stmt::Unpark(self.below(3)),
                12 => Stmt::Choose,
                _ => Stmt::Yield,
            },
            Family::Panics => match self.below(8) {
                0 | 1 if depth < 2 => Stmt::Writing(self.block(3, depth + 1)),
                2 if depth < 2 => Stmt::Reading(self.block(2, depth + 1)),
                3 => [Stmt::TryRead, Stmt::TryWrite][self.below(2)].clone(),
                4 => Stmt::Store(self.below(2), 1, self.ordering([Relaxed, Release])),
                5 | 6 => Stmt::Panic,
                _ => Stmt::Load(self.below(2), self.ordering([Relaxed, Acquire])),
            },
            Family::Forms => match self.below(12) {
                0..=5 => Stmt::Form { form: Form::draw(|n| self.below(n)), or_yield: self.below(3) == 0 },
                6 => Stmt::Send(self.below(2)),
                7 => Stmt::Receive(self.below(2)),
                8 => Stmt::CondWait,
                9 => Stmt::Acquire(1),
                10 => [Stmt::Done, Stmt::Close(self.below(2)), Stmt::Release(1)][self.below(3)].clone(),
                _ if depth < 2 => Stmt::Reading(self.block(1, depth + 1)),
                _ => Stmt::TryWrite,
            },
            Family::Tasks | Family::Aborts => match self.below(10) {
                0..=2 => Stmt::Notified { or_yield: self.below(3) == 0 },
                3 | 4 => Stmt::Notify { all: false },
                5 => Stmt::Notify { all: true },
                6 | 7 if depth == 0 => Stmt::Task {
                    inner: self.block(2, 1),
                    abort: matches!(self.family, Family::Aborts) && self.below(2) == 0,
                },
                8 => Stmt::Park,
                9 => Stmt::Unpark(self.below(3)),
                _ => Stmt::Add(0, SeqCst),
            },
        }
    }
}

/// What a program's goroutines share.
pub(super) struct Shared {
    atomics: [AtomicUsize; 2],
    locks: [RawMutex; 2],
    pub(super) rw: RwLock<()>,
    pub(super) channels: [Chan<usize>; 3],
    pub(super) semaphore: Semaphore,
    pub(super) group: WaitGroup,
    pub(super) cond: (Mutex<()>, Condvar),
    parked: std::sync::Mutex<Vec<Option<thread::Thread>>>,
    notify: Notify,
}

/// `units`: how often it may still call `done`, so that no order takes the group below zero, or
/// from zero up again.
fn run(stmts: &[Stmt], shared: &Arc<Shared>, units: &Cell<u32>) -> usize {
    let mut last = 0;
    for stmt in stmts {
        last = step(stmt, shared, units, last);
    }
    last
}

fn step(stmt: &Stmt, s: &Arc<Shared>, units: &Cell<u32>, last: usize) -> usize {
    match stmt {
        Stmt::Load(x, order) => s.atomics[*x].load(*order),
        Stmt::Fence(order) => {
            fence(*order);
            0
        }
        Stmt::Store(x, v, order) => {
            s.atomics[*x].store(*v, *order);
            0
        }
        Stmt::Add(x, order) => s.atomics[*x].fetch_add(1, *order),
        Stmt::Count(x, order) => {
            s.atomics[*x].add(1, *order);
            0
        }
        Stmt::CompareExchange(x, a, b, order) => {
            let failure = if *order == AcqRel { Acquire } else { *order };
            s.atomics[*x].compare_exchange(*a, *b, *order, failure).is_ok().into()
        }
        Stmt::WeakExchange(x, a, b, order) => {
            s.atomics[*x].compare_exchange_weak(*a, *b, *order, Relaxed).is_ok().into()
        }
        Stmt::If(then) if last != 0 => step(then, s, units, last),
        Stmt::If(_) => last,
        Stmt::Panic => {
            assert_eq!(last, 0, "as the program says");
            last
        }
        Stmt::Locked(m, inner) => {
            s.locks[*m].lock();
            let result = run(inner, s, units);
            s.locks[*m].unlock();
            result
        }
        Stmt::TryLock(m) => {
            let got = s.locks[*m].try_lock();
            if got {
                s.locks[*m].unlock();
            }
            got.into()
        }
        Stmt::Reading(inner) => {
            let _held = s.rw.read();
            run(inner, s, units)
        }
        Stmt::Writing(inner) => {
            let _held = s.rw.write();
            run(inner, s, units)
        }
        Stmt::TryRead => s.rw.try_read().is_ok().into(),
        Stmt::TryWrite => s.rw.try_write().is_ok().into(),
        Stmt::Send(c) => {
            s.channels[*c].send(1);
            0
        }
        Stmt::Receive(c) => s.channels[*c].recv().map_or(0, |v| v),
        Stmt::TrySend(c) => s.channels[*c].try_send(1).is_ok().into(),
        Stmt::TryReceive(c) => s.channels[*c].try_recv().is_ok().into(),
        Stmt::Close(c) => {
            s.channels[*c].close();
            0
        }
        Stmt::Len(c) => s.channels[*c].len(),
        Stmt::Select { default: true } => {
            let (a, b) = (s.channels[0].receiver(), s.channels[1].receiver());
            select! { recv(a) -> _v => 1, recv(b) -> _v => 2, default => 0 }
        }
        Stmt::Select { default: false } => {
            let (a, b) = (s.channels[1].receiver(), s.channels[2].receiver());
            select! { recv(a) -> _v => 1, recv(b) -> _v => 2 }
        }
        Stmt::SelectSend => {
            let (a, b) = (s.channels[0].sender(), s.channels[2].receiver());
            select! { send(a, 1) => 1, recv(b) -> _v => 2 }
        }
        Stmt::Acquire(n) => {
            s.semaphore.acquire(*n);
            s.semaphore.release(*n);
            0
        }
        Stmt::Release(n) => {
            s.semaphore.release(*n);
            0
        }
        Stmt::TryAcquire => s.semaphore.try_acquire(1).into(),
        // Only while it is not at zero, which nobody could tell from before.
        Stmt::Add1 if units.get() == 0 => 0,
        Stmt::Add1 => {
            units.set(units.get() + 1);
            s.group.add(1);
            0
        }
        Stmt::Done if units.get() == 0 => 0,
        Stmt::Done => {
            units.set(units.get() - 1);
            s.group.done();
            0
        }
        Stmt::Wait => {
            s.group.wait();
            0
        }
        Stmt::CondWait => {
            let held = s.cond.0.lock();
            if let Ok(held) = held {
                drop(s.cond.1.wait(held));
            }
            0
        }
        Stmt::NotifyOne => {
            s.cond.1.notify_one();
            0
        }
        Stmt::NotifyAll => {
            s.cond.1.notify_all();
            0
        }
        Stmt::Park => {
            thread::park();
            0
        }
        Stmt::Unpark(g) => {
            let target = s.parked.lock().unwrap().get(*g).cloned().flatten();
            if let Some(target) = target {
                target.unpark();
            }
            0
        }
        Stmt::Choose => choose(2),
        Stmt::Yield => {
            thread::yield_now();
            0
        }
        Stmt::Spawn(inner) => {
            let (inner, s) = (inner.clone(), s.clone());
            let child = go(move || run(&inner, &s, &Cell::new(0)));
            child.join().unwrap_or(0)
        }
        Stmt::Notified { or_yield: false } => {
            future::block_on(s.notify.notified());
            0
        }
        Stmt::Notified { or_yield: true } => {
            let first = future::select(s.notify.notified(), future::yield_now());
            usize::from(future::block_on(first) == Either::Left(()))
        }
        Stmt::Notify { all } => {
            if *all {
                s.notify.notify_waiters();
            } else {
                s.notify.notify_one();
            }
            0
        }
        Stmt::Form { form, or_yield: false } => future::block_on(form.run(s)),
        Stmt::Form { form, or_yield: true } => {
            match future::block_on(future::select(form.run(s), future::yield_now())) {
                Either::Left(came) => came,
                Either::Right(()) => 0,
            }
        }
        Stmt::Task { inner, abort } => {
            let (inner, s) = (inner.clone(), s.clone());
            let task = future::spawn(async move {
                s.notify.notified().await;
                run(&inner, &s, &Cell::new(0))
            });
            if *abort {
                task.abort();
            }
            task.join().unwrap_or(7)
        }
    }
}

/// A random program, and a way to run it.
pub(in crate::explore) fn program(
    seed: u64,
    family: Family,
    goroutines: usize,
    length: usize,
) -> (String, Body) {
    let mut generator = Generator { rng: Rng::new(seed), family };
    let all: Vec<Vec<Stmt>> = (0..goroutines).map(|_| generator.block(length, 0)).collect();
    let text = format!("{all:?}");
    let all = std::sync::Arc::new(all);
    let body = std::sync::Arc::new(move || {
        let shared = Arc::new(Shared {
            atomics: Default::default(),
            locks: [RawMutex::new(), RawMutex::new()],
            rw: RwLock::new(()),
            channels: [Chan::new(1), Chan::new(0), Chan::new(2)],
            semaphore: Semaphore::new(2),
            group: WaitGroup::new(),
            cond: (Mutex::new(()), Condvar::new()),
            parked: std::sync::Mutex::new(Vec::new()),
            notify: Notify::new(),
        });
        shared.group.add(all.len() as i32);
        let all = all.clone();
        let handles: Vec<_> = (0..all.len())
            .map(|i| {
                let (all, shared) = (all.clone(), shared.clone());
                go(move || {
                    // Misuse panics, which is an outcome like any other.
                    let _ = catch_unwind(AssertUnwindSafe(|| run(&all[i], &shared, &Cell::new(1))));
                })
            })
            .collect();
        handles.into_iter().for_each(|h| drop(h.join()));
    });
    (text, body)
}

/// Compare the explorer with brute force on random programs; gives how many were small enough.
fn compare(
    seeds: std::ops::Range<u64>,
    family: Family,
    (goroutines, length): (usize, usize),
    most: u64,
) -> (u64, u64) {
    let (mut compared, mut traces) = (0, 0);
    let mut wrong = Vec::new();
    for seed in seeds {
        let (text, body) = program(seed, family, goroutines, length);
        let Some(force) = by_force_in(family.limits(), &body, most) else { continue };
        // The model keeps panics to itself: say which program it was.
        let optimally = |body: &Body, random, most| {
            let found = catch_unwind(AssertUnwindSafe(|| optimally_in(family.limits(), body, random, most)));
            found.unwrap_or_else(|e| {
                panic!(
                    "{seed} {family:?}: {:?}\n{text}",
                    e.downcast_ref::<String>().map(String::as_str).or(e.downcast_ref::<&str>().copied())
                )
            })
        };
        // In any other order than a proof's, loads that choose may miss a trace in ten thousand programs.
        for random in [None, Some(seed)] {
            let found =
                optimally(&body, random, most).unwrap_or_else(|| panic!("{seed} {family:?}: no end\n{text}"));
            let counts = found.counts;
            let exact = found.traces == force.traces
                && (found.duplicates == 0 || matches!(family, Family::Aborts))
                && counts == Counts { explored: counts.explored, ..Counts::default() };
            if !exact {
                wrong.push(format!(
                    "{seed} {random:?}: {} traces, found {} ({} missed), {} twice, {counts:?}: {text}",
                    force.traces.len(),
                    found.traces.len(),
                    force.traces.difference(&found.traces).count(),
                    found.duplicates,
                ));
                break;
            }
        }
        compared += 1;
        traces += force.traces.len() as u64;
    }
    wrong.sort_by_key(String::len);
    assert!(
        wrong.is_empty(),
        "{} of {compared} {family:?} programs:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    (compared, traces)
}

/// From which number on, how many, and with how many interleavings at most: the environment's `FROM`,
/// `SELVEDGE_DPOR_PROGRAMS` and `MOST`.
pub(in crate::explore) fn sizes(programs: u64) -> (u64, u64, u64) {
    let number = |name: &str, or: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    (number("FROM", 0), number("SELVEDGE_DPOR_PROGRAMS", programs), number("MOST", 250))
}

/// How many goroutines, and how many statements each has at most.
pub(in crate::explore) fn shapes() -> [(usize, usize); 6] {
    [(2, 2), (2, 3), (3, 2), (2, 4), (4, 2), (3, 3)]
}

/// Programs of each shape.
fn random_programs(family: Family) {
    // Those of tasks have many times the traces of the others.
    let programs = match family {
        Family::Forms => 50,
        Family::Tasks | Family::Aborts => 100,
        _ => 700,
    };
    let (from, n, most) = sizes(programs);
    for shape in shapes() {
        let (compared, traces) = compare(from..from + n, family, shape, most);
        println!("{family:?} {shape:?}: {compared} programs, {traces} traces");
    }
}

#[test]
fn random_programs_of_atomics() {
    random_programs(Family::Atomics);
}

#[test]
fn random_programs_of_atomics_with_all_orderings() {
    random_programs(Family::Weak);
}

#[test]
fn random_programs_of_counters() {
    random_programs(Family::Counts);
}

#[test]
fn random_programs_of_locks() {
    random_programs(Family::Locks);
}

#[test]
fn random_programs_of_panics() {
    random_programs(Family::Panics);
}

#[test]
fn random_programs_of_channels() {
    random_programs(Family::Channels);
}

#[test]
fn random_programs_of_waits() {
    random_programs(Family::Waits);
}

#[test]
fn random_programs_of_tasks() {
    random_programs(Family::Tasks);
}

#[test]
fn random_programs_of_tasks_that_are_aborted() {
    random_programs(Family::Aborts);
}

#[test]
fn random_programs_of_forms_for_tasks() {
    random_programs(Family::Forms);
}

#[test]
fn random_programs_of_everything() {
    random_programs(Family::All);
}
