//! Contexts outside of a model and inside.

use super::{
    Cause, Context, ContextError, ContextSource, Key, after_func, background, cause, todo, with_cancel,
    with_cancel_cause, with_deadline, with_timeout, with_timeout_cause, with_value, without_cancel,
};
use crate::chan::{Receiver, Sender};
use crate::sync::Mutex;
use crate::time::{self, HOUR, Instant, MILLISECOND, SECOND, sleep};
use crate::trial_tests::{first, panics_with, silent};
use crate::{chan, go, select};
use selvedge_checkers::finding::Slug;
use std::sync::Arc;

struct User;
impl Key for User {
    type Value = String;
}

struct Depth;
impl Key for Depth {
    type Value = u32;
}

fn is(ctx: &Context, err: ContextError) -> bool {
    ctx.err() == Some(err) && ctx.done().recv().is_none()
}

fn tree_ends_from_the_top() {
    let (root, cancel) = with_cancel(&background());
    let (child, cancel_child) = with_cancel(&root);
    let named = with_value::<User>(&child, "ann".to_owned());
    let (grandchild, _later) = with_timeout(&named, HOUR);
    let apart = without_cancel(&grandchild);
    assert_eq!(grandchild.value::<User>().unwrap(), "ann");
    assert_eq!(apart.value::<User>().unwrap(), "ann");
    assert_eq!(root.value::<User>(), None);
    assert_eq!(grandchild.value::<Depth>(), None);
    cancel_child.cancel();
    cancel_child.cancel();
    assert!(root.err().is_none());
    assert!(is(&child, ContextError::Canceled) && is(&grandchild, ContextError::Canceled));
    assert!(is(&named, ContextError::Canceled));
    cancel.cancel();
    assert!(is(&root, ContextError::Canceled));
    assert!(apart.err().is_none() && apart.done().is_nil() && apart.deadline().is_none());
    let (late, _cancel) = with_cancel(&root);
    assert!(is(&late, ContextError::Canceled), "the child of a context that is done is done");
}

fn causes_are_those_of_the_first_end() {
    let (root, cancel) = with_cancel_cause(&background());
    let (child, cancel_child) = with_cancel_cause(&root);
    assert!(cause(&child).is_none());
    cancel.cancel("first");
    cancel.cancel("second");
    cancel_child.cancel("third");
    assert_eq!(cause(&root).unwrap().to_string(), "first");
    assert_eq!(child.cause().unwrap().to_string(), "first");
    assert_eq!(child.err().unwrap().to_string(), "context canceled");

    let (ctx, cancel) = with_timeout_cause(&background(), HOUR, "too slow");
    cancel.cancel();
    assert_eq!(cause(&ctx).unwrap().to_string(), "context canceled", "the deadline's cause is not that");
    let (ctx, cancel) = with_timeout_cause(&background(), MILLISECOND, "too slow");
    ctx.done().recv();
    assert!(ctx.err().unwrap().is_timeout());
    assert_eq!(cause(&ctx).unwrap().to_string(), "too slow");
    cancel.cancel();
    let (ctx, cancel) = with_cancel_cause(&background());
    cancel.cancel_without_cause();
    assert!(cause(&ctx).unwrap().is::<ContextError>());
}

fn deadlines_only_shrink() {
    let soon = Instant::now() + SECOND;
    let (ctx, cancel) = with_deadline(&background(), soon);
    let _cancel = cancel.defer();
    let (child, cancel) = with_deadline(&ctx, soon + HOUR);
    let _cancel_child = cancel.defer();
    assert_eq!(child.deadline(), Some(soon));
    let (past, _) = with_deadline(&ctx, Instant::now() - SECOND);
    assert!(is(&past, ContextError::DeadlineExceeded));
    assert!(ctx.err().is_none());
}

fn functions_run_after_the_end() {
    let (ctx, cancel) = with_cancel(&background());
    let (tx, rx) = chan::chan(2);
    let (first, second) = (tx.clone(), tx.clone());
    let kept = after_func(&ctx, move || first.send(1));
    let stopped = after_func(&ctx, move || second.send(2));
    assert!(stopped.stop() && !stopped.stop());
    cancel.cancel();
    assert_eq!(rx.recv(), Some(1));
    assert!(!kept.stop());
    let _now = after_func(&ctx, move || tx.send(3));
    assert_eq!(rx.recv(), Some(3));
    assert!(after_func(&todo(), || unreachable!()).stop());
}

#[test]
fn contexts_work_on_real_threads() {
    tree_ends_from_the_top();
    causes_are_those_of_the_first_end();
    deadlines_only_shrink();
    functions_run_after_the_end();
    let (ctx, cancel) = with_timeout(&with_value::<Depth>(&background(), 3), HOUR);
    assert!(format!("{ctx:?}").starts_with("context.Background.WithValue("), "{ctx:?}");
    assert!(format!("{ctx:?}").ends_with("Depth).WithDeadline"), "{ctx:?}");
    cancel.cancel();
}

#[test]
fn contexts_work_in_a_model() {
    silent(tree_ends_from_the_top);
    silent(causes_are_those_of_the_first_end);
    silent(deadlines_only_shrink);
    silent(functions_run_after_the_end);
}

#[test]
fn timeouts_are_exact() {
    silent(|| {
        let start = Instant::now();
        let (ctx, cancel) = with_timeout(&background(), 2 * SECOND);
        let _cancel = cancel.defer();
        let mut rounds = 0;
        loop {
            select! {
                recv(ctx.done()) -> _ => break,
                recv(time::after(300 * MILLISECOND)) -> _ => rounds += 1,
            }
        }
        assert_eq!((rounds, start.elapsed()), (6, 2 * SECOND));
    });
}

#[test]
fn who_polls_sees_the_deadline() {
    silent(|| {
        let (ctx, cancel) = with_timeout(&background(), SECOND);
        let _cancel = cancel.defer();
        let mut rounds = 0;
        loop {
            select! {
                recv(ctx.done()) -> _ => break,
                default => rounds += 1,
            }
        }
        while !ctx.is_done() || ctx.err().is_none() {
            rounds += 1;
        }
        assert!(rounds > 0);
    });
}

#[test]
fn a_stopped_deadline_does_not_keep_time_going() {
    silent(|| {
        let start = Instant::now();
        let (root, cancel) = with_cancel(&background());
        let (ctx, _cancel) = with_timeout(&root, HOUR);
        cancel.cancel();
        let (_tx, never) = chan::chan::<()>(0);
        assert!(never.recv_timeout(2 * HOUR).is_err());
        assert!(is(&ctx, ContextError::Canceled));
        assert_eq!(start.elapsed(), 2 * HOUR);
    });
}

#[test]
fn either_of_cancel_and_deadline_may_win() {
    let race = || {
        let (ctx, cancel) = with_timeout(&background(), SECOND);
        let h = go(move || {
            sleep(SECOND);
            cancel.cancel();
        });
        ctx.done().recv();
        h.join().unwrap();
        ctx.err().unwrap()
    };
    assert!(panics_with("late", move || assert_eq!(race(), ContextError::Canceled, "late")));
    assert!(panics_with("early", move || assert_eq!(race(), ContextError::DeadlineExceeded, "early")));
}

#[test]
fn the_first_of_two_causes_wins_whoever_that_is() {
    let race = || {
        let (ctx, cancel) = with_cancel_cause(&background());
        let other = cancel.clone();
        let h = go(move || other.cancel("b"));
        cancel.cancel("a");
        h.join().unwrap();
        cause(&ctx).unwrap().to_string()
    };
    assert!(panics_with("late", move || assert_eq!(race(), "a", "late")));
    assert!(panics_with("early", move || assert_eq!(race(), "b", "early")));
}

#[test]
fn cancel_returns_when_all_below_is_done_also_to_the_second_caller() {
    silent(|| {
        let (root, cancel) = with_cancel(&background());
        let (child, _cancel) = with_cancel(&root);
        let (grandchild, _cancel) = with_cancel(&child);
        let both: Vec<_> = (0..2)
            .map(|_| {
                let (cancel, grandchild) = (cancel.clone(), grandchild.clone());
                go(move || {
                    cancel.cancel();
                    assert!(grandchild.err().is_some());
                })
            })
            .collect();
        both.into_iter().for_each(|h| h.join().unwrap());
    });
}

#[test]
fn a_child_made_during_cancel_ends_too() {
    silent(|| {
        let (root, cancel) = with_cancel(&background());
        let h = go(move || cancel.cancel());
        let (child, _cancel) = with_timeout(&root, HOUR);
        let (tx, rx) = chan::chan(1);
        let _stop = after_func(&child, move || tx.send(()));
        child.done().recv();
        assert!(root.err().is_some());
        rx.recv();
        h.join().unwrap();
        assert!(Instant::now() < Instant::at(1_000_000_000), "nobody waited for the deadline");
    });
}

#[test]
fn cancelling_happens_before_done() {
    silent(|| {
        let x = Arc::new(crate::cell::Plain::new(0));
        let (ctx, cancel) = with_cancel(&background());
        let (child, _cancel) = with_cancel(&ctx);
        let y = Arc::clone(&x);
        let h = go(move || {
            child.done().recv();
            y.set(2);
        });
        x.set(1);
        cancel.cancel();
        h.join().unwrap();
    });
}

#[test]
fn a_cancel_function_that_is_never_called_is_reported() {
    let lost = || drop(with_cancel(&background()));
    assert_eq!(first(lost), Some(Slug::LostCancel));
    assert_eq!(
        first(|| {
            let (ctx, cancel) = with_timeout(&background(), HOUR);
            drop(cancel);
            ctx.done().recv();
        }),
        Some(Slug::LostCancel)
    );
    silent(|| {
        let (_ctx, cancel) = with_cancel(&background());
        let _cancel = cancel.defer();
    });
    silent(|| {
        let (ctx, _cancel) = with_timeout(&background(), HOUR);
        ctx.done().recv();
    });
    silent(|| {
        let (root, cancel) = with_cancel(&background());
        let (_ctx, _cancel) = with_cancel(&root);
        cancel.cancel();
    });
}

#[test]
fn who_waits_for_a_lost_context_leaks() {
    let report = crate::trial_tests::remarkable(|| {
        let (ctx, cancel) = with_cancel(&background());
        go(move || ctx.done().recv());
        drop(cancel);
    });
    let found: Vec<Slug> = report.unwrap().findings.iter().map(|f| f.slug).collect();
    assert_eq!(found, [Slug::LostCancel, Slug::LeakedGoroutine]);
}

struct Own {
    done: Receiver<()>,
    err: Mutex<Option<ContextError>>,
}

impl ContextSource for Arc<Own> {
    fn done(&self) -> &Receiver<()> {
        &self.done
    }
    fn err(&self) -> Option<ContextError> {
        *self.err.lock().unwrap()
    }
    fn cause(&self) -> Option<Cause> {
        Some(Arc::new(std::fmt::Error))
    }
}

fn own() -> (Sender<()>, Arc<Own>) {
    let (tx, done) = chan::chan(0);
    (tx, Arc::new(Own { done, err: Mutex::new(None) }))
}

#[test]
fn contexts_of_another_making_can_be_parents() {
    let program = || {
        let (closer, own) = own();
        let parent = Context::from_source(Arc::clone(&own));
        let (child, cancel) = with_cancel(&parent);
        let (other, cancel_other) = with_cancel(&parent);
        let (tx, rx) = chan::chan(1);
        let _ran = after_func(&parent, move || tx.send(()));
        assert!(after_func(&parent, || unreachable!()).stop());
        cancel_other.cancel();
        assert!(other.err().is_some() && parent.err().is_none());
        *own.err.lock().unwrap() = Some(ContextError::DeadlineExceeded);
        closer.close();
        child.done().recv();
        rx.recv();
        assert_eq!(child.err(), Some(ContextError::DeadlineExceeded));
        assert!(child.cause().unwrap().is::<std::fmt::Error>());
        cancel.cancel();
    };
    program();
    silent(program);
}

#[test]
fn the_watcher_of_a_context_of_another_making_leaks_if_nothing_ends() {
    assert_eq!(
        first(|| {
            let (_closer, own) = own();
            let (child, cancel) = with_cancel(&Context::from_source(own));
            // Neither is ever done, and the cancel function is kept for ever.
            std::mem::forget((child, cancel));
        }),
        Some(Slug::LeakedGoroutine)
    );
}

#[test]
fn the_result_may_come_second_if_the_deadline_ties() {
    let program = || {
        let (ctx, cancel) = with_timeout(&background(), SECOND);
        let _cancel = cancel.defer();
        let (tx, rx) = chan::chan(1);
        go(move || {
            sleep(SECOND);
            tx.send(7);
        });
        select! {
            recv(rx) -> v => assert_eq!(v, Some(7)),
            recv(ctx.done()) -> _ => panic!("late"),
        }
    };
    assert!(panics_with("late", program));
}
