//! Panics: joined, detached, caught, with every kind of payload, while a lock is held.
//!
//! Not here, because nothing can contain it: a panic out of a `Drop` that runs during another
//! panic. The language aborts the process then, as it does without this library.

use crate::{explorer, line, message, slug, still_works};
use selvedge::sync::{Arc, Condvar, Mutex, RwLock};
use selvedge::{Slug, chan, go, thread};

#[test]
fn of_main() {
    let outcome = explorer().run(|| panic!("main is lost"));
    let here = line!() - 1;
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert_eq!(message(&outcome), "main is lost");
    assert_eq!(line(&outcome.findings[0]), here);
    still_works();
}

#[test]
fn joined_is_a_value() {
    let outcome = explorer().run(|| {
        let text = go(|| panic!("static")).join().unwrap_err();
        assert_eq!(text.downcast_ref::<&str>(), Some(&"static"));
        let text = go(|| panic!("number {}", std::hint::black_box(7))).join().unwrap_err();
        assert_eq!(text.downcast_ref::<String>().unwrap(), "number 7");
        let code = go(|| std::panic::panic_any(42_u32)).join().unwrap_err();
        assert_eq!(code.downcast_ref::<u32>(), Some(&42));
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn detached_ends_the_program() {
    let outcome = explorer().run(|| {
        drop(go(|| panic!("nobody hears")));
        selvedge::runtime::gosched();
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert_eq!(message(&outcome), "nobody hears");
    still_works();
}

#[test]
fn never_joined_is_found_at_the_end() {
    let outcome = explorer().run(|| {
        let handle = go(|| std::panic::panic_any(42_u32));
        std::mem::forget(handle);
    });
    let here = line!() - 3;
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert_eq!(message(&outcome), "Box<dyn Any>");
    assert_eq!(line(&outcome.findings[0]), here);
}

#[test]
fn with_two_jobs() {
    let outcome = explorer().jobs(2).run(|| {
        let (tx, rx) = chan(1);
        drop(go(move || tx.send(1)));
        assert_eq!(rx.recv(), Some(2), "the wrong one");
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert_eq!((outcome.first, outcome.failing), (Some(0), 20));
    still_works();
}

#[test]
fn while_holding_locks_poisons_them() {
    let outcome = explorer().run(|| {
        let (mutex, lock) = (Arc::new(Mutex::new(1)), Arc::new(RwLock::new(2)));
        let (m, l) = (Arc::clone(&mutex), Arc::clone(&lock));
        let failed = go(move || {
            let (_held, _written) = (m.lock().unwrap(), l.write().unwrap());
            panic!("in the middle");
        });
        assert!(failed.join().is_err());
        assert!(mutex.is_poisoned() && lock.is_poisoned());
        assert_eq!(*mutex.lock().unwrap_err().into_inner(), 1);
        assert_eq!(*lock.read().unwrap_err().into_inner(), 2);
        mutex.clear_poison();
        assert!(mutex.lock().is_ok());

        let l = Arc::new(RwLock::new(0));
        let reader = Arc::clone(&l);
        let failed = go(move || {
            let _read = reader.read().unwrap();
            panic!("a reader breaks nothing");
        });
        assert!(failed.join().is_err());
        assert!(!l.is_poisoned());
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn while_another_waits_for_the_lock() {
    let outcome = explorer().executions(200).run(|| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let failing = thread::spawn(move || {
            let mut ready = theirs.0.lock().unwrap_or_else(|e| e.into_inner());
            *ready = true;
            theirs.1.notify_all();
            panic!("after the news");
        });
        let mut ready = shared.0.lock().unwrap_or_else(|e| e.into_inner());
        while !*ready {
            ready = shared.1.wait(ready).unwrap_or_else(|e| e.into_inner());
        }
        drop(ready);
        assert!(failing.join().is_err());
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn caught_in_the_goroutine_itself() {
    let outcome = explorer().run(|| {
        let (tx, rx) = chan(1);
        tx.close();
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tx.send(1)));
        assert_eq!(again.unwrap_err().downcast_ref::<&str>(), Some(&"send on closed channel"));
        assert_eq!(rx.recv(), None::<i32>);
    });
    assert!(outcome.is_clean(), "{outcome}");
}

/// A destructor that reports to a channel, as an RAII "done" signal does.
struct Reports(selvedge::chan::Sender<&'static str>);

impl Drop for Reports {
    fn drop(&mut self) {
        self.0.send("dropped");
    }
}

#[test]
fn destructors_operate_while_the_panic_unwinds() {
    let outcome = explorer().executions(100).run(|| {
        let (tx, rx) = chan(1);
        let failing = go(move || {
            let _reports = Reports(tx);
            panic!("work failed");
        });
        assert_eq!(rx.recv(), Some("dropped"));
        assert!(failing.join().is_err());
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn a_destructor_that_has_to_wait_ends_the_execution() {
    // A panicking goroutine cannot be suspended, so this is told as the panic it is.
    let outcome = explorer().run(|| {
        let (tx, rx) = chan(0);
        let failing = go(move || {
            let _reports = Reports(tx);
            panic!("work failed");
        });
        rx.recv();
        drop(failing.join());
    });
    assert!(matches!(slug(&outcome), None | Some(Slug::Panic)), "{outcome}");
    if slug(&outcome).is_some() {
        assert_eq!(message(&outcome), "work failed");
    }
    still_works();
}

/// A payload and a value whose destructors panic.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[test]
fn a_payload_that_panics_when_dropped() {
    let outcome = explorer().run(|| {
        std::mem::forget(go(|| std::panic::panic_any(Spiteful)));
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    still_works();
}

#[test]
fn a_body_that_panics_when_dropped() {
    // The panic of main ends the program before the goroutine has begun.
    let outcome = explorer().run(|| {
        let spiteful = Spiteful;
        drop(go(move || drop(spiteful)));
        panic!("main first");
    });
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    still_works();
}

#[test]
fn a_result_that_panics_when_dropped() {
    let outcome = explorer().run(|| drop(go(|| Spiteful)));
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    still_works();
}

#[test]
fn inside_a_function_of_std() {
    thread_local! {
        static CELL: std::cell::RefCell<u32> = const { std::cell::RefCell::new(0) };
    }
    let outcome = explorer().run(|| {
        let twice = go(|| CELL.with_borrow_mut(|_| CELL.with_borrow(|n| *n)));
        twice.join().unwrap();
    });
    let here = line!() - 3;
    assert_eq!(slug(&outcome), Some(Slug::Panic), "{outcome}");
    assert_eq!(line(&outcome.findings[0]), here, "{outcome}");
}
