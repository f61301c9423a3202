//! Who there is: a look at every goroutine, or at those of one scope, in a stopped world.
//!
//! Records are walked where they lie, so there is no list to be kept. Invariants: what a portrait says
//! was true of one moment, the same for all, if [`Census::still`]; otherwise (see `world`) it was true
//! of some moment each, and nothing is known that needs a look at a stack.

use super::clock::Nanos;
use super::g::{self, G, Status, Wait};
use super::m::current;
use super::trace::{self, Trace, Tracer};
use super::{clock, names, unwinding, wait, world};
use selvedge_checkers::ids::SiteRef;
use selvedge_checkers::op::ObjKind;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between two looks at goroutines that are to end, in nanoseconds.
const LONGEST_PAUSE: Nanos = 10_000_000;

/// What is said of a goroutine.
#[derive(Clone, Debug)]
pub(crate) struct Portrait {
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) name: Option<String>,
    pub(crate) created: Option<SiteRef>,
    /// None if it waits for nothing.
    pub(crate) waits: Option<Wait>,
    pub(crate) running: bool,
    /// Whether it unwinds, and blocks its thread while it waits.
    pub(crate) unwinding: bool,
    /// Whether it may only run on one thread.
    pub(crate) locked: bool,
    /// Whether it has run at all.
    pub(crate) begun: bool,
    /// The object it waits for: its address, what it is, and where it was created.
    pub(crate) object: Option<(usize, ObjKind, SiteRef)>,
    /// Whether it is proved that it waits for ever.
    pub(crate) stranded: bool,
    /// Who has to act before it can go on, as far as that is known.
    pub(crate) holders: Vec<u64>,
    pub(crate) trace: Trace,
}

/// All that were asked for, the oldest first.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) all: Vec<Portrait>,
    pub(crate) taken: Nanos,
    /// Whether all were looked at in one moment.
    pub(crate) still: bool,
}

/// Whom to look at, and how closely.
#[derive(Clone, Copy, Default)]
pub(crate) struct Question {
    /// Only those of this scope.
    pub(crate) scope: Option<u32>,
    /// Whether to tell where each is.
    pub(crate) traces: bool,
}

impl Question {
    pub(crate) const EVERYTHING: Question = Question { scope: None, traces: true };

    fn asks(self, g: &G) -> bool {
        !g.is(Status::Free) && self.scope.is_none_or(|scope| g.origin().scope == scope)
    }
}

/// The number of the goroutine that runs here; 0 for none.
#[inline]
pub(crate) fn myself() -> u64 {
    current().map_or(0, G::id)
}

/// How many others than the caller there are, without a closer look.
pub(crate) fn others(scope: Option<u32>) -> usize {
    let question = Question { scope, traces: false };
    let (mut count, myself) = (0, current());
    g::each(|g| {
        let other = myself.is_none_or(|me| !std::ptr::eq(me, g));
        count += usize::from(other && question.asks(g));
    });
    count
}

/// Look.
pub(crate) fn take(question: Question) -> Census {
    let tracer = if question.traces { Tracer::new() } else { None };
    let mut mine = if question.traces { trace::here() } else { Trace::new() };
    let found = world::stop(|| {
        let mut all = Vec::new();
        g::each(|g| {
            if question.asks(g) {
                // SAFETY: the world is stopped.
                all.push(unsafe { closely(g, tracer.as_ref()) });
            }
        });
        all
    });
    let still = found.is_some();
    let mut all = found.unwrap_or_else(|| {
        let mut all = Vec::new();
        g::each(|g| all.extend(question.asks(g).then(|| from_afar(g))));
        all
    });
    let me = myself();
    if let Some(own) = all.iter_mut().find(|portrait| portrait.id == me) {
        own.trace = std::mem::take(&mut mine);
    }
    all.sort_by_key(|portrait| portrait.id);
    Census { all, taken: clock::now(), still }
}

/// Those of the goroutines with these numbers that are left, with stacks; none if the world does not stop within
/// `patience`.
pub(super) fn those(who: &[(&'static G, u64)], patience: Nanos) -> Option<Vec<Portrait>> {
    let tracer = Tracer::new();
    world::stop_within(patience, || {
        let left = who.iter().filter(|(g, id)| g.id() == *id && !g.is(Status::Free));
        // SAFETY: the world is stopped.
        left.map(|(g, _)| unsafe { closely(g, tracer.as_ref()) }).collect()
    })
}

/// Wait until those of `scope` who are not `excused` have ended, or can never go on, but not longer than
/// `patience`; give who is left. Costs a walk over the records if nobody is.
pub(crate) fn settle(scope: Option<u32>, patience: Duration, excused: impl Fn(&Portrait) -> bool) -> Census {
    let question = Question { scope, traces: false };
    let end = clock::now().saturating_add(Nanos::try_from(patience.as_nanos()).unwrap_or(Nanos::MAX));
    let mut pause = 1_000;
    loop {
        if others(scope) == 0 {
            return Census { all: Vec::new(), taken: clock::now(), still: true };
        }
        let mut left = take(question);
        left.all.retain(|portrait| portrait.id != myself() && !excused(portrait));
        let over = left.all.iter().all(|portrait| portrait.stranded);
        let now = clock::now();
        if over || now >= end {
            return left;
        }
        wait::sleep_until((now + pause).min(end), Location::caller());
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn from_afar(g: &'static G) -> Portrait {
    let origin = g.origin();
    let running = g.is(Status::Running);
    let unwinding = running && unwinding::waits(g);
    Portrait {
        id: g.id(),
        parent: origin.parent,
        name: names::of(g),
        created: g.site(),
        waits: if unwinding { g.wait_on_thread() } else { g.wait() },
        running,
        unwinding,
        locked: g.locks.load(Ordering::Relaxed) > 0,
        begun: true,
        object: None,
        stranded: false,
        holders: Vec::new(),
        trace: Trace::new(),
    }
}

/// # Safety
/// The world is stopped.
unsafe fn closely(g: &'static G, tracer: Option<&Tracer>) -> Portrait {
    let mut portrait = from_afar(g);
    portrait.begun = g.started.get();
    if portrait.waits.is_some() && !portrait.running {
        // SAFETY: it is parked, since it waits, and stays so in a stopped world.
        if let Some(watch) = unsafe { g.watched() } {
            portrait.object = watch.object();
            portrait.stranded = watch.is_stranded();
            portrait.holders = watch.holders();
        }
    }
    if let Some(tracer) = tracer.filter(|_| !portrait.running) {
        // SAFETY: the world is stopped, and the caller runs.
        portrait.trace = unsafe { tracer.of(g) };
    }
    portrait
}
