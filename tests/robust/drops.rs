//! User code that runs while an execution is torn down: destructors that operate, and code that
//! catches the unwinding.

use crate::{Census, explorer, impatient, slug, still_works};
use selvedge::harness::config::LeakPolicy;
use selvedge::sync::{Arc, Mutex, WaitGroup};
use selvedge::{Explorer, Slug, chan, go, thread, time};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[track_caller]
fn lenient() -> Explorer {
    explorer().leaks(LeakPolicy::Allow)
}

/// Runs a function when dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_loop_that_catches_everything_does_not_hang() {
    static CENSUS: Census = Census::new();
    for jobs in [1, 2] {
        let outcome = impatient().leaks(LeakPolicy::Allow).jobs(jobs).run(|| {
            let (tx, rx) = chan::<()>(0);
            let kept = tx.clone();
            drop(go(move || {
                let _kept = kept;
                loop {
                    let _ = catch_unwind(AssertUnwindSafe(|| rx.recv()));
                }
            }));
            drop(go(move || drop((CENSUS.value(), tx))));
        });
        assert!(outcome.is_clean(), "{outcome}");
        assert_eq!(outcome.executions, 20);
    }
    CENSUS.settle();
    still_works();
}

#[test]
fn catching_once_is_harmless() {
    static CENSUS: Census = Census::new();
    let outcome = lenient().run(|| {
        let (tx, rx) = chan::<()>(0);
        let kept = CENSUS.value();
        drop(go(move || {
            let _kept = (kept, tx);
            let _ = catch_unwind(AssertUnwindSafe(|| rx.recv()));
            // The recovery itself operates: it is unwound in its turn.
            rx.recv();
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
    CENSUS.settle();
}

#[test]
fn operations_that_are_possible_take_effect() {
    static CENSUS: Census = Census::new();
    let outcome = lenient().run(|| {
        let (tx, rx) = chan::<()>(0);
        let (log, _kept) = chan(8);
        let (mutex, wg) = (Arc::new(Mutex::new(0)), WaitGroup::new());
        wg.add(1);
        let kept = CENSUS.value();
        drop(go(move || {
            let _operates = OnDrop(|| {
                let _kept = &kept;
                *mutex.lock().unwrap() += 1;
                log.send(1);
                let _ = log.try_send(2);
                wg.done();
                wg.wait();
                log.close();
                time::sleep(Duration::ZERO);
                thread::current().unpark();
                drop(go(|| unreachable!("nothing starts any more")));
            });
            let _tx = tx;
            rx.recv();
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
    CENSUS.settle();
}

#[test]
fn a_lock_that_another_blocked_goroutine_holds() {
    // The holder is unwound after the one whose destructor wants the lock: the latter cannot go on.
    // What it owns leaks; nothing else may.
    let outcome = lenient().run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let (tx, rx) = chan::<()>(0);
        let holder = Arc::clone(&mutex);
        let (held, locked) = (tx.clone(), rx.clone());
        drop(go(move || {
            let _held = holder.lock();
            held.send(());
            held.send(());
        }));
        locked.recv();
        drop(go(move || {
            let _again = OnDrop(|| drop(mutex.lock()));
            let (_tx, rx) = chan::<()>(0);
            rx.recv();
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
    assert_eq!(outcome.executions, 20);
    still_works();
}

#[test]
fn destructors_that_block_thousands_of_times() {
    // Each such execution gives up a thread; neither threads nor identities may run out.
    let outcome = lenient().executions(5_000).run(|| {
        let (tx, rx) = chan::<()>(0);
        drop(go(move || {
            let _receives = OnDrop(|| _ = rx.recv());
            rx.recv();
        }));
        drop(tx);
    });
    assert!(outcome.is_clean(), "{outcome}");
    assert_eq!(outcome.executions, 5_000);
    still_works();
}

#[test]
fn a_failure_whose_destructors_block_is_reported_as_it_is() {
    // Every replay of the failure gives up a thread, too: the report must not suffer.
    let outcome = explorer().run(|| {
        let (tx, rx) = chan::<()>(0);
        drop(go(move || {
            let _receives = OnDrop(|| _ = rx.recv());
            rx.recv();
        }));
        tx.send(());
        selvedge::runtime::gosched();
        assert_eq!(selvedge::choose(2), 0, "the bug");
    });
    assert!(matches!(slug(&outcome), Some(Slug::Panic | Slug::LeakedGoroutine)), "{outcome}");
    still_works();
}

#[test]
fn a_destructor_that_panics() {
    static CENSUS: Census = Census::new();
    let outcome = lenient().run(|| {
        let (_tx, rx) = chan::<()>(0);
        let kept = CENSUS.value();
        drop(go(move || {
            let _kept = kept;
            let _spiteful = OnDrop(|| {
                let _ = catch_unwind(|| panic!("caught in the destructor"));
            });
            rx.recv();
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
    CENSUS.settle();
}

#[test]
fn thread_locals_are_dropped() {
    static CENSUS: Census = Census::new();
    selvedge::thread_local! {
        static MINE: crate::Counted = CENSUS.value();
    }
    let outcome = lenient().run(|| {
        for _ in 0..3 {
            let (tx, rx) = chan::<()>(0);
            drop(go(move || {
                MINE.with(|_| ());
                rx.recv();
                drop(tx);
            }));
        }
    });
    assert!(outcome.is_clean(), "{outcome}");
    CENSUS.settle();
}

#[test]
fn a_depth_first_search_goes_on_where_it_was() {
    let outcome = lenient().executions(5_000).exhaustive().run(|| {
        let (tx, rx) = chan::<()>(0);
        drop(go(move || {
            let _receives = OnDrop(|| assert!(rx.recv().is_none()));
            rx.recv();
        }));
        (0..3).for_each(|_| _ = selvedge::choose(4));
        drop(tx);
    });
    assert!(outcome.is_clean() && outcome.exhausted, "{outcome:?}");
    assert!((64..5_000).contains(&outcome.executions), "{}", outcome.executions);
}

#[test]
fn a_destructor_that_waits_by_looking() {
    use selvedge::sync::atomic::{AtomicBool, Ordering};
    let outcome = explorer().leaks(LeakPolicy::Allow).run(|| {
        let never = Arc::new(AtomicBool::new(false));
        let (_tx, rx) = chan::<()>(0);
        drop(go(move || {
            let _spins = OnDrop(|| while !never.load(Ordering::SeqCst) {});
            rx.recv();
        }));
    });
    assert!(outcome.is_clean(), "{outcome}");
    still_works();
}
