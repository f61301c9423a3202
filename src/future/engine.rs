//! What waits for a wake, in a model and outside.
//!
//! In a model a token of the world's (`State::Task`): its waits and wakes are operations. Outside the scheduler's
//! own. Invariant: a waker belongs to the world it was made in; used in another execution it does nothing, used on a
//! plain thread while its execution runs it is reported as every object is.

use crate::objects::{Op, State};
use crate::port::wait::executor::{self, Unparker};
use crate::port::{self, Home};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::sync::Arc;
use std::task::{Wake, Waker};

/// The token of a task of a model, or of who blocks on a future there.
pub(super) struct Token {
    home: Home,
    site: SiteRef,
}

impl Token {
    pub(super) fn new(site: SiteRef) -> Arc<Token> {
        Arc::new(Token { home: Home::new(State::Task { woken: false }, site), site })
    }

    pub(super) fn id(&self) -> ObjId {
        self.home.id()
    }

    /// Wait until somebody wakes.
    pub(super) fn wait(&self, site: SiteRef) {
        port::with(|engine| engine.op(Op::TaskWait(self.id()), site));
    }
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.home.is_of_the_past() {
            return;
        }
        let id = self.home.id();
        port::with(|engine| engine.op(Op::TaskWake(id), self.site));
    }
}

/// Who blocks on a future.
pub(super) enum Parked {
    Model(Arc<Token>),
    Native(Arc<Unparker>),
}

impl Parked {
    pub(super) fn new(site: SiteRef) -> Parked {
        match port::model() {
            Some(_) => Parked::Model(Token::new(site)),
            None => Parked::Native(Unparker::new()),
        }
    }

    pub(super) fn waker(&self) -> Waker {
        match self {
            Parked::Model(token) => Waker::from(Arc::clone(token)),
            Parked::Native(unparker) => Waker::from(Arc::clone(unparker)),
        }
    }

    pub(super) fn wait(&self, site: SiteRef) {
        match self {
            Parked::Model(token) => token.wait(site),
            Parked::Native(unparker) => unparker.wait(site),
        }
    }
}

pub(super) use executor::{Job, start, uncaught};
