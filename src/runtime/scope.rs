//! Whose a goroutine is: the test, or whatever else began the tree of goroutines it belongs to.
//!
//! A goroutine belongs to the scope of the one that started it. A plain thread has a scope of its own,
//! from the first goroutine on that it starts, so that tests that run side by side tell theirs apart.
//! Invariants: numbers are never used again; 0 is nobody's. The thread's variable is looked at on plain
//! threads only, which do not change threads.

use super::g::Origin;
use super::m::current;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static SCOPE: Cell<u32> = const { Cell::new(0) };
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// The origin of a goroutine that is started here.
pub(super) fn origin() -> Origin {
    match current() {
        Some(g) => g.descent(),
        None => Origin { parent: 0, scope: of_thread() },
    }
}

/// The scope of this plain thread, which gets one.
#[inline(never)]
fn of_thread() -> u32 {
    // A thread that is ending starts nobody's goroutines.
    SCOPE
        .try_with(|scope| {
            if scope.get() == 0 {
                scope.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            scope.get()
        })
        .unwrap_or(0)
}

/// The scope of this goroutine or thread.
pub(crate) fn mine() -> u32 {
    origin().scope
}

/// What is started here from now on, until the result is dropped, belongs to a scope of its own.
pub(crate) fn begin() -> Scope {
    let scope = Scope { before: mine(), number: NEXT.fetch_add(1, Ordering::Relaxed) };
    set(scope.number);
    scope
}

#[inline(never)]
fn set(scope: u32) {
    match current() {
        Some(g) => g.move_to(scope),
        None => SCOPE.set(scope),
    }
}

/// See [`begin`].
pub(crate) struct Scope {
    before: u32,
    number: u32,
}

impl Scope {
    #[cfg_attr(not(feature = "check"), allow(dead_code, reason = "only a test asks who of it is left"))]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        set(self.before);
    }
}
