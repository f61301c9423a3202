//! Small programs that strategies are tried on, and a way to run them.

use crate::explore::plan::Body;
use crate::explore::strategies::Random;
use crate::model::{Limits, Report, Strategy, Worker};
use crate::sync::atomic::{AtomicUsize, Ordering, spin_loop_hint};
use crate::sync::{Arc, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use crate::{chan, choose, go, select};
use selvedge_checkers::finding::Severity;
use std::panic::Location;
use std::time::Duration;

/// A worker with a strategy.
pub(crate) struct Run(Option<Worker>);

impl Run {
    pub(crate) fn new(strategy: Box<dyn Strategy>) -> Run {
        Run::with(strategy, limits())
    }

    pub(crate) fn with(strategy: Box<dyn Strategy>, limits: Limits) -> Run {
        Run(Some(Worker::new(strategy, limits, std::sync::Arc::default())))
    }

    /// Execution `index`, or nothing if there are no more.
    pub(crate) fn next(&mut self, index: u64, body: &Body) -> Option<Report> {
        let worker = self.0.as_mut().unwrap();
        let report = worker.run(index, body, Location::caller(), true);
        assert!(!worker.is_tainted());
        report
    }

    pub(crate) fn one(&mut self, index: u64, body: &Body) -> Report {
        self.next(index, body).expect("there is always another execution")
    }

    /// Ask the strategy what it learned so far.
    pub(crate) fn ask(&mut self, f: impl FnOnce(&mut dyn std::any::Any)) {
        let mut strategy = self.strategy();
        f(&mut *strategy);
        self.0.as_ref().unwrap().set_strategy(strategy);
    }

    /// The strategy, to be asked what it learned.
    pub(crate) fn strategy(&mut self) -> Box<dyn Strategy> {
        self.0.as_ref().unwrap().set_strategy(Box::new(Random::new(0)))
    }
}

/// With everything that makes executions differ: wake-ups without a cause and early timers.
pub(crate) fn limits() -> Limits {
    Limits { steps: 20_000, spurious: 2, early_timers: 2, ..Limits::default() }
}

/// Whether an error was found, not merely something worth a word.
pub(crate) fn failed(report: &Report) -> bool {
    report.findings.iter().any(|f| f.slug.severity() == Severity::Error)
}

/// A program by name.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Some executions fail.
    pub(crate) buggy: bool,
    pub(crate) body: Body,
}

pub(crate) fn together(bodies: Vec<Box<dyn FnOnce() + Send>>) {
    let hs: Vec<_> = bodies.into_iter().map(|f| go(f)).collect();
    hs.into_iter().for_each(|h| h.join().unwrap());
}

/// `n` goroutines yield `k` times each.
pub(crate) fn yields(n: usize, k: usize) -> Body {
    std::sync::Arc::new(move || {
        together((0..n).map(|_| Box::new(move || (0..k).for_each(|_| spin_loop_hint())) as _).collect());
    })
}

/// `n` goroutines store once each, to the same atomic.
pub(crate) fn stores(n: usize) -> Body {
    uneven((0..n).map(|_| 1).collect())
}

/// One goroutine stores once, another three times, to the same atomic.
pub(crate) fn uneven_stores() -> Body {
    uneven(vec![1, 3])
}

fn uneven(counts: Vec<usize>) -> Body {
    std::sync::Arc::new(move || {
        let x = Arc::new(AtomicUsize::new(0));
        let store = |&n: &usize| {
            let x = x.clone();
            Box::new(move || (0..n).for_each(|i| x.store(i, Ordering::SeqCst))) as _
        };
        together(counts.iter().map(store).collect());
    })
}

/// `n` goroutines increment a counter `k` times by a load and a store; main reads it in the end.
pub(crate) fn increments(n: usize, k: usize) -> Body {
    std::sync::Arc::new(move || {
        count(n, k);
    })
}

fn count(n: usize, k: usize) -> usize {
    let x = Arc::new(AtomicUsize::new(0));
    let increment = |_| {
        let x = x.clone();
        Box::new(move || {
            for _ in 0..k {
                let v = x.load(Ordering::SeqCst);
                x.store(v + 1, Ordering::SeqCst);
            }
        }) as _
    };
    together((0..n).map(increment).collect());
    x.load(Ordering::SeqCst)
}

/// One goroutine writes until another one tells it to end.
pub(crate) fn writes_until_told() -> Body {
    std::sync::Arc::new(|| {
        let (told, x) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (told2, x2) = (told.clone(), x.clone());
        let h = go(move || {
            while told2.load(Ordering::SeqCst) == 0 {
                x2.fetch_add(1, Ordering::SeqCst);
            }
        });
        told.store(1, Ordering::SeqCst);
        h.join().unwrap();
    })
}

/// Every program, with and without bugs.
pub(crate) fn all() -> Vec<Program> {
    let p = |name, buggy, f: fn()| Program { name, buggy, body: std::sync::Arc::new(f) };
    vec![
        p("lost update", true, || assert_eq!(count(2, 1), 2)),
        p("ABBA", true, abba),
        p("reorder_3", true, reorder),
        p("lost wake-up", true, lost_wakeup),
        p("channel", false, channel),
        p("selects", false, selects),
        p("wait with timeout", false, wait_with_timeout),
        p("timeouts", false, timeouts),
        p("spinning", false, spinning),
        p("locks", false, locks),
        p("notify one", false, notify_one),
        p("choices", true, choices),
    ]
}

fn abba() {
    let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let (a2, b2) = (a.clone(), b.clone());
    let h = go(move || {
        let _a = a2.lock();
        let _b = b2.lock();
    });
    {
        let _b = b.lock();
        let _a = a.lock();
    }
    h.join().unwrap();
}

/// From the SCTBench collection: two goroutines set a pair, a third one looks.
fn reorder() {
    let (a, b) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for _ in 0..2 {
        let (a, b) = (a.clone(), b.clone());
        bodies.push(Box::new(move || {
            a.store(1, Ordering::SeqCst);
            b.store(9, Ordering::SeqCst);
        }));
    }
    bodies.push(Box::new(move || {
        let unset = a.load(Ordering::SeqCst) == 0 && b.load(Ordering::SeqCst) == 0;
        assert!(unset || a.load(Ordering::SeqCst) == 1 && b.load(Ordering::SeqCst) == 9);
    }));
    together(bodies);
}

fn lost_wakeup() {
    let state = Arc::new((Mutex::new(()), Condvar::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
    let (waiter, notifier) = (state.clone(), state);
    together(vec![
        Box::new(move || {
            let guard = waiter.0.lock().unwrap();
            if waiter.2.load(Ordering::SeqCst) == 0 {
                drop(waiter.1.wait(guard).unwrap());
            }
        }),
        Box::new(move || {
            for _ in 0..6 {
                notifier.3.fetch_add(1, Ordering::SeqCst);
            }
            notifier.2.store(1, Ordering::SeqCst);
            notifier.1.notify_one();
        }),
    ]);
}

fn channel() {
    let (tx, rx) = chan::chan(0);
    let h = go(move || {
        for i in 0..3 {
            tx.send(i);
        }
        tx.close();
    });
    assert_eq!(rx.iter().collect::<Vec<i32>>(), [0, 1, 2]);
    h.join().unwrap();
}

fn selects() {
    let (tx, rx) = chan::chan(1);
    let (tx2, rx2) = chan::chan::<i32>(0);
    let h = go(move || {
        tx.send(1);
        tx2.send(2);
    });
    let mut sum = 0;
    for _ in 0..2 {
        select! { recv(rx) -> v => sum += v.unwrap(), recv(rx2) -> v => sum += v.unwrap() }
    }
    h.join().unwrap();
    assert_eq!(sum, 3);
}

/// The wait may be notified, time out, or end without a cause.
fn wait_with_timeout() {
    let state = Arc::new((Mutex::new(false), Condvar::new()));
    let other = state.clone();
    let h = go(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_all();
    });
    let mut guard = state.0.lock().unwrap();
    while !*guard {
        let (again, timeout) = state.1.wait_timeout(guard, Duration::from_millis(5)).unwrap();
        guard = again;
        if timeout.timed_out() {
            break;
        }
    }
    drop(guard);
    h.join().unwrap();
}

/// Timeouts due at once, against messages.
fn timeouts() {
    let (tx, rx) = chan::chan::<i32>(1);
    let hs: Vec<_> = (0..3)
        .map(|_| {
            let rx = rx.clone();
            go(move || rx.recv_timeout(Duration::from_millis(1)).is_ok())
        })
        .collect();
    tx.send(1);
    let received = hs.into_iter().filter(|_| true).map(|h| h.join().unwrap()).filter(|&r| r).count();
    assert!(received <= 1);
}

fn spinning() {
    let (flag, lock) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(0)));
    let (flag2, lock2) = (flag.clone(), lock.clone());
    let h = go(move || {
        *lock2.lock().unwrap() += 1;
        flag2.store(1, Ordering::SeqCst);
        flag2.store(2, Ordering::SeqCst);
    });
    let (flag3, (tx, rx)) = (flag.clone(), chan::chan::<i32>(1));
    let h2 = go(move || {
        while flag3.load(Ordering::SeqCst) < 2 {
            spin_loop_hint();
        }
        tx.send(1);
    });
    while rx.try_recv().is_err() {
        spin_loop_hint();
    }
    h.join().unwrap();
    h2.join().unwrap();
}

fn locks() {
    let (rw, permits, wg) = (Arc::new(RwLock::new(0)), Arc::new(Semaphore::new(1)), WaitGroup::new());
    for i in 0..2 {
        let (rw, permits) = (rw.clone(), permits.clone());
        wg.go(move || {
            permits.acquire(1);
            let seen = *rw.read().unwrap();
            *rw.write().unwrap() = seen + i;
            permits.release(1);
        });
    }
    wg.wait();
    assert_eq!(*rw.read().unwrap(), 1);
}

/// Two wait, one at a time is notified: which one is an alternative.
fn notify_one() {
    let state = Arc::new((Mutex::new(0), Condvar::new()));
    let waiter = || {
        let state = state.clone();
        Box::new(move || {
            let guard = state.0.lock().unwrap();
            let mut guard = state.1.wait_while(guard, |n| *n == 0).unwrap();
            *guard -= 1;
        }) as Box<dyn FnOnce() + Send>
    };
    let (first, second) = (waiter(), waiter());
    let notifier = state.clone();
    let notify = move || {
        for _ in 0..2 {
            *notifier.0.lock().unwrap() += 1;
            notifier.1.notify_one();
        }
    };
    together(vec![first, second, Box::new(notify)]);
}

fn choices() {
    let h = go(|| choose(3));
    let mine = choose(3);
    assert!(h.join().unwrap() + mine < 4, "both chose the highest");
}
