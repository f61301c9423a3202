//! Atomics: std's, and in a model instrumented.
//!
//! Without the feature `check` these are std's own types. With it, each operation inside a model is
//! a decision; outside one it is std's. A load in a model may read any store that C11 allows with the
//! orderings given, unless the test says `memory = "sc"`. What is not shown: load buffering, and stores that
//! slip in before older ones of the same atomic. Invariants: in a model the value lives in the engine's
//! world, from the first use to the end of the execution, and starts from what the atomic was made
//! with, so every execution starts alike, also with a `static`.

pub use std::sync::atomic::Ordering;

mod add;
pub use add::AtomicAdd;

#[cfg(feature = "check")]
mod instrumented;
#[cfg(feature = "check")]
pub use instrumented::*;

#[cfg(not(feature = "check"))]
pub use std::sync::atomic::*;
