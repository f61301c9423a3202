//! Tasks, as documented, in models and outside.
//!
//! Invariant: what both engines promise is checked on both, by the same program.

use super::everywhere::everywhere_and_in_models;
use super::{Either, Notify, block_on, oneshot, select, sleep, spawn, timeout, yield_now};
use crate::sync::{Arc, Mutex};
use crate::{go, time};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

#[test]
fn tasks_give_results_to_goroutines_and_to_tasks() {
    everywhere_and_in_models(|| {
        let inner = spawn(async { 1 });
        let outer = spawn(async move { inner.await.unwrap() + 1 });
        assert_eq!(outer.join().unwrap(), 2);
        assert_eq!(block_on(spawn(async { 3 })).unwrap(), 3);
    });
}

#[test]
fn values_pass_between_goroutines_and_tasks() {
    everywhere_and_in_models(|| {
        let (tx, rx) = oneshot::channel();
        let (back, answer) = oneshot::channel();
        let task = spawn(async move { back.send(rx.await.unwrap() * 2) });
        drop(go(move || tx.send(21)));
        assert_eq!(answer.recv(), Ok(42));
        task.join().unwrap().unwrap();
        let (gone, nothing) = oneshot::channel::<()>();
        drop(gone);
        assert!(nothing.recv().is_err());
        let (tx, rx) = oneshot::channel();
        drop(rx);
        assert_eq!(tx.send(1), Err(1));
    });
}

#[test]
fn a_panic_goes_to_who_joins() {
    let program = || {
        let error = spawn(async { panic!("boom") }).join().unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "boom");
    };
    everywhere_and_in_models(program);
}

/// Counts its drops.
struct Counts(std::sync::Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_abort_drops_the_future() {
    everywhere_and_in_models(|| {
        let dropped = std::sync::Arc::new(AtomicUsize::new(0));
        let owned = Counts(std::sync::Arc::clone(&dropped));
        let task = spawn(async move {
            let _owned = owned;
            std::future::pending::<()>().await;
        });
        let abort = task.abort_handle();
        drop(go(move || abort.abort()));
        let error = task.join().unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_task_that_yields_lets_others_go_on() {
    everywhere_and_in_models(|| {
        let flag = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&flag);
        let waits = spawn(async move {
            for _ in 0..3 {
                yield_now().await;
            }
            *theirs.lock().unwrap() += 1;
        });
        let theirs = Arc::clone(&flag);
        let other = spawn(async move { *theirs.lock().unwrap() += 1 });
        waits.join().unwrap();
        other.join().unwrap();
        assert_eq!(*flag.lock().unwrap(), 2);
    });
}

#[test]
fn notifications_are_kept_passed_on_and_given_to_all() {
    everywhere_and_in_models(|| {
        let notify = Notify::new();
        notify.notify_one();
        notify.notify_one();
        block_on(notify.notified());
        let mut context = Context::from_waker(Waker::noop());
        let (mut one, mut other) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
        assert!(one.as_mut().poll(&mut context).is_pending(), "one permit is kept, not two");
        assert!(other.as_mut().poll(&mut context).is_pending());
        notify.notify_one();
        // Who was told first is gone.
        drop(one);
        assert!(other.as_mut().poll(&mut context).is_ready());
        let (early, late) = (notify.notified(), Box::pin(notify.notified()));
        notify.notify_waiters();
        block_on(early);
        block_on(late);
        assert!(pin!(notify.notified()).poll(&mut context).is_pending(), "nothing is kept for later");
    });
}

#[test]
fn the_first_of_two_is_taken() {
    everywhere_and_in_models(|| {
        let notify = Arc::new(Notify::new());
        let theirs = Arc::clone(&notify);
        let told = go(move || theirs.notify_one());
        let first = block_on(select(notify.notified(), std::future::pending::<()>()));
        assert_eq!(first, Either::Left(()));
        told.join().unwrap();
    });
}

#[test]
fn time_passes_for_tasks() {
    everywhere_and_in_models(|| {
        let start = time::Instant::now();
        let task = spawn(async { sleep(3 * time::MILLISECOND).await });
        block_on(sleep(time::MILLISECOND));
        task.join().unwrap();
        assert!(start.elapsed() >= 3 * time::MILLISECOND);
        assert!(block_on(timeout(time::MILLISECOND, std::future::pending::<()>())).is_err());
        assert_eq!(block_on(timeout(time::HOUR, async { 1 })), Ok(1));
    });
}

#[test]
fn a_poll_may_block_and_nest() {
    everywhere_and_in_models(|| {
        let (tx, rx) = crate::chan(0);
        let task = spawn(async move { rx.recv() });
        let nested = spawn(async { block_on(spawn(async { 5 })).unwrap() });
        tx.send(1);
        assert_eq!(task.join().unwrap(), Some(1));
        assert_eq!(nested.join().unwrap(), 5);
    });
}

#[test]
fn many_tasks_run() {
    let all: Vec<_> = (0..10_000_u64)
        .map(|n| {
            spawn(async move {
                yield_now().await;
                n
            })
        })
        .collect();
    let sum: u64 = block_on(async {
        let mut sum = 0;
        for task in all {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 10_000 * 9_999 / 2);
}

#[test]
fn many_wakes_from_everywhere_lose_nothing() {
    for round in 0..200_usize {
        let (first, second) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Notify::new()));
        let (a, b) = (std::sync::Arc::clone(&first), std::sync::Arc::clone(&second));
        let task = spawn(async move {
            for _ in 0..20 {
                a.notified().await;
                b.notify_one();
            }
        });
        let (a, b) = (std::sync::Arc::clone(&first), std::sync::Arc::clone(&second));
        let other = move || {
            for _ in 0..20 {
                a.notify_one();
                block_on(b.notified());
            }
        };
        if round % 2 == 0 {
            go(other).join().unwrap();
        } else {
            std::thread::spawn(other).join().unwrap();
        }
        task.join().unwrap();
    }
}

/// A hand-made future of a flag.
#[derive(Default)]
struct Flag {
    set: std::sync::Mutex<bool>,
    waker: std::sync::Mutex<Option<Waker>>,
}

struct Raised {
    flag: Arc<Flag>,
    registers_first: bool,
    keeps_first: bool,
    turn: Arc<crate::sync::atomic::AtomicU32>,
}

impl Raised {
    fn is_set(&self) -> bool {
        self.turn.fetch_add(1, crate::sync::atomic::Ordering::AcqRel);
        *self.flag.set.lock().unwrap()
    }

    fn register(&self, cx: &Context<'_>) {
        self.turn.fetch_add(1, crate::sync::atomic::Ordering::AcqRel);
        let mut waker = self.flag.waker.lock().unwrap();
        if !(self.keeps_first && waker.is_some()) {
            *waker = Some(cx.waker().clone());
        }
    }
}

impl Future for Raised {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.registers_first {
            self.register(cx);
            return if self.is_set() { Poll::Ready(()) } else { Poll::Pending };
        }
        if self.is_set() {
            return Poll::Ready(());
        }
        self.register(cx);
        Poll::Pending
    }
}

fn raise(raised: &Raised) -> impl FnOnce() + Send + use<> {
    let (flag, turn) = (Arc::clone(&raised.flag), Arc::clone(&raised.turn));
    move || {
        turn.fetch_add(1, crate::sync::atomic::Ordering::AcqRel);
        *flag.set.lock().unwrap() = true;
        turn.fetch_add(1, crate::sync::atomic::Ordering::AcqRel);
        let waker = flag.waker.lock().unwrap().take();
        waker.into_iter().for_each(Waker::wake);
    }
}

fn raised(registers_first: bool, keeps_first: bool) -> Raised {
    let turn = Arc::new(crate::sync::atomic::AtomicU32::new(0));
    Raised { flag: Arc::new(Flag::default()), registers_first, keeps_first, turn }
}

#[cfg(feature = "check")]
mod found {
    use super::*;
    use crate::trial_tests::{clean, outcomes, panics_with, slug};
    use selvedge_checkers::finding::Slug;

    #[test]
    fn a_waker_registered_after_the_check_is_a_lost_wake_up() {
        let program = |registers_first| {
            move || {
                let raised = raised(registers_first, false);
                let setter = go(raise(&raised));
                block_on(raised);
                setter.join().unwrap();
            }
        };
        assert_eq!(slug(300, program(false)), Some(Slug::Deadlock));
        clean(300, program(true));
    }

    /// A future that is polled in one task and then moves to another keeps the first one's waker.
    #[test]
    fn a_stale_waker_wakes_nobody() {
        let program = |keeps_first| {
            move || {
                let mut future = Box::pin(raised(true, keeps_first));
                let raise = raise(&future);
                let polled = spawn(async move {
                    let first = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
                    (first, future)
                });
                let (first, future) = polled.join().unwrap();
                assert!(first.is_pending());
                let moved = spawn(future);
                let setter = go(raise);
                moved.join().unwrap();
                setter.join().unwrap();
            }
        };
        assert_eq!(slug(300, program(true)), Some(Slug::Deadlock));
        clean(300, program(false));
    }

    #[test]
    fn a_task_nobody_wakes_leaks() {
        let found = slug(50, || {
            let notify = Arc::new(Notify::new());
            let theirs = Arc::clone(&notify);
            drop(spawn(async move { theirs.notified().await }));
        });
        assert_eq!(found, Some(Slug::LeakedGoroutine));
    }

    #[test]
    fn a_guard_across_an_await_deadlocks() {
        let found = slug(300, || {
            let shared = Arc::new((Mutex::new(()), Notify::new()));
            let theirs = Arc::clone(&shared);
            let other = go(move || {
                drop(theirs.0.lock().unwrap());
                theirs.1.notify_one();
            });
            let guard = shared.0.lock().unwrap();
            block_on(shared.1.notified());
            drop(guard);
            other.join().unwrap();
        });
        assert_eq!(found, Some(Slug::Deadlock));
    }

    #[test]
    fn a_panic_of_a_task_nobody_joins_is_found() {
        assert!(panics_with("boom", || drop(spawn(async { panic!("boom") }))));
        assert!(panics_with("boom", || {
            let task = spawn(async { panic!("boom") });
            let notify = Notify::new();
            notify.notify_one();
            block_on(notify.notified());
            drop(task);
        }));
    }

    #[test]
    fn an_abort_comes_before_or_after_the_end() {
        let seen = outcomes(300, || {
            let task = spawn(async {
                yield_now().await;
                1
            });
            task.abort();
            task.join().unwrap_or(0)
        });
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn both_of_two_that_are_ready_are_taken() {
        let seen = outcomes(100, || match block_on(select(async { 1 }, async { 2 })) {
            Either::Left(n) | Either::Right(n) => n,
        });
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 2]);
    }

    /// The token of `thread::park` is another.
    #[test]
    fn parking_and_awaiting_do_not_disturb_each_other() {
        clean(300, || {
            let me = crate::thread::current();
            let notify = Arc::new(Notify::new());
            let theirs = Arc::clone(&notify);
            let other = go(move || {
                me.unpark();
                theirs.notify_one();
            });
            block_on(notify.notified());
            crate::thread::park();
            other.join().unwrap();
        });
    }

    #[test]
    fn what_was_done_before_a_wake_is_seen_by_the_poll() {
        clean(300, || {
            let value = Arc::new(crate::cell::Plain::new(0));
            let notify = Arc::new(Notify::new());
            let (theirs, to) = (Arc::clone(&value), Arc::clone(&notify));
            let writer = spawn(async move {
                theirs.set(1);
                to.notify_one();
            });
            block_on(notify.notified());
            assert_eq!(value.get(), 1);
            writer.join().unwrap();
        });
    }
}

#[test]
fn a_hand_made_future_works_outside_of_models() {
    let raised = raised(true, false);
    let setter = go(raise(&raised));
    block_on(raised);
    setter.join().unwrap();
}
