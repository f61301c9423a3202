//! Goroutines.
//!
//! Invariants: a goroutine's result is handed over once, to whoever joins it; dropping the handle
//! detaches, and a detached goroutine's panic ends the program, as in Go.

pub(crate) mod packet;

use crate::objects::Op;
use crate::port::{self, Epoch, Spawn};
use packet::{Packet, packet};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A handle to a goroutine, given by [`go`].
///
/// Dropping it detaches the goroutine: it goes on, and nobody learns its result.
pub struct Goroutine<T> {
    id: Gid,
    /// The world it runs in: in another one its id means nothing, or somebody else.
    epoch: Epoch,
    name: Option<Arc<str>>,
    /// Until it is joined.
    packet: Option<Packet<T>>,
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
    let (envelope, packet) = packet();
    let shown = name.as_deref().map(Arc::from);
    let body = Box::new(move || envelope.fill(f()));
    let (id, epoch) = port::with(|engine| (engine.spawn(Spawn { body, name, site }), engine.epoch()));
    Goroutine { id, epoch, name: shown, packet: Some(packet) }
}

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
        port::with(|engine| {
            assert!(
                self.epoch == engine.epoch(),
                "selvedge: a goroutine is joined in the execution it was started in"
            );
            engine.op(Op::Join(self.id), site);
            match self.packet.take().and_then(Packet::open) {
                Some(value) => Ok(value),
                None => {
                    Err(engine.take_panic(self.id).unwrap_or_else(|| Box::new("the goroutine was ended")))
                }
            }
        })
    }

    /// Whether the goroutine has ended.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        // What others do until then decides about the answer.
        if let Some(engine) = port::model() {
            engine.op(Op::Yield, Location::caller());
        }
        // Elsewhere: what is asked about an execution from outside is asked when it is over.
        port::with(|engine| self.epoch != engine.epoch() || engine.has_exited(self.id))
    }

    /// The goroutine's number, as reports and dumps show it.
    pub fn id(&self) -> u64 {
        u64::from(self.id.0)
    }

    /// The name it was started with.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn gid(&self) -> Gid {
        self.id
    }
}

impl<T> Drop for Goroutine<T> {
    fn drop(&mut self) {
        // Also after a join: the engine may reuse the number from now on.
        port::with(|engine| {
            if self.epoch == engine.epoch() {
                engine.detach(self.id);
            }
        });
    }
}

impl<T> fmt::Debug for Goroutine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Goroutine").field("id", &self.id.0).field("name", &self.name).finish()
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
