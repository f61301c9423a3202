//! A goroutine that runs off its stack: the program ends, and says which one and what to do.
//!
//! The handler runs on a signal stack that each thread of the runtime has, knows a guard page by its
//! address, and finds the goroutine by the number of the slot. Invariants: it allocates nothing,
//! takes no lock and prints with `write(2)`; a fault that is not in a guard page goes to the handler
//! that was there before.
//!
//! Does not catch: an overflow on a thread that is not the runtime's, which is std's or the system's.

use super::arena;
use super::g::G;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::Ordering;

/// What helps.
pub(super) const REMEDY: &str = "raise the limit with Runtime::builder().stack_size(bytes)\n";

/// Bytes of a signal stack: the kernel's frame alone may take 12 KiB.
const SIZE: usize = 64 << 10;

/// Signals that a guard page raises.
const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// The handlers there were before, in the order of [`SIGNALS`].
struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; 2]>);
// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}
static PREVIOUS: Previous = Previous(UnsafeCell::new([MaybeUninit::uninit(); 2]));

/// Install the handler, for the whole process.
pub(super) fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        for (nth, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: all zeroes is a valid `sigaction`; `PREVIOUS` is written before our handler can
            // run, and the handler has the signature that `SA_SIGINFO` asks for.
            unsafe {
                let previous = (*PREVIOUS.0.get())[nth].as_mut_ptr();
                libc::sigaction(signal, std::ptr::null(), previous);
                let mut action: libc::sigaction = std::mem::zeroed();
                let handler: Handler = on_fault;
                action.sa_sigaction = handler as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            }
        }
    });
}

/// Give this thread a signal stack with room for the handler. It stays as long as the thread, which
/// never ends.
pub(super) fn protect_thread() {
    let memory = Box::leak(vec![0_u8; SIZE].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: SIZE };
    // SAFETY: the stack is `SIZE` bytes that are never freed, or used for anything else.
    unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) };
}

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t` for the fault.
    let address = unsafe { (*info).si_addr() }.addr();
    if let Some(g) = arena::guarded(address) {
        tell(g, address);
        // SAFETY: takes nothing.
        unsafe { libc::abort() };
    }
    let nth = SIGNALS.iter().position(|&known| known == signal).unwrap_or(0);
    // SAFETY: `PREVIOUS` was filled before this handler was installed; a handler that it names is
    // called as the kernel would have.
    unsafe {
        let previous = (*PREVIOUS.0.get())[nth].as_ptr();
        let handler = (*previous).sa_sigaction;
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            // Let it happen again without us.
            libc::sigaction(signal, previous, std::ptr::null_mut());
        } else if (*previous).sa_flags & libc::SA_SIGINFO != 0 {
            std::mem::transmute::<usize, Handler>(handler)(signal, info, context);
        } else {
            std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler)(signal);
        }
    }
}

/// Text put together without allocating.
struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = &mut self.bytes[self.len..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

fn tell(g: &G, address: usize) {
    use std::fmt::Write as _;
    let mut text = Text { bytes: [0; 1024], len: 0 };
    let kib = arena::usable() >> 10;
    let _ = write!(text, "fatal error: stack overflow\n\ngoroutine {}", g.id());
    // SAFETY: the goroutine runs, so nobody frees its name.
    if let Some(name) = unsafe { g.name.load(Ordering::Relaxed).as_ref() } {
        let _ = write!(text, " ({name:?})");
    }
    let _ = writeln!(text, " used more than the {kib} KiB of its stack; it faulted at {address:#x}");
    if let Some(site) = g.site() {
        let _ = writeln!(text, "created at {site}");
    }
    let _ = text.write_str(REMEDY);
    // SAFETY: the buffer is ours, and `write` may be called in a handler.
    unsafe { libc::write(libc::STDERR_FILENO, text.bytes.as_ptr().cast(), text.len) };
}
