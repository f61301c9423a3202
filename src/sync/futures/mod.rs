//! Locks and their like for async tasks.
//!
//! Invariants, of every file: a future that is ready has taken what it waited for, and one that is dropped
//! before has nothing; who waits as a task waits in the same list as those who do as goroutines. In a model a
//! goroutine waits in place of the task (`future::lookout`), and the task looks when it is polled.

mod acquire;
mod lock;
mod read_write;
mod wait;

pub use acquire::AcquireAsync;
pub use lock::LockAsync;
pub use read_write::{ReadAsync, WriteAsync};
pub use wait::WaitAsync;

use crate::future::lookout::Patience;
use crate::port;
use std::pin::Pin;

/// Where a task waits: outside of models in a native list.
enum Way<N> {
    Native(N),
    Model(Patience),
}

impl<N> Way<N> {
    fn new(native: impl FnOnce() -> N) -> Way<N> {
        if port::model().is_some() { Way::Model(Patience::default()) } else { Way::Native(native()) }
    }

    /// The wait outside of models.
    ///
    /// # Safety
    /// This is pinned.
    unsafe fn native(&self) -> Option<Pin<&N>> {
        match self {
            // SAFETY: by the contract, and nothing moves it.
            Way::Native(wait) => Some(unsafe { Pin::new_unchecked(wait) }),
            Way::Model(_) => None,
        }
    }
}

/// A task's future was made in one world and is polled in another.
#[cold]
fn elsewhere() -> ! {
    panic!("selvedge: a future is polled in the execution it was made in, or outside if it was made there")
}

/// How all of them are printed.
macro_rules! opaque {
    ($name:ident $(<$($t:ident: ?$sized:ident),*>)?) => {
        impl $(<$($t: ?$sized),*>)? std::fmt::Debug for $name<'_ $(, $($t),*)?> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
use opaque;
