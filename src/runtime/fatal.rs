//! The ends of a program that nobody wanted, in Go's words.
//!
//! Invariants: everything here ends the process, with exit code 2 as Go does; what is printed names
//! each goroutine, what it waits for, where, for how long, and who started it.
//!
//! Source: Go's `runtime/panic.go`, `runtime/traceback.go`.

use super::clock;
use super::g::{self, G, Portrait};
use super::m::current;
use std::any::Any;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;

/// One end is enough: whoever comes second waits for it.
static ENDING: Mutex<()> = Mutex::new(());

const MINUTE: u64 = 60_000_000_000;

/// Every goroutine, the oldest first.
pub(crate) fn portraits() -> Vec<Portrait> {
    let mut all = Vec::new();
    g::each(|g| all.extend(g.portrait()));
    all.sort_by_key(|portrait| portrait.id);
    all
}

/// A goroutine, as Go's dumps write it.
fn describe(portrait: &Portrait, text: &mut String) {
    let _ = write!(text, "\ngoroutine {} [", portrait.id);
    match (&portrait.waits, portrait.running) {
        (Some(wait), _) => {
            text.push_str(wait.reason.text());
            let minutes = clock::now().saturating_sub(wait.since) / MINUTE;
            if minutes > 0 {
                let _ = write!(text, ", {minutes} minutes");
            }
        }
        (None, true) => text.push_str("running"),
        (None, false) => text.push_str("runnable"),
    }
    if portrait.locked {
        text.push_str(", locked to thread");
    }
    text.push_str("]:\n");
    if let Some(name) = &portrait.name {
        let _ = writeln!(text, "named {name:?}");
    }
    if let Some(wait) = &portrait.waits {
        if let Some(site) = wait.site {
            let _ = writeln!(text, "\t{site}");
        }
        if wait.object != 0 {
            let _ = writeln!(text, "\tat the object {:#x}", wait.object);
        }
    }
    if let Some(created) = portrait.created.filter(|_| portrait.id != 1) {
        let _ = writeln!(text, "created in goroutine {}\n\t{created}", portrait.parent);
    }
}

/// What the goroutines are doing, in Go's form.
pub(crate) fn dump() -> String {
    let mut text = String::new();
    portraits().iter().for_each(|portrait| describe(portrait, &mut text));
    text
}

fn end(text: &str) -> ! {
    let held = ENDING.lock();
    let _ = std::io::stderr().write_all(text.as_bytes());
    // Nobody else gets to print while the process ends.
    std::mem::forget(held);
    std::process::exit(2)
}

/// Nothing can happen any more.
pub(super) fn all_asleep() -> ! {
    end(&format!("fatal error: all goroutines are asleep - deadlock!\n{}", dump()))
}

/// Main has ended itself, and so have all others.
pub(super) fn nobody_left() -> ! {
    end("fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n")
}

/// A goroutine panicked, and nobody joins it.
pub(super) fn uncaught(payload: &(dyn Any + Send)) -> ! {
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "a value that is no text",
    };
    let mut text = format!("panic: {message}\n");
    let mine = current().map(G::id);
    let (first, others): (Vec<_>, Vec<_>) = portraits().into_iter().partition(|p| Some(p.id) == mine);
    first.iter().chain(&others).for_each(|portrait| describe(portrait, &mut text));
    end(&text)
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
