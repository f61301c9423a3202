//! Who has nothing to do: processors nobody holds, threads that hold none, and the one that minds
//! the next timer.
//!
//! Invariants, under [`IDLE`]'s lock:
//! - a thread in `threads` sleeps or is about to, and holds nothing; it is taken out by whoever gives
//!   it a processor, or by itself when a timer is due;
//! - a thread in `wanting` is also resting, has bound goroutines to run, and found no idle processor:
//!   there are no idle processors while somebody wants one;
//! - the keeper is in `threads` and sleeps no longer than to its deadline;
//! - the poller is in `threads` and sleeps in the netpoller, so that I/O finds it. Others are woken for
//!   work first.
//!
//! Processors and threads become idle in one step, so that whoever takes the one finds the other.

use super::clock::{self, NEVER, Nanos};
use super::g::{G, Status};
use super::gate::Gate;
use super::lookout::{Mood, Vain};
use super::m::M;
use super::p::{self, Owned, P};
use super::{global, host, monitor, poller, timers};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Idle {
    processors: Vec<&'static P>,
    threads: Vec<&'static M>,
    wanting: VecDeque<&'static M>,
    keeper: Option<(&'static M, Nanos)>,
    poller: Option<&'static M>,
}

static IDLE: Mutex<Idle> = Mutex::new(Idle {
    processors: Vec::new(),
    threads: Vec::new(),
    wanting: VecDeque::new(),
    keeper: None,
    poller: None,
});

static GATE: Gate = Gate::new(AtomicUsize::new(0), AtomicUsize::new(0));

static VAIN: Vain = Vain::new();

/// Threads that wait for a processor.
static WANTING: AtomicUsize = AtomicUsize::new(0);

fn lock() -> MutexGuard<'static, Idle> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Idle {
    fn take_processor(&mut self) -> Option<&'static P> {
        let p = self.processors.pop()?;
        GATE.set_idle(self.processors.len());
        Some(p)
    }

    fn add_processor(&mut self, p: &'static P) {
        self.processors.push(p);
        GATE.set_idle(self.processors.len());
    }

    fn take_thread(&mut self) -> Option<&'static M> {
        // A thread that an exclusive goroutine has is woken for that goroutine only.
        // The one that polls is of use where it is.
        let free = |m: &&M| !m.exclusive.load(Ordering::Relaxed);
        let polls = |m: &M| self.poller.is_some_and(|poller| std::ptr::eq(poller, m));
        let at = self.threads.iter().rposition(|m| free(m) && !polls(m));
        let at = at.or_else(|| self.threads.iter().rposition(free))?;
        let m = self.threads[at];
        self.remove(m);
        Some(m)
    }

    fn add_thread(&mut self, m: &'static M) {
        m.rests.store(true, Ordering::Relaxed);
        self.threads.push(m);
    }

    fn remove(&mut self, m: &'static M) {
        self.threads.retain(|&other| !std::ptr::eq(other, m));
        m.rests.store(false, Ordering::Relaxed);
        if self.keeper.is_some_and(|(keeper, _)| std::ptr::eq(keeper, m)) {
            self.keeper = None;
        }
        if self.poller.is_some_and(|poller| std::ptr::eq(poller, m)) {
            self.poller = None;
        }
        if m.wants.swap(false, Ordering::Relaxed) {
            self.wanting.retain(|&other| !std::ptr::eq(other, m));
            WANTING.store(self.wanting.len(), Ordering::Relaxed);
        }
    }

    fn want(&mut self, m: &'static M) {
        if !m.wants.swap(true, Ordering::Relaxed) {
            self.wanting.push_back(m);
            WANTING.store(self.wanting.len(), Ordering::Relaxed);
        }
    }

    /// Give a processor to a resting thread.
    fn dispatch(&mut self, m: &'static M, p: &'static P, spins: bool) {
        self.remove(m);
        m.give(p, spins);
    }
}

/// The counts of idle processors and spinners.
pub(super) fn gate() -> &'static Gate {
    &GATE
}

/// Whether some thread waits for a processor.
#[inline]
pub(super) fn somebody_wants() -> bool {
    WANTING.load(Ordering::Relaxed) != 0
}

/// Processors that nobody holds yet.
pub(super) fn set_up(all: Vec<&'static P>) {
    let mut idle = lock();
    all.into_iter().rev().for_each(|p| idle.add_processor(p));
}

/// A processor for the host, which comes first.
pub(super) fn take_first() -> &'static P {
    lock().take_processor().expect("nobody else has started")
}

/// Work was added that the adder may not come to soon: wake a thread for it if that is called for.
#[inline]
pub(super) fn work_was_added() {
    if GATE.wants_spinner() {
        start_spinner();
    }
}

/// A goroutine was put aside in the ring of `p`, whose holder comes to it unless the one that it runs next
/// computes for long: then the monitor sees to it, if nobody is woken here.
#[inline]
pub(super) fn work_was_set_aside(p: &Owned) {
    if GATE.may_want_spinner() && p.is_worth_waking(&VAIN, Mood::at(clock::coarse())) {
        work_was_added();
    }
}

/// Start the spinner that has been counted, if there is a processor for it.
#[cold]
fn start_spinner() {
    let mut idle = lock();
    let Some(p) = idle.take_processor() else {
        drop(idle);
        GATE.found();
        return;
    };
    let thread = idle.take_thread();
    if let Some(m) = thread {
        m.give(p, true);
    }
    drop(idle);
    monitor::wake();
    match thread {
        Some(m) => m.tell(),
        None => M::start(p, true),
    }
}

/// A spinner found work. If it was the last, others may be left without: look for them.
pub(super) fn spinner_found_work(m: &'static M) {
    m.spinning.set(false);
    VAIN.clear();
    if GATE.found() && GATE.idle() != 0 && is_work_anywhere() {
        work_was_added();
    }
}

/// Whether something waits in any queue, at some moment.
pub(super) fn is_work_anywhere() -> bool {
    global::len() != 0 || p::all().any(|p| !p.ring.is_empty())
}

/// A goroutine was added to the bound ones of `m`, by another thread.
pub(super) fn bound_was_added(m: &'static M) {
    let mut idle = lock();
    if !m.rests.load(Ordering::Relaxed) {
        // It looks at them before it rests.
        return;
    }
    match idle.take_processor() {
        Some(p) => {
            idle.dispatch(m, p, false);
            drop(idle);
            monitor::wake();
            m.tell();
        }
        None => idle.want(m),
    }
}

/// A processor is without a thread (its own was taken from it): find one.
pub(super) fn place(p: &'static P) {
    let mut idle = lock();
    if let Some(m) = idle.wanting.front().copied() {
        idle.dispatch(m, p, false);
        drop(idle);
        m.tell();
        return;
    }
    GATE.spin();
    let thread = idle.take_thread();
    if let Some(m) = thread {
        m.give(p, true);
    }
    drop(idle);
    match thread {
        Some(m) => m.tell(),
        None => M::start(p, true),
    }
}

/// Give the processor of `m`, which has just run a goroutine, to a thread that wants one.
pub(super) fn pass_on(m: &'static M) {
    let mut idle = lock();
    let Some(other) = idle.wanting.front().copied() else { return };
    let Some(p) = m.release() else { return };
    idle.dispatch(other, p, false);
    drop(idle);
    other.tell();
}

/// The thread lost its processor: hold another, or rest until given one. It may also return empty
/// handed.
pub(super) fn regain(m: &'static M) {
    let mut idle = lock();
    let useful = !m.exclusive.load(Ordering::Relaxed) || m.bound_len() != 0;
    if useful && let Some(p) = idle.take_processor() {
        drop(idle);
        monitor::wake();
        m.hold(p);
        return;
    }
    idle.add_thread(m);
    if m.bound_len() != 0 {
        idle.want(m);
    }
    drop(idle);
    sleep(m);
}

/// The thread found nothing to do: let go of its processor and rest until there is something. It may
/// also return early, with or without a processor.
pub(super) fn rest(m: &'static M) {
    let spun = m.spinning.replace(false);
    let mut idle = lock();
    if m.bound_len() != 0 || global::len() != 0 && !m.exclusive.load(Ordering::Relaxed) {
        drop(idle);
        m.spinning.set(spun);
        return;
    }
    let Some(p) = m.release() else {
        drop(idle);
        m.spinning.set(spun);
        return;
    };
    idle.add_thread(m);
    if let Some(other) = idle.wanting.front().copied() {
        idle.dispatch(other, p, false);
        drop(idle);
        other.tell();
        if spun {
            GATE.found();
        }
        return sleep(m);
    }
    if m.exclusive.load(Ordering::Relaxed) && (p.has_work() || global::len() != 0) {
        // Others can use it.
        drop(idle);
        if spun {
            GATE.found();
        }
        place(p);
        return sleep(m);
    }
    idle.add_processor(p);
    keep_time(&mut idle, m);
    drop(idle);
    GATE.gave_up(spun);
    if is_work_left(m, spun) && take_back(m) {
        return;
    }
    if spun {
        VAIN.add();
    }
    sleep(m);
}

/// Whether something waits that a thread which is about to rest must not leave. What it has looked at as a
/// spinner, and whose owner has taken something since, is left to that one; and so is all that goroutines make ready that
/// are better left together.
fn is_work_left(m: &'static M, spun: bool) -> bool {
    let is_left = |p: &P| !p.ring.is_empty() && (!spun || !m.lookout.may_leave(p));
    global::len() != 0 || p::all().any(is_left)
}

/// Become the keeper if a timer is due before the keeper looks.
fn keep_time(idle: &mut Idle, m: &'static M) {
    let next = timers::earliest();
    if next != NEVER && idle.keeper.is_none_or(|(_, deadline)| next < deadline) {
        idle.keeper = Some((m, next));
    }
}

/// A resting thread changed its mind: hold an idle processor, as a spinner. False if there is none,
/// or the thread has been given one already.
fn take_back(m: &'static M) -> bool {
    let mut idle = lock();
    if !m.rests.load(Ordering::Relaxed) {
        return false;
    }
    let Some(p) = idle.take_processor() else { return false };
    idle.remove(m);
    drop(idle);
    monitor::wake();
    GATE.spin();
    m.spinning.set(true);
    m.hold(p);
    true
}

/// Sleep until given a processor. The keeper also wakes for its deadline, the poller for I/O.
fn sleep(m: &'static M) {
    let mut ready = Vec::new();
    loop {
        let Duties { deadline, left, polls } = duties(m);
        let given = match left {
            Some(0) => false,
            _ if polls => m.poll(left, &mut ready),
            _ => m.sleep(left),
        };
        if !ready.is_empty() {
            // With a processor it runs them itself.
            let held = given || take_back(m);
            hand_out(m, &mut ready);
            if held {
                return;
            }
        }
        if given {
            return;
        }
        if m.is_host && host::is_over() {
            return;
        }
        if deadline.is_some_and(|at| at <= clock::refresh()) {
            if take_back(m) {
                return;
            }
            // All processors are busy, and look at timers themselves; or one is on its way to here.
            let mut idle = lock();
            if idle.keeper.is_some_and(|(keeper, _)| std::ptr::eq(keeper, m)) {
                idle.keeper = None;
            }
        }
    }
}

/// What a resting thread minds.
struct Duties {
    /// Of the first timer, if it is the keeper.
    deadline: Option<Nanos>,
    /// How long until then.
    left: Option<Nanos>,
    /// Whether it is the poller, and is to sleep there.
    polls: bool,
}

/// What `m` minds; it becomes the poller if nobody is, nor is still on the way out of there.
fn duties(m: &'static M) -> Duties {
    let mut idle = lock();
    let deadline = idle.keeper.filter(|(keeper, _)| std::ptr::eq(*keeper, m)).map(|(_, at)| at);
    let left = deadline.map(|at| at.saturating_sub(clock::now()));
    let free = idle.poller.is_none_or(|poller| std::ptr::eq(poller, m));
    let useful = poller::is_used() && m.rests.load(Ordering::Relaxed) && left != Some(0);
    let polls = free && useful && poller::claim();
    if free {
        idle.poller = polls.then_some(m);
    }
    Duties { deadline, left, polls }
}

/// Let goroutines that waited for I/O go on: here, if the thread holds a processor.
pub(super) fn hand_out(m: &'static M, ready: &mut Vec<&'static G>) {
    let count = ready.len();
    for g in ready.drain(..) {
        g.set(Status::Runnable);
        match m.owned() {
            Some(p) => p.append(m, g),
            None => M::post(g),
        }
    }
    if count > 1 {
        work_was_added();
    }
}

/// Look for I/O; gives whether anybody may go on.
pub(super) fn look_for_io(m: &'static M) -> bool {
    let mut ready = poller::glance();
    let found = !ready.is_empty();
    hand_out(m, &mut ready);
    found
}

/// A timer was added by somebody without a processor: somebody must mind it.
pub(super) fn timer_was_added(deadline: Nanos) {
    let mut idle = lock();
    let late = match idle.keeper {
        Some((keeper, at)) if deadline < at => Some(keeper),
        Some(_) => None,
        None => idle.threads.last().copied(),
    };
    if let Some(keeper) = late {
        idle.keeper = Some((keeper, deadline));
        drop(idle);
        keeper.tell();
    } else if idle.keeper.is_none() && GATE.idle() != 0 {
        // Nobody rests, and a processor is idle: a thread for it will mind.
        drop(idle);
        work_was_added();
    }
}

/// Whether a thread rests. It holds nothing then, and looks at what the world does before it runs a
/// goroutine.
pub(super) fn rests(m: &M) -> bool {
    let _held = lock();
    m.rests.load(Ordering::Relaxed)
}

/// Whether all processors are idle, nobody spins, and every thread rests, or waits for ever in a goroutine that unwinds.
pub(super) fn is_all_quiet() -> bool {
    let idle = lock();
    idle.processors.len() == p::count()
        && GATE.spinning() == 0
        && idle.keeper.is_none()
        && idle.threads.len() + super::wait::kept_threads() == super::m::count()
}
