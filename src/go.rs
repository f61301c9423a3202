//! Goroutines.
//!
//! Invariants: a goroutine's result is handed over once, to whoever joins it; dropping the handle
//! detaches, and a detached goroutine's panic ends the program, as in Go.

pub(crate) mod packet;

use crate::objects::Op;
use crate::port::wait::{Task, Uncaught, task};
use crate::port::{self, Epoch, GoExit, Spawn};
use packet::{Packet, packet};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A handle to a goroutine, given by [`go`].
///
/// Dropping it detaches the goroutine: it goes on, and nobody learns its result. If it panics, or
/// has panicked, and nobody joins it, the program ends with exit code 2.
pub struct Goroutine<T> {
    kind: Kind<T>,
    name: Option<Arc<str>>,
}

/// Whose goroutine it is.
enum Kind<T> {
    /// The scheduler's; until it is joined.
    Native(Option<Task<T>>),
    /// A model's.
    Engine {
        id: Gid,
        /// The world it runs in: in another one its id means nothing, or somebody else.
        epoch: Epoch,
        /// Until it is joined.
        packet: Option<Packet<T>>,
    },
}

/// Start a goroutine that runs `f`: Go's `go` statement, with a handle.
///
/// # Examples
/// ```
/// let sum = selvedge::go(|| 1 + 1);
/// assert_eq!(sum.join().unwrap(), 2);
/// ```
///
/// # Panics
/// If the system has no memory or thread left for it.
///
/// Source: the Go specification, "Go statements".
#[track_caller]
pub fn go<F, T>(f: F) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    start(f, None, Location::caller())
}

/// Start a goroutine with a name that reports and dumps show.
#[track_caller]
pub fn go_named<F, T>(name: impl Into<String>, f: F) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    start(f, Some(name.into()), Location::caller())
}

pub(crate) fn start<F, T>(f: F, name: Option<String>, site: SiteRef) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    start_as(f, name, site, Uncaught::EndProgram)
}

/// Start a goroutine whose panic, outside of models, is the business of who joins it alone: as a thread of std's.
pub(crate) fn start_thread<F, T>(f: F, name: Option<String>, site: SiteRef) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    start_as(f, name, site, Uncaught::Ignore)
}

fn start_as<F, T>(f: F, name: Option<String>, site: SiteRef, uncaught: Uncaught) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if port::model().is_some() {
        return start_in_model(f, name, site);
    }
    let shown = name.as_deref().map(Arc::from);
    let task = task::start(f, name, site, uncaught);
    Goroutine { kind: Kind::Native(Some(task)), name: shown }
}

/// Start a goroutine of the model that runs here.
pub(crate) fn start_in_model<F, T>(f: F, name: Option<String>, site: SiteRef) -> Goroutine<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (envelope, packet) = packet();
    let shown = name.as_deref().map(Arc::from);
    let body = Box::new(move || envelope.fill(f()));
    let (id, epoch) = port::with(|engine| (engine.spawn(Spawn { body, name, site }), engine.epoch()));
    Goroutine { kind: Kind::Engine { id, epoch, packet: Some(packet) }, name: shown }
}

const ENDED: &str = "the goroutine was ended";

impl<T> Goroutine<T> {
    /// Wait for the goroutine to end and take its result.
    ///
    /// # Errors
    /// The payload of its panic, if it panicked.
    ///
    /// # Panics
    /// If the goroutine was started in another execution of the model, or outside of it.
    #[track_caller]
    pub fn join(mut self) -> std::thread::Result<T> {
        let site = Location::caller();
        match &mut self.kind {
            Kind::Native(task) => {
                assert!(port::model().is_none(), "{ELSEWHERE}");
                let task = task.take().expect("joined once");
                task.join(site).map_err(|payload| match payload.is::<GoExit>() {
                    true => Box::new(ENDED),
                    false => payload,
                })
            }
            Kind::Engine { id, epoch, packet } => {
                let engine = port::model().filter(|engine| engine.epoch() == *epoch);
                let engine = engine.unwrap_or_else(|| panic!("{ELSEWHERE}"));
                engine.op(Op::Join(*id), site);
                match packet.take().and_then(Packet::open) {
                    Some(value) => Ok(value),
                    None => Err(engine.take_panic(*id).unwrap_or_else(|| Box::new(ENDED))),
                }
            }
        }
    }

    /// Whether the goroutine has ended.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        // What others do until then decides about the answer.
        if let Some(engine) = port::model() {
            engine.op(Op::Yield, Location::caller());
        }
        match &self.kind {
            Kind::Native(task) => task.as_ref().is_none_or(Task::is_finished),
            // Elsewhere: what is asked about an execution from outside is asked when it is over.
            Kind::Engine { id, epoch, .. } => {
                port::model().is_none_or(|engine| *epoch != engine.epoch() || engine.has_exited(*id))
            }
        }
    }

    /// The goroutine's number, as reports and dumps show it.
    pub fn id(&self) -> u64 {
        match &self.kind {
            Kind::Native(task) => task.as_ref().map_or(0, Task::id),
            Kind::Engine { id, .. } => u64::from(id.0),
        }
    }

    /// The name it was started with.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its number in its execution, if it is of one.
    pub(crate) fn gid(&self) -> Option<Gid> {
        match &self.kind {
            Kind::Engine { id, .. } => Some(*id),
            Kind::Native(_) => None,
        }
    }
}

const ELSEWHERE: &str = "selvedge: a goroutine is joined in the execution it was started in";

impl<T> Drop for Goroutine<T> {
    fn drop(&mut self) {
        // Also after a join: the engine may reuse the number from now on.
        if let Kind::Engine { id, epoch, .. } = self.kind {
            let engine = port::model().filter(|engine| engine.epoch() == epoch);
            engine.into_iter().for_each(|engine| engine.detach(id));
        }
    }
}

impl<T> fmt::Debug for Goroutine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Goroutine").field("id", &self.id()).field("name", &self.name).finish()
    }
}

/// One of `n` values, chosen by the explorer: every one of them is tried.
///
/// Use it for what a test would otherwise draw at random: which request comes first, whether a
/// call fails. Outside a model it is 0.
///
/// # Panics
/// If `n` is 0.
///
/// # Examples
/// ```
/// let fails = selvedge::choose(2) == 1;
/// # let _ = fails;
/// ```
#[track_caller]
pub fn choose(n: usize) -> usize {
    assert!(n > 0, "selvedge::choose(0): there is nothing to choose from");
    let site = Location::caller();
    let most = u32::try_from(n).expect("fewer than 2^32 alternatives");
    match port::model() {
        Some(engine) => match engine.op(Op::Choose(most), site) {
            crate::objects::Ret::Value(v) => v as usize,
            _ => 0,
        },
        None => 0,
    }
}
