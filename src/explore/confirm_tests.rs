//! Bugs that hardly any schedule shows, found from the first execution that comes near them; and
//! predictions that nothing comes of, which stay predictions.

use crate::explore::bounds::Bounds;
use crate::explore::explorer;
use crate::explore::plan::{Body, Exploration, Leaks, Plan};
use crate::explore::spec::StrategySpec;
use crate::explore::strategies::Random;
use crate::model::{Limits, Worker};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Condvar, Mutex, WaitGroup};
use crate::{chan, go, hint};
use selvedge_checkers::finding::Slug;
use std::panic::Location;
use std::time::Duration;

/// Nobody wakes up without a cause, which would be another way to these bugs.
fn limits() -> Limits {
    Limits { spurious: 0, ..Limits::default() }
}

fn explore(seed: u64, jobs: usize, body: &Body) -> Exploration {
    let plan = Plan {
        limits: limits(),
        strategy: StrategySpec::Random,
        seed,
        executions: 200,
        time: None,
        bounds: Bounds::default(),
        nodes: usize::MAX,
        jobs,
        shard: None,
        leaks: Leaks::Deny,
        watchdog: Duration::from_secs(60),
        census: 0,
        work: u64::MAX,
        observer: None,
        sought: None,
    };
    explorer::explore(&plan, body, Location::caller())
}

/// The first failing execution of the random walk alone, from 1.
fn alone(seed: u64, body: &Body) -> u64 {
    let mut worker = Worker::new(Box::new(Random::new(seed)), limits(), Default::default());
    let fails = |i: &u64| {
        let report = worker.run(*i, body, Location::caller(), false).unwrap();
        report.findings.iter().any(|f| f.slug.severity() == selvedge_checkers::finding::Severity::Error)
    };
    (0..500).find(fails).map_or(500, |i| i + 1)
}

fn busy(n: usize) {
    (0..n).for_each(|_| hint::spin_loop());
}

/// Two goroutines take two locks in both orders, at different times of their long lives.
fn locks(n: usize) -> Body {
    std::sync::Arc::new(move || {
        let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let (a2, b2) = (a.clone(), b.clone());
        let h = go(move || {
            *a2.lock().unwrap() += 1;
            let _a = a2.lock();
            let _b = b2.lock();
        });
        busy(n);
        {
            *a.lock().unwrap() += 1;
            let _b = b.lock();
            let _a = a.lock();
        }
        h.join().unwrap();
    })
}

fn send_and_close(n: usize) -> Body {
    std::sync::Arc::new(move || {
        let (tx, rx) = chan::chan(1);
        let tx2 = tx.clone();
        let h = go(move || tx2.send(1));
        busy(n);
        tx.close();
        h.join().unwrap();
        drop(rx);
    })
}

fn add_and_wait(n: usize) -> Body {
    std::sync::Arc::new(move || {
        let (wg, x) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        let (wg2, x2) = (wg.clone(), x.clone());
        let h = go(move || {
            wg2.add(1);
            x2.store(1, Ordering::SeqCst);
            wg2.done();
        });
        busy(n);
        wg.wait();
        assert_eq!(x.load(Ordering::SeqCst), 1);
        h.join().unwrap();
    })
}

/// The flag is set, and told of, without the lock.
fn notify_without_lock(n: usize) -> Body {
    std::sync::Arc::new(move || {
        let state = Arc::new((Mutex::new(()), Condvar::new(), AtomicUsize::new(0)));
        let notifier = state.clone();
        let h = go(move || {
            busy(n);
            notifier.2.store(1, Ordering::SeqCst);
            notifier.1.notify_one();
        });
        let mut guard = state.0.lock().unwrap();
        while state.2.load(Ordering::SeqCst) == 0 {
            guard = state.1.wait(guard).unwrap();
        }
        drop(guard);
        h.join().unwrap();
    })
}

/// Nobody looks whether there is anything to wait for.
fn wait_without_predicate(n: usize) -> Body {
    std::sync::Arc::new(move || {
        let state = Arc::new((Mutex::new(()), Condvar::new()));
        let notifier = state.clone();
        let h = go(move || {
            busy(n);
            let _guard = notifier.0.lock().unwrap();
            notifier.1.notify_one();
        });
        let guard = state.0.lock().unwrap();
        drop(state.1.wait(guard).unwrap());
        h.join().unwrap();
    })
}

type Case = (&'static str, fn(usize) -> Body, Slug);

const CASES: [Case; 5] = [
    ("locks", locks, Slug::Deadlock),
    ("send and close", send_and_close, Slug::SendOnClosed),
    ("add and wait", add_and_wait, Slug::Panic),
    ("notify without lock", notify_without_lock, Slug::LostWakeUp),
    ("wait without predicate", wait_without_predicate, Slug::LostWakeUp),
];

#[test]
fn what_is_predicted_is_found_at_once() {
    for (name, program, slug) in CASES {
        let body = program(40);
        let (mut with, mut without) = (0, 0);
        for seed in 0..10 {
            let explored = explore(seed, 1, &body);
            let first = explored.first.as_ref().unwrap_or_else(|| panic!("{name}: {explored:?}"));
            assert!(first.report.findings.iter().any(|f| f.slug == slug), "{name}: {:?}", first.report);
            with += explored.executions;
            without += alone(seed, &body);
        }
        println!("{name}: {} executions with, {} without", with as f64 / 10.0, without as f64 / 10.0);
        assert!(with <= 60 && with * 4 < without, "{name}: {with} executions, {without} without");
    }
}

#[test]
fn the_number_of_jobs_does_not_matter() {
    for (name, program, _) in CASES {
        let body = program(20);
        let essence = |e: Exploration| {
            (e.executions, e.failing, e.steps, e.first.map(|f| (f.index, f.report.fingerprint)))
        };
        let one = essence(explore(5, 1, &body));
        for jobs in [2, 4] {
            assert_eq!(essence(explore(5, jobs, &body)), one, "{name} with {jobs} jobs");
        }
    }
}

#[test]
fn what_was_not_confirmed_stays_a_warning_and_says_how_often_it_was_tried() {
    // Main takes its locks only when the other is through with them, as a lock tells it.
    let body: Body = std::sync::Arc::new(|| {
        let (a, b, gate) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)), Arc::new(Mutex::new(false)));
        let (a2, b2, gate2) = (a.clone(), b.clone(), gate.clone());
        let h = go(move || {
            {
                let _a = a2.lock();
                let _b = b2.lock();
            }
            *gate2.lock().unwrap() = true;
        });
        if *gate.lock().unwrap() {
            let _b = b.lock();
            let _a = a.lock();
        }
        h.join().unwrap();
    });
    let explored = explore(1, 1, &body);
    assert!(explored.first.is_none());
    assert_eq!(explored.warnings.len(), 1);
    assert_eq!((explored.warnings[0].finding.slug, explored.warnings[0].tried), (Slug::LockOrder, 2));
    assert_eq!(explored.executions, 202);
}
