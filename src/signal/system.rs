//! The operating system's signals.
//!
//! A thread of its own waits for them and delivers; no code of ours runs in a signal handler. Invariants: it exists
//! from the first request on; a signal that arrives while nobody listens for it does what it would have done.

use super::{Signal, deliver};
use signal_hook::consts::FORBIDDEN;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::{Mutex, PoisonError};

/// The highest number of a signal that is not a real-time one.
const HIGHEST: i32 = 31;

/// How to ask for more signals, once the thread exists.
static HANDLE: Mutex<Option<Handle>> = Mutex::new(None);

/// Have these signals delivered, or all if none is named.
///
/// # Panics
/// If one cannot be, or the system has no thread or descriptor left.
pub(super) fn listen(signals: &[Signal]) {
    for signal in signals {
        let number = signal.number();
        assert!(
            !FORBIDDEN.contains(&number),
            "selvedge: signal {number} ({signal}) cannot be caught; leave it out of `signal::notify`"
        );
        if let Err(error) = request(number) {
            panic!("selvedge: signal {number} ({signal}) cannot be listened for: {error}");
        }
    }
    if signals.is_empty() {
        for number in (1..=HIGHEST).filter(|number| !FORBIDDEN.contains(number)) {
            if let Err(error) = request(number) {
                panic!("selvedge: signal {number} cannot be listened for: {error}");
            }
        }
    }
}

fn request(number: i32) -> io::Result<()> {
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*handle {
        Some(handle) => handle.add_signal(number),
        None => {
            let mut signals = Signals::new([number])?;
            let made = signals.handle();
            std::thread::Builder::new().name("selvedge-signals".into()).spawn(move || {
                for number in signals.forever() {
                    arrived(number);
                }
            })?;
            *handle = Some(made);
            Ok(())
        }
    }
}

fn arrived(number: i32) {
    if deliver(Signal::from_number(number)).is_none() {
        // Whoever listened has stopped: it ends the program, or whatever else it does.
        let _ = emulate_default_handler(number);
    }
}
