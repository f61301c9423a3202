//! `sync`, over shuttle's types.

#[path = "../../wait_group.rs"]
mod wait_group;

pub use shuttle::sync::{Barrier, Condvar, Mutex, MutexGuard, Once, RwLock, atomic};
pub use std::sync::Arc;
pub use wait_group::WaitGroup;
