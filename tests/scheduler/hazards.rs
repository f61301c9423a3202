//! What may go wrong with goroutines and what belongs to threads: a program for each hazard that
//! decision 29 names, in the mode, or with the means, that keeps it away; and what the auditor says of them.
//!
//! Invariant: as in `programs`. Where goroutines change threads, the programs that use std's thread-locals keep
//! their thread meanwhile (`on_one_thread`).

use crate::programs::{Program, fatal, fine, join_all};
use selvedge::runtime::{gosched, lock_os_thread, unlock_os_thread};
use selvedge::sync::{Arc, Mutex};
use selvedge::{chan, go, go_named, time};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write as _;
use std::thread::ThreadId;
use std::time::Duration;

const AUDITED: &[&str] = if cfg!(all(debug_assertions, target_os = "linux")) {
    &["may hold a reference to a thread-local variable while it waits, in ", "hazards.rs:", "created by go\n"]
} else {
    &[]
};

pub(crate) const PROGRAMS: &[Program] = &[
    fine("hazard_addresses_of_thread_locals", hazard_addresses_of_thread_locals),
    fine("hazard_lazy_thread_locals", hazard_lazy_thread_locals),
    fine("hazard_hidden_waits_and_reads", hazard_hidden_waits_and_reads),
    fine("hazard_what_is_asked_anew", hazard_what_is_asked_anew),
    fine("hazard_a_borrow_across_a_wait", hazard_a_borrow_across_a_wait),
    fine("hazard_stdout_across_a_wait", hazard_stdout_across_a_wait),
    fine("hazard_scoped_values_out_of_order", hazard_scoped_values_out_of_order),
    Program { bound: false, ..fine("hazard_unwinding_poisons_nobody", hazard_unwinding_poisons_nobody) },
    fatal(
        "hazard_unwinding_holds_up_its_thread",
        hazard_unwinding_holds_up_its_thread,
        &["fatal error: all goroutines are asleep - deadlock!", "[chan send, unwinding"],
    ),
    Program {
        migrating: false,
        procs: &[1],
        ..fatal(
            "hazard_unwinding_keeps_its_waker",
            hazard_unwinding_keeps_its_waker,
            &[
                "fatal error: all goroutines are asleep - deadlock!",
                " while it unwinds from a panic, so it keeps its thread, and a goroutine bound to that cannot run (1).",
                "unsafe(migrate)",
            ],
        )
    },
    Program {
        migrating: false,
        procs: &[1],
        says: &["selvedge: goroutine 2 waits at tests/scheduler/hazards.rs:", "cannot run (1)."],
        ..fine("hazard_unwinding_keeps_others_for_long", hazard_unwinding_keeps_others_for_long)
    },
    Program { bound: false, says: AUDITED, procs: &[2], ..fine("audited_reference", audited_reference) },
    Program { bound: false, says: AUDITED, procs: &[2], ..fine("audited_borrow", audited_borrow) },
    Program { bound: false, ..fine("innocent_of_thread_locals", innocent_of_thread_locals) },
];

/// Run `f` in several goroutines, each on one thread, amid others.
fn on_one_thread(f: fn()) {
    let noise: Vec<_> = (0..4).map(|_| go(|| (0..300).for_each(|_| gosched()))).collect();
    join_all((0..8).map(|_| {
        go(move || {
            lock_os_thread();
            f();
            unlock_os_thread();
        })
    }));
    join_all(noise);
}

/// A wait in which others run, and after which this may go on elsewhere.
fn wait() {
    gosched();
    time::sleep(Duration::from_micros(200));
}

#[inline(never)]
fn hidden_wait() {
    black_box(wait)();
}

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static TABLE: [Cell<usize>; 8] = const { [const { Cell::new(0) }; 8] };
    static LAZY: usize = owner();
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// By thread, a number.
static OWNERS: std::sync::Mutex<BTreeMap<usize, ThreadId>> = std::sync::Mutex::new(BTreeMap::new());

#[inline(never)]
fn owner() -> usize {
    let mut owners = OWNERS.lock().unwrap();
    let number = owners.len();
    owners.insert(number, std::thread::current().id());
    number
}

#[inline(never)]
fn address() -> usize {
    COUNT.with(|count| std::ptr::from_ref(count).addr())
}

fn hazard_addresses_of_thread_locals() {
    on_one_thread(|| {
        let before = COUNT.with(|count| std::ptr::from_ref(count).addr());
        for round in 0..10 {
            COUNT.with(|count| count.set(round));
            TABLE.with(|table| table[round % 8].set(round));
            // Nobody else who keeps to this thread runs between these two.
            assert_eq!(COUNT.get(), round);
            wait();
            assert_eq!(COUNT.with(|count| std::ptr::from_ref(count).addr()), before);
            let inside = TABLE.with(|table| std::ptr::from_ref(&table[round % 8]).addr());
            assert!(
                TABLE.with(|table| table.as_ptr_range().contains(&std::ptr::with_exposed_provenance(inside)))
            );
        }
    });
}

fn hazard_lazy_thread_locals() {
    on_one_thread(|| {
        for _ in 0..5 {
            let number = LAZY.with(|number| *number);
            assert_eq!(OWNERS.lock().unwrap()[&number], std::thread::current().id());
            wait();
            // Its keys come from a lazy variable without a destructor.
            let map: std::collections::HashMap<u32, u32> = (0..4).map(|n| (n, n)).collect();
            assert_eq!(map.len(), 4);
            assert_eq!(LAZY.with(|number| *number), number);
        }
    });
}

fn hazard_hidden_waits_and_reads() {
    on_one_thread(|| {
        for _ in 0..10 {
            let before = address();
            hidden_wait();
            assert_eq!(black_box(address)(), before);
        }
    });
}

/// These are right without any means, in either mode.
fn hazard_what_is_asked_anew() {
    join_all((0..8_usize).map(|n| {
        go(move || {
            for round in 0..10 {
                NAMES.with_borrow_mut(|names| names.push(format!("{n} {round}")));
                hidden_wait();
                assert!(!black_box(std::thread::current)().name().unwrap_or("main").is_empty());
                let failed = std::fs::File::open("/nonexistent").unwrap_err();
                assert_eq!(failed.kind(), std::io::ErrorKind::NotFound);
            }
        })
    }));
}

/// Who comes upon another's borrow on the same thread gets std's error, and nothing worse. Where the thread is kept
/// for one goroutine there is no other.
fn hazard_a_borrow_across_a_wait() {
    let (tx, rx) = chan::<bool>(8);
    on_one_thread_with(tx);
    let outcomes: Vec<bool> = rx.iter().collect();
    assert_eq!(outcomes.len(), 8);
    assert!(outcomes.contains(&true), "somebody has had it");
}

fn on_one_thread_with(tx: selvedge::chan::Sender<bool>) {
    let all = (0..8).map(|_| {
        let tx = tx.clone();
        go(move || {
            lock_os_thread();
            let got = NAMES.with(|names| {
                let borrowed = names.try_borrow_mut();
                wait();
                borrowed.is_ok()
            });
            unlock_os_thread();
            tx.send(got);
        })
    });
    join_all(all.collect::<Vec<_>>());
    tx.close();
}

fn hazard_stdout_across_a_wait() {
    on_one_thread(|| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "first half").unwrap();
        // Others of this thread may print meanwhile, since the lock is the thread's; nobody is lost.
        gosched();
        writeln!(out, "second half").unwrap();
    });
}

selvedge::goroutine_local! {
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

/// A value that is set for a scope and set back at its end, by goroutines whose scopes end in another order than they
/// began. With a variable of the thread's the last to end would leave what the first had found.
fn hazard_scoped_values_out_of_order() {
    struct Back(usize);
    impl Drop for Back {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    join_all((1..=20_usize).map(|n| {
        go(move || {
            let _back = Back(CURRENT.replace(n));
            (0..n % 7).for_each(|_| hidden_wait());
            assert_eq!(CURRENT.get(), n);
        })
    }));
    assert_eq!(CURRENT.get(), 0);
}

/// Drops, as it unwinds, what waits.
struct Waits(Option<selvedge::chan::Sender<u32>>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|tx| tx.send(7));
    }
}

fn hazard_unwinding_poisons_nobody() {
    let healthy = Arc::new(Mutex::new(0));
    let (tx, rx) = chan(0);
    let panics: Vec<_> = (0..3)
        .map(|_| {
            let tx = tx.clone();
            go(move || {
                let _waits = Waits(Some(tx));
                std::panic::resume_unwind(Box::new("quietly"));
            })
        })
        .collect();
    let others: Vec<_> = (0..8)
        .map(|_| {
            let healthy = Arc::clone(&healthy);
            go(move || {
                for _ in 0..50 {
                    let mut held = healthy.lock().unwrap();
                    *held += 1;
                    gosched();
                    assert!(!std::thread::panicking());
                    drop(held);
                }
            })
        })
        .collect();
    (0..3).for_each(|_| assert_eq!(rx.recv(), Some(7)));
    panics.into_iter().for_each(|g| assert!(g.join().is_err()));
    join_all(others);
    // Afterwards no thread counts a panic too many, or one too few.
    join_all((0..20).map(|_| go(|| (0..5).for_each(|_| assert!(!std::thread::panicking())))));
    assert_eq!(*healthy.lock().unwrap(), 400);
}

fn hazard_unwinding_holds_up_its_thread() {
    let (tx, _rx) = chan::<u32>(0);
    let panics = go(move || {
        let _waits = Waits(Some(tx));
        std::panic::resume_unwind(Box::new("quietly"));
    });
    let _ = panics.join();
}

/// The one that is to receive is bound to the thread that is kept.
fn hazard_unwinding_keeps_its_waker() {
    loop {
        let (tx, rx) = chan::<u32>(0);
        let panics = go(move || {
            let _waits = Waits(Some(tx));
            std::panic::resume_unwind(Box::new("quietly"));
        });
        time::sleep(Duration::from_millis(20));
        // It comes here only if this thread had no core for so long that another one began that goroutine.
        rx.recv();
        let _ = panics.join();
    }
}

/// A thread of std's ends the wait, late.
fn hazard_unwinding_keeps_others_for_long() {
    let (tx, rx) = chan::<u32>(0);
    let helper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(4000));
        rx.recv()
    });
    let panics = go(move || {
        let _waits = Waits(Some(tx));
        std::panic::resume_unwind(Box::new("quietly"));
    });
    time::sleep(Duration::from_millis(20));
    assert!(panics.join().is_err());
    assert_eq!(helper.join().unwrap(), Some(7));
}

fn audited_reference() {
    let holder = go(|| {
        COUNT.with(|count| {
            count.set(1);
            time::sleep(Duration::from_millis(1500));
            black_box(count).get()
        })
    });
    let _ = holder.join();
}

fn audited_borrow() {
    let holder = go_named("holder", || {
        NAMES.with_borrow_mut(|names| {
            names.push("mine".into());
            time::sleep(Duration::from_millis(1500));
            names.len()
        })
    });
    let _ = holder.join();
}

/// Whoever lets go of what belongs to the thread before it waits is not accused.
fn innocent_of_thread_locals() {
    let (tx, rx) = chan::<u32>(0);
    let all: Vec<_> = (0..4_u32)
        .map(|n| {
            let (tx, rx) = (tx.clone(), rx.clone());
            go(move || {
                for round in 0..20 {
                    println!("{n} {round}");
                    COUNT.set(COUNT.get() + 1);
                    let map: std::collections::HashMap<u32, u32> = (0..4).map(|n| (n, n)).collect();
                    if n % 2 == 0 {
                        tx.send(map[&3])
                    } else {
                        assert_eq!(rx.recv(), Some(3))
                    }
                    gosched();
                }
            })
        })
        .collect();
    join_all(all);
    time::sleep(Duration::from_millis(100));
}
