//! The part of a context that can end, and how its end spreads to its children.
//!
//! ```text
//!   CancelFunc ─▶ Trigger ─▶ Core ◀─ Context          strong
//!   timer ──────▶   ▲         │ └─▶ children: Trigger, Callback
//!   parent's Core ──┘         └ ─ ▶ parent's Core      weak
//! ```
//! Invariants:
//! - A core is done if and only if its channel is closed; how it ended is set before that.
//! - Children are adopted, let go and claimed in steps on one atomic (`word`), so the interleavings
//!   of these are explored like any others; the tables behind it change only right after such a step.
//! - A parent closes its own channel before those of its children, and `cancel` returns, to whoever
//!   called it, when all of them are closed.
//! - No table is locked while a channel or a timer is operated on.
//!
//! Source: Go's package `context` (`cancelCtx`). Deviation: Go holds the parent's mutex meanwhile;
//! here a second caller waits for the channels instead.

use super::after::Callback;
use super::error::Ended;
use crate::chan::{Core as Channel, Receiver, Sender, TryRecvError, pair};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::time::CallOff;
use selvedge_checkers::ids::SiteRef;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Set in `word` by whoever ends the core; the rest of it counts children.
const CLAIMED: u32 = 1;
const CHILD: u32 = 2;

/// What contexts that end together share.
pub(super) struct Core {
    done: Receiver<()>,
    word: AtomicU32,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    ended: Option<Ended>,
    /// In order of adoption. Kept as they are once the core is claimed.
    children: BTreeMap<u64, Child>,
    adopted: u64,
    parent: Option<(Weak<Core>, u64)>,
}

/// Whoever learns of a core's end from the core itself.
#[derive(Clone)]
pub(super) enum Child {
    Context(Arc<Trigger>),
    Callback(Arc<Callback>),
    /// The timer of the core's own deadline.
    Timer(CallOff),
}

/// The right to end a core. While there is one, the channel can still be closed.
pub(super) struct Trigger {
    core: Arc<Core>,
    done: Sender<()>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn done(&self) -> &Receiver<()> {
        &self.done
    }

    /// How it ended, if it has.
    #[track_caller]
    pub(super) fn ended(&self) -> Option<Ended> {
        match self.done.try_recv() {
            Err(TryRecvError::Closed) => self.lock().ended.clone(),
            _ => None,
        }
    }

    /// Whether somebody has begun to end it; no operation.
    pub(super) fn is_ending(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Take on a child; gives its number, or how the core ended, once its channel is closed.
    #[track_caller]
    pub(super) fn adopt(self: &Arc<Self>, child: Child) -> Result<u64, Ended> {
        self.word.fetch_add(CHILD, Ordering::AcqRel);
        let mut tables = self.lock();
        let Some(ended) = tables.ended.clone() else {
            tables.adopted += 1;
            let number = tables.adopted;
            if let Child::Context(trigger) = &child {
                trigger.core.lock().parent = Some((Arc::downgrade(self), number));
            }
            tables.children.insert(number, child);
            return Ok(number);
        };
        drop(tables);
        self.done.recv();
        Err(ended)
    }

    /// Let go of a child that has ended by itself.
    #[track_caller]
    pub(super) fn let_go(&self, number: u64) {
        self.word.fetch_sub(CHILD, Ordering::AcqRel);
        let mut tables = self.lock();
        let child = if tables.ended.is_none() { tables.children.remove(&number) } else { None };
        drop(tables);
        drop(child);
    }

    /// Wait until the core and all below it are done: somebody is ending it.
    #[track_caller]
    fn settle(&self) {
        self.done.recv();
        let children: Vec<Child> = self.lock().children.values().cloned().collect();
        for child in children {
            if let Child::Context(trigger) = child {
                trigger.core.settle();
            }
        }
    }
}

impl Trigger {
    /// A core without a parent, and the right to end it.
    pub(super) fn new(site: SiteRef) -> Arc<Trigger> {
        let (sender, receiver) = pair(Channel::signal(site));
        let core = Core { done: receiver, word: AtomicU32::new(0), tables: Mutex::default() };
        Arc::new(Trigger { core: Arc::new(core), done: sender })
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// End the core and all below it, and leave its parent. The first end counts.
    #[track_caller]
    pub(super) fn cancel(&self, ended: Ended) {
        if !self.end(&ended) {
            return;
        }
        let parent = self.core.lock().parent.take();
        if let Some((parent, number)) = parent
            && let Some(parent) = parent.upgrade()
        {
            parent.let_go(number);
        }
    }

    /// End the core and all below it; false if it had ended.
    #[track_caller]
    fn end(&self, ended: &Ended) -> bool {
        let core = &self.core;
        if core.word.fetch_or(CLAIMED, Ordering::AcqRel) & CLAIMED != 0 {
            core.settle();
            return false;
        }
        let children: Vec<Child> = {
            let mut tables = core.lock();
            tables.ended = Some(ended.clone());
            tables.children.values().cloned().collect()
        };
        self.done.close();
        for child in &children {
            child.parent_ended(ended);
        }
        true
    }
}

impl Child {
    #[track_caller]
    fn parent_ended(&self, ended: &Ended) {
        match self {
            Child::Context(trigger) => {
                trigger.end(ended);
            }
            Child::Callback(callback) => callback.start(),
            Child::Timer(timer) => timer.call_off(Location::caller()),
        }
    }
}
