//! Hints to the processor, and to the scheduler.
//!
//! Source: `std::hint`.

use crate::objects::Op;
use crate::port;
use std::panic::Location;

pub use std::hint::black_box;

/// Say that a loop waits for something: `std::hint::spin_loop`.
///
/// In a model others may go first, and the loop is believed to do nothing but wait: a round that changed
/// nothing leaves nothing behind, so that an exhaustive search leaves such rounds out. A loop that
/// remembers what it saw in earlier rounds, say to check that a counter never falls, is to say
/// [`thread::yield_now`](crate::thread::yield_now) instead.
#[inline]
#[track_caller]
pub fn spin_loop() {
    match port::model() {
        Some(engine) => {
            engine.waits_in_loop();
            engine.op(Op::Yield, Location::caller());
        }
        None => std::hint::spin_loop(),
    }
}
