//! Hints to the processor, and to the scheduler.
//!
//! Source: `std::hint`.

use crate::objects::Op;
use crate::port;
use std::panic::Location;

pub use std::hint::black_box;

/// Say that a loop waits for something: `std::hint::spin_loop`. In a model others may go first.
#[inline]
#[track_caller]
pub fn spin_loop() {
    match port::model() {
        Some(engine) => {
            engine.op(Op::Yield, Location::caller());
        }
        None => std::hint::spin_loop(),
    }
}
