//! `std::thread`.

use crate::Program;
use selvedge::sync::Arc;
use selvedge::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use selvedge::thread;
use selvedge::time::MILLISECOND;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub(crate) const ALL: &[Program] = &[
    ("a thread gives its result, or its panic", results),
    ("a token is kept", tokens),
    ("who parks is woken", parked),
    ("a token that comes with the end of the time is taken", timed),
    ("threads of a scope borrow, and end with it", scopes),
    ("threads of a scope start others", nested),
    ("a scope tells of a panic that nobody joined", scope_panics),
    ("handles know their thread", handles),
];

fn results() {
    assert_eq!(thread::spawn(|| 6 * 7).join().unwrap(), 42);
    let failed = thread::spawn(|| resume_unwind(Box::new("no"))).join();
    assert_eq!(failed.map(|()| 0).unwrap_err().downcast_ref::<&str>(), Some(&"no"));
}

fn tokens() {
    let me = thread::current();
    me.unpark();
    thread::park();
    // One that others give is not lost either, whoever is first.
    let other = thread::spawn(move || me.unpark());
    thread::park();
    other.join().unwrap();
}

fn parked() {
    let told = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&told);
    let waits = thread::spawn(move || {
        while !theirs.load(Ordering::Acquire) {
            thread::park();
        }
    });
    told.store(true, Ordering::Release);
    waits.thread().unpark();
    waits.join().unwrap();
}

fn timed() {
    let waits = thread::spawn(|| thread::park_timeout(MILLISECOND));
    thread::sleep(MILLISECOND);
    waits.thread().unpark();
    waits.join().unwrap();
}

fn scopes() {
    let words = ["go", "rust"];
    let letters = AtomicUsize::new(0);
    let longest = thread::scope(|s| {
        let all = words.map(|word| {
            s.spawn(|| {
                letters.fetch_add(word.len(), Ordering::Relaxed);
                word.len()
            })
        });
        all.into_iter().map(|thread| thread.join().unwrap()).max()
    });
    assert_eq!((letters.load(Ordering::Relaxed), longest), (6, Some(4)));
}

fn nested() {
    let ran = AtomicUsize::new(0);
    thread::scope(|s| {
        let first = s.spawn(|| {
            s.spawn(|| ran.fetch_add(1, Ordering::Relaxed));
        });
        // One joins the other, while the scope may wait for both.
        s.spawn(|| first.join().unwrap());
    });
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

fn scope_panics() {
    let run = || {
        thread::scope(|s| {
            let joined = s.spawn(|| resume_unwind(Box::new("joined")));
            assert!(joined.join().map(|()| 0).is_err());
        });
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_ok());
}

fn handles() {
    let thread = thread::Builder::new().name("worker".into()).spawn(|| thread::current().id()).unwrap();
    let (id, name) = (thread.thread().id(), thread.thread().name().map(str::to_owned));
    assert_eq!(name.as_deref(), Some("worker"));
    assert!(id != thread::current().id());
    assert_eq!(thread.join().unwrap(), id);
}
