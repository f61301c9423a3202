//! Weighted semaphores: Go's `golang.org/x/sync/semaphore`.

use crate::objects::semaphore::SemState;
use crate::objects::{Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::ObjId;
use std::panic::Location;

/// A number of permits, given out in the order they were asked for: a large request holds back the
/// small ones behind it.
#[derive(Debug)]
pub struct Semaphore {
    object: Object,
    size: u32,
}

impl Semaphore {
    /// A semaphore with `size` permits, all free.
    #[track_caller]
    pub const fn new(size: u32) -> Semaphore {
        Semaphore { object: Object::new(), size }
    }

    pub(crate) fn id(&self, engine: &dyn port::Engine) -> ObjId {
        let state = SemState { size: self.size, available: self.size, ..SemState::default() };
        self.object.id(engine, || State::Semaphore(state))
    }

    /// Take `n` permits; wait until they are free. More than there are: for ever.
    #[track_caller]
    pub fn acquire(&self, n: u32) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::Acquire { sem: self.id(engine), n }, site));
    }

    /// Take `n` permits if they are free and nobody waits.
    #[track_caller]
    pub fn try_acquire(&self, n: u32) -> bool {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::TryAcquire { sem: self.id(engine), n }, site)) == Ret::Flag(true)
    }

    /// Give `n` permits back.
    ///
    /// # Panics
    /// "semaphore: released more than held".
    #[track_caller]
    pub fn release(&self, n: u32) {
        let site = Location::caller();
        port::with(|engine| engine.op(Op::Release { sem: self.id(engine), n }, site));
    }

    /// The number of permits there are in all.
    pub fn size(&self) -> u32 {
        self.size
    }
}
