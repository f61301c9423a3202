//! Programs whose number of traces is known.

use super::brute::by_force;
use super::{Counts, optimally};
use crate::explore::plan::Body;
use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::sync::{Arc, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use crate::{chan, go, select};

fn body(f: impl Fn() + Send + Sync + 'static) -> Body {
    std::sync::Arc::new(f)
}

/// `n` goroutines do this, each with its number.
fn each(n: usize, f: impl Fn(usize) + Send + Sync + Clone + 'static) {
    let hs: Vec<_> = (0..n)
        .map(|i| {
            let f = f.clone();
            go(move || f(i))
        })
        .collect();
    hs.into_iter().for_each(|h| h.join().unwrap());
}

fn atomics(n: usize) -> Arc<Vec<AtomicUsize>> {
    Arc::new((0..n).map(|_| AtomicUsize::new(0)).collect())
}

fn programs() -> Vec<(&'static str, u64, Body)> {
    vec![
        (
            "ainc(3)",
            6,
            body(|| {
                let x = atomics(1);
                each(3, move |_| {
                    x[0].fetch_add(1, SeqCst);
                });
            }),
        ),
        (
            "readers(3)",
            8,
            body(|| {
                let x = atomics(1);
                each(4, move |i| {
                    if i == 0 {
                        x[0].store(1, SeqCst)
                    } else {
                        x[0].load(SeqCst);
                    }
                });
            }),
        ),
        (
            "rmw 3x2",
            90,
            body(|| {
                let x = atomics(1);
                each(3, move |_| {
                    for _ in 0..2 {
                        x[0].fetch_add(1, SeqCst);
                    }
                });
            }),
        ),
        (
            "lastzero(5)",
            64,
            body(|| {
                let x = atomics(6);
                each(6, move |i| {
                    if i == 0 {
                        let mut at = 5;
                        while x[at].load(SeqCst) != 0 {
                            at -= 1;
                        }
                    } else {
                        let v = x[i - 1].load(SeqCst);
                        x[i].store(v + 1, SeqCst);
                    }
                });
            }),
        ),
        (
            "mutex(3)",
            6,
            body(|| {
                let m = Arc::new(Mutex::new(0));
                each(3, move |_| *m.lock().unwrap() += 1);
            }),
        ),
        (
            "mutex 3x2",
            90,
            body(|| {
                let m = Arc::new(Mutex::new(0));
                each(3, move |_| (0..2).for_each(|_| *m.lock().unwrap() += 1));
            }),
        ),
        (
            "casrot(4)",
            14,
            body(|| {
                let x = atomics(1);
                each(4, move |i| {
                    if i == 0 {
                        x[0].store(1, SeqCst)
                    } else {
                        let _ = x[0].compare_exchange(i, i + 1, SeqCst, SeqCst);
                    }
                });
            }),
        ),
        (
            "sb",
            3,
            body(|| {
                let x = atomics(2);
                each(2, move |i| {
                    x[i].store(1, SeqCst);
                    x[1 - i].load(SeqCst);
                });
            }),
        ),
        (
            "spsc",
            1,
            body(|| {
                let (tx, rx) = chan::<usize>(2);
                go(move || {
                    for i in 0..5 {
                        tx.send(i);
                    }
                    tx.close();
                });
                while rx.recv().is_some() {}
            }),
        ),
        (
            "mpsc 2x2",
            6,
            body(|| {
                let (tx, rx) = chan::<usize>(1);
                for i in 0..2 {
                    let tx = tx.clone();
                    go(move || {
                        tx.send(i);
                        tx.send(i);
                    });
                }
                for _ in 0..4 {
                    rx.recv();
                }
            }),
        ),
        (
            "mpmc 2p2c",
            4,
            body(|| {
                let (tx, rx) = chan::<usize>(2);
                for i in 0..2 {
                    let tx = tx.clone();
                    go(move || tx.send(i));
                }
                for _ in 0..2 {
                    let rx = rx.clone();
                    go(move || rx.recv());
                }
            }),
        ),
        (
            "waitgroup(3)",
            1,
            body(|| {
                let wg = Arc::new(WaitGroup::new());
                wg.add(3);
                for _ in 0..3 {
                    let wg = wg.clone();
                    go(move || wg.done());
                }
                wg.wait();
            }),
        ),
        // A writer that announces itself is a step of its own, unlike in the design's reference (4).
        (
            "rwlock 2R1W",
            9,
            body(|| {
                let l = Arc::new(RwLock::new(0));
                each(3, move |i| if i == 0 { *l.write().unwrap() += 1 } else { drop(l.read().unwrap()) });
            }),
        ),
        (
            "trylock(2)",
            4,
            body(|| {
                let m = Arc::new(Mutex::new(0));
                each(2, move |_| {
                    if let Ok(mut v) = m.try_lock() {
                        *v += 1
                    }
                });
            }),
        ),
        (
            "abba",
            3,
            body(|| {
                let m = Arc::new([Mutex::new(()), Mutex::new(())]);
                for i in 0..2 {
                    let m = m.clone();
                    go(move || {
                        let _a = m[i].lock().unwrap();
                        let _b = m[1 - i].lock().unwrap();
                    });
                }
            }),
        ),
        (
            "dining(3)",
            7,
            body(|| {
                let m: Arc<Vec<Mutex<()>>> = Arc::new((0..3).map(|_| Mutex::new(())).collect());
                for i in 0..3 {
                    let m = m.clone();
                    go(move || {
                        let _a = m[i].lock().unwrap();
                        let _b = m[(i + 1) % 3].lock().unwrap();
                    });
                }
            }),
        ),
        // First come, first served, so the order of the requests counts as well (6 without).
        (
            "semaphore 3 on 1",
            30,
            body(|| {
                let s = Arc::new(Semaphore::new(1));
                each(3, move |_| {
                    s.acquire(1);
                    s.release(1);
                });
            }),
        ),
        (
            "select 2",
            4,
            body(|| {
                let (a, ra) = chan::<usize>(1);
                let (b, rb) = chan::<usize>(1);
                go(move || a.send(1));
                go(move || b.send(1));
                select! { recv(ra) -> _v => {}, recv(rb) -> _v => {}, }
            }),
        ),
        (
            "condvar",
            2,
            body(|| {
                let pair = Arc::new((Mutex::new(false), Condvar::new()));
                let other = pair.clone();
                go(move || {
                    *other.0.lock().unwrap() = true;
                    other.1.notify_one();
                });
                let mut ready = pair.0.lock().unwrap();
                if !*ready {
                    ready = pair.1.wait(ready).unwrap();
                }
                drop(ready);
            }),
        ),
        // Whether a peer waits can be seen, so who comes first is part of the trace.
        (
            "unbuffered",
            4,
            body(|| {
                let (tx, rx) = chan::<usize>(0);
                go(move || {
                    tx.send(1);
                    tx.send(2);
                });
                rx.recv();
                rx.recv();
            }),
        ),
    ]
}

#[test]
fn as_many_as_there_are() {
    for (name, expected, body) in programs() {
        let forced = by_force(&body, 20_000).map(|forced| forced.traces);
        for random in [None, Some(7)] {
            let found = optimally(&body, random, 20_000).unwrap_or_else(|| panic!("{name} does not end"));
            assert_eq!(found.counts, Counts { explored: expected, blocked: 0, lost: 0 }, "{name} {random:?}");
            assert_eq!((found.traces.len() as u64, found.duplicates), (expected, 0), "{name} {random:?}");
            assert!(forced.as_ref().is_none_or(|forced| *forced == found.traces), "{name} {random:?}");
        }
    }
}
