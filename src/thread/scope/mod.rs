//! Threads that may borrow from the stack of who starts them.
//!
//! Invariant, on which the soundness of this module rests: [`scope`] neither returns nor unwinds
//! before every thread started in it has *exited*, that is, runs no code of its own any more: its
//! closure, its result (unless taken by a join) and all they borrow are dropped, or lie on a stack that
//! was abandoned and is never resumed. Outside of models each thread counts itself out, last of all
//! (`native`). In a model that it has exited is not assumed but asked for, child by child; if it should not hold,
//! the process aborts (`model`).
//!
//! The model's engine grants it in every ending:
//! - The closure of the scope panics, or ends its goroutine: the payload is caught, the children are
//!   joined by an ordinary operation (the goroutine is not unwinding and can be suspended), and the
//!   unwinding goes on.
//! - The scope is used while the goroutine unwinds already (in a destructor) and would have to wait:
//!   the model cannot suspend it, ends the execution and abandons its stack, which keeps what the
//!   children borrow.
//! - The execution is over while children are blocked: the engine unwinds the goroutines in reverse
//!   order of their start. A child started after its scope's owner did, so it has exited (or its
//!   stack is abandoned) before the owner's stack is touched; and nothing starts any more.
//!
//! Source: `std::thread::scope`. Deviation: the thread-locals of a thread are dropped before the
//! scope ends.

mod model;
mod native;

use super::handle::{Identity, Thread};
use crate::go::packet::{Packet, packet};
use crate::port::{self, Spawn};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;

type Body<'a> = Box<dyn FnOnce() + Send + 'a>;

/// A scope to start threads in; given by [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    children: Children,
    /// Invariant in both lifetimes, as in std: neither can be shrunk or grown.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// The threads of a scope, in the world it was made in.
enum Children {
    Model(model::Children),
    Native(native::Threads),
}

/// Which thread of a scope.
enum Child {
    Model(Gid),
    Native(Arc<native::Started>),
}

/// A thread of the scope may still be using the stack that is about to go.
#[cold]
fn gone_wrong() -> ! {
    eprintln!("selvedge: a scope would end before its threads; aborting");
    std::process::abort()
}

/// Run `f`, which may start threads that borrow what lives outside of it; wait for all of them.
///
/// # Panics
/// "a scoped thread panicked", if a thread did and nobody joined it. A panic of `f` itself goes on
/// once all threads have ended.
///
/// # Examples
/// ```
/// let words = ["go", "rust"];
/// let mut letters = 0;
/// selvedge::thread::scope(|s| {
///     s.spawn(|| letters = words.iter().map(|w| w.len()).sum());
/// });
/// assert_eq!(letters, 6);
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let site = Location::caller();
    let children = match port::model() {
        Some(_) => Children::Model(model::Children::default()),
        None => Children::Native(native::Threads::default()),
    };
    let scope = Scope { children, scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let panicked = match &scope.children {
        Children::Model(children) => children.join_all(site),
        Children::Native(threads) => threads.join_all(site),
    };
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if panicked => panic!("a scoped thread panicked"),
        Ok(value) => value,
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Start a thread that runs `f`, and that has ended when the scope has.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.spawn_named(f, None, Location::caller())
    }

    pub(super) fn spawn_named<F, T>(
        &'scope self,
        f: F,
        name: Option<String>,
        site: SiteRef,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let identity = Identity::new(name.clone());
        let inside = identity.clone();
        let (envelope, packet) = packet();
        let body: Body<'scope> = Box::new(move || {
            inside.adopt();
            envelope.fill(f());
        });
        // SAFETY: only the lifetime is erased. The body is dropped, run or not, before its thread counts as
        // exited, and `scope` waits for that (see the header): it is counted, or in a model put on the list by
        // `start`, which aborts if it starts without a number. `'scope` lasts until nobody is left: its only
        // other user, this thread, is either the closure of the scope or such a thread itself. So nothing of
        // `'scope` is used after it.
        let body = unsafe { std::mem::transmute::<Body<'scope>, Body<'static>>(body) };
        let child = match &self.children {
            Children::Native(threads) => Child::Native(threads.start(body, name, site)),
            Children::Model(children) => {
                Child::Model(children.start(Spawn { body, name, site }, || packet.is_expected()))
            }
        };
        let g = if let Child::Model(g) = child { Some(g) } else { None };
        ScopedJoinHandle { packet, thread: identity.thread(g), child, children: &self.children }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// A handle to a thread of a scope.
pub struct ScopedJoinHandle<'scope, T> {
    packet: Packet<T>,
    thread: Thread,
    child: Child,
    children: &'scope Children,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Wait for the thread to end and take its result.
    ///
    /// # Errors
    /// The payload of its panic, if it panicked.
    #[track_caller]
    pub fn join(self) -> super::Result<T> {
        let site = Location::caller();
        let (value, panic) = match (self.child, self.children) {
            (Child::Native(thread), _) => {
                let panic = thread.join(site);
                (self.packet.open(), panic)
            }
            (Child::Model(g), Children::Model(children)) => {
                let panic = children.join(g, site);
                (self.packet.open(), panic)
            }
            (Child::Model(_), Children::Native(_)) => unreachable!("a scope stays in its world"),
        };
        value.ok_or_else(|| panic.unwrap_or_else(|| Box::new("the goroutine was ended")))
    }

    /// Whether the thread has ended; see [`JoinHandle::is_finished`](super::JoinHandle::is_finished).
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        super::look(Location::caller());
        match &self.child {
            Child::Native(thread) => thread.has_ended(),
            Child::Model(g) => port::with(|engine| engine.has_exited(*g)),
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}
