//! Timers that run a function, in the world they were made in.

mod model;
mod native;

use super::{Duration, from_now};
use crate::port;
use selvedge_checkers::ids::SiteRef;
use std::sync::{Arc, Weak};

type Action = Box<dyn Fn() + Send + Sync>;

/// A function and the timer that runs it.
#[derive(Clone)]
pub(super) enum Function {
    Model(Arc<model::Function>),
    Native(Arc<native::Function>),
}

/// Calls a function off while it has not begun.
#[derive(Clone)]
pub(crate) enum CallOff {
    Model(Weak<model::Function>),
    Native(Weak<native::Function>),
}

/// A function with its timer, not started.
pub(super) fn new(f: Action, site: SiteRef) -> Function {
    match port::model() {
        Some(_) => Function::Model(model::new(f, site)),
        None => Function::Native(native::new(f, site)),
    }
}

/// Run `f` once, `duration` from now.
pub(crate) fn run_after(duration: Duration, f: impl Fn() + Send + Sync + 'static, site: SiteRef) -> CallOff {
    let function = new(Box::new(f), site);
    function.start(duration, site);
    match function {
        Function::Model(function) => CallOff::Model(Arc::downgrade(&function)),
        Function::Native(function) => CallOff::Native(Arc::downgrade(&function)),
    }
}

impl Function {
    /// Run it `duration` from now; true if it would have run anyway.
    pub(super) fn start(&self, duration: Duration, site: SiteRef) -> bool {
        match self {
            Function::Model(function) => function.start(from_now(duration), site),
            Function::Native(function) => function.start(from_now(duration)),
        }
    }

    /// Do not run it; true if it would have run.
    pub(super) fn stop(&self, site: SiteRef) -> bool {
        match self {
            Function::Model(function) => function.stop(site),
            Function::Native(function) => function.stop(),
        }
    }
}

impl CallOff {
    /// Do not run it, if it has not begun.
    pub(crate) fn call_off(&self, site: SiteRef) {
        match self {
            CallOff::Model(function) => _ = function.upgrade().map(|function| function.stop(site)),
            CallOff::Native(function) => _ = function.upgrade().map(|function| function.stop()),
        }
    }
}
