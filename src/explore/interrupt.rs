//! Stops a thread for good and finds out where it was.
//!
//! Invariant: the signal handler touches only its own static buffer, captures raw addresses and
//! then sleeps for ever; symbols are looked up by the thread that asked. One interruption is under
//! way at a time.

use selvedge_checkers::ids::Site;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

/// How many frames are kept.
const FRAMES: usize = 64;
static ADDRESSES: [AtomicUsize; FRAMES] = [const { AtomicUsize::new(0) }; FRAMES];
/// Frames captured plus one; 0 while the handler has not run.
static CAPTURED: AtomicUsize = AtomicUsize::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A thread that may have to be stopped.
pub(super) struct Thread(libc::pthread_t);

impl Thread {
    pub(super) fn current() -> Thread {
        install();
        // SAFETY: `pthread_self` has no preconditions.
        Thread(unsafe { libc::pthread_self() })
    }

    /// Stop the thread for ever; the innermost place of user code it was in, if one is found.
    pub(super) fn stop(&self) -> Option<Site> {
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        CAPTURED.store(0, Ordering::Relaxed);
        // SAFETY: the caller saw the thread running and not ended; the handler is installed.
        unsafe { libc::pthread_kill(self.0, signal()) };
        for _ in 0..200 {
            if CAPTURED.load(Ordering::Acquire) != 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let captured = CAPTURED.load(Ordering::Acquire).saturating_sub(1);
        user_frame(&ADDRESSES[..captured])
    }
}

/// A signal that nothing else in the process is likely to use.
fn signal() -> i32 {
    libc::SIGRTMIN() + 11
}

fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // SAFETY: the struct is plain data, for which all zeroes is a valid value; the handler has
        // the signature `SA_SIGINFO` asks for and follows the module's invariant.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = capture_and_sleep;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(signal(), &action, std::ptr::null_mut());
        }
    });
}

extern "C" fn capture_and_sleep(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let mut n = 0;
    // SAFETY: interruptions are made one at a time (see `stop`), so this is the only thread that
    // walks a stack through this function now; the walk reads the interrupted stack only.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            ADDRESSES[n].store(frame.ip() as usize, Ordering::Relaxed);
            n += 1;
            n < FRAMES
        });
    }
    CAPTURED.store(n + 1, Ordering::Release);
    loop {
        // SAFETY: `pause` has no preconditions.
        unsafe { libc::pause() };
    }
}

/// The innermost frame that is neither ours nor of the standard library.
///
/// Optimised code has instructions that belong to no line, and a loop may be stopped at one: then
/// the closest instruction that has one speaks for the frame.
fn user_frame(addresses: &[AtomicUsize]) -> Option<Site> {
    const NEAR: usize = 64;
    let ips: Vec<usize> = addresses.iter().map(|a| a.load(Ordering::Relaxed).saturating_sub(1)).collect();
    let exact = ips.iter().find_map(|&ip| user_code_at(ip));
    exact.or_else(|| {
        let near = |ip: usize| (1..NEAR).flat_map(move |d| [ip.saturating_sub(d), ip.saturating_add(d)]);
        ips.iter().find_map(|&ip| near(ip).find_map(user_code_at))
    })
}

/// The user code that the instruction at `ip` was made from, innermost first.
fn user_code_at(ip: usize) -> Option<Site> {
    let mut found = None;
    backtrace::resolve(ip as *mut _, |symbol| {
        let (Some(file), Some(line)) = (symbol.filename(), symbol.lineno().filter(|&l| l > 0)) else {
            return;
        };
        let name = symbol.name().map(|n| n.to_string()).unwrap_or_default();
        if found.is_none() && is_user_code(&file.to_string_lossy(), &name) {
            let col = symbol.colno().unwrap_or(1);
            found = Some(Site { file: file.to_string_lossy().into_owned(), line, col });
        }
    });
    found
}

fn is_user_code(file: &str, function: &str) -> bool {
    // By file as well: with line tables alone a function's name lacks its crate.
    let ours = ["selvedge::", "corosensei::", "backtrace::"];
    let elsewhere = ["/rustlib/src/", "/registry/src/", "/git/checkouts/"];
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    // Rust only: the innermost frame of a thread that sleeps is the system's own.
    let of_a_package = file.ends_with(".rs")
        && !file.starts_with("/rustc/")
        && !file.starts_with(here)
        && !elsewhere.iter().any(|folder| file.contains(folder));
    // A trait method's name begins with `<`.
    of_a_package && !ours.iter().any(|p| function.trim_start_matches('<').starts_with(p))
}
