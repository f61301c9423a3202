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

/// Functions of std that wait: what their names have in them, how they end, what they do.
const WAITS: &[(&str, &str, OpKind)] = &[
    ("JoinHandle", "::join", OpKind::Join),
    ("::scope", "::scope", OpKind::Join),
    ("Condvar", "::wait", OpKind::CondWait),
    ("Condvar", "::wait_while", OpKind::CondWait),
    ("Condvar", "::wait_timeout", OpKind::CondWait),
    ("Barrier", "::wait", OpKind::BarrierWait),
    ("mpsc::Receiver", "::recv", OpKind::Receive),
    ("mpsc::Receiver", "::recv_timeout", OpKind::Receive),
    ("mpsc::SyncSender", "::send", OpKind::Send),
    ("Mutex", "::lock", OpKind::Lock),
    ("RwLock", "::read", OpKind::ReadLock),
    ("RwLock", "::write", OpKind::WriteLock),
    ("thread::", "::sleep", OpKind::Sleep),
    ("thread::", "::park", OpKind::Park),
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
    let mut called: Vec<String> = Vec::new();
    let mut at_home = false;
    for &ip in ips {
        backtrace::resolve(ip as *mut _, |symbol| {
            let name = symbol.name().map(|n| format!("{n:#}")).unwrap_or_default();
            at_home |= symbol.filename().is_some_and(|f| is_user_code(&f.to_string_lossy(), &name));
            if !at_home {
                called.push(name);
            }
        });
        if at_home {
            break;
        }
    }
    let known = |name: &String| {
        let wait = WAITS.iter().find(|(part, end, _)| name.contains(part) && name.ends_with(end));
        wait.map(|(.., op)| *op)
    };
    called.iter().rev().find_map(known).unwrap_or(OpKind::Start)
}
