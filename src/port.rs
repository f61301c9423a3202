//! The one seam: what an engine offers to a primitive.
//!
//! Every operation of the surface asks for the engine of this thread, [`model`]: if an execution runs on it
//! its engine decides, else the primitive is what it is by itself, waiting by [`wait`]. Invariants: a thread has
//! at most one engine; only the model's worker sets it; whoever holds an [`ObjId`] got it from the engine it
//! hands it to. The global state of the library is here and in the scheduler, and nowhere else.
//!
//! Soundness rests on *claims*. An object's first use in an execution claims it for that
//! execution; while the execution lives, no other execution and no plain thread gets past
//! [`Object::id`], so what the object guards is touched by one OS thread only.

use crate::objects::{Arm, End, Nanos, Op, Ret, State};
use selvedge_checkers::finding::Slug;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::ObjKind;
use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

pub(crate) mod locals;
pub(crate) mod machine;

/// What unwinds a goroutine that ends itself: Go's `runtime.Goexit`.
pub(crate) struct GoExit;

/// A goroutine to be started.
pub(crate) struct Spawn {
    pub(crate) body: Box<dyn FnOnce() + Send>,
    pub(crate) name: Option<String>,
    pub(crate) site: SiteRef,
}

/// What an engine offers.
pub(crate) trait Engine {
    /// Announce an operation and return once it took effect.
    fn op(&self, op: Op, site: SiteRef) -> Ret;
    /// The running goroutine is in a loop that does nothing but wait, of which it remembers nothing.
    fn waits_in_loop(&self) {}
    /// Announce a select over `arms`.
    fn select(&self, arms: &[Arm], form: SelectForm, site: SiteRef) -> Ret;
    /// A new object of this engine's world.
    fn create(&self, state: State, created: SiteRef) -> ObjId;
    /// The object is gone.
    fn destroy(&self, obj: ObjId);
    /// One more handle of an end of a channel.
    fn add_handle(&self, ch: ObjId, end: End);
    /// One handle less; gives the tickets of the messages nobody can receive any more.
    fn drop_handle(&self, ch: ObjId, end: End, site: SiteRef) -> Vec<u32>;
    /// Start a goroutine.
    fn spawn(&self, spawn: Spawn) -> Gid;
    /// The handle of a goroutine was dropped without a join.
    fn detach(&self, g: Gid);
    /// The payload of a goroutine that panicked, once.
    fn take_panic(&self, g: Gid) -> Option<Box<dyn Any + Send>>;
    /// Whether a goroutine has ended.
    fn has_exited(&self, g: Gid) -> bool;
    /// Whether the execution is over and its goroutines are only being unwound.
    fn is_over(&self) -> bool;
    /// The running goroutine.
    fn running(&self) -> Gid;
    /// Goroutines that have not ended.
    fn num_goroutines(&self) -> usize;
    /// Nanoseconds since the world began.
    fn now(&self) -> Nanos;
    /// An unsynchronised access to a variable.
    fn access(&self, cell: ObjId, write: bool, site: SiteRef);
    /// The function a timer runs when it fires.
    fn set_timer_function(&self, timer: ObjId, f: Arc<dyn Fn() + Send + Sync>);
    /// When a timer sent the tick with this ticket.
    fn tick_time(&self, timer: ObjId, ticket: u32) -> Nanos;
    /// The value of an atomic, without an operation.
    fn peek_atomic(&self, atomic: ObjId) -> u64;
    /// Something the surface saw that deserves a warning.
    fn advise(&self, slug: Slug, object: Option<ObjId>, site: SiteRef);
    /// Whether, to try it out, a context made there is cancelled where its cancel function is dropped.
    fn cancels_on_drop(&self, _created: SiteRef) -> bool {
        false
    }
    /// The identity of the execution: the upper bits of the tags of its objects.
    fn epoch(&self) -> Epoch;
}

/// How a select behaves when no arm is ready, and among those that are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SelectForm {
    pub(crate) default: bool,
    pub(crate) biased: bool,
    pub(crate) deadline: Option<Nanos>,
    /// A misuse is given back, for whoever it is the misuse of.
    pub(crate) quiet: bool,
}

/// An execution of the process.
///
/// Layout of a tag: `[worker: 12][execution of the worker: 28][object: 24]`; tag 0 means the object
/// was never used in a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Epoch(u64);

/// How many executions may run at once in this process.
pub(crate) const MAX_WORKERS: usize = 1 << 12;
const OBJECT_BITS: u32 = 24;
const EXECUTION_BITS: u32 = 28;

/// The execution each worker is running: 0 while it runs none.
static LIVE: [AtomicU32; MAX_WORKERS] = [const { AtomicU32::new(0) }; MAX_WORKERS];
/// The object of each worker's execution that a thread outside of it tried to use, and where it was
/// created: null while nobody did.
static TRESPASSED: [(AtomicU32, AtomicPtr<Location<'static>>); MAX_WORKERS] =
    [const { (AtomicU32::new(0), AtomicPtr::new(std::ptr::null_mut())) }; MAX_WORKERS];

impl Epoch {
    /// None: of an engine before its first execution.
    pub(crate) const NONE: Epoch = Epoch(0);

    /// Execution number `n` (from 1) of a worker (from 1) begins.
    pub(crate) fn begin(worker: usize, n: u32) -> Epoch {
        let n = n & ((1 << EXECUTION_BITS) - 1);
        TRESPASSED[worker].1.store(std::ptr::null_mut(), Ordering::Relaxed);
        // Release: whatever the last execution wrote to an object is visible to who claims it.
        LIVE[worker].store(n, Ordering::Release);
        Epoch(((worker as u64) << EXECUTION_BITS) | u64::from(n))
    }

    fn worker(self) -> usize {
        (self.0 >> EXECUTION_BITS) as usize
    }

    /// The execution is over; its objects may be claimed by others.
    pub(crate) fn end(self) {
        LIVE[self.worker()].store(0, Ordering::Release);
    }

    /// The object of this execution that a thread outside of it used, if one did.
    pub(crate) fn trespassed(self) -> Option<(ObjId, SiteRef)> {
        let (object, created) = &TRESPASSED[self.worker()];
        // SAFETY: what is not null was made from a `&'static Location`.
        let created = unsafe { created.load(Ordering::Acquire).as_ref() }?;
        Some((ObjId(object.load(Ordering::Relaxed)), created))
    }

    fn of_tag(tag: u64) -> Epoch {
        Epoch(tag >> OBJECT_BITS)
    }

    fn is_live(self) -> bool {
        let n = (self.0 & ((1 << EXECUTION_BITS) - 1)) as u32;
        n != 0 && LIVE[self.worker()].load(Ordering::Acquire) == n
    }
}

/// The identity of a primitive in whichever execution uses it.
pub(crate) struct Object {
    /// `[epoch][object id]` of the model execution that used it last.
    tag: AtomicU64,
    created: SiteRef,
}

impl Object {
    #[track_caller]
    pub(crate) const fn new() -> Object {
        Object::at(Location::caller())
    }

    pub(crate) const fn at(created: SiteRef) -> Object {
        Object { tag: AtomicU64::new(0), created }
    }

    /// Where the primitive was created.
    pub(crate) fn created(&self) -> SiteRef {
        self.created
    }

    /// The id in the engine's world; the first use there creates it from `initial`.
    ///
    /// # Panics
    /// If another execution, or a thread outside of the execution that owns it, uses the object.
    #[inline]
    pub(crate) fn id(&self, engine: &dyn Engine, initial: impl FnOnce() -> State) -> ObjId {
        let epoch = engine.epoch();
        let tag = self.tag.load(Ordering::Acquire);
        if Epoch::of_tag(tag) == epoch {
            return ObjId((tag & ((1 << OBJECT_BITS) - 1)) as u32);
        }
        if Epoch::of_tag(tag).is_live() {
            trespass(tag, self.created);
        }
        self.claim(engine, epoch, tag, initial)
    }

    /// The object is used outside of models.
    ///
    /// # Panics
    /// If an execution uses it.
    #[inline]
    pub(crate) fn outside(&self) {
        if cfg!(feature = "check") {
            let tag = self.tag.load(Ordering::Acquire);
            if tag != 0 && Epoch::of_tag(tag).is_live() {
                trespass(tag, self.created);
            }
        }
    }

    #[cold]
    fn claim(&self, engine: &dyn Engine, epoch: Epoch, tag: u64, initial: impl FnOnce() -> State) -> ObjId {
        let id = engine.create(initial(), self.created);
        assert!(id.0 < 1 << OBJECT_BITS, "selvedge: more than 16 million objects in one execution");
        let mine = (epoch.0 << OBJECT_BITS) | u64::from(id.0);
        match self.tag.compare_exchange(tag, mine, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => id,
            Err(other) => trespass(other, self.created),
        }
    }

    /// The id in the engine's world, if the object was used there.
    pub(crate) fn existing(&self, engine: &dyn Engine) -> Option<ObjId> {
        let epoch = engine.epoch();
        let tag = self.tag.load(Ordering::Acquire);
        (Epoch::of_tag(tag) == epoch).then_some(ObjId((tag & ((1 << OBJECT_BITS) - 1)) as u32))
    }

    /// Forget the object in the worlds it was used in; the next use starts anew.
    pub(crate) fn release(&mut self) {
        if *self.tag.get_mut() == 0 {
            return;
        }
        if let Some(engine) = model()
            && let Some(id) = self.existing(engine)
        {
            engine.destroy(id);
        }
        *self.tag.get_mut() = 0;
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.release();
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "created at {}", self.created)
    }
}

/// An object that belongs to the execution it was made in, for as long as it lives.
pub(crate) struct Home {
    epoch: Epoch,
    id: ObjId,
    created: SiteRef,
}

impl Home {
    pub(crate) fn new(state: State, created: SiteRef) -> Home {
        with(|engine| Home { epoch: engine.epoch(), id: engine.create(state, created), created })
    }

    /// The id, for use with the engine of this thread.
    ///
    /// # Panics
    /// If the engine of this thread is not the one of the object's world.
    #[inline]
    pub(crate) fn id(&self) -> ObjId {
        if !self.is_here() {
            self.away();
        }
        self.id
    }

    /// Whether the object's world was an execution that is over.
    pub(crate) fn is_of_the_past(&self) -> bool {
        !self.epoch.is_live()
    }

    /// Whether the engine of this thread is the one of the object's world.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        model().is_some_and(|engine| engine.epoch() == self.epoch)
    }

    #[cold]
    fn away(&self) -> ! {
        if self.epoch.is_live() {
            trespass(self.epoch.0 << OBJECT_BITS | u64::from(self.id.0), self.created);
        }
        misplaced(self.created, "in an earlier execution", "now")
    }

    pub(crate) fn add_handle(&self, end: End) {
        let id = self.id();
        with(|engine| engine.add_handle(id, end));
    }

    /// A handle that outlives its world is simply gone. Gives the tickets of the messages nobody
    /// can receive any more.
    #[track_caller]
    pub(crate) fn drop_handle(&self, end: End) -> Vec<u32> {
        match model().filter(|engine| engine.epoch() == self.epoch) {
            Some(engine) => engine.drop_handle(self.id, end, Location::caller()),
            None => Vec::new(),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(engine) = model().filter(|engine| engine.epoch() == self.epoch) {
            engine.destroy(self.id);
        }
    }
}

/// Data that belongs to an object with a [`Home`].
pub(crate) struct Guarded<T>(UnsafeCell<T>);

// SAFETY: `with` gives access to one thread at a time (see there), so sharing the cell moves the
// data between threads, which `T: Send` allows.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) fn new(data: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(data))
    }

    /// Use the data; `f` must not operate on the object.
    #[inline]
    pub(crate) fn with<R>(&self, home: &Home, f: impl FnOnce(&mut T) -> R) -> R {
        assert!(home.is_here(), "selvedge: an object was used outside of its execution");
        // SAFETY: this thread runs the object's execution (asserted), no other thread does, and no
        // other goroutine runs during `f`.
        f(unsafe { &mut *self.0.get() })
    }
}

#[cold]
fn trespass(tag: u64, created: SiteRef) -> ! {
    let (object, place) = &TRESPASSED[Epoch::of_tag(tag).worker()];
    object.store((tag & ((1 << OBJECT_BITS) - 1)) as u32, Ordering::Relaxed);
    place.store(std::ptr::from_ref(created).cast_mut(), Ordering::Release);
    panic!(
        "selvedge: an object created at {created} belongs to a model execution on another thread; \
         inside a model start threads with `selvedge::thread::spawn` or `selvedge::go`, and give each \
         test its own objects (or run one execution at a time: SELVEDGE_JOBS=1)"
    )
}

/// What may be asked about a wait from outside, while the world is stopped: so an answer waits for nothing,
/// neither for a lock.
pub(crate) trait Watch {
    /// Whether who waits can never go on: proved, whatever anybody does. False if that cannot be known now.
    fn is_stranded(&self) -> bool {
        false
    }
    /// The object: its address, what it is, and where it was created.
    fn object(&self) -> Option<(usize, ObjKind, SiteRef)> {
        None
    }
    /// The numbers of the goroutines of which one has to act first, as far as that is known: who holds
    /// the lock, who is to end.
    fn holders(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// An object that was made outside is used in the model that runs here.
#[cold]
pub(crate) fn made_outside(created: SiteRef) -> ! {
    misplaced(created, "outside of the model", "inside")
}

#[cold]
fn misplaced(created: SiteRef, made: &str, used: &str) -> ! {
    panic!(
        "selvedge: the object created at {created} was made {made} and is used {used}; create it in \
         the test itself, so that every execution starts afresh"
    )
}

#[cfg(feature = "check")]
mod current;

#[cfg(feature = "check")]
pub(crate) use current::{enter, model};

/// The model that runs on this thread: never one without the feature `check`.
#[cfg(not(feature = "check"))]
pub(crate) fn model<'a>() -> Option<&'a dyn Engine> {
    None
}

/// Use the engine of this thread, for what is of a model.
///
/// # Panics
/// If no execution runs on it.
#[inline]
#[track_caller]
pub(crate) fn with<R>(f: impl FnOnce(&dyn Engine) -> R) -> R {
    f(model().expect("selvedge: what belongs to a model is used in its execution"))
}

/// What a primitive waits with outside of a model; see the README of `runtime`.
#[allow(unused_imports, reason = "what waits moves over to it piece by piece")]
pub(crate) mod wait {
    pub(crate) use crate::runtime::async_wait::{AsyncWaiter, TaskWait};
    pub(crate) use crate::runtime::biased::BiasedLock;
    pub(crate) use crate::runtime::clock;
    pub(crate) use crate::runtime::executor;
    pub(crate) use crate::runtime::locals;
    pub(crate) use crate::runtime::lock::{Held, Lock, Locked};
    pub(crate) use crate::runtime::poller::{Direction, Source};
    pub(crate) use crate::runtime::task::{self, Task, Uncaught};
    pub(crate) use crate::runtime::timers::{self, Fired, Node};
    pub(crate) use crate::runtime::unblock;
    pub(crate) use crate::runtime::wait::{
        TIMED_OUT, Waiter, Why, goroutines, is_goroutine, mine, sleep_until, spawn, spinning_helps,
        start_timer, watching, yield_now,
    };
    pub(crate) use crate::runtime::wait_list::{WaitList, WaitNode};
    /// Stacks of whoever asks.
    pub(crate) mod stacks {
        pub(crate) use crate::runtime::stack_pointer::stack_pointer;
        pub(crate) use crate::runtime::trace::{Trace, here};
    }
    pub(crate) use crate::runtime::{blocked, census, cpu_samples, dump, scope, stranded, symbols, tasks};
}
