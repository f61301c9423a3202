//! The same decisions give the same execution: in one process, after any other execution, in every
//! profile and on every machine.
//!
//! The golden numbers stand for the first executions of each program under the frozen generator. A
//! change of an operation's footprint, of when a goroutine announces, or of what counts as a step
//! changes them, and with them every token that anybody has kept: change them together, knowingly.

use crate::explore::strategies::{Deviate, Random, Recorder, Replay};
use crate::model::{Limits, Report, Strategy, Worker};
use crate::sync::atomic::{AtomicU64, Ordering, fence};
use crate::sync::{Barrier, Condvar, Mutex, Once, RwLock, Semaphore, WaitGroup};
use crate::{chan, choose, context, go, select, thread, time};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

type Program = (&'static str, fn(), u64);

/// Every primitive, in a few programs, each with the fingerprint of its first executions.
const PROGRAMS: &[Program] = &[
    ("channels", channels, 0x32f0_c0cd_e54b_fd4c),
    ("selects", selects, 0x8097_070f_f9df_52fc),
    ("locks", locks, 0x223a_00f0_95af_fbd7),
    ("groups", groups, 0xb4ca_cc42_d751_6342),
    ("atomics", atomics, 0x0055_59b5_5311_90c0),
    ("timers", timers, 0xe439_0828_543b_0478),
    ("fifty", fifty, 0x394b_e478_d429_f1d2),
];

fn channels() {
    let ((tx, rx), (out, results)) = (chan(0), chan(2));
    for _ in 0..3 {
        let (rx, out) = (rx.clone(), out.clone());
        drop(go(move || rx.iter().for_each(|n: u64| out.send(n * n))));
    }
    drop(go(move || {
        (1..=4).for_each(|n| tx.send(n));
        tx.close();
    }));
    assert_eq!((0..4).map(|_| results.recv().unwrap()).sum::<u64>(), 30);
    assert!(results.try_recv().is_err() && results.is_empty());
}

fn selects() {
    let ((a, ra), (b, rb), (stop, stopped)) = (chan(0), chan(1), chan::<()>(0));
    let sender = go(move || {
        for i in 0..4 {
            select! {
                send(a, i) => {}
                send(b, i) => {}
            }
        }
        stop.close();
    });
    let mut seen = 0;
    loop {
        select! {
            biased;
            recv(ra) -> v => seen += u32::from(v.is_some()),
            recv(rb) -> v => seen += u32::from(v.is_some()),
            recv(stopped) -> _ => break,
        }
    }
    select! {
        recv(rb) -> v => seen += u32::from(v.is_some()),
        default => {}
    }
    assert_eq!(seen, 4);
    sender.join().unwrap();
}

fn locks() {
    let shared = Arc::new((Mutex::new(0), Condvar::new(), RwLock::new(0)));
    let all: Vec<_> = (0..3)
        .map(|i| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                *shared.2.write().unwrap() += i;
                *shared.0.lock().unwrap() += 1;
                shared.1.notify_one();
                if let Ok(value) = shared.2.try_read() {
                    assert!(*value <= 3);
                }
            })
        })
        .collect();
    let mut count = shared.0.lock().unwrap();
    while *count < 3 {
        count = shared.1.wait(count).unwrap();
    }
    drop(count);
    all.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(*shared.2.read().unwrap(), 3);
}

fn groups() {
    let (wg, semaphore, once) = (WaitGroup::new(), Arc::new(Semaphore::new(2)), Arc::new(Once::new()));
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        let (semaphore, once, barrier) = (Arc::clone(&semaphore), Arc::clone(&once), Arc::clone(&barrier));
        wg.go(move || {
            semaphore.acquire(1);
            once.call_once(thread::yield_now);
            semaphore.release(1);
            barrier.wait();
        });
    }
    let parked = thread::spawn(thread::park);
    parked.thread().unpark();
    wg.wait();
    parked.join().unwrap();
    let local = choose(3);
    thread::scope(|s| drop(s.spawn(|| assert!(local < 3))));
}

fn atomics() {
    let pair = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let theirs = Arc::clone(&pair);
    let writer = go(move || {
        theirs.0.store(1, Ordering::Relaxed);
        fence(Ordering::Release);
        theirs.1.store(1, Ordering::Release);
        theirs.0.fetch_add(1, Ordering::AcqRel);
    });
    while pair.1.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    let _ = pair.0.compare_exchange_weak(2, 3, Ordering::SeqCst, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(pair.0.load(Ordering::SeqCst) >= 2);
}

fn timers() {
    let (ctx, cancel) = context::with_timeout(&context::background(), Duration::from_millis(5));
    let (tx, rx) = chan(1);
    let timer = time::after_func(Duration::from_millis(5), move || _ = tx.try_send(()));
    let worker = go(move || {
        ctx.done().recv();
        ctx.err().is_some()
    });
    time::sleep(Duration::from_millis(5));
    assert_eq!(rx.recv_timeout(Duration::from_millis(10)), Ok(()));
    assert!(!timer.stop());
    assert!(worker.join().unwrap());
    cancel.cancel();
}

fn fifty() {
    let (tx, rx) = chan(5);
    for i in 0..50_u64 {
        let tx = tx.clone();
        drop(go(move || tx.send(i)));
    }
    assert_eq!((0..50).map(|_| rx.recv().unwrap()).sum::<u64>(), 1225);
}

fn worker(strategy: impl Strategy) -> Worker {
    let limits = Limits { early_timers: 1, ..Limits::default() };
    Worker::new(Box::new(strategy), limits, Arc::default())
}

fn run(worker: &mut Worker, index: u64, program: fn()) -> Report {
    let body: Arc<dyn Fn() + Send + Sync> = Arc::new(program);
    // Recorded, for the decisions; what is recorded changes nothing.
    let report = worker.run(index, &body, Location::caller(), true).expect("there is always another");
    assert!(report.findings.is_empty(), "{report:?}");
    report
}

/// One number for the first executions of a program.
fn fold(worker: &mut Worker, program: fn()) -> u64 {
    (0..20).fold(0, |sum: u64, i| sum.rotate_left(7) ^ run(worker, i, program).fingerprint)
}

#[test]
fn golden_fingerprints() {
    let found =
        PROGRAMS.iter().map(|(name, program, _)| (*name, fold(&mut worker(Random::new(2026)), *program)));
    let golden = PROGRAMS.iter().map(|(name, _, golden)| (*name, *golden));
    assert_eq!(found.collect::<Vec<_>>(), golden.collect::<Vec<_>>());
}

#[test]
fn what_ran_before_does_not_matter() {
    let mut shared = worker(Random::new(2026));
    for _ in 0..2 {
        for (name, program, golden) in PROGRAMS.iter().rev() {
            assert_eq!(fold(&mut shared, *program), *golden, "{name}");
        }
    }
}

#[test]
fn a_thousand_replays_of_the_decisions() {
    for (name, program, _) in PROGRAMS {
        let original = run(&mut worker(Random::new(7)), 3, *program);
        let pairs: Vec<_> =
            original.decisions.iter().map(|d| (d.goroutine.0, d.alternative.into())).collect();
        let mut replaying = worker(Replay::of_pairs(&pairs));
        for _ in 0..1_000 {
            let again = run(&mut replaying, 0, *program);
            assert_eq!(again.fingerprint, original.fingerprint, "{name}");
            assert_eq!(again.decisions, original.decisions, "{name}");
        }
    }
}

#[test]
fn a_thousand_replays_of_the_deviations() {
    for (name, program, _) in PROGRAMS {
        let original = run(&mut worker(Random::new(8)), 5, *program);
        let mut recording = worker(Recorder::new(original.decisions.clone()));
        assert_eq!(run(&mut recording, 0, *program).fingerprint, original.fingerprint, "{name}");
        let recorder: Box<dyn std::any::Any> = recording.set_strategy(Box::new(Random::new(0)));
        let deviations = recorder.downcast::<Recorder>().unwrap().deviations().to_vec();
        let mut replaying = worker(Deviate::new(deviations));
        for _ in 0..1_000 {
            assert_eq!(run(&mut replaying, 0, *program).decisions, original.decisions, "{name}");
        }
    }
}

#[test]
fn recording_changes_nothing() {
    for (name, program, _) in PROGRAMS {
        let body: Arc<dyn Fn() + Send + Sync> = Arc::new(*program);
        let mut both = worker(Random::new(9));
        for i in 0..20 {
            let blind = both.run(i, &body, Location::caller(), false).unwrap();
            let rich = both.run(i, &body, Location::caller(), true).unwrap();
            assert_eq!(blind.fingerprint, rich.fingerprint, "{name}, execution {i}");
            assert!(rich.trace.is_some());
        }
    }
}
