//! Objects that several worlds want: statics used by two tests at once, by plain threads while a
//! model runs, by one execution after the other. Every conflict is told, nothing hangs, and what a
//! lock guards is never reached from two threads.

use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::sync::{Mutex, OnceLock, RwLock};
use selvedge::{Explorer, Goroutine, Outcome, Slug, chan, go};
use std::sync::Arc;
use std::sync::atomic::AtomicBool as StdBool;
use std::time::{Duration, Instant};

#[track_caller]
fn explorer() -> Explorer {
    Explorer::new().executions(20).seed(7)
}

fn says(outcome: &Outcome, what: &str) -> bool {
    let all = outcome.findings.iter().chain(&outcome.warnings);
    all.into_iter().any(|f| format!("{f:?}").contains(what))
}

fn has(outcome: &Outcome, slug: Slug) -> bool {
    outcome.findings.iter().chain(&outcome.warnings).any(|f| f.slug == slug)
}

#[test]
fn statics_work_from_execution_to_execution() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static TABLE: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    static NAMES: RwLock<u64> = RwLock::new(0);
    static FIRST: OnceLock<u64> = OnceLock::new();
    let outcome = explorer().run(|| {
        let both: Vec<_> = (0..2)
            .map(|i| {
                go(move || {
                    COUNT.fetch_add(1, Ordering::SeqCst);
                    TABLE.lock().unwrap().push(i);
                    *NAMES.write().unwrap() += 1;
                    // A value stays, as in any static; whether it is initialised starts afresh.
                    *FIRST.get_or_init(|| 7)
                })
            })
            .collect();
        both.into_iter().for_each(|g| assert_eq!(g.join().unwrap(), 7));
    });
    assert!(outcome.is_clean(), "{outcome}");
    let rows = TABLE.lock().unwrap().len() as u64;
    assert!(rows >= 40, "two in each execution: {rows}");
    assert_eq!((*NAMES.read().unwrap(), FIRST.get()), (rows, None), "each world initialises for itself");
    assert_eq!(FIRST.get_or_init(|| 8), &8);
}

#[test]
fn a_static_that_two_explorations_share() {
    static SHARED: Mutex<u64> = Mutex::new(0);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static ONCE: OnceLock<u64> = OnceLock::new();
    let explore = || {
        explorer().executions(300).run(|| {
            let other = go(|| {
                COUNT.fetch_add(1, Ordering::SeqCst);
                let mut n = SHARED.lock().unwrap_or_else(|e| e.into_inner());
                selvedge::runtime::gosched();
                *n += 1;
            });
            *SHARED.lock().unwrap_or_else(|e| e.into_inner()) += ONCE.get_or_init(|| 1);
            other.join().unwrap();
        })
    };
    let outcomes = std::thread::scope(|s| {
        let both = [s.spawn(explore), s.spawn(explore)];
        both.map(|one| one.join().expect("no panic leaves the explorer"))
    });
    for outcome in outcomes {
        // Whoever came second is told, or they never met.
        assert!(
            outcome.is_clean()
                || says(&outcome, "belongs to a model execution")
                || says(&outcome, "Divergence"),
            "{outcome}"
        );
    }
}

#[test]
fn a_static_that_two_jobs_share() {
    static SHARED: Mutex<u64> = Mutex::new(0);
    let outcome = explorer().executions(300).jobs(2).run(|| {
        let mut n = SHARED.lock().unwrap_or_else(|e| e.into_inner());
        (0..50).for_each(|_| selvedge::runtime::gosched());
        *n += 1;
    });
    assert!(
        outcome.is_clean() || says(&outcome, "SELVEDGE_JOBS=1") || says(&outcome, "Divergence"),
        "{outcome}"
    );
}

#[test]
fn a_plain_thread_and_a_model_at_once() {
    static SHARED: Mutex<(u64, u64)> = Mutex::new((0, 0));
    let stop = Arc::new(StdBool::new(false));
    let until = Arc::clone(&stop);
    let plain = std::thread::spawn(move || {
        let mut turned_away = 0;
        while !until.load(Ordering::Relaxed) {
            let locked = std::panic::catch_unwind(|| {
                let mut pair = SHARED.lock().unwrap_or_else(|e| e.into_inner());
                pair.0 += 1;
                pair.1 += 1;
            });
            turned_away += u64::from(locked.is_err());
        }
        turned_away
    });
    let outcome = explorer().executions(300).run(|| {
        let mut pair = SHARED.lock().unwrap_or_else(|e| e.into_inner());
        let before = *pair;
        selvedge::runtime::gosched();
        assert_eq!(*pair, before, "what a lock guards changed under it");
        pair.0 += 1;
        pair.1 += 1;
    });
    stop.store(true, Ordering::Relaxed);
    let turned_away = plain.join().expect("every panic is caught");
    let pair = SHARED.lock().map_or_else(|e| *e.into_inner(), |p| *p);
    assert_eq!(pair.0, pair.1);
    assert!(!says(&outcome, "changed under it"), "{outcome}");
    if turned_away > 0 {
        assert!(has(&outcome, Slug::UncontrolledThread) || !outcome.is_clean(), "{outcome}");
    }
}

#[test]
fn a_channel_made_outside() {
    let (tx, rx) = chan(1);
    let inside = tx.clone();
    let outcome = explorer().run(move || inside.send(1));
    assert!(says(&outcome, "made outside of the model"), "{outcome}");
    tx.send(2);
    assert_eq!(rx.recv(), Some(2), "outside it works as before");
}

#[test]
fn handles_kept_from_an_earlier_execution() {
    static KEPT: std::sync::Mutex<Vec<Goroutine<()>>> = std::sync::Mutex::new(Vec::new());
    static CHANNEL: std::sync::Mutex<Option<selvedge::chan::Sender<u32>>> = std::sync::Mutex::new(None);
    let outcome = explorer().run(|| {
        let mut kept = KEPT.lock().unwrap_or_else(|e| e.into_inner());
        // Those of the last execution are dropped in this one, where their numbers mean others.
        kept.clear();
        drop(go(|| ()));
        (0..5).for_each(|_| kept.push(go(|| ())));
    });
    assert!(outcome.is_clean(), "{outcome}");
    let kept = std::mem::take(&mut *KEPT.lock().unwrap());
    assert!(kept.iter().all(Goroutine::is_finished));
    let joined = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        kept.into_iter().for_each(|g| drop(g.join()));
    }));
    assert!(joined.is_err(), "there is nobody to join");

    let outcome = explorer().run(|| {
        let (tx, _rx) = chan(8);
        let before = CHANNEL.lock().unwrap_or_else(|e| e.into_inner()).replace(tx);
        if let Some(before) = before {
            before.send(1);
        }
    });
    assert!(says(&outcome, "earlier execution"), "{outcome}");
    drop(CHANNEL.lock().unwrap_or_else(|e| e.into_inner()).take());
}

#[test]
fn a_thread_the_model_does_not_control() {
    let outcome = explorer().run(|| {
        let shared = Arc::new(Mutex::new(0));
        *shared.lock().unwrap() += 1;
        let theirs = Arc::clone(&shared);
        let touched = std::thread::spawn(move || *theirs.lock().unwrap() += 1).join();
        assert!(touched.is_err(), "it is turned away");
        *shared.lock().unwrap() += 1;
    });
    assert!(has(&outcome, Slug::UncontrolledThread), "{outcome:?}");

    let outcome = explorer().run(|| {
        let (tx, rx) = chan(1);
        drop(std::thread::spawn(move || tx.send(1)).join());
        assert!(rx.try_recv().is_err());
    });
    assert!(has(&outcome, Slug::UncontrolledThread), "{outcome:?}");
}

#[test]
fn a_handle_dropped_by_a_thread_the_model_does_not_control() {
    let outcome = explorer().run(|| {
        let (tx, rx) = chan::<u32>(1);
        let handle = go(|| ());
        std::thread::spawn(move || drop((tx, rx, handle))).join().unwrap();
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn outside_of_a_model_nobody_notices_one() {
    let end = Instant::now() + Duration::from_secs(1);
    let exploring = std::thread::spawn(move || {
        let mut explorations = 0;
        while Instant::now() < end {
            let outcome = explorer().jobs(2).run(|| {
                let (count, (tx, rx)) = (Arc::new(AtomicU64::new(0)), chan(1));
                let theirs = Arc::clone(&count);
                drop(go(move || tx.send(theirs.fetch_add(1, Ordering::SeqCst))));
                assert_eq!(rx.recv(), Some(0));
                assert_eq!(count.load(Ordering::SeqCst), 1);
            });
            assert!(outcome.is_clean(), "{outcome}");
            explorations += 1;
        }
        explorations
    });
    let mut rounds = 0;
    while Instant::now() < end {
        let (count, total) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(0)));
        let (tx, rx) = chan(0);
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (count, total, rx) = (Arc::clone(&count), Arc::clone(&total), rx.clone());
                go(move || {
                    for n in &rx {
                        count.fetch_add(1, Ordering::Relaxed);
                        *total.lock().unwrap() += n;
                    }
                })
            })
            .collect();
        (1..=100).for_each(|n| tx.send(n));
        tx.close();
        workers.into_iter().for_each(|w| w.join().unwrap());
        assert_eq!((count.load(Ordering::Relaxed), *total.lock().unwrap()), (100, 5050));
        rounds += 1;
    }
    assert!(rounds > 0 && exploring.join().unwrap() > 0);
}
