//! Timers of a model that run a function.
//!
//! ```text
//!   engine ──▶ closure ──▶ Keep ──(while armed)──▶ Function { home, f } ◀── Timer, user's handles
//!                           ▲                         │
//!                           └───────── weak ──────────┘
//! ```
//! Invariants: while the timer is armed its function lives, whoever dropped the handle; when it is
//! not, only handles keep it. Nothing here is a ring of strong references, so an execution that
//! ends early frees everything with the engine's closures. `f` is dropped outside of the engine.

use super::Action;
use crate::objects::chan::ChanState;
use crate::objects::{Nanos, Op, Ret, State};
use crate::port::{self, Home};
use selvedge_checkers::ids::SiteRef;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A function and the timer that runs it.
pub(crate) struct Function {
    home: Home,
    f: Action,
    keep: Weak<Keep>,
}

/// What the engine holds of a function.
struct Keep {
    function: Weak<Function>,
    armed: Mutex<Armed>,
}

#[derive(Default)]
struct Armed {
    /// Starts less runs and stops.
    count: i32,
    function: Option<Arc<Function>>,
}

/// A function with its timer, not started.
pub(super) fn new(f: Action, site: SiteRef) -> Arc<Function> {
    let home = Home::new(State::Chan(ChanState::timer(true)), site);
    let id = home.id();
    let mut keep = None;
    let function = Arc::new_cyclic(|function: &Weak<Function>| {
        let held = Arc::new(Keep { function: function.clone(), armed: Mutex::default() });
        let weak = Arc::downgrade(&held);
        keep = Some(held);
        Function { home, f, keep: weak }
    });
    if let Some(keep) = keep {
        port::with(|engine| engine.set_timer_function(id, Arc::new(move || keep.run())));
    }
    function
}

impl Function {
    pub(super) fn start(self: &Arc<Self>, at: Nanos, site: SiteRef) -> bool {
        let keep = self.keep.upgrade();
        if let Some(keep) = &keep {
            keep.lock().function = Some(Arc::clone(self));
        }
        let op = Op::TimerStart { timer: self.home.id(), at, period: 0 };
        let active = port::with(|engine| engine.op(op, site)) == Ret::Flag(true);
        if let Some(keep) = &keep {
            keep.count(i32::from(!active));
        }
        active
    }

    pub(super) fn stop(&self, site: SiteRef) -> bool {
        let op = Op::TimerStop(self.home.id());
        let active = port::with(|engine| engine.op(op, site)) == Ret::Flag(true);
        if let Some(keep) = self.keep.upgrade() {
            keep.count(-i32::from(active));
        }
        active
    }
}

impl Keep {
    fn lock(&self) -> std::sync::MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Count, and let go of the function if it is not armed any more.
    fn count(&self, delta: i32) {
        let mut armed = self.lock();
        armed.count += delta;
        let over = if armed.count <= 0 { armed.function.take() } else { None };
        drop(armed);
        drop(over);
    }

    /// The time has come.
    fn run(&self) {
        let Some(function) = self.function.upgrade() else { return };
        self.count(-1);
        (function.f)();
    }
}
