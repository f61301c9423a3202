//! Tasks, and the handles that join and abort them.
//!
//! Invariants: a result is handed over once; who finishes a task, by its end, a panic or an abort, has dropped the
//! future before. A panic that nobody joins ends the program, as that of a goroutine. No lock is held while a waker, a
//! poll or a drop of the user's runs.

use super::engine::{self, Job, Token};
use super::turn::Turn;
use crate::go::{Goroutine, start_in_model};
use crate::port;
use selvedge_checkers::ids::SiteRef;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

type Payload = Box<dyn Any + Send>;

/// Why a task has no result.
pub struct JoinError(Why);

enum Why {
    Aborted,
    /// Locked only to be shared between threads.
    Panicked(Mutex<Payload>),
}

impl JoinError {
    fn panicked(payload: Payload) -> JoinError {
        JoinError(Why::Panicked(Mutex::new(payload)))
    }

    /// Whether it was aborted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Why::Aborted)
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Why::Panicked(_))
    }

    /// The payload of its panic, to be resumed.
    ///
    /// # Panics
    /// If it did not panic.
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.0 {
            Why::Panicked(payload) => payload.into_inner().unwrap_or_else(PoisonError::into_inner),
            Why::Aborted => panic!("selvedge: the task was aborted, it did not panic"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Why::Aborted => "the task was aborted",
            Why::Panicked(_) => "the task panicked",
        })
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}

/// What a task and its handles share.
struct Shared<T> {
    turn: Turn,
    state: Mutex<State<T>>,
}

struct State<T> {
    result: Option<Result<T, JoinError>>,
    finished: bool,
    aborted: bool,
    /// Nobody joins any more.
    detached: bool,
    joiner: Option<Waker>,
}

impl<T> Shared<T> {
    #[track_caller]
    fn new() -> Arc<Shared<T>> {
        let state = State { result: None, finished: false, aborted: false, detached: false, joiner: None };
        Arc::new(Shared { turn: Turn::new(), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task is over; gives back a result that nobody wants.
    fn finish(&self, result: Option<Result<T, JoinError>>) -> Option<Result<T, JoinError>> {
        self.turn.take();
        let mut state = self.state();
        state.finished = true;
        let unwanted = if state.detached { result } else { std::mem::replace(&mut state.result, result) };
        let joiner = state.joiner.take();
        drop(state);
        joiner.into_iter().for_each(Waker::wake);
        unwanted
    }
}

/// A task at work.
struct Work<F: Future> {
    future: Option<F>,
    shared: Arc<Shared<F::Output>>,
}

impl<F: Future> Work<F> {
    /// Poll; none while pending.
    fn poll(&mut self, waker: &Waker) -> Option<F::Output> {
        let future = self.future.as_mut().expect("a task that is over is not polled");
        // SAFETY: the work is in a place that it never leaves (a shared allocation, or a frame that it is not moved
        // out of), and the future is dropped there.
        let future = unsafe { Pin::new_unchecked(future) };
        match future.poll(&mut Context::from_waker(waker)) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }
}

impl<F: Future + Send + 'static> Job for Work<F>
where
    F::Output: Send + 'static,
{
    fn run(&mut self, waker: &Waker) -> bool {
        let aborted = self.shared.state().aborted;
        let polled = if aborted { Ok(None) } else { catch_unwind(AssertUnwindSafe(|| self.poll(waker))) };
        if matches!(polled, Ok(None)) && !aborted {
            return false;
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| self.future = None));
        let result = match (polled, dropped) {
            (Ok(Some(value)), Ok(())) => Ok(value),
            (Ok(None), Ok(())) => Err(JoinError(Why::Aborted)),
            (Err(payload), _) | (_, Err(payload)) => Err(JoinError::panicked(payload)),
        };
        if let Some(unwanted) = self.shared.finish(Some(result)) {
            mourn(unwanted);
        }
        true
    }
}

/// Nobody will ask for this result.
fn mourn<T>(result: Result<T, JoinError>) {
    match result {
        Err(JoinError(Why::Panicked(payload))) => {
            engine::uncaught(&*payload.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        // What dropping it does is user code, and there is nobody to hand its panic to.
        other => drop(catch_unwind(AssertUnwindSafe(move || drop(other)))),
    }
}

/// Start a task that runs `future`.
///
/// Dropping the handle detaches the task: it goes on.
///
/// # Examples
/// ```
/// use selvedge::future;
/// let sum = future::spawn(async { 1 + 1 });
/// assert_eq!(future::block_on(sum).unwrap(), 2);
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    start(future, None, Location::caller())
}

/// Start a task with a name that reports and dumps show.
#[track_caller]
pub fn spawn_named<F>(name: impl Into<String>, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    start(future, Some(name.into()), Location::caller())
}

#[track_caller]
fn start<F>(future: F, name: Option<String>, site: SiteRef) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = Shared::new();
    let work = Work { future: Some(future), shared: Arc::clone(&shared) };
    match port::model() {
        None => JoinHandle { shared, waker: engine::start(work, name, site), goroutine: None, joined: false },
        Some(_) => {
            let token = Token::new(site);
            let waker = Waker::from(Arc::clone(&token));
            let goroutine = start_in_model(move || work.run_in_model(&token, site), name, site);
            // It is scheduled.
            waker.wake_by_ref();
            JoinHandle { shared, waker, goroutine: Some(goroutine), joined: false }
        }
    }
}

impl<F: Future> Work<F> {
    /// The life of a task of a model, on a goroutine of its own. A panic unwinds the goroutine.
    fn run_in_model(mut self, token: &Arc<Token>, site: SiteRef) {
        /// Says that the task is over also when it unwinds; dropped after the future.
        struct Finish<T>(Arc<Shared<T>>, Option<Result<T, JoinError>>);
        impl<T> Drop for Finish<T> {
            fn drop(&mut self) {
                let over = port::model().is_none_or(|engine| engine.is_over());
                if !over {
                    drop(self.0.finish(self.1.take()));
                }
            }
        }
        let mut finish = Finish(Arc::clone(&self.shared), None);
        let waker = Waker::from(Arc::clone(token));
        // Its own frame, so that a panic drops the future first.
        finish.1 = Some((move || {
            loop {
                token.wait(site);
                // Set right after the wake that this wait has seen.
                if self.shared.state().aborted {
                    self.future = None;
                    return Err(JoinError(Why::Aborted));
                }
                if let Some(value) = self.poll(&waker) {
                    self.future = None;
                    return Ok(value);
                }
            }
        })());
    }
}

/// A handle to a task, given by [`spawn`]: a future of its result.
///
/// Dropping it detaches the task: it goes on, and nobody learns its result. If it panics, or has panicked, and nobody
/// asks for the result, the program ends as for a goroutine.
pub struct JoinHandle<T> {
    shared: Arc<Shared<T>>,
    waker: Waker,
    /// In a model, until the panic was taken.
    goroutine: Option<Goroutine<()>>,
    joined: bool,
}

/// Aborts a task; given by [`JoinHandle::abort_handle`].
#[derive(Clone)]
pub struct AbortHandle(Arc<dyn Abort>);

trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
}

struct Aborts<T> {
    shared: Arc<Shared<T>>,
    waker: Waker,
}

impl<T: Send> Abort for Aborts<T> {
    fn abort(&self) {
        self.shared.abort(&self.waker);
    }

    fn is_finished(&self) -> bool {
        self.shared.is_finished()
    }
}

impl<T> Shared<T> {
    fn abort(&self, waker: &Waker) {
        if port::model().is_some() {
            // One step: the task sees it exactly if it sees the wake.
            waker.wake_by_ref();
            self.state().aborted = true;
        } else {
            self.state().aborted = true;
            waker.wake_by_ref();
        }
    }

    #[track_caller]
    fn is_finished(&self) -> bool {
        self.turn.take();
        self.state().finished
    }
}

impl<T> JoinHandle<T> {
    /// Have the task dropped at its next await, unless it ends before. Its result is then an error.
    pub fn abort(&self) {
        self.shared.abort(&self.waker);
    }

    /// Whether the task is over.
    #[must_use]
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        self.shared.is_finished()
    }

    /// Wait for the result, as a goroutine or a plain thread.
    ///
    /// # Errors
    /// If the task panicked or was aborted.
    #[track_caller]
    pub fn join(self) -> Result<T, JoinError> {
        super::block_on(self)
    }
}

impl<T: Send + 'static> JoinHandle<T> {
    /// Something that aborts the task, to be kept elsewhere than the handle.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle(Arc::new(Aborts { shared: Arc::clone(&self.shared), waker: self.waker.clone() }))
    }
}

impl AbortHandle {
    /// As [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let waker = cx.waker().clone();
        self.shared.turn.take();
        let mut state = self.shared.state();
        if !state.finished {
            let old = state.joiner.replace(waker);
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        let result = state.result.take();
        drop(state);
        self.joined = true;
        match (result, self.goroutine.take()) {
            (Some(result), _) => Poll::Ready(result),
            // In a model a panic has unwound the goroutine, which has it.
            (None, Some(goroutine)) => match goroutine.join() {
                Err(payload) => Poll::Ready(Err(JoinError::panicked(payload))),
                Ok(()) => panic!("selvedge: a task is joined once"),
            },
            (None, None) => panic!("selvedge: a task is joined once"),
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if !self.joined {
            // Whether the task or this drops the result is a matter of order.
            self.shared.turn.take();
        }
        let mut state = self.shared.state();
        state.detached = true;
        let (unwanted, joiner) = (state.result.take(), state.joiner.take());
        drop(state);
        drop(joiner);
        match unwanted {
            // Who unwinds has something to report already.
            Some(Err(error)) if std::thread::panicking() => drop(error),
            Some(result) => mourn(result),
            None => {}
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.shared.state().finished).finish_non_exhaustive()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").finish_non_exhaustive()
    }
}
