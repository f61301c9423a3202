//! Contexts made from contexts.

use super::cancel::{CancelCauseFunc, CancelFunc};
use super::error::{Cause, Ended};
use super::tree::{Child, Trigger};
use super::{Context, Key, Node, Root, source};
use crate::time::{Duration, Instant, run_after, until};
use selvedge_checkers::ids::SiteRef;
use std::any::TypeId;
use std::error::Error;
use std::panic::Location;
use std::sync::Arc;

/// Let the end of `parent` end `child`.
#[track_caller]
pub(super) fn attach(parent: &Context, child: &Arc<Trigger>) {
    match parent.root() {
        Root::Never => {}
        Root::Core(core) => {
            if let Err(ended) = core.adopt(Child::Context(Arc::clone(child))) {
                child.cancel(ended);
            }
        }
        Root::Foreign(from) => source::watch(from, child, Location::caller()),
    }
}

#[track_caller]
fn cancelable(parent: &Context, deadline: Option<Instant>, name: &'static str) -> (Context, Arc<Trigger>) {
    let trigger = Trigger::new(Location::caller());
    attach(parent, &trigger);
    let core = Arc::clone(trigger.core());
    (Context::made(Node::Cancel { parent: parent.clone(), core, deadline, name }), trigger)
}

/// A context that ends when its cancel function is called or `parent` ends.
///
/// # Examples
/// ```
/// use selvedge::{context, go};
/// let (ctx, cancel) = context::with_cancel(&context::background());
/// let worker = {
///     let ctx = ctx.clone();
///     go(move || ctx.done().recv())
/// };
/// cancel.cancel();
/// worker.join().unwrap();
/// assert!(ctx.err().is_some());
/// ```
#[doc(alias = "WithCancel")]
#[track_caller]
pub fn with_cancel(parent: &Context) -> (Context, CancelFunc) {
    let (ctx, trigger) = cancelable(parent, parent.deadline(), "WithCancel");
    (ctx, CancelFunc::new(trigger, Location::caller()))
}

/// Like [`with_cancel`], with a cancel function that takes a reason.
///
/// # Examples
/// ```
/// use selvedge::context;
/// let (ctx, cancel) = context::with_cancel_cause(&context::background());
/// cancel.cancel("the disk is full");
/// cancel.cancel("too late");
/// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
/// assert_eq!(context::cause(&ctx).unwrap().to_string(), "the disk is full");
/// ```
#[doc(alias = "WithCancelCause")]
#[track_caller]
pub fn with_cancel_cause(parent: &Context) -> (Context, CancelCauseFunc) {
    let (ctx, trigger) = cancelable(parent, parent.deadline(), "WithCancel");
    (ctx, CancelCauseFunc::new(trigger, Location::caller()))
}

/// A context that ends when `deadline` passes, its cancel function is called or `parent` ends.
#[doc(alias = "WithDeadline")]
#[track_caller]
pub fn with_deadline(parent: &Context, deadline: Instant) -> (Context, CancelFunc) {
    until_deadline(parent, deadline, None)
}

/// Like [`with_deadline`]; the reason for its end, if it is the deadline's, is `cause`.
#[doc(alias = "WithDeadlineCause")]
#[track_caller]
pub fn with_deadline_cause(
    parent: &Context,
    deadline: Instant,
    cause: impl Into<Box<dyn Error + Send + Sync>>,
) -> (Context, CancelFunc) {
    until_deadline(parent, deadline, Some(Cause::from(cause.into())))
}

/// A context that ends after `timeout`, when its cancel function is called or `parent` ends.
///
/// # Examples
/// ```
/// use selvedge::{context, time};
/// let (ctx, cancel) = context::with_timeout(&context::background(), time::MILLISECOND);
/// let _cancel = cancel.defer();
/// ctx.done().recv();
/// assert_eq!(ctx.err().unwrap().to_string(), "context deadline exceeded");
/// ```
#[doc(alias = "WithTimeout")]
#[track_caller]
pub fn with_timeout(parent: &Context, timeout: Duration) -> (Context, CancelFunc) {
    until_deadline(parent, Instant::now().saturating_add(timeout), None)
}

/// Like [`with_timeout`]; the reason for its end, if it is the timeout's, is `cause`.
#[doc(alias = "WithTimeoutCause")]
#[track_caller]
pub fn with_timeout_cause(
    parent: &Context,
    timeout: Duration,
    cause: impl Into<Box<dyn Error + Send + Sync>>,
) -> (Context, CancelFunc) {
    until_deadline(parent, Instant::now().saturating_add(timeout), Some(Cause::from(cause.into())))
}

#[track_caller]
fn until_deadline(parent: &Context, deadline: Instant, cause: Option<Cause>) -> (Context, CancelFunc) {
    let site = Location::caller();
    if parent.deadline().is_some_and(|earlier| earlier < deadline) {
        return with_cancel(parent);
    }
    let (ctx, trigger) = cancelable(parent, Some(deadline), "WithDeadline");
    let left = until(deadline);
    if left.is_zero() {
        trigger.cancel(Ended::late(cause));
    } else {
        end_after(&trigger, left, cause, site);
    }
    (ctx, CancelFunc::new(trigger, site))
}

/// End the core after `left`, unless something else does before.
#[track_caller]
fn end_after(trigger: &Arc<Trigger>, left: Duration, cause: Option<Cause>, site: SiteRef) {
    let ended = Ended::late(cause);
    let late = Arc::clone(trigger);
    let timer = run_after(left, move || late.cancel(ended.clone()), site);
    if trigger.core().adopt(Child::Timer(timer.clone())).is_err() {
        timer.call_off(site);
    }
}

/// A context that also has a value, under the key `K`.
///
/// # Examples
/// See [`Key`].
#[doc(alias = "WithValue")]
#[must_use]
pub fn with_value<K: Key>(parent: &Context, value: K::Value) -> Context {
    let (key, name) = (TypeId::of::<K>(), std::any::type_name::<K>());
    Context::made(Node::Value { parent: parent.clone(), key, name, value: Box::new(value) })
}

/// A context with the values of `parent` that does not end when it does: for work that goes on
/// after its request is over.
#[doc(alias = "WithoutCancel")]
#[must_use]
pub fn without_cancel(parent: &Context) -> Context {
    Context::made(Node::WithoutCancel { parent: parent.clone() })
}
