//! The end of a goroutine, as seen by itself: what it has is given up before it counts as ended.
//!
//! Invariant: nothing of the program runs on the goroutine after this.

use super::locals;
use super::m::current;
use super::p::FOREIGN_LIVE;
use std::sync::atomic::Ordering;

/// The body has ended: let go of what the goroutine has. Gives the first panic of a destructor.
pub(super) fn end() -> std::thread::Result<()> {
    let outcome = locals::destroy();
    let Some(g) = current() else { return outcome };
    let inside = g.enter();
    match inside.processor() {
        Some(p) => p.count_live(-1),
        None => _ = FOREIGN_LIVE.fetch_sub(1, Ordering::Relaxed),
    }
    outcome
}
