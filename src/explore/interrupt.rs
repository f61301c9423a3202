//! Stops a thread for good and finds out where it was.
//!
//! Invariant: the signal handler touches only its own static buffer, captures raw addresses and
//! then sleeps for ever; symbols are looked up by the thread that asked. One interruption is under
//! way at a time.

use crate::model::frames::{is_user_code, user_frame};
use selvedge_checkers::ids::Site;
use selvedge_checkers::op::OpKind;
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

    /// Stop the thread for ever, and see where it was.
    pub(super) fn stop(&self) -> Stopped {
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
        let ips = ADDRESSES[..captured].iter().map(|a| a.load(Ordering::Relaxed).saturating_sub(1));
        let ips: Vec<usize> = ips.collect();
        Stopped { site: user_frame(&ips).unwrap_or_default(), op: wait(&ips) }
    }
}

/// Where a thread was stopped.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The innermost place of user code; empty if there is none.
    pub(super) site: Site,
    /// What it waited for, if that was something of std's; otherwise it is only on its way.
    pub(super) op: OpKind,
}

impl Default for Stopped {
    fn default() -> Stopped {
        Stopped { site: Site::default(), op: OpKind::Start }
    }
}

/// Functions of std that wait: what the name of their type or module has in it, what the name of their
/// file has, their own name, what they do. With line tables alone, as release builds have them, a function that was
/// inlined has no name but its own.
const WAITS: &[(&str, &str, &str, OpKind)] = &[
    ("JoinHandle", "/thread/", "join", OpKind::Join),
    ("::scope", "/thread/", "scope", OpKind::Join),
    ("Condvar", "/condvar", "wait", OpKind::CondWait),
    ("Condvar", "/condvar", "wait_while", OpKind::CondWait),
    ("Condvar", "/condvar", "wait_timeout", OpKind::CondWait),
    ("Barrier", "/barrier", "wait", OpKind::BarrierWait),
    ("mpsc::Receiver", "/mpsc", "recv", OpKind::Receive),
    ("mpsc::Receiver", "/mpsc", "recv_timeout", OpKind::Receive),
    ("mpsc::SyncSender", "/mpsc", "send", OpKind::Send),
    ("Mutex", "/mutex", "lock", OpKind::Lock),
    ("RwLock", "/rwlock", "read", OpKind::ReadLock),
    ("RwLock", "/rwlock", "write", OpKind::WriteLock),
    ("thread::", "/thread/", "sleep", OpKind::Sleep),
    ("thread::", "/thread/", "park", OpKind::Park),
];

/// A signal that nothing else in the process is likely to use.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn signal() -> i32 {
    libc::SIGRTMIN() + 11
}

/// As above: where there are no signals for programs to choose from, the one for emulated instructions.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn signal() -> i32 {
    libc::SIGEMT
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

/// What user code waits for in std: the outermost function of those it called is the one it named.
fn wait(ips: &[usize]) -> OpKind {
    let mut called: Vec<(String, String)> = Vec::new();
    let mut at_home = false;
    for &ip in ips {
        backtrace::resolve(ip as *mut _, |symbol| {
            let name = symbol.name().map(|n| format!("{n:#}")).unwrap_or_default();
            let file = symbol.filename().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
            at_home |= is_user_code(&file, &name);
            if !at_home {
                called.push((name, file));
            }
        });
        if at_home {
            break;
        }
    }
    let known = |(name, file): &(String, String)| {
        let is = |part: &str, place: &str, function: &str| match name.split('<').next() {
            Some(bare) if !bare.contains("::") && !bare.is_empty() => {
                bare == function && file.contains("/std/src/") && file.contains(place)
            }
            _ => name.contains(part) && name.ends_with(&format!("::{function}")),
        };
        let wait = WAITS.iter().find(|(part, place, function, _)| is(part, place, function));
        wait.map(|(.., op)| *op)
    };
    called.iter().rev().find_map(known).unwrap_or(OpKind::Start)
}
