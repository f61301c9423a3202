//! Outside of a model: the same primitives on real threads, under load. No wake-up is lost.
//!
//! Every test runs under [`within`]: a bound so generous that only a thread that sleeps for ever
//! exceeds it.

use selvedge::sync::{Barrier, Condvar, Mutex, Once, RwLock, Semaphore, WaitGroup};
use selvedge::{chan, context, go, runtime, select, thread, time};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Run `body` on a thread of its own; panic if it does not come to its end.
#[track_caller]
fn within(seconds: u64, body: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let running = std::thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(seconds)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("still running after {seconds} s"),
        _ => running.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
    }
}

#[test]
fn many_senders_and_many_receivers() {
    for cap in [0, 1, 64] {
        within(60, move || {
            let (tx, rx) = chan(cap);
            let (senders, receivers) = (WaitGroup::new(), WaitGroup::new());
            let sum = Arc::new(AtomicUsize::new(0));
            for s in 0..4 {
                let tx = tx.clone();
                senders.go(move || (0..2_500).for_each(|i| tx.send(s * 2_500 + i)));
            }
            for _ in 0..4 {
                let (rx, sum) = (rx.clone(), Arc::clone(&sum));
                receivers.go(move || {
                    for n in &rx {
                        sum.fetch_add(n, Ordering::Relaxed);
                    }
                });
            }
            senders.wait();
            tx.close();
            receivers.wait();
            assert_eq!(sum.load(Ordering::Relaxed), 9_999 * 10_000 / 2);
        });
    }
}

#[test]
fn selects_against_selects() {
    within(60, || {
        let ((a, ra), (b, rb), (quit, stop)) = (chan(0), chan(0), chan::<()>(0));
        let received = Arc::new(AtomicUsize::new(0));
        let (senders, receivers) = (WaitGroup::new(), WaitGroup::new());
        for _ in 0..3 {
            let (a, b) = (a.clone(), b.clone());
            senders.go(move || {
                for i in 0..1_000 {
                    select! {
                        send(a, i) => {}
                        send(b, i) => {}
                    }
                }
            });
            let (ra, rb, stop, received) = (ra.clone(), rb.clone(), stop.clone(), Arc::clone(&received));
            receivers.go(move || {
                loop {
                    select! {
                        recv(ra) -> v => _ = v,
                        recv(rb) -> v => _ = v,
                        recv(stop) -> _ => break,
                    }
                    received.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        senders.wait();
        quit.close();
        receivers.wait();
        assert_eq!(received.load(Ordering::Relaxed), 3_000);
    });
}

#[test]
fn conditions() {
    within(60, || {
        let queue = Arc::new((Mutex::new(Vec::new()), Condvar::new(), Condvar::new()));
        let (producers, consumers) = (WaitGroup::new(), WaitGroup::new());
        let taken = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let q = Arc::clone(&queue);
            producers.go(move || {
                for i in 0..1_000 {
                    let full = |items: &mut Vec<usize>| items.len() >= 3;
                    let mut items = q.2.wait_while(q.0.lock().unwrap(), full).unwrap();
                    items.push(i);
                    q.1.notify_one();
                }
            });
            let (q, taken) = (Arc::clone(&queue), Arc::clone(&taken));
            consumers.go(move || {
                for _ in 0..1_000 {
                    let empty = |items: &mut Vec<usize>| items.is_empty();
                    let mut items = q.1.wait_while(q.0.lock().unwrap(), empty).unwrap();
                    taken.fetch_add(usize::from(items.pop().is_some()), Ordering::Relaxed);
                    q.2.notify_one();
                }
            });
        }
        producers.wait();
        consumers.wait();
        assert_eq!(taken.load(Ordering::Relaxed), 4_000);
    });
}

#[test]
fn locks_semaphores_barriers_and_once() {
    within(60, || {
        let (lock, semaphore) = (Arc::new(RwLock::new((0, 0))), Arc::new(Semaphore::new(2)));
        let (inside, barrier) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(4)));
        let (once, firsts, leaders) =
            (Arc::new(Once::new()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        thread::scope(|s| {
            for i in 0..4 {
                let (lock, semaphore, inside, barrier) = (&lock, &semaphore, &inside, &barrier);
                let (once, firsts, leaders) = (&once, &firsts, &leaders);
                s.spawn(move || {
                    for round in 0..250 {
                        if (round + i) % 3 == 0 {
                            let mut pair = lock.write().unwrap();
                            pair.0 += 1;
                            pair.1 += 1;
                        } else {
                            let pair = lock.read().unwrap();
                            assert_eq!(pair.0, pair.1);
                        }
                        semaphore.acquire(1);
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        semaphore.release(1);
                        once.call_once(|| _ = firsts.fetch_add(1, Ordering::SeqCst));
                        leaders.fetch_add(usize::from(barrier.wait().is_leader()), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(firsts.load(Ordering::SeqCst), 1);
        assert_eq!(leaders.load(Ordering::SeqCst), 250);
    });
}

#[test]
fn timers_and_contexts() {
    within(60, || {
        let brief = Duration::from_millis(2);
        let all = WaitGroup::new();
        for i in 0..30 {
            all.go(move || {
                let (ctx, cancel) = context::with_timeout(&context::background(), brief);
                let (child, _also) = context::with_cancel(&ctx);
                child.done().recv();
                assert!(ctx.err().is_some());
                cancel.cancel();
                time::after(brief).recv();
                let (tx, rx) = chan(1);
                let timer = time::after_func(brief, move || _ = tx.try_send(i));
                assert_eq!(rx.recv(), Some(i));
                drop(timer);
                assert!(chan::<()>(0).1.recv_timeout(brief).is_err());
                let ticker = time::Ticker::new(brief);
                (0..3).for_each(|_| assert!(ticker.c().recv().is_some()));
            });
        }
        all.wait();
    });
}

#[test]
fn parking_is_never_lost() {
    within(60, || {
        let (tx, rx) = chan(1);
        let parked = thread::spawn(move || {
            for i in 0..2_000 {
                tx.send(i);
                thread::park();
            }
        });
        for i in 0..2_000 {
            assert_eq!(rx.recv(), Some(i));
            parked.thread().unpark();
        }
        parked.join().unwrap();
    });
}

#[test]
fn numbers_are_never_used_again() {
    within(60, || {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let some: Vec<_> = (0..8).map(|_| go(|| runtime::gosched())).collect();
            assert!(some.iter().all(|g| seen.insert(g.id())));
            some.into_iter().for_each(|g| g.join().unwrap());
        }
    });
}

#[test]
fn panics_are_joined_and_poison() {
    within(60, || {
        let shared = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&shared);
        let failed = go(move || {
            let _held = theirs.lock().unwrap();
            std::panic::resume_unwind(Box::new("quietly"));
        });
        assert_eq!(failed.join().unwrap_err().downcast_ref::<&str>(), Some(&"quietly"));
        assert!(shared.is_poisoned());
        assert!(shared.lock().is_err());
    });
}
