//! A goroutine with a result, and the handle that waits for it.
//!
//! Invariants: the result is kept in the goroutine's record, from before the goroutine counts as ended there until it is taken,
//! once; goroutine and handle share the record, which the second to let go frees (see `done`). A result that
//! nobody wants is dropped on the goroutine's own stack: that is user code, which may wait.

use super::done::Joined;
pub(crate) use super::g::Uncaught;
use super::g::{self, G, New};
use super::m::current;
use super::wait::{Waiter, Why};
use super::{end, fatal, spawn};
use crate::port::{GoExit, Watch};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::thread::Result;

/// The handle of a goroutine.
pub(crate) struct Task<T> {
    g: &'static G,
    id: u64,
    result: PhantomData<T>,
}

// SAFETY: the handle reads the result, by move, after the goroutine has written it and ended, which
// `Done` orders; so a `T` moves between threads, which `T: Send` allows.
unsafe impl<T: Send> Send for Task<T> {}
// SAFETY: by reference a handle only looks at atomics.
unsafe impl<T: Send> Sync for Task<T> {}
impl<T> UnwindSafe for Task<T> {}
impl<T> RefUnwindSafe for Task<T> {}

/// Start a goroutine that runs `f`.
#[inline]
pub(crate) fn start<F, T>(f: F, name: Option<String>, site: SiteRef, uncaught: Uncaught) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let new = New { body: || run(f), site, joined: Joined::Maybe, uncaught };
    let (g, id) = spawn::spawn(new, name);
    Task { g, id, result: PhantomData }
}

/// What the goroutine runs.
fn run<T: Send + 'static>(f: impl FnOnce() -> T) {
    let mut result = catch_unwind(AssertUnwindSafe(f));
    if let Err(payload) = end::end() {
        result = Err(payload);
    }
    let g = current().expect("a goroutine runs it");
    if g.done.is_left() {
        discard(result, g.uncaught.get(), g.id());
    } else {
        g.keep(result, discard_kept::<T>);
    }
}

/// Nobody wants the result that is kept.
///
/// # Safety
/// As for [`G::kept`].
unsafe fn discard_kept<T>(g: &G) {
    // SAFETY: by the contract.
    discard(unsafe { g.kept::<Result<T>>() }, g.uncaught.get(), g.id());
}

/// Nobody wants the result.
fn discard<T>(result: Result<T>, uncaught: Uncaught, id: u64) {
    match result {
        Err(payload) if uncaught == Uncaught::EndProgram && !payload.is::<GoExit>() => {
            fatal::uncaught(&*payload, id);
        }
        // What dropping it does is user code; there is nobody to hand its panic to.
        result => _ = catch_unwind(AssertUnwindSafe(move || drop(result))),
    }
}

impl<T> Task<T> {
    /// The goroutine's number.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether the goroutine has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.g.done.is_ended()
    }

    /// Wait until the goroutine has ended.
    #[inline]
    pub(crate) fn wait(&self, site: SiteRef) {
        let done = &self.g.done;
        if done.is_ended() {
            return;
        }
        let waiter = Waiter::new();
        let address = (&raw const waiter).expose_provenance();
        let joined = Joins(self.id);
        waiter.watch(&joined);
        let why = Why { reason: WaitReason::Join, site, object: 0 };
        waiter.park(why, || done.wait(address));
    }

    /// Wait until the goroutine has ended, and take its result.
    #[inline]
    pub(crate) fn join(self, site: SiteRef) -> Result<T> {
        self.wait(site);
        let task = ManuallyDrop::new(self);
        // SAFETY: the goroutine has ended, and without running its destructor this handle is used up.
        unsafe { task.take() }
    }

    /// Take the result, and let go of the record.
    ///
    /// # Safety
    /// The goroutine has ended, and the handle is not used again.
    unsafe fn take(&self) -> Result<T> {
        // SAFETY: it kept a result of this type before it ended, and only the handle takes it. That it is `'static`,
        // and may come from another thread, `start` has seen to.
        let result = unsafe { self.g.kept::<Result<T>>() };
        g::let_go(self.g);
        result
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.g.done.leave() {
            return;
        }
        let uncaught = self.g.uncaught.get();
        // SAFETY: the goroutine has ended and left the rest to us.
        let result = unsafe { self.take() };
        // Who unwinds has something to report already.
        let uncaught = if std::thread::panicking() { Uncaught::Ignore } else { uncaught };
        discard(result, uncaught, self.id);
    }
}

/// A wait for the end of a goroutine.
struct Joins(u64);

impl Watch for Joins {
    fn holders(&self) -> Vec<u64> {
        vec![self.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;
    use std::sync::mpsc;

    #[test]
    fn a_result_whose_handle_is_dropped_as_the_goroutine_leaves_its_stack_is_dropped_on_a_goroutine() {
        struct Tells(mpsc::Sender<Option<u64>>);
        impl Drop for Tells {
            fn drop(&mut self) {
                crate::port::wait::yield_now();
                let _ = self.0.send(current().map(G::id));
            }
        }
        let (tell, told) = mpsc::channel();
        let body = move || {
            let g = current().expect("a goroutine runs it");
            g.keep::<Result<Tells>>(Ok(Tells(tell)), discard_kept::<Tells>);
            assert!(end::end().is_ok());
            // In the name of who has the handle.
            assert!(!g.done.leave());
        };
        let site = Location::caller();
        let new = New { body, site, joined: Joined::Maybe, uncaught: Uncaught::Ignore };
        let (_, id) = spawn::spawn(new, None);
        assert_eq!(told.recv_timeout(std::time::Duration::from_secs(60)), Ok(Some(id)));
        assert!(told.recv().is_err(), "it is dropped once");
    }
}
