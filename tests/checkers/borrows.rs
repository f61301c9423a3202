//! Thread-locals of std that are borrowed across a wait, and borrows that only look alike.

use crate::flagged;
use selvedge::chan::Receiver;
use selvedge::sync::{Arc, Mutex};
use selvedge::{Evidence, Finding, Outcome, Slug, chan, go, runtime::gosched};
use std::cell::RefCell;

thread_local! {
    static NAMES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static OTHER: RefCell<u32> = const { RefCell::new(0) };
}

fn accused(outcome: &Outcome) -> Option<&Finding> {
    outcome.warnings.iter().find(|f| f.slug == Slug::BorrowedThreadLocal)
}

/// The panic is found, and explained: by whom, and on which line, the borrow is held.
#[track_caller]
fn explained(program: fn(), g: u32, line: u32) {
    let outcome = flagged(Slug::Panic, program);
    assert_eq!(outcome.failure().map(|f| f.slug), Some(Slug::Panic), "{outcome}");
    let Some(finding) = accused(&outcome) else { panic!("nobody is accused: {outcome}") };
    let Evidence::Borrow { holder, other } = &finding.evidence else { panic!("{finding:?}") };
    assert_eq!((holder.g.0, holder.site.line), (g, line), "{outcome}");
    assert_ne!(holder.g, other.g);
}

/// The panic is found, and nobody else is accused of it.
#[track_caller]
fn own_fault(program: fn()) {
    let outcome = flagged(Slug::Panic, program);
    assert_eq!(accused(&outcome), None, "{outcome}");
}

fn collect(rx: &Receiver<u32>) {
    NAMES.with_borrow_mut(|names| names.extend(rx.recv()));
}

#[test]
fn across_a_receive() {
    const LINE: u32 = line!() - 5;
    fn program() {
        let (tx, rx) = chan(0);
        for rx in [rx.clone(), rx] {
            go(move || collect(&rx));
        }
        tx.send(1);
        tx.send(2);
    }
    explained(program, 1, LINE);
}

#[test]
fn across_a_lock() {
    const LINE: u32 = line!() + 6;
    fn program() {
        let shared = Arc::new(Mutex::new(1));
        let theirs = Arc::clone(&shared);
        let adds = go(move || {
            // Whoever holds the lock is in the way of the borrow.
            NAMES.with_borrow_mut(|names| names.push(*theirs.lock().unwrap()));
        });
        let mut sum = shared.lock().unwrap();
        *sum += NAMES.with(|names| names.borrow_mut().pop()).unwrap_or(0);
        drop(sum);
        adds.join().unwrap();
    }
    explained(program, 1, LINE);
}

#[test]
fn borrowed_before_an_earlier_operation() {
    // The borrow is two operations old when it is in the way.
    const LINE: u32 = line!() + 8;
    fn program() {
        let (tx, rx) = chan::<u32>(2);
        let (done, end) = chan::<u32>(0);
        tx.send(1);
        go(move || {
            NAMES.with_borrow_mut(|names| {
                names.extend(rx.recv());
                names.extend(end.recv());
            });
        });
        while !tx.is_empty() {
            gosched();
        }
        let reads = go(|| assert!(NAMES.with_borrow(Vec::len) < 9));
        done.send(3);
        reads.join().unwrap();
    }
    explained(program, 1, LINE);
}

#[test]
fn by_main_which_then_spawns_who_wants_it() {
    const LINE: u32 = line!() + 6;
    fn program() {
        let (tx, rx) = chan(0);
        go(move || tx.send(1));
        let reads = NAMES.with_borrow_mut(|names| {
            let reads = go(|| assert!(NAMES.with_borrow(Vec::len) < 9));
            names.extend(rx.recv());
            reads
        });
        reads.join().unwrap();
    }
    explained(program, 0, LINE);
}

#[test]
fn asked_for_with_try_borrow() {
    fn program() {
        let (tx, rx) = chan(0);
        go(move || collect(&rx));
        go(|| OTHER.with(|_| NAMES.with(|names| drop(names.try_borrow_mut().expect("free")))));
        tx.send(1);
    }
    let outcome = flagged(Slug::Panic, program);
    assert!(accused(&outcome).is_some(), "{outcome}");
}

#[test]
fn twice_by_the_same_goroutine() {
    fn program() {
        let (tx, rx) = chan(0);
        // Others wait, and one of them in a borrow: of something else.
        go(move || OTHER.with_borrow_mut(|sum| *sum += rx.recv().unwrap_or(0)));
        go(|| NAMES.with_borrow_mut(|_| assert!(NAMES.with_borrow(Vec::len) < 9)));
        tx.send(1);
    }
    own_fault(program);
}

#[test]
fn twice_across_a_wait_of_its_own() {
    fn program() {
        let (tx, rx) = chan(0);
        let cell = RefCell::new(0);
        go(move || tx.send(1));
        let mut held = cell.borrow_mut();
        *held += rx.recv().unwrap();
        drop(cell.borrow());
    }
    own_fault(program);
}

#[test]
fn twice_because_of_what_another_said() {
    // What the other goroutine does decides, but by way of operations.
    fn program() {
        let flag = Arc::new(Mutex::new(false));
        let theirs = Arc::clone(&flag);
        let (tx, rx) = chan::<u32>(0);
        go(move || {
            *theirs.lock().unwrap() = true;
            OTHER.with_borrow_mut(|sum| *sum += rx.recv().unwrap_or(0));
        });
        gosched();
        let cell = RefCell::new(0);
        let said = *flag.lock().unwrap();
        let held = said.then(|| cell.borrow_mut());
        drop(cell.borrow_mut());
        drop(held);
        tx.send(1);
    }
    own_fault(program);
}

#[test]
fn of_a_goroutine_itself() {
    selvedge::thread_local! {
        static MINE: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    }
    fn program() {
        let (tx, rx) = chan(0);
        let both =
            [rx.clone(), rx].map(|rx| go(move || MINE.with_borrow_mut(|names| names.extend(rx.recv()))));
        tx.send(1);
        tx.send(2);
        for g in both {
            g.join().unwrap();
        }
    }
    crate::silent(program);
}
