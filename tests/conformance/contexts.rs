//! Package `context`.

use crate::Program;
use selvedge::context::{self, ContextError, Key};
use selvedge::sync::{Arc, Mutex};
use selvedge::time::{HOUR, Instant, MILLISECOND};
use selvedge::{chan, go, select};

pub(crate) const ALL: &[Program] = &[
    ("a cancel ends a context, once", cancel),
    ("who cancels has ended the children when it returns", children),
    ("a child does not end its parent", parents),
    ("the first cause counts, and is the children's too", causes),
    ("the cause of a deadline is not that of a cancel", causes_of_deadlines),
    ("a timeout ends a context", timeout),
    ("a deadline only becomes earlier", deadlines),
    ("values are looked for up to the root", values),
    ("a context without cancel keeps the values only", without_cancel),
    ("a function runs after the end, unless it was stopped", functions),
    ("workers stop when they are told", workers),
];

struct Name;

impl Key for Name {
    type Value = &'static str;
}

fn cancel() {
    let (ctx, cancel) = context::with_cancel(&context::background());
    assert!(ctx.err().is_none() && ctx.done().try_recv().is_err());
    let theirs = cancel.clone();
    let other = go(move || theirs.cancel());
    cancel.cancel();
    assert_eq!(ctx.done().recv(), None);
    assert_eq!(ctx.err(), Some(ContextError::Canceled));
    assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
    other.join().unwrap();
    assert!(context::background().done().is_nil() && context::todo().err().is_none());
}

fn children() {
    let (parent, cancel) = context::with_cancel(&context::background());
    let (child, _later) = context::with_timeout(&context::with_value::<Name>(&parent, "child"), HOUR);
    cancel.cancel();
    // Not soon: now.
    assert_eq!(child.err(), Some(ContextError::Canceled));
    assert!(matches!(child.done().try_recv(), Err(chan::TryRecvError::Closed)));
    let (late, _cancel) = context::with_cancel(&parent);
    assert_eq!(late.err(), Some(ContextError::Canceled));
}

fn parents() {
    let (parent, _cancel) = context::with_cancel(&context::background());
    let _cancel = _cancel.defer();
    let (child, cancel) = context::with_cancel(&parent);
    cancel.cancel();
    assert!(child.err().is_some() && parent.err().is_none());
}

fn causes() {
    let (parent, cancel) = context::with_cancel_cause(&context::background());
    let (child, cancel_child) = context::with_cancel_cause(&parent);
    assert!(context::cause(&parent).is_none());
    cancel.cancel("first");
    cancel.cancel("second");
    cancel_child.cancel("third");
    for ctx in [&parent, &child] {
        assert_eq!(context::cause(ctx).unwrap().to_string(), "first");
        assert_eq!(ctx.err(), Some(ContextError::Canceled));
    }
    let (ctx, cancel) = context::with_cancel(&context::background());
    cancel.cancel();
    assert_eq!(context::cause(&ctx).unwrap().to_string(), "context canceled");
}

fn causes_of_deadlines() {
    let (ctx, cancel) = context::with_timeout_cause(&context::background(), HOUR, "too slow");
    cancel.cancel();
    assert_eq!(context::cause(&ctx).unwrap().to_string(), "context canceled");
    let (ctx, cancel) = context::with_timeout_cause(&context::background(), MILLISECOND, "too slow");
    ctx.done().recv();
    assert_eq!(ctx.err(), Some(ContextError::DeadlineExceeded));
    assert_eq!(context::cause(&ctx).unwrap().to_string(), "too slow");
    cancel.cancel();
}

fn timeout() {
    let start = Instant::now();
    let (ctx, cancel) = context::with_timeout(&context::background(), 2 * MILLISECOND);
    let _cancel = cancel.defer();
    let (_tx, never) = chan::chan::<()>(0);
    let ended = select! {
        recv(never) -> _ => false,
        recv(ctx.done()) -> _ => true,
    };
    assert!(ended && start.elapsed() >= 2 * MILLISECOND);
    let error = ctx.err().unwrap();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "context deadline exceeded");
}

fn deadlines() {
    let soon = Instant::now() + MILLISECOND;
    let (parent, cancel) = context::with_deadline(&context::background(), soon);
    let _cancel = cancel.defer();
    let (child, cancel) = context::with_deadline(&parent, soon + HOUR);
    let _cancel_child = cancel.defer();
    assert_eq!((parent.deadline(), child.deadline()), (Some(soon), Some(soon)));
    child.done().recv();
    assert_eq!(child.err(), Some(ContextError::DeadlineExceeded));
    let (past, cancel) = context::with_deadline(&context::background(), Instant::now() - MILLISECOND);
    assert_eq!(past.err(), Some(ContextError::DeadlineExceeded));
    cancel.cancel();
}

fn values() {
    let outer = context::with_value::<Name>(&context::background(), "outer");
    let (between, cancel) = context::with_cancel(&outer);
    let inner = context::with_value::<Name>(&between, "inner");
    assert_eq!(context::background().value::<Name>(), None);
    assert_eq!((between.value::<Name>(), inner.value::<Name>()), (Some(&"outer"), Some(&"inner")));
    cancel.cancel();
    assert_eq!(inner.err(), Some(ContextError::Canceled));
}

fn without_cancel() {
    let named = context::with_value::<Name>(&context::background(), "request");
    let (request, cancel) = context::with_timeout(&named, HOUR);
    let log = context::without_cancel(&request);
    cancel.cancel();
    assert!(request.err().is_some() && log.err().is_none());
    assert!(log.deadline().is_none() && log.done().is_nil());
    assert_eq!(log.value::<Name>(), Some(&"request"));
}

fn functions() {
    let (ctx, cancel) = context::with_cancel(&context::background());
    let (tx, rx) = chan::chan(1);
    let ran = context::after_func(&ctx, move || tx.send("ran"));
    let called_off = context::after_func(&ctx, || unreachable!("it was stopped"));
    assert!(called_off.stop() && !called_off.stop());
    cancel.cancel();
    assert_eq!(rx.recv(), Some("ran"));
    assert!(!ran.stop());
}

fn workers() {
    let (ctx, cancel) = context::with_cancel(&context::background());
    let (tx, rx) = chan::chan(0);
    let done = Arc::new(Mutex::new(0));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (ctx, rx, done) = (ctx.clone(), rx.clone(), Arc::clone(&done));
            go(move || {
                loop {
                    select! {
                        recv(rx) -> n => *done.lock().unwrap() += n.unwrap_or(0),
                        recv(ctx.done()) -> _ => return,
                    }
                }
            })
        })
        .collect();
    (1..=3).for_each(|n| tx.send(n));
    cancel.cancel();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!(*done.lock().unwrap(), 6);
}
