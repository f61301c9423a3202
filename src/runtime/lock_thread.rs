//! A goroutine that stays on its OS thread, and has it for itself: Go's `LockOSThread`.
//!
//! Invariants: between the first lock and the last unlock the goroutine's home is the thread it was
//! on, and that thread runs no other. Where goroutines are bound to their threads anyway the locks
//! are only counted: the thread is shared.

use super::g::G;
use super::m::current;
use super::mode;
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

/// One lock more for the running goroutine, if one runs here.
pub(super) fn lock() {
    let Some(g) = current() else { return };
    if g.locks.fetch_add(1, Ordering::Relaxed) == 0 && mode::migrates() {
        let m = g.thread();
        g.home.store(std::ptr::from_ref(m).cast_mut(), Ordering::Relaxed);
        m.exclusive.store(true, Ordering::Relaxed);
    }
}

/// One lock less; without a lock nothing.
pub(super) fn unlock() {
    let Some(g) = current() else { return };
    match g.locks.load(Ordering::Relaxed) {
        0 => {}
        1 => {
            g.locks.store(0, Ordering::Relaxed);
            release(g);
        }
        n => g.locks.store(n - 1, Ordering::Relaxed),
    }
}

/// The goroutine does not need its thread any more.
fn release(g: &G) {
    if mode::migrates() {
        g.home.store(null_mut(), Ordering::Relaxed);
        g.thread().exclusive.store(false, Ordering::Relaxed);
    }
}
