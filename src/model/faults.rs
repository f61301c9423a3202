//! A goroutine that runs off its stack: contained, as long as the platform allows.
//!
//! The page below each stack faults. The handler, on a signal stack of the worker's own, looks
//! whether the address is in that page of the goroutine that runs on this thread; if so it makes
//! the interrupted context return from the coroutine with [`Exit::Overflowed`], else it puts the
//! previous handler back and lets the fault happen again. What was on the stack is abandoned, not
//! dropped; so the worker's thread and engine are not used again.
//!
//! Does not contain: overflows on other systems than Linux on x86-64 and AArch64 (the process dies
//! with std's message), and one in the middle of the allocator, which may leave its lock taken (the
//! watchdog then reports the worker).

use super::goroutine::{Co, Exit};
use corosensei::trap::CoroutineTrapHandler;
use std::cell::Cell;
use std::sync::Once;

/// The goroutine that runs on this thread, for the handler.
#[derive(Clone, Copy)]
struct Running {
    trap: CoroutineTrapHandler<Exit>,
    limit: usize,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// The coroutine is about to run; `limit` is the lowest address of its stack's mapping.
#[inline]
pub(super) fn about_to_run(co: &Co, limit: usize) {
    RUNNING.set(Some(Running { trap: co.trap_handler(), limit }));
}

/// No coroutine runs on this thread any more.
pub(super) fn none_runs() {
    RUNNING.set(None);
}

/// A signal stack with room for a real handler, in use while it exists.
pub(super) struct SignalStack {
    _memory: Box<[u8]>,
    previous: libc::stack_t,
}

/// Bytes of a signal stack: the kernel's frame alone may take 12 KiB.
const SIZE: usize = 64 << 10;

impl SignalStack {
    pub(super) fn install() -> SignalStack {
        install_handler();
        let mut memory = vec![0_u8; SIZE].into_boxed_slice();
        let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: SIZE };
        // SAFETY: all zeroes is a valid `stack_t`; the new stack is `SIZE` bytes of memory that is
        // not freed before `drop` has put the previous stack back.
        let previous = unsafe {
            let mut previous: libc::stack_t = std::mem::zeroed();
            libc::sigaltstack(&stack, &mut previous);
            previous
        };
        SignalStack { _memory: memory, previous }
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: `previous` is what the kernel gave us for this thread, which is the one that made
        // this value (it is not `Send`, for the raw pointer in it).
        unsafe { libc::sigaltstack(&self.previous, std::ptr::null_mut()) };
    }
}

struct Previous(std::cell::UnsafeCell<std::mem::MaybeUninit<libc::sigaction>>);
// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}
static PREVIOUS: Previous = Previous(std::cell::UnsafeCell::new(std::mem::MaybeUninit::uninit()));

fn install_handler() {
    static INSTALL: Once = Once::new();
    // SAFETY: all zeroes is a valid `sigaction`; `PREVIOUS` is written before our handler can run,
    // and the handler has the signature that `SA_SIGINFO` asks for.
    INSTALL.call_once(|| unsafe {
        libc::sigaction(libc::SIGSEGV, std::ptr::null(), (*PREVIOUS.0.get()).as_mut_ptr());
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut());
    });
}

extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t` for the fault.
    let address = unsafe { (*info).si_addr() } as usize;
    if let Some(running) = RUNNING.get() {
        let guard = running.limit..running.limit + (64 << 10);
        // SAFETY: the kernel passes the interrupted context, and the fault is in the guard of the
        // coroutine that runs on this thread, which the engine does not resume or reuse after this.
        if guard.contains(&address) && unsafe { redirect(&running.trap, context) } {
            return;
        }
    }
    // Not ours: let whoever was there before have it, when the instruction faults again.
    // SAFETY: `PREVIOUS` was filled before this handler was installed.
    unsafe { libc::sigaction(libc::SIGSEGV, (*PREVIOUS.0.get()).as_ptr(), std::ptr::null_mut()) };
}

/// Make the interrupted coroutine end; false where we do not know how.
///
/// # Safety
/// `context` is the context of a fault inside the coroutine, and the coroutine is not used again.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn redirect(trap: &CoroutineTrapHandler<Exit>, context: *mut libc::c_void) -> bool {
    // SAFETY: see the contract above.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let regs = trap.setup_trap_handler(|| Exit::Overflowed);
        registers[libc::REG_RIP as usize] = regs.rip as i64;
        registers[libc::REG_RSP as usize] = regs.rsp as i64;
        registers[libc::REG_RBP as usize] = regs.rbp as i64;
        registers[libc::REG_RDI as usize] = regs.rdi as i64;
        registers[libc::REG_RSI as usize] = regs.rsi as i64;
    }
    true
}

/// Make the interrupted coroutine end; false where we do not know how.
///
/// # Safety
/// `context` is the context of a fault inside the coroutine, and the coroutine is not used again.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
unsafe fn redirect(trap: &CoroutineTrapHandler<Exit>, context: *mut libc::c_void) -> bool {
    // SAFETY: see the contract above.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        let regs = trap.setup_trap_handler(|| Exit::Overflowed);
        registers.pc = regs.pc;
        registers.sp = regs.sp;
        registers.regs[0] = regs.x0;
        registers.regs[1] = regs.x1;
        registers.regs[29] = regs.x29;
        registers.regs[30] = regs.lr;
    }
    true
}

/// Make the interrupted coroutine end; false where we do not know how.
///
/// # Safety
/// None needed: it does nothing.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
unsafe fn redirect(_: &CoroutineTrapHandler<Exit>, _: *mut libc::c_void) -> bool {
    false
}
