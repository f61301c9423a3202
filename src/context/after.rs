//! Functions that run when a context ends.
//!
//! Invariant: `claimed` is set once, by the end of the context or by `stop`, and whoever sets it
//! decides whether the function runs.

use super::derive::attach;
use super::error::Ended;
use super::tree::{Child, Core, Trigger};
use super::{Context, Root};
use crate::sync::atomic::{AtomicBool, Ordering};
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A function that waits for the end of a context.
pub(super) struct Callback {
    claimed: AtomicBool,
    f: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    site: SiteRef,
}

impl Callback {
    fn take(&self) -> Option<Box<dyn FnOnce() + Send>> {
        self.f.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Run it in a goroutine of its own, unless it is stopped.
    #[track_caller]
    pub(super) fn start(&self) {
        if !self.claimed.swap(true, Ordering::AcqRel)
            && let Some(f) = self.take()
        {
            drop(crate::go::start(f, None, self.site));
        }
    }
}

/// Calls off what [`after_func`] was given.
#[must_use = "the function runs when the context ends, unless it is stopped"]
pub struct Stop {
    callback: Arc<Callback>,
    /// Where the callback waits, and under which number.
    core: Option<(Arc<Core>, u64)>,
    /// What ends the context made for the callback of a context of the user's own.
    watch: Option<Arc<Trigger>>,
}

impl Stop {
    /// Keep the function from running. True if it will not because of this call; false if it has
    /// been started, or stopped before. Does not wait for it to end.
    #[track_caller]
    pub fn stop(&self) -> bool {
        if self.callback.claimed.swap(true, Ordering::AcqRel) {
            return false;
        }
        if let Some((core, number)) = &self.core {
            core.let_go(*number);
        }
        if let Some(watch) = &self.watch {
            watch.cancel(Ended::canceled(None));
        }
        drop(self.callback.take());
        true
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

/// Run `f` in a goroutine of its own once `ctx` is done; at once if it is already. What this gives
/// calls it off; dropping that does not.
///
/// # Examples
/// ```
/// use selvedge::{chan, context};
/// let (tx, rx) = chan(1);
/// let (ctx, cancel) = context::with_cancel(&context::background());
/// let stop = context::after_func(&ctx, move || tx.send("over"));
/// cancel.cancel();
/// assert_eq!(rx.recv(), Some("over"));
/// assert!(!stop.stop());
/// ```
#[doc(alias = "AfterFunc")]
#[track_caller]
pub fn after_func<F: FnOnce() + Send + 'static>(ctx: &Context, f: F) -> Stop {
    let site = Location::caller();
    let f: Box<dyn FnOnce() + Send> = Box::new(f);
    let callback = Arc::new(Callback { claimed: AtomicBool::new(false), f: Mutex::new(Some(f)), site });
    let mut stop = Stop { callback: Arc::clone(&callback), core: None, watch: None };
    let core = match ctx.root() {
        Root::Never => return stop,
        Root::Core(core) => Arc::clone(core),
        Root::Foreign(_) => {
            let watch = Trigger::new(site);
            attach(ctx, &watch);
            let core = Arc::clone(watch.core());
            stop.watch = Some(watch);
            core
        }
    };
    match core.adopt(Child::Callback(callback)) {
        Ok(number) => stop.core = Some((core, number)),
        Err(_) => stop.callback.start(),
    }
    stop
}
