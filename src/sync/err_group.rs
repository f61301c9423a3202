//! Error groups: Go's `golang.org/x/sync/errgroup`.
//!
//! Invariants: the first error counts, and it ends the group's context with itself as the cause;
//! `wait` ends it too. With a limit of n at most n goroutines of the group are active: each takes a
//! place in a channel with room for n before it starts and gives it back when it ends.
//!
//! A panic is deliberately not passed on to `wait`, as in Go: it is a panic of its goroutine.

use super::WaitGroup;
use super::atomic::{AtomicBool, Ordering};
use crate::chan::Chan;
use crate::context::{self, CancelCauseFunc, Context};
use selvedge_checkers::ids::SiteRef;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// Goroutines that work on parts of one task, and the first error among them. Clones are the same
/// group.
///
/// # Examples
/// ```
/// use selvedge::sync::ErrGroup;
/// let group = ErrGroup::new();
/// for part in 0..3 {
///     group.go(move || if part == 2 { Err("part 2 is broken") } else { Ok(()) });
/// }
/// assert_eq!(group.wait(), Err("part 2 is broken"));
/// ```
#[doc(alias = "errgroup")]
pub struct ErrGroup<E>(Arc<Shared<E>>);

struct Shared<E> {
    running: WaitGroup,
    failed: AtomicBool,
    error: Mutex<Option<E>>,
    places: Mutex<Option<Chan<()>>>,
    cancel: Option<Cancel<E>>,
}

/// Ends the group's context, and makes a cause of an error for that.
struct Cancel<E> {
    func: CancelCauseFunc,
    cause: fn(&E) -> Box<dyn Error + Send + Sync>,
}

impl<E: Send + 'static> ErrGroup<E> {
    /// A group whose errors end nothing.
    #[track_caller]
    pub fn new() -> ErrGroup<E> {
        ErrGroup::with(None)
    }

    #[track_caller]
    fn with(cancel: Option<Cancel<E>>) -> ErrGroup<E> {
        ErrGroup(Arc::new(Shared {
            running: WaitGroup::new(),
            failed: AtomicBool::new(false),
            error: Mutex::new(None),
            places: Mutex::new(None),
            cancel,
        }))
    }

    /// A group and a context, made from `parent`, that ends with the first error or when `wait`
    /// has returned, whichever comes first.
    ///
    /// # Examples
    /// ```
    /// use selvedge::{context, sync::ErrGroup};
    /// let (group, ctx) = ErrGroup::with_context(&context::background());
    /// let seen = ctx.clone();
    /// group.go(move || {
    ///     seen.done().recv();
    ///     Ok(())
    /// });
    /// group.go(|| Err("broken"));
    /// assert_eq!(group.wait(), Err("broken"));
    /// assert_eq!(context::cause(&ctx).unwrap().to_string(), "broken");
    /// ```
    #[track_caller]
    pub fn with_context(parent: &Context) -> (ErrGroup<E>, Context)
    where
        E: Clone + Into<Box<dyn Error + Send + Sync>>,
    {
        let (ctx, func) = context::with_cancel_cause(parent);
        let cause = |error: &E| error.clone().into();
        (ErrGroup::with(Some(Cancel { func, cause })), ctx)
    }

    fn places(&self) -> Option<Chan<()>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Start a goroutine of the group; wait until the limit allows it. Inside the group at its
    /// limit this can wait for itself.
    #[doc(alias = "Go")]
    #[track_caller]
    pub fn go<F: FnOnce() -> Result<(), E> + Send + 'static>(&self, f: F) {
        let places = self.places();
        if let Some(places) = &places {
            places.send(());
        }
        self.start(f, places, Location::caller());
    }

    /// Start a goroutine of the group if the limit allows it; true if it did.
    #[doc(alias = "TryGo")]
    #[track_caller]
    pub fn try_go<F: FnOnce() -> Result<(), E> + Send + 'static>(&self, f: F) -> bool {
        let places = self.places();
        if let Some(places) = &places
            && places.try_send(()).is_err()
        {
            return false;
        }
        self.start(f, places, Location::caller());
        true
    }

    #[track_caller]
    fn start<F: FnOnce() -> Result<(), E> + Send + 'static>(
        &self,
        f: F,
        places: Option<Chan<()>>,
        site: SiteRef,
    ) {
        self.0.running.add(1);
        let ending = Ending { group: self.clone(), places };
        let body = move || {
            if let Err(error) = f() {
                ending.group.fail(error);
            }
            drop(ending);
        };
        drop(crate::go::start(body, None, site));
    }

    fn fail(&self, error: E) {
        if self.0.failed.swap(true, Ordering::AcqRel) {
            return;
        }
        let cause = self.0.cancel.as_ref().map(|cancel| (cancel.cause)(&error));
        *self.0.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        if let (Some(cancel), Some(cause)) = (&self.0.cancel, cause) {
            cancel.func.cancel(cause);
        }
    }

    /// Let at most `limit` goroutines of the group be active at a time; `None` for any number.
    ///
    /// # Panics
    /// "errgroup: modify limit while n goroutines in the group are still active".
    #[doc(alias = "SetLimit")]
    #[track_caller]
    pub fn set_limit(&self, limit: impl Into<Option<usize>>) {
        let active = self.places().map_or(0, |places| places.len());
        assert!(
            active == 0,
            "errgroup: modify limit while {active} goroutines in the group are still active"
        );
        let places = limit.into().map(Chan::new);
        let before =
            std::mem::replace(&mut *self.0.places.lock().unwrap_or_else(PoisonError::into_inner), places);
        drop(before);
    }

    /// Wait for all goroutines of the group, end its context, and give the first error. Later calls
    /// give `Ok`: the error is moved out.
    ///
    /// # Errors
    /// The first error one of them returned.
    #[doc(alias = "Wait")]
    #[track_caller]
    pub fn wait(&self) -> Result<(), E> {
        self.0.running.wait();
        if let Some(cancel) = &self.0.cancel {
            cancel.func.cancel_without_cause();
        }
        let error = self.0.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        error.map_or(Ok(()), Err)
    }
}

/// Tells the group that a goroutine is over, also if it panicked.
struct Ending<E: Send + 'static> {
    group: ErrGroup<E>,
    places: Option<Chan<()>>,
}

impl<E: Send + 'static> Drop for Ending<E> {
    fn drop(&mut self) {
        if let Some(places) = &self.places {
            places.recv();
        }
        self.group.0.running.done();
    }
}

impl<E: Send + 'static> Default for ErrGroup<E> {
    #[track_caller]
    fn default() -> ErrGroup<E> {
        ErrGroup::new()
    }
}

impl<E> Clone for ErrGroup<E> {
    fn clone(&self) -> ErrGroup<E> {
        ErrGroup(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for ErrGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrGroup").finish_non_exhaustive()
    }
}
