//! The functions that end a context.
//!
//! Invariant: the handle behind the clones knows whether any of them was ever called. If the last
//! one goes away without a call while the context is not done, nobody can end it any more by hand:
//! Go's vet calls that `lostcancel`, and so does the model.

use super::error::{Cause, Ended};
use super::tree::Trigger;
use crate::port;
use selvedge_checkers::finding::Slug;
use selvedge_checkers::ids::SiteRef;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

struct Handle {
    trigger: Arc<Trigger>,
    called: AtomicBool,
    created: SiteRef,
}

impl Handle {
    #[track_caller]
    fn cancel(&self, cause: Option<Cause>) {
        self.called.store(true, Ordering::Relaxed);
        self.trigger.cancel(Ended::canceled(cause));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let Some(engine) = port::model() else { return };
        if !*self.called.get_mut() && engine.cancels_on_drop(self.created) {
            return self.cancel(None);
        }
        let core = self.trigger.core();
        if !*self.called.get_mut()
            && let Some(done) = core.done().id_here()
            && !core.is_ending()
        {
            engine.advise(Slug::LostCancel, Some(done), self.created);
        }
    }
}

/// Ends a context, as often as it is called; the first call counts. Clones end the same one.
///
/// In a model, dropping all of them without a call while the context goes on is a `lost-cancel`.
///
/// # Examples
/// ```
/// use selvedge::context;
/// let (ctx, cancel) = context::with_cancel(&context::background());
/// {
///     let _cancel = cancel.defer();
///     assert!(ctx.err().is_none());
/// }
/// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
/// ```
#[derive(Clone)]
pub struct CancelFunc(Arc<Handle>);

impl CancelFunc {
    pub(super) fn new(trigger: Arc<Trigger>, created: SiteRef) -> CancelFunc {
        CancelFunc(Arc::new(Handle { trigger, called: AtomicBool::new(false), created }))
    }

    /// End the context: when this returns, it and all contexts made from it are done.
    #[track_caller]
    pub fn cancel(&self) {
        self.0.cancel(None);
    }

    /// Cancel when the guard is dropped, also by a panic: Go's `defer cancel()`.
    pub fn defer(&self) -> Deferred {
        Deferred(self.clone())
    }
}

/// Cancels when it is dropped; given by [`CancelFunc::defer`].
#[must_use = "dropping it cancels at once"]
#[derive(Debug)]
pub struct Deferred(CancelFunc);

impl Drop for Deferred {
    #[track_caller]
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Ends a context for a reason, which [`cause`](super::cause) then gives. The first call counts.
#[derive(Clone)]
pub struct CancelCauseFunc(Arc<Handle>);

impl CancelCauseFunc {
    pub(super) fn new(trigger: Arc<Trigger>, created: SiteRef) -> CancelCauseFunc {
        CancelCauseFunc(Arc::new(Handle { trigger, called: AtomicBool::new(false), created }))
    }

    /// End the context because of `cause`: when this returns, it and all contexts made from it are
    /// done.
    #[track_caller]
    pub fn cancel(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.0.cancel(Some(Cause::from(cause.into())));
    }

    /// End the context for no other reason: Go's `cancel(nil)`.
    #[track_caller]
    pub fn cancel_without_cause(&self) {
        self.0.cancel(None);
    }
}

impl fmt::Debug for CancelFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelFunc").finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelCauseFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelCauseFunc").finish_non_exhaustive()
    }
}
