//! Where the running code's stack is.
//!
//! Invariant: the address lies within the frame of the caller, or just below it.

/// The stack pointer.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let address: usize;
    // SAFETY: copies a register and touches nothing else.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) address, options(nomem, nostack, preserves_flags));
    }
    address
}

/// The stack pointer.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let address: usize;
    // SAFETY: copies a register and touches nothing else.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) address, options(nomem, nostack, preserves_flags));
    }
    address
}

/// An address on the stack.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(never)]
pub(crate) fn stack_pointer() -> usize {
    let mark = 0_u8;
    std::hint::black_box(&raw const mark).addr()
}
