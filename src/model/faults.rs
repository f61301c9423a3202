//! Stack overflow of a goroutine.

use super::goroutine::Co;

/// While alive, faults on this thread are blamed on the coroutine.
pub(super) struct Watch;

impl Watch {
    pub(super) fn begin(_co: &Co) -> Watch {
        Watch
    }
}
