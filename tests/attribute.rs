//! The attribute, as a user writes it.

use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::{chan, go};

#[selvedge::test]
fn hand_over() {
    let (tx, rx) = chan(0);
    go(move || tx.send(1));
    assert_eq!(rx.recv(), Some(1));
}

/// Functions and constants of the user's may be called anything.
fn body() -> u32 {
    TEST
}

const TEST: u32 = 7;

#[selvedge::test(executions = 1)]
fn names_are_the_users() {
    assert_eq!(body(), TEST);
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

/// Real threads, real time: who can provably never go on fails the test.
mod production {
    use selvedge::{chan, go, select, time};
    use std::time::Duration;

    #[selvedge::test(production)]
    #[should_panic(expected = "goroutine g1 [chan receive (leaked)] is blocked for ever")]
    fn a_receiver_without_senders() {
        let (tx, rx) = chan::<u32>(0);
        go(move || rx.recv());
        time::sleep(Duration::from_millis(5));
        drop(tx);
    }

    #[selvedge::test(production)]
    #[should_panic(expected = "2 goroutines are blocked for ever: g1 and g2")]
    fn a_sender_and_a_select() {
        let (results, answers) = chan::<u32>(0);
        let (_, never) = chan::<()>(0);
        for late in [false, true] {
            let (results, never) = (results.clone(), never.clone());
            go(move || {
                if late {
                    time::sleep(Duration::from_millis(20));
                    return results.send(2);
                }
                select! {
                    send(results, 1) => {}
                    recv(never) -> _ => {}
                }
            });
        }
        drop(answers);
    }

    #[selvedge::test(production, leaks = "allow")]
    fn allowed() {
        let (_, rx) = chan::<u32>(0);
        go(move || rx.recv());
    }

    #[selvedge::test(production, leaks = "warn")]
    fn warned_of() {
        let (_, rx) = chan::<u32>(0);
        go(move || rx.recv());
    }

    #[selvedge::test(production)]
    fn who_can_still_be_woken_is_no_leak() {
        let (tx, rx) = chan::<u32>(0);
        let (done, end) = chan::<()>(0);
        go(move || {
            assert_eq!(rx.recv(), Some(1));
            done.close();
        });
        // Nothing knows of this thread, nor that it is about to send.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            tx.send(1);
        });
        drop(end);
    }

    #[selvedge::test(production)]
    fn others_may_come_to_their_end() {
        go(|| time::sleep(Duration::from_millis(30)));
        let ticks = time::after(Duration::from_millis(20));
        go(move || ticks.recv());
    }

    #[selvedge::test(production)]
    fn results_are_passed_on() -> Result<(), String> {
        go(|| 1).join().map(|_| ()).map_err(|_| "it panicked".to_owned())
    }
}
