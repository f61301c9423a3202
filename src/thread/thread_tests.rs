//! Tests of `thread`, on plain threads and in a model.

use super::{Builder, current, park, park_timeout, scope, sleep, spawn, yield_now};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn handles_name_their_threads() {
    let builder = Builder::new().name("worker".to_owned()).stack_size(1 << 16);
    let handle = builder.spawn(|| (current().id(), current().name().map(str::to_owned))).unwrap();
    let id = handle.thread().id();
    assert_eq!(handle.thread().name(), Some("worker"));
    assert_ne!(id, current().id());
    assert_eq!(current().id(), current().id());
    assert_eq!(handle.join().unwrap(), (id, Some("worker".to_owned())));
    assert!(spawn(|| current().name().is_none()).join().unwrap());
}

fn tokens_wake() {
    let handle = spawn(|| {
        let mut woken = 0;
        while woken < 2 {
            park_timeout(Duration::from_secs(1000));
            woken += 1;
        }
    });
    while !handle.is_finished() {
        handle.thread().unpark();
        yield_now();
    }
    handle.join().unwrap();
    current().unpark();
    park();
    park_timeout(Duration::from_millis(1));
    sleep(Duration::from_millis(1));
}

fn scopes_borrow() {
    let words = ["go".to_owned(), "rust".to_owned()];
    let mut count = 0;
    let total = scope(|s| {
        s.spawn(|| count += words.len());
        let letters: Vec<_> = words.iter().map(|w| s.spawn(move || w.len())).collect();
        letters.into_iter().map(|h| h.join().unwrap()).sum::<usize>()
    });
    assert_eq!((count, total), (2, 6));
    // A thread of the scope starts another, which nobody joins.
    let deep = AtomicUsize::new(0);
    scope(|s| {
        s.spawn(|| {
            s.spawn(|| deep.store(1, Ordering::SeqCst));
        });
    });
    assert_eq!(deep.into_inner(), 1);
}

fn scopes_tell_of_panics() {
    let ended = AtomicUsize::new(0);
    let run = || {
        scope(|s| {
            s.spawn(|| panic!("inside"));
            s.spawn(|| ended.fetch_add(1, Ordering::SeqCst));
        });
    };
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a scoped thread panicked"));
    let run = || {
        scope(|s| {
            s.spawn(|| ended.fetch_add(1, Ordering::SeqCst));
            panic!("itself")
        })
    };
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"itself"));
    assert_eq!(ended.into_inner(), 2);
    // Who joins knows; the scope itself has nothing to tell then.
    scope(|s| {
        let panic = s.spawn(|| panic!("joined")).join().unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"joined"));
    });
}

crate::thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(5) };
    static NAMES: RefCell<Vec<String>> = RefCell::new(vec!["first".to_owned()]);
    static WITNESS: RefCell<Option<Witness>> = const { RefCell::new(None) }
}

/// Counts its drops, and operates on objects while it does.
struct Witness(Arc<crate::sync::Mutex<Vec<u32>>>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(NUMBER.get());
    }
}

fn locals_belong_to_one_thread() {
    NUMBER.set(6);
    NAMES.with_borrow_mut(|names| names.push("second".to_owned()));
    let dropped = Arc::new(crate::sync::Mutex::new(Vec::new()));
    let witness = Witness(Arc::clone(&dropped));
    let seen = spawn(move || {
        let before = (NUMBER.get(), NAMES.with_borrow(Vec::len));
        NUMBER.set(7);
        NAMES.take();
        WITNESS.set(Some(witness));
        yield_now();
        (before, NUMBER.replace(8), NAMES.with_borrow(Vec::len))
    });
    assert_eq!(seen.join().unwrap(), ((5, 1), 7, 0));
    assert_eq!(*dropped.lock().unwrap(), [8]);
    assert_eq!((NUMBER.take(), NAMES.replace(Vec::new()).len()), (6, 2));
    NUMBER.set(5);
    NAMES.set(vec!["first".to_owned()]);
}

const ALL: [fn(); 5] = [
    handles_name_their_threads,
    tokens_wake,
    scopes_borrow,
    scopes_tell_of_panics,
    locals_belong_to_one_thread,
];

#[test]
fn as_std_on_threads() {
    ALL.iter().for_each(|f| f());
    assert_eq!(super::available_parallelism().ok(), std::thread::available_parallelism().ok());
}

#[test]
fn a_long_scope_lets_go_of_its_threads() {
    let run = |panics: bool| {
        let done = AtomicUsize::new(0);
        let all = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                for i in 0..500 {
                    let done = &done;
                    s.spawn(move || {
                        done.fetch_add(1, Ordering::SeqCst);
                        assert!(i != 3 || !panics, "early");
                    });
                    while i % 50 == 0 && done.load(Ordering::SeqCst) <= i {
                        yield_now();
                    }
                }
            });
        }));
        (done.into_inner(), all.is_ok())
    };
    assert_eq!(run(false), (500, true));
    assert_eq!(run(true), (500, false));
}

#[test]
fn a_name_without_null_bytes() {
    let named = Builder::new().name("a\0b".to_owned());
    assert!(catch_unwind(|| named.spawn(|| ())).is_err());
}

#[cfg(feature = "check")]
mod in_a_model {
    use super::{ALL, Arc, AtomicUsize, Mutex, NUMBER, Ordering, RefCell, park, scope, spawn};
    use crate::explore::strategies::Random;
    use crate::model::{Limits, Worker};
    use crate::trial_tests::{clean, explore, outcomes, slug};
    use crate::{chan, go, sync};
    use selvedge_checkers::finding::Slug;

    #[test]
    fn as_std_in_a_model() {
        for f in ALL {
            clean(200, f);
        }
    }

    #[test]
    fn every_execution_has_fresh_locals() {
        let seen = outcomes(10, || {
            let before = NUMBER.get();
            NUMBER.set(before + 1);
            before
        });
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_token_nobody_gives_is_a_deadlock() {
        assert_eq!(slug(100, || (0..9).for_each(|_| park())), Some(Slug::Deadlock));
    }

    #[test]
    fn tokens_given_before_count_once() {
        clean(300, || {
            let handle = spawn(park);
            handle.thread().unpark();
            handle.join().unwrap();
        });
    }

    #[test]
    fn a_panic_nobody_joins_is_found() {
        assert_eq!(slug(10, || drop(spawn(|| panic!("lost")))), Some(Slug::Panic));
        assert_eq!(slug(10, || drop(spawn(|| panic!("joined")).join())), None);
    }

    /// Writes to what it borrows when it is dropped: memory that must still be there.
    struct Late<'a>(&'a Mutex<Vec<usize>>, usize);

    impl Drop for Late<'_> {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1);
        }
    }

    /// A list on a goroutine's stack, which says when it goes how long it was.
    struct List(Mutex<Vec<usize>>, Arc<AtomicUsize>);

    impl Drop for List {
        fn drop(&mut self) {
            self.1.store(self.0.lock().unwrap().len(), Ordering::SeqCst);
        }
    }

    /// A scope whose threads block for ever, one of them started by another, one never run.
    fn stuck(len: &Arc<AtomicUsize>) {
        let list = List(Mutex::new(vec![100; 64]), Arc::clone(len));
        let (_tx, rx) = chan::chan::<()>(0);
        scope(|s| {
            for i in 0..2 {
                let (list, rx) = (&list.0, rx.clone());
                s.spawn(move || {
                    let _late = Late(list, i);
                    let inner = rx.clone();
                    s.spawn(move || {
                        let _late = Late(list, 10 + i);
                        inner.recv();
                    });
                    rx.recv();
                });
            }
            let _late = Late(&list.0, 20);
        });
        unreachable!("the scope never ends");
    }

    #[test]
    fn blocked_threads_are_gone_before_what_they_borrow() {
        let len = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&len);
        for _ in 0..20 {
            let seen = Arc::clone(&seen);
            assert_eq!(slug(1, move || stuck(&seen)), Some(Slug::Deadlock));
            assert_eq!(len.swap(0, Ordering::SeqCst), 64 + 5);
        }
        // Main has returned, and the owner of the scope is a leaked goroutine.
        let leaked = move || {
            let seen = Arc::clone(&seen);
            go(move || stuck(&seen));
        };
        assert_eq!(slug(1, leaked), Some(Slug::LeakedGoroutine));
        assert_eq!(len.load(Ordering::SeqCst), 64 + 5);
    }

    #[test]
    fn blocked_threads_drop_their_locals() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&dropped);
        struct Operates(Arc<AtomicUsize>, sync::Mutex<()>);
        impl Drop for Operates {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
                drop(self.1.lock());
            }
        }
        crate::thread_local! {
            static FIRST: RefCell<Option<Operates>> = const { RefCell::new(None) };
            static SECOND: RefCell<Option<Operates>> = const { RefCell::new(None) };
        }
        let found = slug(1, move || {
            FIRST.set(Some(Operates(Arc::clone(&seen), sync::Mutex::new(()))));
            SECOND.set(Some(Operates(Arc::clone(&seen), sync::Mutex::new(()))));
            chan::nil::<()>().1.recv();
        });
        assert_eq!(found, Some(Slug::Deadlock));
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_owner_that_ends_itself_waits_for_its_threads() {
        clean(100, || {
            let list = Arc::new(Mutex::new(Vec::new()));
            let shown = Arc::clone(&list);
            let owner = go(move || {
                let here = Mutex::new(Vec::new());
                let _copies = Copies(&here, &shown);
                scope(|s| {
                    s.spawn(|| {
                        super::yield_now();
                        here.lock().unwrap().push(1);
                    });
                    s.spawn(|| crate::runtime::goexit());
                    crate::runtime::goexit()
                })
            });
            assert!(owner.join().is_err());
            assert_eq!(*list.lock().unwrap(), [1]);
        });
    }

    /// Says what a list on a goroutine's stack held when it went.
    struct Copies<'a>(&'a Mutex<Vec<usize>>, &'a Mutex<Vec<usize>>);

    impl Drop for Copies<'_> {
        fn drop(&mut self) {
            self.1.lock().unwrap().append(&mut self.0.lock().unwrap());
        }
    }

    #[test]
    fn an_execution_that_ends_early_keeps_the_order() {
        let len = Arc::new(AtomicUsize::new(0));
        let ends = Arc::clone(&len);
        // Somebody dies of a misuse nothing recovers from, at any point of the scope.
        let found = explore(20, move || {
            let list = List(Mutex::new(Vec::new()), Arc::clone(&ends));
            let dies = go(|| sync::RawMutex::new().unlock());
            scope(|s| {
                for i in 0..3 {
                    let list = &list.0;
                    s.spawn(move || {
                        let _late = Late(list, i);
                        drop(sync::Mutex::new(()).lock());
                        super::yield_now();
                    });
                }
            });
            dies.join().unwrap();
        });
        assert_eq!(found.map(|r| r.findings[0].slug), Some(Slug::UnlockOfUnlocked));
    }

    #[test]
    fn an_owner_that_panics_waits_for_its_threads() {
        clean(200, || {
            let panic = go(|| {
                let list = Mutex::new(Vec::new());
                let (tx, rx) = chan::chan(0);
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    scope(|s| {
                        s.spawn(|| {
                            let _late = Late(&list, 1);
                            rx.recv();
                        });
                        s.spawn(|| tx.send(()));
                        panic!("owner");
                    })
                }));
                assert_eq!(*list.lock().unwrap(), [1]);
                std::panic::resume_unwind(caught.unwrap_err());
            });
            assert_eq!(panic.join().unwrap_err().downcast_ref::<&str>(), Some(&"owner"));
        });
    }

    /// Opens a scope when it is dropped, and so while its goroutine unwinds.
    struct ScopeInDrop(Arc<AtomicUsize>);

    impl Drop for ScopeInDrop {
        fn drop(&mut self) {
            let list = List(Mutex::new(Vec::new()), Arc::clone(&self.0));
            scope(|s| {
                s.spawn(|| drop(Late(&list.0, 1)));
            });
        }
    }

    #[test]
    fn a_scope_that_cannot_wait_keeps_what_its_threads_borrow() {
        // Afterwards the thread's panic count is off: it must be a thread of its own.
        let run = || {
            let len = Arc::new(AtomicUsize::new(99));
            let seen = Arc::clone(&len);
            let body: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
                let _opens = ScopeInDrop(Arc::clone(&seen));
                panic!("while it unwinds");
            });
            let mut worker = Worker::new(Box::new(Random::new(1)), Limits::default(), Arc::default());
            let report = worker.run(0, &body, std::panic::Location::caller(), false).unwrap();
            // Its list was never dropped: the stack it is on was abandoned.
            (report.findings[0].slug, worker.is_tainted(), len.load(Ordering::SeqCst))
        };
        assert_eq!(std::thread::spawn(run).join().unwrap(), (Slug::Panic, true, 99));
    }

    #[test]
    fn threads_of_a_scope_may_join_each_other() {
        clean(300, || {
            scope(|s| {
                let first = s.spawn(|| 1);
                let second = s.spawn(move || first.join().unwrap() + 1);
                s.spawn(move || assert_eq!(second.join().unwrap(), 2));
            });
        });
    }
}
