//! Contexts of the user's own making.

use super::error::{Cause, ContextError, Ended};
use super::tree::Trigger;
use crate::chan::{Receiver, TryRecvError};
use crate::select::Select;
use crate::time::Instant;
use selvedge_checkers::ids::SiteRef;
use std::any::{Any, TypeId};
use std::sync::Arc;

/// What a context has to be able to tell, for contexts made elsewhere.
///
/// [`Context::from_source`](super::Context::from_source) makes a context of it that can be a parent
/// like any other. A context made from it that can be cancelled has to be told of its end by a
/// goroutine that watches both, as in Go: it goes on until one of them is done, and is a leaked
/// goroutine if none ever is.
pub trait ContextSource: Send + Sync + 'static {
    /// Closed when the context is done; the nil channel if it never is.
    fn done(&self) -> &Receiver<()>;

    /// Why it is done, if it is.
    fn err(&self) -> Option<ContextError>;

    /// When it ends by itself.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The reason it was ended for, if it is another than [`err`](ContextSource::err).
    fn cause(&self) -> Option<Cause> {
        None
    }

    /// The value under a key.
    fn value(&self, key: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let _ = key;
        None
    }
}

/// How the source ended, whose channel is closed.
pub(super) fn ended(source: &dyn ContextSource) -> Ended {
    let err = source.err().unwrap_or(ContextError::Canceled);
    Ended::new(err, source.cause())
}

/// End `child` when `source` ends.
#[track_caller]
pub(super) fn watch(source: &Arc<dyn ContextSource>, child: &Arc<Trigger>, site: SiteRef) {
    if source.done().is_nil() {
        return;
    }
    if source.done().try_recv() == Err(TryRecvError::Closed) {
        return child.cancel(ended(&**source));
    }
    let source = Arc::clone(source);
    let child = Arc::clone(child);
    // In reports it waits where the context was derived.
    let watcher = move || {
        let (theirs, own) = (source.done(), child.core().done());
        let mut select = Select::new();
        let ends = select.recv(theirs);
        select.recv(own);
        let mut done = select.wait_at(site);
        if done.index() == ends {
            done.recv(theirs);
            child.cancel(ended(&*source));
        } else {
            done.recv(own);
        }
    };
    drop(crate::go::start(watcher, None, site));
}
