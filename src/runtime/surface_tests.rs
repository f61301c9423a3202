//! Tests of `runtime`, on plain threads and in a model.

use super::{goexit, gomaxprocs, gosched, lock_os_thread, num_cpu, num_goroutine, unblock, unlock_os_thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Deferred(Arc<AtomicUsize>);

impl Drop for Deferred {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn goexit_runs_what_was_deferred() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let deferred = Deferred(Arc::clone(&dropped));
    let ended: std::thread::Result<()> = crate::Goroutine::join(crate::go(move || {
        let _deferred = deferred;
        goexit()
    }));
    assert_eq!(ended.unwrap_err().downcast_ref::<&str>(), Some(&"the goroutine was ended"));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    // Nobody joins this one, and nobody is told.
    drop(crate::go(|| goexit()));
}

#[test]
fn on_threads() {
    goexit_runs_what_was_deferred();
    gosched();
    lock_os_thread();
    unlock_os_thread();
    assert_eq!(unblock(|| 7), 7);
    assert!(num_goroutine() >= 1 && num_cpu() >= 1);
    // Goroutines have been started.
    let before = gomaxprocs(3);
    assert!(before >= 1);
    assert_eq!((gomaxprocs(0), gomaxprocs(7)), (before, before));
    assert_eq!(super::main(|| 5), 5);
}

/// Runs itself once more, in a process of its own: what it tests ends the process.
#[test]
fn main_that_ends_itself_waits_and_dies() {
    const INSIDE: &str = "SELVEDGE_TEST_MAIN_GOEXIT";
    if std::env::var_os(INSIDE).is_some() {
        return super::main(|| {
            drop(crate::go(|| {
                crate::thread::sleep(std::time::Duration::from_millis(30));
                eprintln!("the others go on");
            }));
            goexit()
        });
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "runtime::tests::main_that_ends_itself_waits_and_dies", "--nocapture"]);
    let output = again.env(INSIDE, "1").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let (others, deadlock) = (errors.find("the others go on"), errors.find("no goroutines (main called"));
    assert!(others.is_some() && others < deadlock, "{errors}");
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(feature = "check")]
mod in_a_model {
    use super::{goexit, goexit_runs_what_was_deferred, gomaxprocs, gosched, num_cpu, num_goroutine};
    use crate::trial_tests::{clean, slug};
    use selvedge_checkers::finding::Slug;

    #[test]
    fn as_on_threads() {
        clean(100, goexit_runs_what_was_deferred);
        clean(10, || {
            assert_eq!((num_cpu(), gomaxprocs(1), gomaxprocs(0)), (4, 4, 4));
            assert_eq!(num_goroutine(), 1);
            let handle = crate::go(gosched);
            assert_eq!(num_goroutine(), 2);
            handle.join().unwrap();
            assert_eq!(num_goroutine(), 1);
            crate::hint::spin_loop();
        });
    }

    #[test]
    fn main_that_ends_itself_leaves_a_deadlock() {
        let done = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&done);
        let found = slug(1, move || {
            let count = std::sync::Arc::clone(&count);
            crate::go(move || {
                gosched();
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            });
            goexit();
        });
        assert_eq!(found, Some(Slug::Deadlock));
        assert_eq!(done.load(std::sync::atomic::Ordering::SeqCst), 1, "the others go on");
    }
}
