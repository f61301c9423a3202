//! Notices that the process is asked to end, so that a search can be written down first.
//!
//! Invariants: the handler sets a flag and nothing else; a second signal of the kind ends the process as
//! it would have; when nobody watches any more, the handlers are those of before.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static CAME: AtomicI32 = AtomicI32::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
const SIGNALS: [i32; 2] = [libc::SIGINT, libc::SIGTERM];

/// Watches while it lives.
pub(super) struct Watch {
    before: [libc::sigaction; 2],
    _one: MutexGuard<'static, ()>,
}

impl Watch {
    /// Begin to watch; whoever else does is waited for.
    pub(super) fn begin() -> Watch {
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        CAME.store(0, Ordering::Relaxed);
        let before = SIGNALS.map(|signal| {
            // SAFETY: the structs are plain data, for which all zeroes is a valid value; the handler has
            // the signature of a plain one and only stores to an atomic.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                let mut before: libc::sigaction = std::mem::zeroed();
                let handler: extern "C" fn(i32) = note;
                action.sa_sigaction = handler as usize;
                action.sa_flags = libc::SA_RESETHAND | libc::SA_RESTART;
                libc::sigaction(signal, &action, &mut before);
                before
            }
        });
        Watch { before, _one }
    }

    /// Whether the process is to end.
    pub(super) fn came(&self) -> bool {
        CAME.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Watch {
    /// Let the signal that came, if one did, have the effect it would have had.
    fn drop(&mut self) {
        for (signal, before) in SIGNALS.iter().zip(&self.before) {
            // SAFETY: `before` is what `sigaction` gave.
            unsafe { libc::sigaction(*signal, before, std::ptr::null_mut()) };
        }
        match CAME.swap(0, Ordering::Relaxed) {
            0 => {}
            // SAFETY: `raise` has no preconditions.
            signal => unsafe {
                libc::raise(signal);
            },
        }
    }
}

extern "C" fn note(signal: i32) {
    CAME.store(signal, Ordering::Relaxed);
}
