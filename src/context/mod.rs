//! Contexts: deadlines, cancellation and request-scoped values, handed down a tree.
//!
//! Invariants, Go's:
//! - When a context is done, so is every context made from it; [`CancelFunc::cancel`] returns when
//!   that is so. The end of a context says nothing about its parent.
//! - [`Context::err`] gives an error if and only if [`Context::done`] is closed, and always the same.
//! - The first end counts, and with it the first cause.
//! - [`background`], [`todo()`] and what [`without_cancel`] gives are never done.
//!
//! Values are found by type: a [`Key`] is a type that names the type of its value, so no assertion
//! is needed where it is read.
//!
//! Source: Go's package `context`.

mod after;
mod cancel;
mod derive;
mod error;
mod source;
mod tree;

#[cfg(test)]
mod context_tests;

pub use after::{Stop, after_func};
pub use cancel::{CancelCauseFunc, CancelFunc, Deferred};
pub use derive::{
    with_cancel, with_cancel_cause, with_deadline, with_deadline_cause, with_timeout, with_timeout_cause,
    with_value, without_cancel,
};
pub use error::{Cause, ContextError};
pub use source::ContextSource;

use crate::chan::{Receiver, TryRecvError};
use crate::time::Instant;
use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use tree::Core;

/// A context: Go's `context.Context`. Clones, which are cheap, are the same one.
///
/// # Examples
/// ```
/// use selvedge::{context, select, time};
/// let (ctx, cancel) = context::with_timeout(&context::background(), time::MILLISECOND);
/// let _cancel = cancel.defer();
/// select! {
///     recv(time::after(time::MINUTE)) -> _ => unreachable!(),
///     recv(ctx.done()) -> _ => {}
/// }
/// assert_eq!(ctx.err(), Some(context::ContextError::DeadlineExceeded));
/// ```
#[derive(Clone)]
pub struct Context(Kind);

#[derive(Clone)]
enum Kind {
    Background,
    Todo,
    Made(Arc<Node>),
}

/// A context that was made from another one, or from a source.
enum Node {
    Cancel { parent: Context, core: Arc<Core>, deadline: Option<Instant>, name: &'static str },
    Value { parent: Context, key: TypeId, name: &'static str, value: Box<dyn Any + Send + Sync> },
    WithoutCancel { parent: Context },
    Source(Arc<dyn ContextSource>),
}

/// What decides when a context ends.
enum Root<'a> {
    Never,
    Core(&'a Arc<Core>),
    Foreign(&'a Arc<dyn ContextSource>),
}

static NEVER: Receiver<()> = Receiver::nil();

/// Names a value of a context, and its type.
///
/// # Examples
/// ```
/// use selvedge::context::{self, Key};
/// struct UserId;
/// impl Key for UserId {
///     type Value = String;
/// }
/// let ctx = context::with_value::<UserId>(&context::background(), "user123".to_owned());
/// assert_eq!(ctx.value::<UserId>().unwrap(), "user123");
/// ```
pub trait Key: 'static {
    /// What is stored under it.
    type Value: Send + Sync + 'static;
}

/// The context that is never done and has no values: the root of all others.
#[doc(alias = "Background")]
#[must_use]
pub const fn background() -> Context {
    Context(Kind::Background)
}

/// The same, where it is not yet clear which context to use.
#[must_use]
pub const fn todo() -> Context {
    Context(Kind::Todo)
}

/// The reason `ctx` was ended for: that given with the cancel function or the deadline, otherwise
/// the error [`Context::err`] gives; `None` while it is not done.
#[doc(alias = "Cause")]
#[track_caller]
#[must_use]
pub fn cause(ctx: &Context) -> Option<Cause> {
    ctx.cause()
}

impl Context {
    /// A context made elsewhere.
    pub fn from_source(source: impl ContextSource) -> Context {
        Context::made(Node::Source(Arc::new(source)))
    }

    fn made(node: Node) -> Context {
        Context(Kind::Made(Arc::new(node)))
    }

    fn node(&self) -> Option<&Node> {
        match &self.0 {
            Kind::Made(node) => Some(node),
            Kind::Background | Kind::Todo => None,
        }
    }

    fn root(&self) -> Root<'_> {
        let mut at = self;
        loop {
            at = match at.node() {
                None | Some(Node::WithoutCancel { .. }) => return Root::Never,
                Some(Node::Cancel { core, .. }) => return Root::Core(core),
                Some(Node::Source(source)) => return Root::Foreign(source),
                Some(Node::Value { parent, .. }) => parent,
            };
        }
    }

    /// Closed when the context is done; the nil channel if it never is.
    #[doc(alias = "Done")]
    pub fn done(&self) -> &Receiver<()> {
        match self.root() {
            Root::Never => &NEVER,
            Root::Core(core) => core.done(),
            Root::Foreign(source) => source.done(),
        }
    }

    /// Why the context is done; `None` while it is not.
    #[doc(alias = "Err")]
    #[track_caller]
    #[must_use]
    pub fn err(&self) -> Option<ContextError> {
        match self.root() {
            Root::Never => None,
            Root::Core(core) => core.ended().map(|ended| ended.err),
            Root::Foreign(source) => source.err(),
        }
    }

    /// The reason it was ended for; see [`cause`].
    #[track_caller]
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match self.root() {
            Root::Never => None,
            Root::Core(core) => core.ended().map(|ended| ended.cause),
            Root::Foreign(source) => source.err().map(|_| source::ended(&**source).cause),
        }
    }

    /// When the context ends by itself, if it does.
    #[doc(alias = "Deadline")]
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let mut at = self;
        loop {
            at = match at.node()? {
                Node::WithoutCancel { .. } => return None,
                Node::Cancel { deadline, .. } => return *deadline,
                Node::Source(source) => return source.deadline(),
                Node::Value { parent, .. } => parent,
            };
        }
    }

    /// The value under the key `K`, in this context or in the nearest one it was made from.
    #[doc(alias = "Value")]
    #[must_use]
    pub fn value<K: Key>(&self) -> Option<&K::Value> {
        let wanted = TypeId::of::<K>();
        let mut at = self;
        loop {
            at = match at.node()? {
                Node::Value { key, value, .. } if *key == wanted => return value.downcast_ref(),
                Node::Source(source) => return source.value(wanted)?.downcast_ref(),
                Node::Value { parent, .. } | Node::Cancel { parent, .. } | Node::WithoutCancel { parent } => {
                    parent
                }
            };
        }
    }

    /// Whether its channel is closed: what a loop that does not wait asks.
    #[track_caller]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done().try_recv() == Err(TryRecvError::Closed)
    }
}

impl fmt::Debug for Context {
    /// The way it was made, in Go's words: `context.Background.WithCancel`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Background => f.write_str("context.Background"),
            Kind::Todo => f.write_str(concat!("context.TO", "DO")),
            Kind::Made(node) => match &**node {
                Node::Cancel { parent, name, .. } => write!(f, "{parent:?}.{name}"),
                Node::Value { parent, name, .. } => write!(f, "{parent:?}.WithValue({name})"),
                Node::WithoutCancel { parent } => write!(f, "{parent:?}.WithoutCancel"),
                Node::Source(_) => f.write_str("context.Source"),
            },
        }
    }
}
