//! A goroutine with a result, and the handle that waits for it.
//!
//! Invariants: the result is written once, before the goroutine counts as ended; goroutine and handle
//! share one allocation, which the second to let go frees (see `done`).

use super::done::{Done, Finish};
use super::wait::{Waiter, Why};
use super::{census, end, fatal, spawn};
use crate::port::{GoExit, Watch};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::WaitReason;
use std::any::Any;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// Who minds a panic that nobody joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Uncaught {
    /// Nobody: as for a thread of std's.
    Ignore,
    /// It ends the program: as in Go.
    EndProgram,
}

struct Shared<T> {
    done: Done,
    uncaught: Uncaught,
    result: UnsafeCell<MaybeUninit<std::thread::Result<T>>>,
}

/// The handle of a goroutine.
pub(crate) struct Task<T> {
    shared: NonNull<Shared<T>>,
    id: u64,
}

// SAFETY: the handle reads the result, by move, after the goroutine has written it and ended, which
// `Done` orders; so a `T` moves between threads, which `T: Send` allows.
unsafe impl<T: Send> Send for Task<T> {}
// SAFETY: by reference a handle only looks at atomics.
unsafe impl<T: Send> Sync for Task<T> {}
impl<T> UnwindSafe for Task<T> {}
impl<T> RefUnwindSafe for Task<T> {}

/// The goroutine's side.
struct End<T>(NonNull<Shared<T>>);
// SAFETY: as for the handle, in the other direction.
unsafe impl<T: Send> Send for End<T> {}

/// Start a goroutine that runs `f`.
#[inline]
pub(crate) fn start<F, T>(f: F, name: Option<String>, site: SiteRef, uncaught: Uncaught) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let result = UnsafeCell::new(MaybeUninit::uninit());
    let shared = Box::new(Shared { done: Done::new(), uncaught, result });
    let shared = NonNull::from(Box::leak(shared));
    let end = End(shared);
    let id = spawn::spawn(move || end.fill(f), name, site);
    Task { shared, id }
}

impl<T> End<T> {
    fn fill(self, f: impl FnOnce() -> T) {
        let mut result = catch_unwind(AssertUnwindSafe(f));
        if let Err(payload) = end::end() {
            result = Err(payload);
        }
        let panicked = result.is_err();
        // SAFETY: the handle neither reads the result nor frees it before `finish`.
        let found = unsafe {
            let shared = self.0.as_ref();
            (*shared.result.get()).write(result);
            shared.done.finish()
        };
        match found {
            Finish::Nobody => {}
            // SAFETY: who waits at this task released the waiter with its address, and `finish` gave
            // it to us alone.
            Finish::Waiter(waiter) => unsafe {
                Waiter::wake(std::ptr::with_exposed_provenance(waiter));
            },
            Finish::Left => {
                // SAFETY: the handle is gone, so what was shared is ours.
                let shared = unsafe { *Box::from_raw(self.0.as_ptr()) };
                if panicked {
                    shared.mourn(census::myself());
                } else {
                    shared.discard();
                }
            }
        }
    }
}

impl<T> Shared<T> {
    /// Nobody wants the result.
    fn discard(self) {
        // SAFETY: the goroutine has ended, so the result was written, and nobody has read it.
        let result = unsafe { self.result.into_inner().assume_init() };
        // What dropping it does is user code; there is nobody to hand its panic to.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(result)));
    }

    /// It panicked, and nobody joins it.
    #[cold]
    fn mourn(self, id: u64) {
        let uncaught = self.uncaught;
        // SAFETY: as in `discard`.
        let result = unsafe { self.result.into_inner().assume_init() };
        if let Err(payload) = result {
            let is_panic = !payload.is::<GoExit>();
            if is_panic && uncaught == Uncaught::EndProgram {
                fatal::uncaught(&*payload, id);
            }
        }
    }
}

impl<T> Task<T> {
    fn shared(&self) -> &Shared<T> {
        // SAFETY: the handle has not left, so what is shared is there.
        unsafe { self.shared.as_ref() }
    }

    /// The goroutine's number.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether the goroutine has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.shared().done.is_ended()
    }

    /// Wait until the goroutine has ended.
    #[inline]
    pub(crate) fn wait(&self, site: SiteRef) {
        let done = &self.shared().done;
        if done.is_ended() {
            return;
        }
        let waiter = Waiter::new();
        let address = (&raw const waiter).expose_provenance();
        let joined = Joined(self.id);
        waiter.watch(&joined);
        let why = Why { reason: WaitReason::Join, site, object: 0 };
        waiter.park(why, || done.wait(address));
    }

    /// Wait until the goroutine has ended, and take its result.
    #[inline]
    pub(crate) fn join(self, site: SiteRef) -> Result<T, Box<dyn Any + Send>> {
        self.wait(site);
        let task = std::mem::ManuallyDrop::new(self);
        // SAFETY: the goroutine has ended: it touches what is shared no more, the result is written,
        // and without running its destructor this handle is used up.
        let shared = unsafe { Box::from_raw(task.shared.as_ptr()) };
        // SAFETY: as above.
        unsafe { shared.result.into_inner().assume_init() }
    }
}

/// A wait for the end of a goroutine.
struct Joined(u64);

impl Watch for Joined {
    fn holders(&self) -> Vec<u64> {
        vec![self.0]
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.shared().done.leave() {
            // SAFETY: the goroutine has ended and left the rest to us.
            let shared = unsafe { *Box::from_raw(self.shared.as_ptr()) };
            // SAFETY: the result was written before the end.
            let panicked = unsafe { (*shared.result.get()).assume_init_ref().is_err() };
            // Who unwinds has something to report already.
            let heard = panicked && !std::thread::panicking();
            if heard { shared.mourn(self.id) } else { shared.discard() }
        }
    }
}
