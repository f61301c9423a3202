//! Who waits in place of a future of a model.
//!
//! In a model only goroutines wait. So a future that cannot go on leaves one behind that waits for the
//! same as a goroutine would: its operation is a goroutine's, with the same conflicts, and what becomes of it
//! is explored alike. Once its wait is over it wakes the future. Invariants: it waits for what the future
//! may have, or for the future's end, which a drop tells it; so it ends with the future at the latest. What
//! the two share changes right after a turn was taken (see [`Turn`]).

use super::engine::Token;
use super::turn::Turn;
use crate::objects::watch::Want;
use crate::objects::{Op, Ret};
use crate::port::{self, Spawn};
use selvedge_checkers::ids::{Gid, SiteRef};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// What a goroutine that waits in place of a future shares with it.
struct Shared<R> {
    turn: Turn,
    state: Mutex<State<R>>,
}

struct State<R> {
    result: Option<R>,
    waker: Option<Waker>,
    /// The future is gone.
    over: bool,
}

impl<R> Shared<R> {
    fn enter(&self) -> MutexGuard<'_, State<R>> {
        self.turn.take();
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A goroutine that waits in place of a future, for an `R`.
pub(crate) struct Proxy<R> {
    shared: Arc<Shared<R>>,
    g: Gid,
}

impl<R: Send + 'static> Proxy<R> {
    /// Start a goroutine that waits in `wait`, and then wakes the future.
    pub(crate) fn start(waker: &Waker, site: SiteRef, wait: impl FnOnce() -> R + Send + 'static) -> Proxy<R> {
        let state = State { result: None, waker: Some(waker.clone()), over: false };
        let shared = Arc::new(Shared { turn: Turn::new(), state: Mutex::new(state) });
        let theirs = Arc::clone(&shared);
        let body = Box::new(move || {
            let result = wait();
            let mut state = theirs.enter();
            let waker = state.waker.take().filter(|_| !state.over);
            state.result = Some(result);
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        });
        let g = port::with(|engine| engine.spawn(Spawn { body, name: None, site }));
        Proxy { shared, g }
    }

    /// The goroutine.
    pub(crate) fn goroutine(&self) -> Gid {
        self.g
    }

    /// What came of the wait, once. If it is not over, `waker` is called when it is.
    pub(crate) fn poll(&self, waker: &Waker) -> Option<R> {
        let waker = waker.clone();
        let mut state = self.shared.enter();
        let old = match state.result.is_some() {
            true => Some(waker),
            false => state.waker.replace(waker),
        };
        let result = state.result.take();
        drop(state);
        drop(old);
        result
    }

    /// The future is gone, and `cancel` ends the wait: what came of it. Who unwinds cannot wait for the answer, and
    /// may get none.
    pub(crate) fn end(&self, site: SiteRef, cancel: impl FnOnce()) -> Option<R> {
        let result = self.leave();
        if result.is_some() {
            return result;
        }
        cancel();
        if std::thread::panicking() {
            return None;
        }
        port::with(|engine| engine.op(Op::Join(self.g), site));
        self.leave()
    }

    /// The future is gone: what came of the wait, if it is over; else nobody is woken any more.
    fn leave(&self) -> Option<R> {
        let mut state = self.shared.enter();
        state.over = true;
        let (result, waker) = (state.result.take(), state.waker.take());
        drop(state);
        drop(waker);
        result
    }
}

impl<R> Drop for Proxy<R> {
    fn drop(&mut self) {
        if !is_over() {
            port::with(|engine| engine.detach(self.g));
        }
    }
}

/// Whether what a future drops is of an execution that is over: then nobody is told anything.
pub(crate) fn is_over() -> bool {
    port::model().is_none_or(|engine| engine.is_over())
}

/// A look-out for something that a future wants.
pub(crate) struct Lookout {
    proxy: Proxy<bool>,
    cancel: Arc<Token>,
    told: bool,
}

impl Lookout {
    pub(crate) fn new(want: Want, waker: &Waker, site: SiteRef) -> Lookout {
        let cancel = Token::new(site);
        let token = Arc::clone(&cancel);
        let wait = move || {
            let op = Op::Watch { want, cancel: token.id() };
            port::with(|engine| engine.op(op, site)) == Ret::Flag(true)
        };
        Lookout { proxy: Proxy::start(waker, site, wait), cancel, told: false }
    }

    /// Whether what is wanted was there. If not, `waker` is called when it is.
    pub(crate) fn poll(&mut self, waker: &Waker) -> bool {
        self.told = self.told || self.proxy.poll(waker).is_some();
        self.told
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        if !self.told && !is_over() && self.proxy.leave().is_none() {
            Arc::clone(&self.cancel).wake();
        }
    }
}

/// A future's wait for what it wants, between its polls.
#[derive(Default)]
pub(crate) struct Patience(Option<Lookout>);

impl Patience {
    /// Whether it is time to look: at first, and when what was wanted was there.
    pub(crate) fn is_over(&mut self, waker: &Waker) -> bool {
        let over = self.0.as_mut().is_none_or(|lookout| lookout.poll(waker));
        if over {
            self.0 = None;
        }
        over
    }

    /// Look again when `want` is there.
    pub(crate) fn begin(&mut self, want: Want, waker: &Waker, site: SiteRef) {
        self.0 = Some(Lookout::new(want, waker, site));
    }
}
