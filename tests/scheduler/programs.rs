//! The programs.
//!
//! Invariant: each ends by itself, in the way its entry says, under any schedule.

use selvedge::runtime::{gosched, lock_os_thread, num_goroutine, unblock, unlock_os_thread};
use selvedge::sync::{Barrier, Condvar, Mutex, Once, RwLock, Semaphore, WaitGroup};
use selvedge::{Goroutine, chan, go, go_named, select, thread, time};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A program, and how it is to end.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
    /// None for a signal.
    pub(crate) code: Option<i32>,
    pub(crate) says: &'static [&'static str],
    pub(crate) procs: &'static [usize],
    /// Whether it can end where goroutines are bound to their threads.
    pub(crate) bound: bool,
    /// Whether it ends so where goroutines change threads.
    pub(crate) migrating: bool,
}

pub(crate) const fn fine(name: &'static str, run: fn()) -> Program {
    Program { name, run, code: Some(0), says: &[], procs: &[1, 2, 4], bound: true, migrating: true }
}

pub(crate) const fn fatal(name: &'static str, run: fn(), says: &'static [&'static str]) -> Program {
    Program { name, run, code: Some(2), says, procs: &[1, 2], bound: true, migrating: true }
}

pub(crate) const PROGRAMS: &[Program] = &[
    fine("a_tree_of_goroutines", a_tree_of_goroutines),
    fine("many_yield", many_yield),
    fine("a_ring_of_channels", a_ring_of_channels),
    fine("channels_and_selects_under_load", channels_and_selects_under_load),
    fine("goroutines_and_threads_meet", goroutines_and_threads_meet),
    fine("sleepers", sleepers),
    fine("locals_belong_to_goroutines", locals_belong_to_goroutines),
    // Bound, it may keep the thread from main, which is to receive.
    Program { bound: false, ..fine("waiting_while_unwinding", waiting_while_unwinding) },
    fine("locked_to_its_thread", locked_to_its_thread),
    fine("main_ends_the_program", main_ends_the_program),
    fine("stacks_are_used_again", stacks_are_used_again),
    fine("who_hogs_a_lock_starves_nobody", who_hogs_a_lock_starves_nobody),
    fine("who_reads_all_the_time_starves_no_writer", who_reads_all_the_time_starves_no_writer),
    fine("locks_of_goroutines_and_threads", locks_of_goroutines_and_threads),
    Program { bound: false, ..fine("hogs_starve_nobody", hogs_starve_nobody) },
    Program { bound: false, ..fine("blocked_threads_starve_nobody", blocked_threads_starve_nobody) },
    Program { bound: false, ..fine("a_lone_goroutine_of_a_hog_runs", a_lone_goroutine_of_a_hog_runs) },
    fatal(
        "all_asleep",
        all_asleep,
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "goroutine 1 [chan receive]:",
            "[chan send]:",
        ],
    ),
    fatal("main_is_gone", main_is_gone, &["no goroutines (main called runtime.Goexit) - deadlock!"]),
    fatal("a_panic_nobody_joins", a_panic_nobody_joins, &["panic: boom", "named \"bomb\"", "programs.rs:"]),
    fatal("a_panic_whose_handle_is_dropped_late", a_panic_whose_handle_is_dropped_late, &["panic: boom"]),
    Program {
        code: None,
        procs: &[2],
        ..fatal(
            "guards_madvise__overflow",
            a_stack_overflow,
            &["stack overflow", "(\"deep\") used more than"],
        )
    },
    Program { procs: &[2], ..fine("guards_madvise__many", stacks_are_used_again) },
    Program {
        code: None,
        procs: &[2],
        ..fatal(
            "guards_mprotect__overflow",
            a_stack_overflow,
            &["stack overflow", "(\"deep\") used more than"],
        )
    },
    Program { procs: &[2], ..fine("guards_mprotect__many", stacks_are_used_again) },
    Program {
        code: None,
        procs: &[2],
        ..fatal(
            "guards_reserve__overflow",
            a_stack_overflow,
            &["stack overflow", "(\"deep\") used more than"],
        )
    },
    Program { procs: &[2], ..fine("guards_reserve__many", stacks_are_used_again) },
    Program {
        code: None,
        procs: &[2],
        ..fatal(
            "guards_mprotect_reserve__overflow",
            a_stack_overflow,
            &["stack overflow", "(\"deep\") used more than"],
        )
    },
    Program { procs: &[2], ..fine("guards_mprotect_reserve__many", stacks_are_used_again) },
    Program { procs: &[2], ..fine("guards_canary__many", stacks_are_used_again) },
    Program { procs: &[2], ..fine("guards_canary_reserve__many", stacks_are_used_again) },
    Program {
        procs: &[2],
        ..fatal(
            "guards_canary__overflow",
            past_the_canary,
            &["stack overflow", "overran its stack", "stack_size(bytes)"],
        )
    },
    Program {
        procs: &[2],
        says: &["have no guard page, only a canary", "raise vm.max_map_count"],
        ..fine("guards_mprotect__more_than_there_are", more_than_can_be_mapped)
    },
    Program {
        code: None,
        ..fatal(
            "a_stack_overflow",
            a_stack_overflow,
            &["stack overflow", "(\"deep\") used more than", "created at", "stack_size(bytes)"],
        )
    },
];

pub(crate) fn join_all<T>(all: impl IntoIterator<Item = Goroutine<T>>) -> Vec<T> {
    all.into_iter().map(|g| g.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
}

fn a_tree_of_goroutines() {
    fn tree(depth: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        join_all((0..4).map(|_| go(move || tree(depth - 1)))).into_iter().sum()
    }
    assert_eq!(go(|| tree(7)).join().unwrap(), 4_u64.pow(7));
    assert_eq!(num_goroutine(), 1);
}

fn many_yield() {
    let count = Arc::new(AtomicUsize::new(0));
    join_all((0..500).map(|_| {
        let count = Arc::clone(&count);
        go(move || {
            for _ in 0..200 {
                count.fetch_add(1, Ordering::Relaxed);
                gosched();
            }
        })
    }));
    assert_eq!(count.load(Ordering::Relaxed), 100_000);
}

fn a_ring_of_channels() {
    let (first, mut from) = chan::<u32>(0);
    for _ in 0..100 {
        let (to, next) = chan(0);
        let from = std::mem::replace(&mut from, next);
        drop(go(move || {
            from.iter().for_each(|n| to.send(n + 1));
            to.close();
        }));
    }
    for i in 0..200 {
        first.send(i);
        assert_eq!(from.recv(), Some(i + 100));
    }
    first.close();
    assert_eq!(from.recv(), None);
}

fn channels_and_selects_under_load() {
    let ((a, ra), (b, rb)) = (chan(0), chan(3));
    let (sent, got) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let senders = (0..8_usize).map(|nth| {
        let (a, b, sent) = (a.clone(), b.clone(), Arc::clone(&sent));
        go(move || {
            for i in nth * 300..(nth + 1) * 300 {
                sent.fetch_add(i, Ordering::Relaxed);
                select! {
                    send(a, i) => {}
                    send(b, i) => {}
                }
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    let receivers = (0..8).map(|_| {
        let (ra, rb, got) = (ra.clone(), rb.clone(), Arc::clone(&got));
        go(move || {
            for _ in 0..300 {
                let i = select! {
                    recv(ra) -> v => v,
                    recv(rb) -> v => v,
                };
                got.fetch_add(i.unwrap(), Ordering::Relaxed);
            }
        })
    });
    join_all(receivers.collect::<Vec<_>>());
    join_all(senders);
    assert_eq!(sent.load(Ordering::Relaxed), got.load(Ordering::Relaxed));
}

fn goroutines_and_threads_meet() {
    let ((to, from), (back, answers)) = (chan(0), chan(1));
    let outside = std::thread::spawn(move || {
        for i in from.iter() {
            back.send(i * 2);
        }
    });
    let inside = go(move || {
        for i in 0..1000 {
            to.send(i);
            assert_eq!(answers.recv(), Some(i * 2));
        }
        to.close();
    });
    inside.join().unwrap();
    outside.join().unwrap();
}

fn sleepers() {
    let (done, all) = chan(0);
    for i in 0..200_u64 {
        let done = done.clone();
        drop(go(move || {
            time::sleep(Duration::from_micros(i * 37 % 5000));
            done.send(i);
        }));
    }
    let sum: u64 = (0..200).map(|_| all.recv().unwrap()).sum();
    assert_eq!(sum, 199 * 100);
}

fn locals_belong_to_goroutines() {
    use std::cell::Cell;
    selvedge::thread_local! {
        static MINE: Cell<usize> = const { Cell::new(0) };
    }
    join_all((0..50).map(|i| {
        go(move || {
            assert_eq!(MINE.get(), 0);
            MINE.set(i);
            for _ in 0..20 {
                gosched();
                assert_eq!(MINE.get(), i);
            }
        })
    }));
}

fn waiting_while_unwinding() {
    struct Last(selvedge::chan::Sender<u32>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(7);
        }
    }
    let (tx, rx) = chan(0);
    let panics = go(move || {
        let _last = Last(tx);
        std::panic::resume_unwind(Box::new("quietly"));
    });
    let innocent = go(|| {
        for _ in 0..100 {
            gosched();
            assert!(!std::thread::panicking());
        }
    });
    time::sleep(Duration::from_millis(5));
    assert_eq!(rx.recv(), Some(7));
    assert!(panics.join().is_err());
    innocent.join().unwrap();
}

fn locked_to_its_thread() {
    let others = Arc::new(AtomicBool::new(true));
    let noise: Vec<_> = (0..4)
        .map(|_| {
            let others = Arc::clone(&others);
            go(move || {
                while others.load(Ordering::Relaxed) {
                    gosched();
                }
            })
        })
        .collect();
    go(|| {
        lock_os_thread();
        let here = std::thread::current().id();
        for i in 0..100 {
            if i % 10 == 0 {
                time::sleep(Duration::from_micros(100))
            } else {
                gosched()
            }
            assert_eq!(std::thread::current().id(), here);
        }
        unlock_os_thread();
    })
    .join()
    .unwrap();
    others.store(false, Ordering::Relaxed);
    join_all(noise);
}

fn main_ends_the_program() {
    let (_tx, rx) = chan::<()>(0);
    drop(go(move || rx.recv()));
    drop(go(|| time::sleep(Duration::from_secs(1000))));
    gosched();
}

fn stacks_are_used_again() {
    /// Touches some pages.
    #[inline(never)]
    fn deep(n: u32) -> u32 {
        let here = std::hint::black_box([n; 256]);
        if n == 0 { here[0] } else { deep(n - 1) + here[1].min(1) }
    }
    for _ in 0..20 {
        assert!(join_all((0..300).map(|_| go(|| deep(20)))).into_iter().all(|n| n == 20));
    }
}

/// Goroutines that lock again and again, and never wait for anything else, are made to wait by those
/// that want the lock too: also where all of them are bound to one thread.
fn who_hogs_a_lock_starves_nobody() {
    let shared = Arc::new((Mutex::new(0_u64), AtomicBool::new(false)));
    let hogs: Vec<_> = (0..2)
        .map(|_| {
            let shared = Arc::clone(&shared);
            go(move || {
                while !shared.1.load(Ordering::Relaxed) {
                    *shared.0.lock().unwrap() += 1;
                }
            })
        })
        .collect();
    let patient: Vec<_> = (0..3)
        .map(|_| {
            let shared = Arc::clone(&shared);
            go(move || (0..5).for_each(|_| *shared.0.lock().unwrap() += 1))
        })
        .collect();
    join_all(patient);
    shared.1.store(true, Ordering::Relaxed);
    join_all(hogs);
}

/// As above, with readers that overlap.
fn who_reads_all_the_time_starves_no_writer() {
    let shared = Arc::new((RwLock::new(0_u64), AtomicBool::new(false)));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let shared = Arc::clone(&shared);
            go(move || {
                let mut sum = 0;
                while !shared.1.load(Ordering::Relaxed) {
                    sum += *shared.0.read().unwrap();
                    gosched();
                }
                sum
            })
        })
        .collect();
    for _ in 0..20 {
        *shared.0.write().unwrap() += 1;
    }
    shared.1.store(true, Ordering::Relaxed);
    join_all(readers);
    assert_eq!(*shared.0.read().unwrap(), 20);
}

/// All kinds of locks, under goroutines and plain threads at once.
fn locks_of_goroutines_and_threads() {
    struct Shared {
        total: Mutex<usize>,
        changed: Condvar,
        pair: RwLock<(usize, usize)>,
        permits: Semaphore,
        inside: AtomicUsize,
        meet: Barrier,
        once: Once,
        firsts: AtomicUsize,
        leaders: AtomicUsize,
    }
    const PARTIES: usize = 6;
    const ROUNDS: usize = 200;
    let shared = Arc::new(Shared {
        total: Mutex::new(0),
        changed: Condvar::new(),
        pair: RwLock::new((0, 0)),
        permits: Semaphore::new(3),
        inside: AtomicUsize::new(0),
        meet: Barrier::new(PARTIES),
        once: Once::new(),
        firsts: AtomicUsize::new(0),
        leaders: AtomicUsize::new(0),
    });
    let work = |i: usize, shared: &Shared| {
        for round in 0..ROUNDS {
            *shared.total.lock().unwrap() += 1;
            shared.changed.notify_all();
            if (round + i).is_multiple_of(3) {
                let mut pair = shared.pair.write().unwrap();
                pair.0 += 1;
                pair.1 += 1;
            } else {
                let pair = shared.pair.read().unwrap();
                assert_eq!(pair.0, pair.1);
            }
            let n = 1 + (i % 2) as u32;
            shared.permits.acquire(n);
            assert!(shared.inside.fetch_add(n as usize, Ordering::SeqCst) + n as usize <= 3);
            shared.inside.fetch_sub(n as usize, Ordering::SeqCst);
            shared.permits.release(n);
            shared.once.call_once(|| _ = shared.firsts.fetch_add(1, Ordering::SeqCst));
            shared.leaders.fetch_add(usize::from(shared.meet.wait().is_leader()), Ordering::SeqCst);
        }
    };
    let threads: Vec<_> = (0..PARTIES / 2)
        .map(|i| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || work(i, &shared))
        })
        .collect();
    let goroutines: Vec<_> = (PARTIES / 2..PARTIES)
        .map(|i| {
            let shared = Arc::clone(&shared);
            go(move || work(i, &shared))
        })
        .collect();
    let short = |total: &mut usize| *total < PARTIES * ROUNDS;
    drop(shared.changed.wait_while(shared.total.lock().unwrap(), short).unwrap());
    join_all(goroutines);
    threads.into_iter().for_each(|t| t.join().unwrap());
    let Shared { firsts, leaders, pair, .. } = &*shared;
    assert_eq!((firsts.load(Ordering::SeqCst), leaders.load(Ordering::SeqCst)), (1, ROUNDS));
    assert_eq!(pair.read().unwrap().0, PARTIES * ROUNDS / 3);
}

fn hogs_starve_nobody() {
    let quit = Arc::new(AtomicBool::new(false));
    for _ in 0..8 {
        let quit = Arc::clone(&quit);
        drop(go(move || {
            while !quit.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        }));
    }
    let (to, from) = chan(0);
    let echo = go(move || from.iter().sum::<u64>());
    for i in 0..50 {
        time::sleep(Duration::from_millis(1));
        to.send(i);
    }
    to.close();
    assert_eq!(echo.join().unwrap(), 49 * 25);
    quit.store(true, Ordering::Relaxed);
}

fn blocked_threads_starve_nobody() {
    let wg = WaitGroup::new();
    let finished = Arc::new(AtomicUsize::new(0));
    for i in 0..16 {
        let finished = Arc::clone(&finished);
        wg.go(move || {
            let block = || std::thread::sleep(Duration::from_millis(30));
            if i % 2 == 0 {
                block()
            } else {
                unblock(block)
            }
            finished.fetch_add(1, Ordering::Relaxed);
        });
    }
    // A channel nobody can use from a thread that sleeps in the kernel.
    let (to, from) = chan(0);
    let echo = go(move || from.iter().count());
    (0..100).for_each(|i| to.send(i));
    to.close();
    assert_eq!(echo.join().unwrap(), 100);
    wg.wait();
    assert_eq!(finished.load(Ordering::Relaxed), 16);
}

fn a_lone_goroutine_of_a_hog_runs() {
    let ran = Arc::new(AtomicBool::new(false));
    let inside = Arc::clone(&ran);
    let lone = go(move || inside.store(true, Ordering::Relaxed));
    // The one that started it computes until it has run.
    while !ran.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    lone.join().unwrap();
}

fn all_asleep() {
    let (tx, _rx) = chan(0);
    let (_keep, never) = chan::<()>(0);
    let held = Arc::new(Mutex::new(()));
    let guard = held.lock().unwrap();
    let also = Arc::clone(&held);
    drop(go(move || drop(also.lock())));
    drop(go(move || tx.send(1)));
    gosched();
    never.recv();
    drop(guard);
}

fn main_is_gone() {
    drop(go(|| time::sleep(Duration::from_millis(20))));
    selvedge::runtime::goexit();
}

fn a_panic_nobody_joins() {
    drop(go_named("bomb", || panic!("boom")));
    loop {
        thread::yield_now();
    }
}

fn a_panic_whose_handle_is_dropped_late() {
    let bomb = go(|| panic!("{}", "boom"));
    while !bomb.is_finished() {
        thread::yield_now();
    }
    drop(bomb);
    loop {
        thread::yield_now();
    }
}

fn a_stack_overflow() {
    #[allow(unconditional_recursion, reason = "that is the point")]
    #[inline(never)]
    fn deeper(n: u64) -> u64 {
        let here = std::hint::black_box([n; 64]);
        deeper(n + 1) + here[7]
    }
    go_named("deep", || deeper(0)).join().unwrap();
}

/// Writes where the canary of this goroutine's stack is, as a frame that does not fit would, and then waits.
fn past_the_canary() {
    const SLOT: usize = 256 << 10;
    let overruns = go(|| {
        let mark = 0_u8;
        let bottom = (&raw const mark).expose_provenance() & !(SLOT - 1);
        let end = std::ptr::with_exposed_provenance_mut::<u64>(bottom);
        // SAFETY: the lowest word of this goroutine's stack, which nothing lives in.
        unsafe { end.write_volatile(0) };
        gosched();
        time::sleep(Duration::from_millis(1));
    });
    let _ = overruns.join();
}

/// More goroutines that wait at once than a process may have mappings for their guards.
fn more_than_can_be_mapped() {
    let (tx, rx) = chan::<()>(0);
    let begun = Arc::new(AtomicUsize::new(0));
    let all: Vec<_> = (0..26_000)
        .map(|_| {
            let (rx, begun) = (rx.clone(), Arc::clone(&begun));
            go(move || {
                begun.fetch_add(1, Ordering::Relaxed);
                rx.recv()
            })
        })
        .collect();
    while begun.load(Ordering::Relaxed) < all.len() {
        gosched();
    }
    tx.close();
    all.into_iter().for_each(|g| assert_eq!(g.join().unwrap(), None));
}
