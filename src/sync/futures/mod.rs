//! Locks and their like for async tasks.
//!
//! Invariants, of every file: a future that is ready has taken what it waited for, and one that is dropped
//! before has nothing; who waits as a task waits in the same list as those who do as goroutines. In a model a
//! goroutine waits in place of the task (`future::lookout`), and the task looks when it is polled.

mod acquire;
mod lock;
mod read_write;
mod wait;
mod waiting;

pub use acquire::AcquireAsync;
pub use lock::LockAsync;
pub use read_write::{ReadAsync, WriteAsync};
pub use wait::WaitAsync;

/// A task's future was made in one world and is polled in another.
#[cold]
fn elsewhere() -> ! {
    panic!("selvedge: a future is polled in the execution it was made in, or outside if it was made there")
}
