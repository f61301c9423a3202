//! Which model runs on this thread.
//!
//! Invariants: the pointer is set exactly while [`enter`] borrows the engine; a goroutine of the
//! scheduler looks at it only if it entered a model itself, and then it has not changed threads since:
//! so the address of a thread-local that stayed in its code is of no consequence.

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
            count(-1);
        }
    }
    count(1);
    // SAFETY: only the lifetime is erased; `Leave` clears the pointer before `engine`'s borrow
    // ends, also when `f` unwinds, and the cell is never read from another thread.
    let erased = unsafe { std::mem::transmute::<*const dyn Engine, *const (dyn Engine + 'static)>(engine) };
    let _leave = Leave(CURRENT.replace(Some(erased)));
    f()
}

/// Count the models that the running goroutine of the scheduler, if it is one, has entered.
fn count(change: i32) {
    if let Some(mine) = wait::mine() {
        mine.models.set(mine.models.get() + change);
    }
}

/// The model that runs on this thread, if one does.
#[inline]
pub(crate) fn model<'a>() -> Option<&'a dyn Engine> {
    let outside = wait::mine().is_some_and(|mine| mine.models.get() == 0);
    let found = if outside { None } else { CURRENT.get() };
    // SAFETY: the pointer is set for exactly as long as `enter` borrows the engine, and all code
    // that can see it here runs inside `enter` on this thread; callers use it for one operation.
    found.map(|engine| unsafe { &*engine })
}
