//! Error groups, single flights and semaphores with contexts.

use super::{ErrGroup, Mutex, Semaphore, SingleFlight};
use crate::chan::chan;
use crate::context::{ContextError, background, cause, with_cancel, with_timeout};
use crate::time::{HOUR, Instant, MILLISECOND, SECOND, sleep};
use crate::trial_tests::{first, panics_with, silent};
use crate::{cell, go};
use selvedge_checkers::finding::Slug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

fn first_error_ends_the_context() {
    let (group, ctx) = ErrGroup::with_context(&background());
    for _ in 0..2 {
        let ctx = ctx.clone();
        group.go(move || {
            ctx.done().recv();
            Err("told to".to_owned())
        });
    }
    group.go(|| Err("broken".to_owned()));
    assert_eq!(group.wait(), Err("broken".to_owned()));
    assert_eq!(cause(&ctx).unwrap().to_string(), "broken");

    let (group, ctx) = ErrGroup::<String>::with_context(&background());
    group.go(|| Ok(()));
    assert_eq!(group.wait(), Ok(()));
    assert_eq!(ctx.err(), Some(ContextError::Canceled), "wait ends it too");
}

fn limits_limit() {
    let group = ErrGroup::<String>::new();
    group.set_limit(1);
    let (tx, rx) = chan(0);
    assert!(group.try_go(move || {
        rx.recv();
        Ok(())
    }));
    assert!(!group.try_go(|| Ok(())));
    let text = catch_unwind(AssertUnwindSafe(|| group.set_limit(2))).unwrap_err();
    let text = text.downcast_ref::<String>().unwrap();
    assert_eq!(text, "errgroup: modify limit while 1 goroutines in the group are still active");
    tx.send(());
    group.go(|| Ok(()));
    group.wait().unwrap();
    group.set_limit(None);
    assert!(group.try_go(|| Ok(())) && group.try_go(|| Ok(())));
    group.wait().unwrap();
}

#[test]
fn error_groups() {
    first_error_ends_the_context();
    limits_limit();
    silent(first_error_ends_the_context);
    silent(limits_limit);
}

#[test]
fn go_inside_a_group_at_its_limit_waits_for_itself() {
    assert_eq!(
        first(|| {
            let group = ErrGroup::<String>::new();
            group.set_limit(1);
            let inner = group.clone();
            group.go(move || {
                inner.go(|| Ok(()));
                Ok(())
            });
            group.wait().unwrap();
        }),
        Some(Slug::Deadlock)
    );
}

#[test]
fn a_panic_in_a_group_ends_the_program() {
    assert!(panics_with("boom", || {
        let group = ErrGroup::<String>::new();
        group.go(|| panic!("boom"));
        let _ = group.wait();
    }));
}

fn one_answer_for_all() {
    let flights = SingleFlight::new();
    let runs = Arc::new(Mutex::new(0));
    let ask = |_| {
        let (flights, runs) = (flights.clone(), Arc::clone(&runs));
        go(move || {
            flights.run("key", || {
                sleep(10 * MILLISECOND);
                *runs.lock().unwrap() += 1;
                7
            })
        })
    };
    let askers: Vec<_> = (0..3).map(ask).collect();
    let answers: Vec<_> = askers.into_iter().map(|h| h.join().unwrap()).collect();
    assert!(answers.iter().all(|(value, _)| *value == 7));
    let runs = *runs.lock().unwrap();
    assert!((1..=3).contains(&runs) && answers.iter().filter(|(_, shared)| !shared).count() <= runs);
}

#[test]
fn single_flights() {
    one_answer_for_all();
    silent(one_answer_for_all);
    silent(|| {
        let flights = SingleFlight::new();
        let first = flights.run_chan(1, || {
            sleep(SECOND);
            "slow"
        });
        let second = flights.run_chan(1, || unreachable!());
        flights.forget(&1);
        assert_eq!(flights.run(1, || "fresh"), ("fresh", false));
        assert_eq!(first.recv(), Some(("slow", true)));
        assert_eq!(second.recv(), Some(("slow", true)));
    });
}

#[test]
fn a_panic_reaches_all_who_asked() {
    silent(|| {
        let flights = SingleFlight::<u8, u8>::new();
        let askers: Vec<_> = (0..2)
            .map(|_| {
                let flights = flights.clone();
                go(move || flights.run(1, || panic!("boom")))
            })
            .collect();
        for asker in askers {
            let payload = asker.join().unwrap_err();
            let text = payload.downcast_ref::<&str>().copied();
            assert_eq!(text.or(payload.downcast_ref::<String>().map(String::as_str)), Some("boom"));
        }
        assert_eq!(flights.run(1, || 2), (2, false));
    });
}

#[test]
fn who_follows_a_leader_that_hangs_leaks() {
    assert_eq!(
        first(|| {
            let flights = SingleFlight::<u8, ()>::new();
            for _ in 0..2 {
                let flights = flights.clone();
                go(move || {
                    flights.run(1, || {
                        crate::chan::nil::<()>().1.recv();
                    })
                });
            }
        }),
        Some(Slug::LeakedGoroutine)
    );
}

fn semaphore_gives_up() {
    let semaphore = Arc::new(Semaphore::new(2));
    semaphore.acquire(2);
    let (ctx, cancel) = with_timeout(&background(), 5 * MILLISECOND);
    assert_eq!(semaphore.acquire_context(&ctx, 1), Err(ContextError::DeadlineExceeded));
    assert_eq!(semaphore.acquire_context(&ctx, 3), Err(ContextError::DeadlineExceeded));
    cancel.cancel();
    semaphore.release(2);
    assert_eq!(semaphore.acquire_context(&ctx, 1), Err(ContextError::DeadlineExceeded));
    assert_eq!(semaphore.acquire_context(&background(), 2), Ok(()));
    let other = Arc::clone(&semaphore);
    let h = go(move || other.acquire_context(&background(), 1));
    semaphore.release(2);
    assert_eq!(h.join().unwrap(), Ok(()));
    semaphore.release(1);
    assert!(semaphore.try_acquire(2));
}

#[test]
fn semaphores_with_contexts() {
    semaphore_gives_up();
    silent(semaphore_gives_up);
}

#[test]
fn a_permit_granted_to_somebody_who_gave_up_comes_back() {
    silent(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        semaphore.acquire(1);
        let (ctx, cancel) = with_cancel(&background());
        let other = Arc::clone(&semaphore);
        let waiter = go(move || {
            let first = other.acquire_context(&ctx, 1);
            if first.is_ok() {
                other.release(1);
            }
            // A late cancellation must not hit this one.
            other.acquire(1);
            other.release(1);
        });
        let end = go(move || cancel.cancel());
        semaphore.release(1);
        waiter.join().unwrap();
        end.join().unwrap();
        assert!(semaphore.try_acquire(1), "nothing is lost");
    });
}

#[test]
fn a_request_that_never_fits_waits_for_ever_and_holds_nobody_back() {
    assert_eq!(first(|| Semaphore::new(1).acquire(2)), Some(Slug::Deadlock));
    silent(|| {
        let start = Instant::now();
        let semaphore = Arc::new(Semaphore::new(1));
        let (ctx, cancel) = with_timeout(&background(), HOUR);
        let other = Arc::clone(&semaphore);
        let h = go(move || other.acquire_context(&ctx, 2));
        semaphore.acquire(1);
        semaphore.release(1);
        assert_eq!(h.join().unwrap(), Err(ContextError::DeadlineExceeded));
        assert_eq!(start.elapsed(), HOUR);
        cancel.cancel();
    });
}

#[test]
fn the_answer_is_handed_over_with_what_its_leader_did() {
    silent(|| {
        let flights = SingleFlight::new();
        let x = Arc::new(cell::Plain::new(0));
        let (other, y) = (flights.clone(), Arc::clone(&x));
        let h = go(move || {
            let work = Arc::clone(&y);
            other.run(1, move || work.set(1));
        });
        h.join().unwrap();
        flights.run(1, || ());
        assert_eq!(x.get(), 1);
    });
}
