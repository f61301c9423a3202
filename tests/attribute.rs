//! The attribute, as a user writes it.

use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::{chan, go};

#[selvedge::test]
fn hand_over() {
    let (tx, rx) = chan(0);
    go(move || tx.send(1));
    assert_eq!(rx.recv(), Some(1));
}

#[selvedge::test(executions = 50)]
fn counted() -> Result<(), String> {
    let sum = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for _ in 0..3 {
        let sum = Arc::clone(&sum);
        wg.go(move || *sum.lock().unwrap() += 1);
    }
    wg.wait();
    let total = *sum.lock().unwrap();
    if total == 3 { Ok(()) } else { Err(format!("lost an update: {total}")) }
}

#[selvedge::test]
#[should_panic(expected = "all goroutines are asleep - deadlock!")]
fn orders_are_billed() {
    let ledger = Arc::new(Mutex::new(0));
    let (tx, _rx) = chan(0);
    let wg = WaitGroup::new();
    wg.add(2);
    let done = wg.clone();
    go(move || {
        tx.send(7);
        done.done();
    });
    let (shared, done) = (Arc::clone(&ledger), wg.clone());
    go(move || {
        *shared.lock().unwrap() += 1;
        done.done();
    });
    let held = ledger.lock().unwrap();
    wg.wait();
    drop(held);
}

#[selvedge::test]
#[should_panic(expected = "left == right")]
fn lost_update() {
    use selvedge::sync::atomic::{AtomicUsize, Ordering};
    let n = Arc::new(AtomicUsize::new(0));
    let other = Arc::clone(&n);
    let h = go(move || {
        let v = other.load(Ordering::SeqCst);
        other.store(v + 1, Ordering::SeqCst);
    });
    let v = n.load(Ordering::SeqCst);
    n.store(v + 1, Ordering::SeqCst);
    h.join().unwrap();
    assert_eq!(n.load(Ordering::SeqCst), 2);
}

#[selvedge::test]
#[should_panic(expected = "DATA RACE on `count`")]
fn racy() {
    let count = Arc::new(selvedge::cell::Plain::new(0));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let count = Arc::clone(&count);
        wg.go(move || count.set(count.get() + 1));
    }
    wg.wait();
}
