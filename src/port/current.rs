//! Which model runs on this thread.
//!
//! Invariants: the pointer is set exactly while [`enter`] borrows the engine; a goroutine of the
//! scheduler, which may have changed threads since it last asked, finds the pointer of the thread it
//! is on: the address of a thread-local does not stay in its code.

use super::{Engine, wait};
use std::cell::Cell;

thread_local! {
    static CURRENT: Cell<Option<*const dyn Engine>> = const { Cell::new(None) };
}

/// Make `engine` this thread's engine while `f` runs.
pub(crate) fn enter<R>(engine: &dyn Engine, f: impl FnOnce() -> R) -> R {
    struct Leave(Option<*const dyn Engine>);
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    // SAFETY: only the lifetime is erased; `Leave` clears the pointer before `engine`'s borrow
    // ends, also when `f` unwinds, and the cell is never read from another thread.
    let erased = unsafe { std::mem::transmute::<*const dyn Engine, *const (dyn Engine + 'static)>(engine) };
    let _leave = Leave(CURRENT.replace(Some(erased)));
    f()
}

/// The pointer; called through one that the compiler cannot see through, so that it computes the
/// address anew.
#[inline(never)]
fn look() -> Option<*const dyn Engine> {
    CURRENT.get()
}

/// The model that runs on this thread, if one does.
#[inline]
pub(crate) fn model<'a>() -> Option<&'a dyn Engine> {
    let found = if wait::is_goroutine() { std::hint::black_box(look as fn() -> _)() } else { CURRENT.get() };
    // SAFETY: the pointer is set for exactly as long as `enter` borrows the engine, and all code
    // that can see it here runs inside `enter` on this thread; callers use it for one operation.
    found.map(|engine| unsafe { &*engine })
}
