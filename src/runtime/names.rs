//! The names of goroutines that have one.
//!
//! Invariant: a name is set, read and freed under one lock, so a dump reads no name that is gone.
//! A goroutine without a name never takes it.

use super::g::G;
use std::ptr::null_mut;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

static NAMES: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name a goroutine that has no name.
pub(super) fn set(g: &G, name: String) {
    let name = Box::into_raw(Box::new(name));
    let _held = lock();
    g.name.store(name, Ordering::Relaxed);
}

/// The goroutine has ended.
#[inline]
pub(super) fn clear(g: &G) {
    if !g.name.load(Ordering::Relaxed).is_null() {
        free(g);
    }
}

#[cold]
fn free(g: &G) {
    let held = lock();
    let name = g.name.swap(null_mut(), Ordering::Relaxed);
    drop(held);
    if !name.is_null() {
        // SAFETY: `set` made it of a box, and whoever swaps it out is the only one who has it;
        // readers look under the lock.
        drop(unsafe { Box::from_raw(name) });
    }
}

/// The name, if there is one.
pub(super) fn of(g: &G) -> Option<String> {
    if g.name.load(Ordering::Relaxed).is_null() {
        return None;
    }
    let _held = lock();
    // SAFETY: under the lock what is there is not freed.
    unsafe { g.name.load(Ordering::Relaxed).as_ref() }.cloned()
}
