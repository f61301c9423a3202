//! Threads and locks of std's inside a model: nothing hangs silently, nothing is lost, and the next
//! exploration works.

use crate::{explorer, impatient, line, slug, still_works};
use selvedge::sync::Arc;
use selvedge::{Evidence, Outcome, Slug, chan, go};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the goroutine that got stuck was doing, and which one it is.
#[track_caller]
fn stuck(outcome: &Outcome, from: u32, to: u32) -> (u32, &'static str) {
    assert_eq!(slug(outcome), Some(Slug::Stuck), "{outcome}");
    let at = line(&outcome.findings[0]);
    assert!((from..=to).contains(&at), "line {at} is not within {from}..={to}\n{outcome}");
    let Evidence::Single { side, .. } = &outcome.findings[0].evidence else { panic!("{outcome}") };
    still_works();
    (side.g.0, side.op.verb())
}

fn warned(outcome: &Outcome) -> bool {
    outcome.warnings.iter().any(|f| f.slug == Slug::UncontrolledThread)
}

#[test]
fn a_thread_that_touches_an_object_is_reported() {
    let outcome = explorer().run(|| {
        let (tx, rx) = chan::<u32>(1);
        let outside = std::thread::spawn(move || tx.send(1));
        let error = outside.join().unwrap_err();
        let text = error.downcast_ref::<String>().unwrap();
        assert!(text.contains("selvedge::thread::spawn"), "{text}");
        assert!(rx.try_recv().is_err());
    });
    assert!(outcome.is_clean() && warned(&outcome), "{outcome}");
    assert_eq!(outcome.executions, 20, "it stops nothing");
    still_works();
}

#[test]
fn a_thread_that_touches_nothing_goes_unnoticed() {
    let outcome = explorer().run(|| {
        let sum = std::thread::spawn(|| (1..=4).sum::<u32>()).join().unwrap();
        let (tx, rx) = chan(1);
        tx.send(sum);
        assert_eq!(rx.recv(), Some(10));
    });
    assert!(outcome.is_clean() && outcome.warnings.is_empty(), "{outcome}");
}

#[test]
fn a_thread_that_is_joined_and_never_ends() {
    static END: AtomicBool = AtomicBool::new(false);
    let from = line!();
    let outcome = impatient().run(|| {
        let waits = std::thread::spawn(|| {
            while !END.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let joins = go(move || waits.join().is_ok());
        assert!(joins.join().unwrap());
    });
    let told = stuck(&outcome, from, line!());
    END.store(true, Ordering::Relaxed);
    assert_eq!(told, (1, "join"), "{outcome}");
}

#[test]
fn a_thread_that_outlives_its_execution() {
    static GO_ON: AtomicBool = AtomicBool::new(false);
    static ENDED: std::sync::Mutex<Vec<std::thread::JoinHandle<()>>> = std::sync::Mutex::new(Vec::new());
    let outcome = explorer().executions(3).run(|| {
        let (tx, rx) = chan::<u32>(1);
        ENDED.lock().unwrap().push(std::thread::spawn(move || {
            while !GO_ON.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            tx.send(1);
        }));
        assert!(rx.try_recv().is_err());
    });
    assert!(outcome.is_clean(), "{outcome}");
    GO_ON.store(true, Ordering::Relaxed);
    let threads = std::mem::take(&mut *ENDED.lock().unwrap());
    assert_eq!(threads.len(), 3);
    for thread in threads {
        // It is told, and harms nobody.
        let error = thread.join().unwrap_err();
        let text = error.downcast_ref::<String>().unwrap();
        assert!(text.contains("in an earlier execution"), "{text}");
    }
    still_works();
}

#[test]
fn a_mutex_of_std_between_goroutines() {
    let from = line!();
    let outcome = impatient().run(|| {
        let shared = Arc::new(std::sync::Mutex::new(0));
        let theirs = Arc::clone(&shared);
        let (tx, rx) = chan(0);
        let holds = go(move || {
            let mut held = theirs.lock().unwrap();
            *held += rx.recv().unwrap_or(0);
        });
        selvedge::runtime::gosched();
        *shared.lock().unwrap() += 1;
        tx.send(1);
        holds.join().unwrap();
    });
    assert_eq!(stuck(&outcome, from, line!()), (0, "lock"), "{outcome}");
}

#[test]
fn a_channel_of_std_between_goroutines() {
    let from = line!();
    let outcome = impatient().run(|| {
        let (tx, rx) = std::sync::mpsc::channel();
        let (ready, go_on) = chan::<()>(0);
        go(move || {
            go_on.recv();
            tx.send(1)
        });
        assert_eq!(rx.recv(), Ok(1));
        ready.send(());
    });
    assert_eq!(stuck(&outcome, from, line!()), (0, "recv"), "{outcome}");
}

#[test]
fn a_thread_that_panics_before_it_says_what_is_waited_for() {
    // The trespasser ends, its sender with it: nobody waits for ever, and it is reported.
    let outcome = impatient().run(|| {
        let (says, hears) = std::sync::mpsc::channel();
        let (tx, _rx) = chan::<u32>(1);
        let outside = std::thread::spawn(move || {
            tx.send(1);
            says.send(())
        });
        assert!(hears.recv().is_err());
        assert!(outside.join().is_err());
    });
    assert!(outcome.is_clean() && warned(&outcome), "{outcome}");
}
