//! Where a goroutine is: the return addresses on its stack.
//!
//! A goroutine that waits is resumed with the address of a [`Request`], on whichever thread asks. It
//! notes where it is and suspends itself again, as if nothing had been (`run::suspend`). It does so on a
//! stack that comes with the request, so that one that is almost at the end of its own can tell as well,
//! and none takes memory for having told. Nothing of the thread is used, and no code of the program runs.
//!
//! Invariant: a goroutine is traced while the world is stopped, and only if it has a stack and no thread
//! runs it.
//!
//! Does not tell: where a goroutine is that runs on another thread.

use super::arena;
use super::g::{G, Status};
use corosensei::stack::{DefaultStack, Stack, StackPointer};

/// Frames of a trace at most: a runaway recursion is recognised long before.
const DEPTH: usize = 128;
/// Bytes of the stack that comes with a request.
const STACK: usize = 128 << 10;

/// Return addresses, the innermost first.
pub(crate) type Trace = Vec<usize>;

/// What a goroutine is asked to fill.
struct Request<'a> {
    g: &'static G,
    frames: &'a mut Trace,
    stack: &'a DefaultStack,
}

/// Somebody else's stack.
struct Lent<'a>(&'a DefaultStack);

// SAFETY: it is the stack that it borrows, and nobody else runs on that: a tracer asks one goroutine
// after the other.
unsafe impl Stack for Lent<'_> {
    fn base(&self) -> StackPointer {
        self.0.base()
    }

    fn limit(&self) -> StackPointer {
        self.0.limit()
    }

    #[cfg(windows)]
    fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.0.teb_fields()
    }

    #[cfg(windows)]
    fn update_teb_fields(&mut self, _stack_limit: usize, _guaranteed_stack_bytes: usize) {}
}

/// What asks goroutines where they are.
pub(super) struct Tracer(DefaultStack);

impl Tracer {
    /// A tracer; none if the system has no memory for its stack.
    pub(super) fn new() -> Option<Tracer> {
        DefaultStack::new(STACK).ok().map(Tracer)
    }

    /// Where a goroutine is that does not run; nothing if it has not begun.
    ///
    /// # Safety
    /// The world is stopped, and `g` is not the caller.
    pub(super) unsafe fn of(&self, g: &'static G) -> Trace {
        let mut frames = Vec::new();
        let suspended = g.is(Status::Waiting) || g.is(Status::Runnable);
        if suspended && g.started.get() {
            frames.reserve(DEPTH);
            let mut request = Request { g, frames: &mut frames, stack: &self.0 };
            // SAFETY: it has begun and does not run, and nobody resumes it in a stopped world. It obeys
            // and suspends itself with the command it was suspended with, which still stands.
            let _ = unsafe { g.code().resume((&raw mut request).expose_provenance()) };
        }
        frames
    }
}

/// A goroutine was resumed only to tell where it is.
///
/// # Safety
/// `request` is the address of a [`Request`] that nobody uses meanwhile.
#[cold]
#[inline(never)]
pub(super) unsafe fn obey(request: usize) {
    // SAFETY: by the contract.
    let request = unsafe { &mut *std::ptr::with_exposed_provenance_mut::<Request<'_>>(request) };
    let (g, frames) = (request.g, &mut *request.frames);
    corosensei::on_stack(Lent(request.stack), || capture(frames, Some(g)));
}

/// Where the caller is.
pub(crate) fn here() -> Trace {
    let mut frames = Vec::with_capacity(DEPTH);
    capture(&mut frames, arena::current());
    frames
}

/// Note the return addresses on the stack of `g`, or of this thread, as far as there is room. Below the
/// goroutine's first function the unwinder would go on with whoever resumed it.
fn capture(frames: &mut Trace, g: Option<&'static G>) {
    // SAFETY: the unwinder itself may run on several threads at once; what the lock that is left out
    // protects is what other systems than those goroutines run on have instead.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            let own = g.is_none_or(|g| arena::at(frame.sp().addr()).is_some_and(|at| std::ptr::eq(at, g)));
            if own {
                frames.push(frame.ip().addr());
            }
            (own || frames.is_empty()) && frames.len() < frames.capacity()
        });
    }
}
