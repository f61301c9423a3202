//! Threads that may borrow from the stack of who starts them.
//!
//! Invariant, on which the soundness of this module rests: [`scope`] neither returns nor unwinds
//! before every thread started in it has *exited*, which is the engine's word for "runs no code of
//! its own any more": its closure, its result (unless taken by a join) and all they borrow are
//! dropped, or lie on a stack that was abandoned and is never resumed. This is not assumed but asked
//! for, child by child; if it should not hold, the process aborts.
//!
//! The engine grants it in every ending:
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

use super::handle::{Identity, Thread};
use crate::go::packet::{Packet, packet};
use crate::objects::Op;
use crate::port::{self, Spawn};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

type Body<'a> = Box<dyn FnOnce() + Send + 'a>;

/// A scope to start threads in; given by [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    children: Children,
    /// Invariant in both lifetimes, as in std: neither can be shrunk or grown.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// A thread of a scope.
struct Child {
    g: Gid,
    /// Alive while somebody could still join it.
    handle: Weak<()>,
}

/// The threads of a scope that nobody has joined.
#[derive(Default)]
struct Children {
    list: Mutex<Vec<Child>>,
    /// A thread panicked that nobody can join any more.
    panicked: AtomicBool,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Vec<Child>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let go of a thread that has exited and that nobody will join.
    fn release(&self, g: Gid) {
        port::with(|engine| {
            if engine.take_panic(g).is_some() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            engine.detach(g);
        });
    }

    /// Outside of a model a scope may live as long as a server: it forgets threads that are done,
    /// whenever the list would grow. (In a model each join is an operation to be seen.)
    fn prune(&self, list: &mut Vec<Child>) {
        if list.len() < 64 || list.len() < list.capacity() || port::model().is_some() {
            return;
        }
        list.retain(|child| {
            let done = child.handle.strong_count() == 0 && port::with(|engine| engine.has_exited(child.g));
            if done {
                self.release(child.g);
            }
            !done
        });
    }

    /// Start a thread and put it on the list; `is_alive` says whether its body was not dropped.
    fn start(&self, spawn: Spawn, handle: Weak<()>, is_alive: impl Fn() -> bool) -> Gid {
        let started = catch_unwind(AssertUnwindSafe(|| port::with(|engine| engine.spawn(spawn))));
        match started {
            // An execution that is over starts nothing and names main, which nobody can start.
            Ok(Gid::MAIN) if port::model().is_some() => Gid::MAIN,
            Ok(g) => {
                let mut list = self.lock();
                self.prune(&mut list);
                list.push(Child { g, handle });
                g
            }
            Err(_) if is_alive() => gone_wrong(),
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Wait until all have exited; whether one panicked and nobody was told.
    fn join_all(&self, site: SiteRef) -> bool {
        let mut exited = Vec::new();
        // A child may start further ones while this waits: it goes on until none is left.
        while let Some(Child { g: child, .. }) = { self.lock().pop() } {
            exited.push(child);
            let joined = catch_unwind(|| port::with(|engine| engine.op(Op::Join(child), site)));
            let still_runs = |g: Gid| !port::with(|engine| engine.has_exited(g));
            if still_runs(child) {
                gone_wrong();
            }
            if let Err(payload) = joined {
                // The execution is over, and the engine unwinds this goroutine in its turn.
                if self.lock().iter().any(|other| still_runs(other.g)) {
                    gone_wrong();
                }
                resume_unwind(payload);
            }
        }
        // Only now are they let go of: one of them may have been waiting for another.
        exited.into_iter().for_each(|child| self.release(child));
        self.panicked.load(Ordering::Relaxed)
    }
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
    let scope = Scope { children: Children::default(), scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let panicked = scope.children.join_all(site);
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
        // SAFETY: only the lifetime is erased. The engine drops the body, run or not, before its
        // goroutine counts as exited, and `scope` waits for that (see the header), because
        // `children.start` puts the goroutine on the list, or aborts if it starts without a number.
        // `'scope` lasts until the list is empty: its only other user, this thread, is either the
        // closure of the scope or a thread on the list. So nothing of `'scope` is used after it.
        let body = unsafe { std::mem::transmute::<Body<'scope>, Body<'static>>(body) };
        let is_alive = || packet.is_expected();
        let held = Arc::new(());
        let g = self.children.start(Spawn { body, name, site }, Arc::downgrade(&held), is_alive);
        let thread = identity.thread(g);
        ScopedJoinHandle { g, packet, thread, children: &self.children, _held: held }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// A handle to a thread of a scope.
pub struct ScopedJoinHandle<'scope, T> {
    g: Gid,
    packet: Packet<T>,
    thread: Thread,
    children: &'scope Children,
    /// Keeps the scope from letting go of the thread.
    _held: Arc<()>,
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
        let g = self.g;
        port::with(|engine| {
            engine.op(Op::Join(g), site);
            let value = self.packet.open();
            let panic = engine.take_panic(g);
            // Whoever takes it off the list lets go of it; the scope itself does so at its end.
            let mut children = self.children.lock();
            if let Some(at) = children.iter().position(|child| child.g == g) {
                children.swap_remove(at);
                drop(children);
                engine.detach(g);
            }
            value.ok_or_else(|| panic.unwrap_or_else(|| Box::new("the goroutine was ended")))
        })
    }

    /// Whether the thread has ended; see [`JoinHandle::is_finished`](super::JoinHandle::is_finished).
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        super::look(Location::caller());
        port::with(|engine| engine.has_exited(self.g))
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}
