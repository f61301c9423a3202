//! The ends of a program that nobody wanted, in Go's words.
//!
//! Invariants: everything here ends the process, with exit code 2 as Go does; what is printed names
//! each goroutine, what it waits for, where, for how long, and who started it.
//!
//! Source: Go's `runtime/panic.go`, `runtime/traceback.go`.

use super::census::{self, Question};
use super::dump;
use super::g::G;
use super::{mode, unwinding, wait};
use std::any::Any;
use std::io::Write as _;
use std::sync::Mutex;

/// One end is enough: whoever comes second waits for it.
static ENDING: Mutex<()> = Mutex::new(());

fn end(text: &str) -> ! {
    let held = ENDING.lock();
    let _ = std::io::stderr().write_all(text.as_bytes());
    // Nobody else gets to print while the process ends.
    std::mem::forget(held);
    std::process::exit(2)
}

/// What every goroutine is doing, the caller first.
pub(crate) fn everybody() -> String {
    dump::text(&census::take(Question::EVERYTHING), census::myself())
}

/// Nothing can happen any more.
pub(super) fn all_asleep() -> ! {
    let threads = match wait::blocked_threads() {
        0 => String::new(),
        1 => "\nOne thread that is no goroutine waits as well.\n".into(),
        n => format!("\n{n} threads that are no goroutines wait as well.\n"),
    };
    let kept = unwinding::text();
    end(&format!("fatal error: all goroutines are asleep - deadlock!\n{threads}{kept}{}", everybody()))
}

/// A goroutine can never go on, and the program said that this is its end.
pub(super) fn leaked(text: &str) -> ! {
    end(&format!("fatal error: {text}\n{}", everybody()))
}

/// The signal came.
pub(super) fn quit() -> ! {
    end(&format!("SIGQUIT: quit\n{}", everybody()))
}

/// Main has ended itself, and so have all others.
pub(super) fn nobody_left() -> ! {
    end("fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n")
}

/// A goroutine panicked, and nobody joins it: end the program, unless it said that others go on.
pub(super) fn uncaught(payload: &(dyn Any + Send), id: u64) {
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "a value that is no text",
    };
    if mode::isolates() {
        eprintln!("selvedge: goroutine {id} panicked, and nobody joins it: {message}");
    } else {
        end(&format!("panic: {message}\n{}", everybody()))
    }
}

/// A goroutine overran its stack, as its canary tells.
pub(super) fn overflow(g: &G) -> ! {
    end(&format!(
        "fatal error: stack overflow\n\ngoroutine {} overran its stack of {} KiB{}\n{}",
        g.id(),
        super::arena::usable() >> 10,
        g.site().map_or(String::new(), |site| format!("\ncreated at {site}")),
        super::overflow::REMEDY,
    ))
}
