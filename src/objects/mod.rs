//! The abstract state of every primitive: one small state machine a file.
//!
//! A [`World`] holds the objects of one execution (or, outside a model, those of the process). It
//! answers two questions about an announced operation, [`World::alternatives`] (in how many ways
//! can it take effect now; 0 means blocked) and [`World::step`] (take effect in one of them). A
//! step leaves behind its footprint, the goroutines it woke and the objects it touched. Nothing
//! here runs user code, switches stacks, reads a clock or blocks: engines do.
//!
//! Invariants:
//! - A step of an operation whose `alternatives` is 0 never happens.
//! - Whatever a step changes that another operation's `alternatives` depends on, it touches.
//! - An operation with phases (`CondWait`, unbuffered `Send` …) moves on through [`Step::Next`];
//!   peers move a waiting goroutine on through [`World::woken`].

pub(crate) mod atomic;
pub(crate) mod barrier;
pub(crate) mod chan;
pub(crate) mod condvar;
pub(crate) mod label;
pub(crate) mod memory;
pub(crate) mod mutex;
pub(crate) mod once;
pub(crate) mod op;
pub(crate) mod park;
pub(crate) mod rwlock;
pub(crate) mod select;
pub(crate) mod semaphore;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod timer;
pub(crate) mod wait_group;
pub(crate) mod watch;

pub(crate) use op::{End, Int, Misuse, Nanos, Op, Ret, Update};
pub(crate) use select::{Arm, Select};
pub(crate) use state::State;

use memory::Memory;
use selvedge_checkers::access::{Access, Mode, Part, Sync};
use selvedge_checkers::clock::Clocks;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use timer::{Due, Timers};

/// What a step did to its own goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The operation is complete.
    Done(Ret),
    /// The operation goes on with its next phase, pending from now on.
    Next(Op),
}

/// One object and who has announced an operation on it.
pub(crate) struct Slot {
    pub(crate) state: State,
    pub(crate) created: SiteRef,
    /// Goroutines whose pending operation is on this object, in announcement order.
    pub(crate) pending: Vec<Gid>,
    /// Raised by every step that writes the object: a spinning loop waits for it.
    pub(crate) version: u32,
}

impl Clone for Slot {
    fn clone(&self) -> Slot {
        let Slot { state, created, pending, version } = self;
        Slot { state: state.clone(), created, pending: pending.clone(), version: *version }
    }

    fn clone_from(&mut self, other: &Slot) {
        self.state.clone_from(&other.state);
        self.created = other.created;
        self.pending.clone_from(&other.pending);
        self.version = other.version;
    }
}

/// What the world knows of a goroutine.
#[derive(Default)]
pub(crate) struct Goroutine {
    pub(crate) token: bool,
    pub(crate) exited: bool,
    /// It waits for another one to end.
    joins: bool,
    pub(crate) select: Select,
    /// The objects a spinning loop read, with the versions it saw.
    pub(crate) spin: Vec<(ObjId, u32)>,
    /// The atomics of which a spinning loop reads the newest store only.
    pub(crate) fresh: Vec<ObjId>,
    /// How many stores to atomics it has made.
    pub(crate) stores: u32,
    /// What may still happen to it without a cause.
    pub(crate) budget: Budget,
}

/// How often something may happen to a goroutine that nothing in the program causes.
///
/// Each goroutine has its own: what one of them was spared or dealt is nothing to the others, so the order of
/// two such events of two goroutines does not matter by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Budget {
    /// Waits that end, and weak exchanges that fail.
    pub(crate) spurious: u32,
    /// Its deadlines, and timers that it started, that come while goroutines could go on.
    pub(crate) early: u32,
}

impl Clone for Goroutine {
    fn clone(&self) -> Goroutine {
        let mut copy = Goroutine::default();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, other: &Goroutine) {
        self.token = other.token;
        self.exited = other.exited;
        self.joins = other.joins;
        self.select.clone_from(&other.select);
        self.spin.clone_from(&other.spin);
        self.fresh.clone_from(&other.fresh);
        self.stores = other.stores;
        self.budget = other.budget;
    }
}

/// The abstract state of an execution.
#[derive(Default)]
pub(crate) struct World {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Lists of earlier executions, for their memory.
    lists: Vec<Vec<Gid>>,
    pub(crate) goroutines: Vec<Goroutine>,
    /// How many of them have not ended and do not wait for another one to end.
    active: u32,
    /// Whether the id of an object that is gone is not used again.
    pub(crate) keeps_ids: bool,
    /// Whether somebody derives dependencies from the footprints: otherwise they lack what orders
    /// sequentially consistent operations without synchronising anything.
    pub(crate) traced: bool,
    pub(crate) timers: Timers,
    /// What happens before what: it decides what a load may read.
    pub(crate) clocks: Clocks,
    pub(crate) memory: Memory,
    /// What a goroutine begins with.
    pub(crate) budget: Budget,
    /// The footprint of the last step.
    pub(crate) footprint: Vec<Access>,
    /// What peers learn in the last step, to be applied after `footprint`.
    pub(crate) learned: Vec<(Gid, Access)>,
    /// The goroutines the last step moved on.
    pub(crate) woken: Vec<(Gid, Step)>,
    /// The objects whose pending operations may have become possible or impossible.
    pub(crate) touched: Vec<ObjId>,
}

impl World {
    /// An empty world, keeping the memory of the last one.
    pub(crate) fn reset(&mut self, budget: Budget, weak: bool) {
        self.lists.extend(self.slots.drain(..).map(|slot| slot.pending));
        self.free.clear();
        for g in &mut self.goroutines {
            g.exited = true;
            g.select.clear();
            g.spin.clear();
            g.fresh.clear();
        }
        self.active = 0;
        self.timers.reset();
        self.clocks.reset();
        self.memory.reset(weak);
        self.budget = budget;
        self.begin();
    }

    /// Become the state that `other` is, whatever its last step was.
    pub(crate) fn copy_from(&mut self, other: &World) {
        self.slots.clone_from(&other.slots);
        self.goroutines.clone_from(&other.goroutines);
        self.keeps_ids = other.keeps_ids;
        self.traced = other.traced;
        self.timers.clone_from(&other.timers);
        self.budget = other.budget;
        if other.memory.weak {
            self.clocks.clone_from(&other.clocks);
            self.memory.clone_from(&other.memory);
        } else {
            self.memory.weak = false;
        }
        self.begin();
    }

    /// There is a new goroutine: all its parent did happens before what it does.
    pub(crate) fn add_goroutine(&mut self, parent: Option<Gid>, g: Gid) {
        while self.goroutines.len() <= g.index() {
            self.goroutines.push(Goroutine::default());
        }
        self.active += 1;
        let me = &mut self.goroutines[g.index()];
        me.exited = false;
        me.joins = false;
        me.token = false;
        me.stores = 0;
        me.budget = self.budget;
        if let Some(parent) = parent {
            self.clocks.spawn(parent, g);
        }
    }

    /// The goroutine has ended.
    pub(crate) fn end_goroutine(&mut self, g: Gid) {
        let me = &mut self.goroutines[g.index()];
        me.exited = true;
        self.active -= u32::from(!std::mem::take(&mut me.joins));
    }

    /// `g` waits for another goroutine to end: when it goes on it knows all that one knew.
    pub(crate) fn waits_to_join(&mut self, g: Gid) {
        self.goroutines[g.index()].joins = true;
        self.active -= 1;
    }

    /// `g` learns that `target` has ended.
    pub(crate) fn join(&mut self, g: Gid, target: Gid) {
        self.active += u32::from(std::mem::take(&mut self.goroutines[g.index()].joins));
        self.clocks.join(g, target);
    }

    /// Whoever comes to run will know all that the goroutine that runs now knows: there is no other one
    /// that does not wait for its end, and time starts none.
    fn is_alone(&self) -> bool {
        self.active == 1 && self.timers.is_empty()
    }

    /// A new object; ids are reused once their object is gone.
    pub(crate) fn create(&mut self, state: State, created: SiteRef) -> ObjId {
        let id = ObjId(self.free.last().copied().unwrap_or(self.slots.len() as u32));
        if let State::Atomic(atomic) = state
            && self.memory.weak
        {
            self.memory.create(id, atomic.value);
        }
        if self.free.pop().is_some() {
            let slot = &mut self.slots[id.index()];
            slot.pending.clear();
            (slot.state, slot.created, slot.version) = (state, created, 0);
            return id;
        }
        let mut pending = self.lists.pop().unwrap_or_default();
        pending.clear();
        self.slots.push(Slot { state, created, pending, version: 0 });
        id
    }

    /// The object is gone: nobody can name it any more.
    pub(crate) fn destroy(&mut self, obj: ObjId) {
        self.timers.forget(obj);
        self.clocks.forget(obj);
        self.slots[obj.index()].state = State::Gone;
        if !self.keeps_ids {
            self.free.push(obj.0);
        }
    }

    /// Every object with its id, also those that are gone.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (ObjId, &Slot)> {
        (0..).map(ObjId).zip(&self.slots)
    }

    pub(crate) fn slot(&self, obj: ObjId) -> &Slot {
        &self.slots[obj.index()]
    }

    pub(crate) fn slot_mut(&mut self, obj: ObjId) -> &mut Slot {
        &mut self.slots[obj.index()]
    }

    pub(crate) fn state(&self, obj: ObjId) -> &State {
        &self.slots[obj.index()].state
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = (ObjId, &Slot)> {
        let live = |s: &&Slot| !matches!(s.state, State::Gone);
        self.slots.iter().enumerate().map(|(i, s)| (ObjId(i as u32), s)).filter(move |(_, s)| live(s))
    }

    /// Forget the effects of the last step.
    pub(crate) fn begin(&mut self) {
        self.footprint.clear();
        self.learned.clear();
        self.woken.clear();
        self.touched.clear();
    }

    /// In how many ways `op` of `g` can take effect now; 0 means it is blocked.
    pub(crate) fn alternatives(&self, g: Gid, op: &Op) -> u32 {
        match *op {
            Op::Choose(n) => n,
            Op::Lock(o) | Op::Relock { mutex: o, .. } => mutex::is_free(self.state(o)).into(),
            Op::ReadLock(o) => rwlock::can_read(self.state(o)).into(),
            Op::WriteLock(o) => rwlock::can_announce(self.state(o)).into(),
            Op::WriteWait(o) => rwlock::can_write(self.state(o)).into(),
            Op::NotifyOne(o) => condvar::targets(self.state(o)).max(1),
            Op::Send { ch, .. } => chan::can_send(self, ch).into(),
            Op::Receive(ch) => chan::can_receive(self, ch).into(),
            Op::Select { .. } => select::alternatives(self, g),
            Op::SelectWait { .. } => select::ready(self, g),
            Op::WaitGroupWait(o) => wait_group::alternatives(self.state(o), g),
            Op::Watch { want, cancel } => watch::is_possible(self, g, want, cancel).into(),
            Op::OnceBegin(o) => once::can_begin(self.state(o)).into(),
            Op::OnceWait { once: o, force } => once::can_stop_waiting(self.state(o), force).into(),
            Op::Park { .. } => self.goroutines[g.index()].token.into(),
            Op::TaskWait(o) => task::is_woken(self.state(o)).into(),
            Op::Join(target) => self.goroutines[target.index()].exited.into(),
            Op::Load { .. } | Op::CompareExchange { .. } => atomic::alternatives(self, g, op),
            Op::Sleep { .. }
            | Op::Await
            | Op::CondWoken { .. }
            | Op::SendWait { .. }
            | Op::ReceiveWait(_)
            | Op::AcquireWait { .. }
            | Op::BarrierPark(_) => 0,
            _ => 1,
        }
    }

    /// Whether `op` of `g`, of which `alternatives` is 0, could end now without any cause (a spurious
    /// wake-up).
    pub(crate) fn may_wake_spuriously(&self, g: Gid, op: &Op) -> bool {
        let me = &self.goroutines[g.index()];
        me.budget.spurious > 0
            && match op {
                Op::CondWoken { .. } => true,
                Op::Park { .. } => !me.token,
                _ => false,
            }
    }

    /// Something happened to `g` without a cause.
    fn spend_spurious(&mut self, g: Gid) {
        let left = &mut self.goroutines[g.index()].budget.spurious;
        *left = left.saturating_sub(1);
    }

    /// What may come although goroutines could go on: of what is due first, that whose owner's budget allows
    /// it.
    pub(crate) fn early_due(&mut self) -> Vec<Due> {
        let mut due = self.timers.tied();
        let may_come = |g: Gid| self.goroutines[g.index()].budget.early > 0;
        due.retain(|&due| timer::owner(self, due).is_some_and(may_come));
        due
    }

    /// `due` comes early.
    pub(crate) fn spend_early(&mut self, due: Due) {
        let owner = timer::owner(self, due).expect("it is known who pays for what comes early");
        self.goroutines[owner.index()].budget.early -= 1;
    }

    /// In how many ways `op` of `g` can take effect now, with a cause or without one. That it ends without
    /// one is the last.
    pub(crate) fn outcomes(&self, g: Gid, op: &Op) -> u32 {
        self.alternatives(g, op) + u32::from(self.may_wake_spuriously(g, op))
    }

    /// Whether an object that a spinning goroutine read has changed since.
    pub(crate) fn spin_changed(&self, g: Gid) -> bool {
        let spin = &self.goroutines[g.index()].spin;
        spin.iter().any(|&(o, seen)| self.slots[o.index()].version != seen)
    }

    /// Let `op` of `g` take effect in one of its alternatives. What it happens before and after is
    /// taken account of by [`World::learn`].
    pub(crate) fn step(&mut self, g: Gid, op: &Op, alternative: u32) -> Step {
        self.begin();
        let done = match *op {
            Op::Yield => Ret::Unit,
            Op::Choose(_) => Ret::Value(alternative.into()),
            Op::Lock(o) => mutex::lock(self, g, o),
            Op::TryLock(o) => mutex::try_lock(self, g, o),
            Op::Unlock(o) => mutex::unlock(self, o),
            Op::ReadLock(o) => rwlock::read(self, g, o),
            Op::TryReadLock(o) => rwlock::try_read(self, g, o),
            Op::ReadUnlock(o) => rwlock::read_unlock(self, g, o),
            Op::WriteLock(o) => return rwlock::announce(self, g, o),
            Op::WriteWait(o) => rwlock::write(self, g, o),
            Op::TryWriteLock(o) => rwlock::try_write(self, g, o),
            Op::WriteIntent { lock, intent } => rwlock::intend(self, g, lock, intent),
            Op::WriteUnlock(o) => rwlock::write_unlock(self, o),
            Op::CondWait { cv, mutex, deadline } => return condvar::wait(self, g, cv, mutex, deadline),
            Op::CondWoken { cv, mutex, .. } => return condvar::wake(self, g, cv, mutex, false),
            Op::Relock { cv, mutex, timed_out } => condvar::relock(self, g, cv, mutex, timed_out),
            Op::NotifyOne(cv) => condvar::notify_one(self, cv, alternative),
            Op::NotifyAll(cv) => condvar::notify_all(self, cv),
            Op::Send { ch, ticket } => return chan::send(self, g, ch, ticket),
            Op::TrySend { ch, ticket } => chan::try_send(self, g, ch, ticket),
            Op::Receive(ch) => return chan::receive(self, g, ch),
            Op::TryReceive(ch) => chan::try_receive(self, g, ch),
            Op::Close(ch) => chan::close(self, ch),
            Op::Len(ch) => chan::len(self, ch),
            Op::HandleDrop { ch, end } => chan::drop_last(self, ch, end),
            Op::Select { .. } | Op::SelectWait { .. } => return select::step(self, g, op, alternative),
            Op::WaitGroupAdd { wg, delta } => wait_group::add(self, wg, delta),
            Op::WaitGroupWait(wg) => return wait_group::wait(self, g, wg, alternative),
            Op::WaitGroupPeek { wg, released } => wait_group::peek(self, wg, released),
            Op::Acquire { sem, n } => return semaphore::acquire(self, g, sem, n),
            Op::TryAcquire { sem, n } => semaphore::try_acquire(self, sem, n),
            Op::Release { sem, n } => semaphore::release(self, g, sem, n),
            Op::CancelAcquire { sem, g: waiter } => semaphore::cancel(self, sem, waiter),
            Op::OnceBegin(o) => once::begin(self, g, o),
            Op::OncePeek(o) | Op::OnceWait { once: o, .. } => once::peek(self, o),
            Op::OnceEnd { once: o, done } => once::end(self, o, done),
            Op::BarrierWait(o) => return barrier::wait(self, g, o),
            Op::Park { .. } => park::park(self, g),
            Op::Unpark(target) => park::unpark(self, target),
            Op::TaskWait(o) => task::wait(self, o),
            Op::TaskWake(o) => task::wake(self, o),
            Op::Watch { want, cancel } => watch::step(self, want, cancel),
            Op::Load { .. }
            | Op::Store { .. }
            | Op::Update { .. }
            | Op::Add { .. }
            | Op::CompareExchange { .. } => atomic::step(self, g, op, alternative),
            Op::Fence(order) => {
                memory::fence(self, g, order);
                Ret::Unit
            }
            Op::TimerStart { timer, at, period } => timer::start(self, g, timer, at, period),
            Op::TimerStop(t) => timer::stop(self, t),
            Op::Join(_) | Op::Await => Ret::Unit,
            Op::Sleep { .. }
            | Op::SendWait { .. }
            | Op::ReceiveWait(_)
            | Op::AcquireWait { .. }
            | Op::BarrierPark(_) => unreachable!("{op:?} is ended by a peer, never by a step of its own"),
        };
        Step::Done(done)
    }

    /// The deadline of `op` has come: end it with "timed out".
    pub(crate) fn time_out(&mut self, g: Gid, op: &Op) -> Step {
        match *op {
            Op::CondWoken { cv, mutex, .. } => condvar::wake(self, g, cv, mutex, true),
            Op::Select { .. } | Op::SelectWait { .. } => {
                select::leave_queues(self, g);
                Step::Done(Ret::TimedOut)
            }
            Op::Sleep { .. } => Step::Done(Ret::Unit),
            _ => Step::Done(Ret::TimedOut),
        }
    }

    /// Apply the happens-before effects of the step of `g` that was just made: `op`.
    pub(crate) fn learn(&mut self, g: Gid, op: &Op) {
        self.clocks.apply(g, &self.footprint);
        for &(peer, access) in &self.learned {
            self.clocks.apply(peer, &[access]);
        }
        if let Op::Fence(order) = *op {
            self.clocks.fence(g, order);
        }
    }

    fn touch(&mut self, obj: ObjId) {
        if self.touched.last() != Some(&obj) {
            self.touched.push(obj);
        }
    }

    /// Record an access of the step; a write makes the object's waiters look again.
    fn access(&mut self, obj: ObjId, part: Part, index: u32, mode: Mode, sync: Sync) {
        self.footprint.push(Access::new(obj, part, index, mode, sync));
        if mode != Mode::Read {
            self.slots[obj.index()].version += 1;
            self.touch(obj);
        }
    }

    fn whole(&mut self, obj: ObjId, mode: Mode, sync: Sync) {
        self.access(obj, Part::Whole, 0, mode, sync);
    }
}
