//! Small programs with and without bugs, run by a worker directly.

use crate::explore::strategies::Random;
use crate::model::{Limits, Report, Worker};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, WaitGroup};
use crate::{chan, go, select};
use selvedge_checkers::finding::Slug;
use std::panic::Location;

fn explore(n: u64, f: impl Fn() + Send + Sync + 'static) -> Option<(u64, Report)> {
    let body: std::sync::Arc<dyn Fn() + Send + Sync> = std::sync::Arc::new(f);
    let mut w = Worker::new(Box::new(Random::new(1)), Limits::default(), Default::default());
    for i in 0..n {
        let r = w.run(i, &body, Location::caller(), false).unwrap();
        let error = |f: &selvedge_checkers::finding::Finding| {
            f.slug.severity() == selvedge_checkers::finding::Severity::Error
        };
        if r.findings.iter().any(error) {
            if w.is_tainted() {
                std::mem::forget(w);
                return Some((i, r));
            }
            return Some((i, r));
        }
    }
    None
}

fn slug(n: u64, f: impl Fn() + Send + Sync + 'static) -> Option<Slug> {
    explore(n, f).map(|(_, r)| r.findings[0].slug)
}

#[test]
fn clean_programs_are_silent() {
    let r = explore(500, || {
        let (tx, rx) = chan::chan(0);
        go(move || {
            for i in 0..3 {
                tx.send(i);
            }
            tx.close();
        });
        assert_eq!(rx.iter().collect::<Vec<i32>>(), [0, 1, 2]);
    });
    assert!(r.is_none(), "{r:?}");
    let r = explore(500, || {
        let m = Arc::new(Mutex::new(0));
        let wg = WaitGroup::new();
        for _ in 0..3 {
            let m = m.clone();
            wg.go(move || *m.lock().unwrap() += 1);
        }
        wg.wait();
        assert_eq!(*m.lock().unwrap(), 3);
    });
    assert!(r.is_none(), "{r:?}");
    let r = explore(500, || {
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
    });
    assert!(r.is_none(), "{r:?}");
}

#[test]
fn bugs_are_found() {
    assert_eq!(
        slug(100, || {
            let (_tx, rx) = chan::chan::<i32>(0);
            rx.recv();
        }),
        Some(Slug::Deadlock)
    );
    assert_eq!(
        slug(100, || {
            let (tx, rx) = chan::chan::<i32>(0);
            go(move || tx.send(1));
            drop(rx);
        }),
        Some(Slug::LeakedGoroutine)
    );
    assert_eq!(
        slug(100, || {
            let a = Arc::new(Mutex::new(0));
            let b = Arc::new(Mutex::new(0));
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
        }),
        Some(Slug::Deadlock)
    );
    assert_eq!(
        slug(100, || {
            let x = Arc::new(AtomicUsize::new(0));
            let hs: Vec<_> = (0..2)
                .map(|_| {
                    let x = x.clone();
                    go(move || {
                        let v = x.load(Ordering::SeqCst);
                        x.store(v + 1, Ordering::SeqCst);
                    })
                })
                .collect();
            for h in hs {
                h.join().unwrap();
            }
            assert_eq!(x.load(Ordering::SeqCst), 2);
        }),
        Some(Slug::Panic)
    );
    assert_eq!(
        slug(100, || {
            let x = Arc::new(crate::cell::Plain::new(0));
            let y = x.clone();
            let h = go(move || y.set(1));
            x.set(2);
            h.join().unwrap();
        }),
        Some(Slug::DataRace)
    );
    assert_eq!(
        slug(100, || {
            let (tx, rx) = chan::chan(1);
            let t2 = tx.clone();
            let h = go(move || t2.send(1));
            tx.close();
            rx.recv();
            let _ = h.join();
        }),
        None
    );
    assert_eq!(
        slug(100, || {
            let (tx, rx) = chan::chan(1);
            let t2 = tx.clone();
            go(move || t2.send(1));
            tx.close();
            rx.recv();
        }),
        Some(Slug::SendOnClosed)
    );
    assert_eq!(
        slug(100, || {
            let f = Arc::new(AtomicUsize::new(0));
            let f2 = f.clone();
            go(move || while f2.load(Ordering::SeqCst) == 0 {});
        }),
        Some(Slug::Livelock)
    );
}

#[test]
fn a_stack_overflow_is_contained() {
    fn deep(n: u64) -> u64 {
        let big = [n; 100];
        if n == u64::MAX { 0 } else { deep(n + 1) + std::hint::black_box(big)[7] }
    }
    let t = std::thread::spawn(|| {
        let (_, r) = explore(1, || drop(go(|| assert!(deep(0) > 0)))).unwrap();
        assert_eq!(r.findings[0].slug, Slug::Panic);
        format!("{:?}", r.findings[0])
    });
    assert!(t.join().unwrap().contains("stack overflow"));
}

#[test]
fn a_receiver_that_panics_before_its_sender_learned_of_the_hand_over() {
    let found = slug(200, || {
        let (tx, rx) = chan::chan(0);
        go(move || tx.send(1));
        assert_eq!(rx.recv(), Some(2));
    });
    assert_eq!(found, Some(Slug::Panic));
    let found = slug(200, || {
        let (tx, rx) = chan::chan(0);
        go(move || select! { send(tx, String::from("1")) => {} });
        assert_eq!(rx.recv().as_deref(), Some("2"));
    });
    assert_eq!(found, Some(Slug::Panic));
}
