//! Weighted semaphores: Go's `golang.org/x/sync/semaphore`.

use super::native::{RawSemaphore, Request};
use super::why;
use crate::chan::{Core, misused, pair};
use crate::context::{self, Context, ContextError};
use crate::objects::semaphore::SemState;
use crate::objects::{Misuse, Op, Ret, State};
use crate::port::{self, Object};
use selvedge_checkers::ids::{ObjId, SiteRef};
use selvedge_checkers::op::WaitReason;
use std::panic::Location;

/// A number of permits, given out in the order they were asked for: a large request holds back the
/// small ones behind it.
#[derive(Debug)]
pub struct Semaphore {
    object: Object,
    native: RawSemaphore,
    size: u32,
}

impl Semaphore {
    /// A semaphore with `size` permits, all free.
    #[track_caller]
    pub const fn new(size: u32) -> Semaphore {
        Semaphore { object: Object::new(), native: RawSemaphore::new(size), size }
    }

    pub(crate) fn id(&self, engine: &dyn port::Engine) -> ObjId {
        let state = SemState { size: self.size, available: self.size, ..SemState::default() };
        self.object.id(engine, || State::Semaphore(state))
    }

    /// Take `n` permits; wait until they are free. More than there are: for ever, but without
    /// holding back others.
    #[track_caller]
    pub fn acquire(&self, n: u32) {
        let site = Location::caller();
        match port::model() {
            Some(engine) => _ = engine.op(Op::Acquire { sem: self.id(engine), n }, site),
            None => self.native().acquire(n, self.size, why(WaitReason::Semaphore, self, site)),
        }
    }

    /// The semaphore outside of models.
    #[inline]
    pub(super) fn native(&self) -> &RawSemaphore {
        self.object.outside();
        &self.native
    }

    /// The same, for who waited there, also while an execution uses it.
    pub(super) fn native_of_past(&self) -> &RawSemaphore {
        &self.native
    }

    /// Take `n` permits if they are free and nobody waits.
    #[track_caller]
    pub fn try_acquire(&self, n: u32) -> bool {
        let site = Location::caller();
        match port::model() {
            Some(engine) => engine.op(Op::TryAcquire { sem: self.id(engine), n }, site) == Ret::Flag(true),
            None => self.native().try_acquire(n),
        }
    }

    /// Take `n` permits; wait until they are free or `ctx` is done. Permits that came together with
    /// the end of the context are given back.
    ///
    /// # Errors
    /// If the context is done, also if it was before.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{context, sync::Semaphore, time};
    /// let semaphore = Semaphore::new(1);
    /// let (ctx, cancel) = context::with_timeout(&context::background(), time::MILLISECOND);
    /// let _cancel = cancel.defer();
    /// semaphore.acquire(1);
    /// let error = semaphore.acquire_context(&ctx, 1).unwrap_err();
    /// assert_eq!(error.to_string(), "context deadline exceeded");
    /// ```
    #[track_caller]
    pub fn acquire_context(&self, ctx: &Context, n: u32) -> Result<(), ContextError> {
        let site = Location::caller();
        if let Some(error) = ctx.err() {
            return Err(error);
        }
        if self.try_acquire(n) {
            return Ok(());
        }
        if n > self.size {
            ctx.done().recv();
            return Err(ctx.err().unwrap_or(ContextError::Canceled));
        }
        match port::model() {
            Some(engine) => self.acquire_in_model(engine, ctx, n, site),
            None => self.acquire_outside(ctx, n, site),
        }
    }

    fn acquire_in_model(
        &self,
        engine: &dyn port::Engine,
        ctx: &Context,
        n: u32,
        site: SiteRef,
    ) -> Result<(), ContextError> {
        let (sem, g) = (self.id(engine), engine.running());
        let (over, finished) = pair::<()>(Core::signal(site));
        let stop = context::after_func(ctx, move || {
            if let Some(engine) = port::model() {
                engine.op(Op::CancelAcquire { sem, g }, site);
            }
            over.close();
        });
        let granted = engine.op(Op::Acquire { sem, n }, site) == Ret::Flag(true);
        if stop.stop() {
            return Ok(());
        }
        // Once the cancellation has run it cannot hit a later request of this goroutine.
        finished.recv();
        self.refuse(ctx, n, granted)
    }

    fn acquire_outside(&self, ctx: &Context, n: u32, site: SiteRef) -> Result<(), ContextError> {
        /// What the cancellation needs, which lives until it has run or never will.
        struct Lent(*const RawSemaphore, *const Request);
        // SAFETY: both are used under the semaphore's lock only.
        unsafe impl Send for Lent {}
        // SAFETY: as above.
        unsafe impl Sync for Lent {}

        let request = Request::new(n);
        let lent = Lent(self.native(), &raw const request);
        let (over, finished) = pair::<()>(Core::signal(site));
        let stop = context::after_func(ctx, move || {
            let Lent(semaphore, request) = &lent;
            // SAFETY: this function's caller stays in it until the cancellation is stopped or over, which
            // is told below; and nothing on the way there unwinds.
            unsafe { (**semaphore).cancel(*request) };
            over.close();
        });
        let granted = self.native.acquire_unless_cancelled(&request, why(WaitReason::Semaphore, self, site));
        if stop.stop() {
            return Ok(());
        }
        finished.recv();
        self.refuse(ctx, n, granted)
    }

    /// The context is done: give back what was granted all the same.
    fn refuse(&self, ctx: &Context, n: u32, granted: bool) -> Result<(), ContextError> {
        if granted {
            self.release(n);
        }
        Err(ctx.err().unwrap_or(ContextError::Canceled))
    }

    /// Give `n` permits back.
    ///
    /// # Panics
    /// "semaphore: released more than held".
    #[track_caller]
    pub fn release(&self, n: u32) {
        let site = Location::caller();
        match port::model() {
            Some(engine) => _ = engine.op(Op::Release { sem: self.id(engine), n }, site),
            None if self.native().release(n, self.size) => {}
            None => misused(Misuse::ReleasedMoreThanHeld),
        }
    }

    /// The number of permits there are in all.
    pub fn size(&self) -> u32 {
        self.size
    }
}
