//! SIGQUIT (Ctrl-\): the program says what its goroutines are doing, and ends, as a program of Go's.
//!
//! The handler only leaves a note and wakes the monitor, which does the rest. Invariants: the signal is
//! left alone if somebody else handles or ignores it, also if he does so later and calls the
//! handler that was there before, which is ours.
//!
//! Source: the documentation of Go's `os/signal`, "Default behavior of signals in Go programs".

#[cfg(unix)]
use super::monitor;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether the signal has come, and the program is to end.
#[inline]
pub(super) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Handle the signal, if nobody does. The monitor has been started.
#[cfg(unix)]
pub(super) fn install() {
    // SAFETY: all zeroes is a valid `sigaction`; the handler has the signature of one, and does only what a
    // handler may.
    unsafe {
        let mut before: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGQUIT, std::ptr::null(), &raw mut before);
        if before.sa_sigaction != libc::SIG_DFL {
            return;
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(libc::c_int) = on_quit;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGQUIT, &raw const action, std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
pub(super) fn install() {}

#[cfg(unix)]
extern "C" fn on_quit(_signal: libc::c_int) {
    // SAFETY: all zeroes is a valid `sigaction`, and the call may be made in a handler.
    let installed = unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGQUIT, std::ptr::null(), &raw mut now);
        now.sa_sigaction
    };
    let ours: extern "C" fn(libc::c_int) = on_quit;
    if installed == ours as usize {
        ASKED.store(true, Ordering::SeqCst);
        // A store and a system call.
        monitor::interrupt();
    }
}
