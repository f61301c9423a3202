//! Two fences that are strong only together: [`light`] on the path taken often, [`heavy`] on the
//! other.
//!
//! Invariant: of a thread that does `A; light(); B` and one that does `C; heavy(); D`, either D sees
//! A or B sees C, as with two sequentially consistent fences. Where the kernel has
//! `membarrier(2)`, `light` is a fence for the compiler only and `heavy` makes the kernel run a full
//! fence on every running thread of the process; elsewhere both are full fences.
//!
//! Source: membarrier(2), "MEMBARRIER_CMD_PRIVATE_EXPEDITED".

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

/// Whether the kernel does our part of the work. Set before the runtime has a second thread.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
mod system {
    const REGISTER: libc::c_int = 1 << 4;
    const EXPEDITED: libc::c_int = 1 << 3;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the call takes no pointers.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    pub(super) fn register() -> bool {
        // Miri knows no such call.
        !cfg!(miri) && membarrier(REGISTER)
    }

    pub(super) fn everywhere() -> bool {
        membarrier(EXPEDITED)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn everywhere() -> bool {
        false
    }
}

/// Ask the kernel for its part. To be called before the fences are relied on.
pub(super) fn set_up() {
    ASYMMETRIC.store(system::register(), Ordering::SeqCst);
}

/// Whether the light fence is none for the processor.
pub(super) fn is_asymmetric() -> bool {
    ASYMMETRIC.load(Ordering::Relaxed)
}

/// The fence of the path taken often.
#[inline(always)]
pub(super) fn light() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// As [`light`], for who knows that the kernel does our part: nothing but a fence for the compiler.
#[inline(always)]
pub(super) fn light_where_asymmetric() {
    compiler_fence(Ordering::SeqCst);
}

/// The fence of the other path: some microseconds.
pub(super) fn heavy() {
    fence(Ordering::SeqCst);
    if ASYMMETRIC.load(Ordering::Relaxed) {
        assert!(system::everywhere(), "selvedge: membarrier was there at the start and is gone");
        fence(Ordering::SeqCst);
    }
}
