//! Go's documented semantics, on the model and on the runtime: the same programs on both.
//!
//! Source: the Go specification and the documentation of `sync`, `time`, `context`, `x/sync` and `x/time`; that of
//! `std::thread`. Invariants: a program is right
//! under every schedule, ends by itself, and leaves nobody behind; on the runtime each runs within a bound so
//! generous that only one that hangs exceeds it.

mod channels;
mod contexts;
mod extras;
mod locks;
mod misuse;
mod scheduling;
mod selects;
mod tasks;
mod threads;
mod timers;

use selvedge::Explorer;
use std::time::Duration;

/// A program with its name.
type Program = (&'static str, fn());

fn all() -> Vec<Program> {
    [
        channels::ALL,
        selects::ALL,
        locks::ALL,
        scheduling::ALL,
        timers::ALL,
        contexts::ALL,
        extras::ALL,
        threads::ALL,
        tasks::ALL,
    ]
    .concat()
}

#[test]
fn on_the_model() {
    for (name, program) in all() {
        let outcome = Explorer::new().executions(60).run(program);
        assert!(outcome.is_clean(), "{name}: {:?}", outcome.findings);
    }
}

#[test]
fn on_the_runtime() {
    for (name, program) in all() {
        for _ in 0..20 {
            let (done, wait) = std::sync::mpsc::channel();
            let running = std::thread::spawn(move || {
                // As a goroutine, and as a plain thread.
                selvedge::go(program).join().unwrap();
                program();
                let _ = done.send(());
            });
            let waited = wait.recv_timeout(Duration::from_secs(60));
            assert!(waited != Err(std::sync::mpsc::RecvTimeoutError::Timeout), "{name} hangs");
            assert!(running.join().is_ok(), "{name} fails");
        }
    }
}
