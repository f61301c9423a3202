//! The engine outside of a model, for what the scheduler does not do itself yet.
//!
//! Goroutines are the scheduler's. Every operation takes the one lock of the process-wide
//! [`World`], takes effect if it can, and otherwise waits until an object it waits for is touched.
//! The semantics are those of the model because the state machines are the same ones; speed is not
//! a goal here. Invariants: a goroutine or thread waits with its pending operation registered on the
//! objects it waits for, and its waiter is taken by who wakes it; user code never runs under the
//! lock.

use crate::objects::timer::{self, Due};
use crate::objects::{Arm, End, Nanos, Op, Ret, State, Step, World, atomic, chan, wait_group};
use crate::port::wait::{self, Waiter, Why};
use crate::port::{Engine, Epoch, GoExit, SelectForm, Spawn};
use selvedge_checkers::finding::Slug;
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

type TimerFunction = Arc<dyn Fn() + Send + Sync>;

/// A thread that takes part.
#[derive(Default)]
struct Thread {
    op: Option<Op>,
    /// The result a peer left while the thread slept.
    done: Option<Ret>,
    /// Where it waits, until somebody wakes it.
    waiter: Option<Reach>,
    joiners: Vec<Gid>,
    panic: Option<Box<dyn Any + Send>>,
    detached: bool,
    live: bool,
    /// Where its last operation was.
    site: Option<SiteRef>,
}

/// A waiter that a thread of the table has released.
struct Reach(*const Waiter);

// SAFETY: waiters are made to be woken from other threads; the pointer is used under the lock only,
// and taken back under it before the waiter goes.
unsafe impl Send for Reach {}

impl Thread {
    /// Let it look again, or find what was done for it.
    fn notify(&mut self) {
        let Some(Reach(waiter)) = self.waiter.take() else { return };
        // SAFETY: it was in the table, so it has been released and has not returned; only who wins
        // the claim wakes it.
        unsafe {
            if (*waiter).claim(1) {
                Waiter::wake(waiter);
            }
        }
    }
}

#[derive(Default)]
struct State_ {
    world: World,
    threads: Vec<Thread>,
    free: Vec<Gid>,
    /// Threads that are no goroutines.
    foreign: usize,
    timer_functions: Vec<(ObjId, TimerFunction)>,
    /// The thread that fires timers runs.
    keeper: bool,
    /// Draws among alternatives; seeded alike in every process.
    random: u64,
}

struct Plain {
    state: Mutex<State_>,
    keeper: Condvar,
}

static PLAIN: OnceLock<Plain> = OnceLock::new();

/// The engine of every thread on which no model runs.
pub(crate) fn engine() -> &'static dyn Engine {
    PLAIN.get_or_init(|| Plain { state: Mutex::default(), keeper: Condvar::new() })
}

/// A thread's goroutine id, given back when the thread ends.
struct Identity(Cell<Option<Gid>>);

impl Drop for Identity {
    fn drop(&mut self) {
        if let (Some(g), Some(plain)) = (self.0.get(), PLAIN.get()) {
            plain.lock().foreign -= 1;
            plain.leave(g);
        }
    }
}

thread_local! {
    static ME: Identity = const { Identity(Cell::new(None)) };
}

impl Plain {
    fn lock(&self) -> MutexGuard<'_, State_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn me(&self) -> Gid {
        let Some(mine) = wait::mine() else { return self.my_thread() };
        if let Some(known) = mine.identity.get().checked_sub(1) {
            return Gid(known);
        }
        let g = self.lock().enter();
        self.adopt(g);
        g
    }

    /// From now on the running goroutine, if it is one, is `g` here.
    fn adopt(&self, g: Gid) {
        if let Some(mine) = wait::mine() {
            mine.identity.set(g.0 + 1);
            mine.at_end.set(Some(|identity| {
                PLAIN.get().expect("the engine exists").leave(Gid(identity - 1));
            }));
        }
    }

    fn my_thread(&self) -> Gid {
        let known = ME.try_with(|me| me.0.get()).unwrap_or(None);
        known.unwrap_or_else(|| {
            let g = {
                let mut state = self.lock();
                state.foreign += 1;
                state.enter()
            };
            let _ = ME.try_with(|me| me.0.set(Some(g)));
            g
        })
    }

    fn leave(&self, g: Gid) {
        let mut state = self.lock();
        state.world.end_goroutine(g);
        let thread = &mut state.threads[g.index()];
        thread.live = false;
        let joiners = std::mem::take(&mut thread.joiners);
        let forgotten = thread.detached;
        for joiner in joiners {
            state.finish(joiner, Ret::Unit);
        }
        if forgotten {
            state.free.push(g);
        }
    }

    fn elapsed(&self) -> Nanos {
        wait::clock::now()
    }

    fn operate(&self, g: Gid, op: Op, site: SiteRef) -> Ret {
        let mut state = self.lock();
        state.threads[g.index()].site = Some(site);
        let mut op = op;
        loop {
            let n = state.world.alternatives(g, &op);
            if n > 0 {
                let alternative = match op {
                    // It is known to have come before the counter was raised.
                    Op::WaitGroupWait(_) => 0,
                    _ if n > 1 => state.draw(n),
                    _ => 0,
                };
                let step = state.world.step(g, &op, alternative);
                state.after_effects();
                match step {
                    Step::Done(ret) => {
                        if !state.world.timers.is_empty() {
                            self.start_keeper(&mut state);
                        }
                        return ret;
                    }
                    Step::Next(next) => {
                        op = next;
                        continue;
                    }
                }
            }
            if let Op::WaitGroupWait(wg) = op {
                wait_group::announced(&mut state.world, g, wg);
            }
            match self.sleep(state, g, op) {
                (woken, Ok(ret)) => {
                    drop(woken);
                    return ret;
                }
                (woken, Err(next)) => {
                    state = woken;
                    op = next;
                }
            }
        }
    }

    /// Sleep until a peer finishes the operation (`Ok`), or there is a reason to look again.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State_>,
        g: Gid,
        op: Op,
    ) -> (MutexGuard<'a, State_>, Result<Ret, Op>) {
        state.register(g, &op);
        let waiter = Waiter::new();
        let thread = &mut state.threads[g.index()];
        (thread.op, thread.waiter) = (Some(op), Some(Reach(&raw const waiter)));
        let object = op.object().map_or(0, |o| o.0 as usize + 1);
        let site = thread.site.unwrap_or(std::panic::Location::caller());
        let why = Why { reason: op.wait_reason(), site, object };
        let release = || {
            drop(state);
            true
        };
        let timed_out = match op.deadline() {
            None => {
                waiter.park(why, release);
                false
            }
            Some(at) => waiter.park_until(at, why, release),
        };
        let mut state = self.lock();
        state.threads[g.index()].waiter = None;
        let now = state.threads[g.index()].op.take().unwrap_or(op);
        state.unregister(g, &now);
        if let Some(ret) = state.threads[g.index()].done.take() {
            return (state, Ok(ret));
        }
        if timed_out && now.deadline().is_some() {
            state.world.begin();
            let step = state.world.time_out(g, &now);
            state.after_effects();
            return match step {
                Step::Done(ret) => (state, Ok(ret)),
                Step::Next(next) => (state, Err(next)),
            };
        }
        (state, Err(now))
    }

    /// Timers need somebody to fire them: one thread, while there are any.
    fn start_keeper(&self, state: &mut State_) {
        if std::mem::replace(&mut state.keeper, true) {
            self.keeper.notify_one();
            return;
        }
        let keep = || PLAIN.get().expect("the engine exists").keep_time();
        let started = std::thread::Builder::new().name("selvedge-timers".into()).spawn(keep);
        state.keeper = started.is_ok();
    }

    fn keep_time(&self) {
        let mut state = self.lock();
        loop {
            let now = self.elapsed();
            match state.world.timers.next() {
                None => {
                    state.keeper = false;
                    return;
                }
                Some(at) if at > now => {
                    let left = Duration::from_nanos(at - now);
                    (state, _) =
                        self.keeper.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
                }
                Some(_) => {
                    let Some(Due::Timer(timer)) = state.world.timers.fire(0) else { continue };
                    let runs = timer::fired(&mut state.world, timer);
                    state.after_effects();
                    let found = state.timer_functions.iter().find(|(o, _)| *o == timer);
                    if let (true, Some((_, f))) = (runs, found) {
                        let f = Arc::clone(f);
                        drop(state);
                        wait::spawn(move || f(), None, std::panic::Location::caller());
                        state = self.lock();
                    }
                }
            }
        }
    }
}

impl State_ {
    fn enter(&mut self) -> Gid {
        let g = self.free.pop().unwrap_or_else(|| {
            self.threads.push(Thread::default());
            Gid(self.threads.len() as u32 - 1)
        });
        self.threads[g.index()] = Thread { live: true, ..Thread::default() };
        self.world.add_goroutine(None, g);
        g
    }

    fn draw(&mut self, n: u32) -> u32 {
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((u64::from((self.random >> 32) as u32) * u64::from(n)) >> 32) as u32
    }

    fn objects_of(&self, g: Gid, op: &Op) -> Vec<ObjId> {
        let mut objects: Vec<ObjId> = match op {
            Op::Select { .. } | Op::SelectWait { .. } => {
                let arms = &self.world.goroutines[g.index()].select.arms;
                arms.iter().map(|a| a.channel()).collect()
            }
            _ => op.object().into_iter().collect(),
        };
        objects.retain(|&o| o != ObjId::NIL);
        objects
    }

    fn register(&mut self, g: Gid, op: &Op) {
        for o in self.objects_of(g, op) {
            self.world.slot_mut(o).pending.push(g);
        }
    }

    fn unregister(&mut self, g: Gid, op: &Op) {
        for o in self.objects_of(g, op) {
            self.world.slot_mut(o).pending.retain(|&p| p != g);
        }
    }

    /// A peer completed the operation of a sleeping thread.
    fn finish(&mut self, g: Gid, ret: Ret) {
        let thread = &mut self.threads[g.index()];
        thread.done = Some(ret);
        thread.notify();
    }

    fn after_effects(&mut self) {
        let woken = std::mem::take(&mut self.world.woken);
        for &(peer, step) in &woken {
            match step {
                Step::Done(ret) => self.finish(peer, ret),
                Step::Next(op) => {
                    if let Some(old) = self.threads[peer.index()].op.replace(op) {
                        self.unregister(peer, &old);
                    }
                    self.register(peer, &op);
                    self.threads[peer.index()].notify();
                }
            }
        }
        self.world.woken = woken;
        for i in 0..self.world.touched.len() {
            let obj = self.world.touched[i];
            for k in 0..self.world.slot(obj).pending.len() {
                let g = self.world.slot(obj).pending[k];
                self.threads[g.index()].notify();
            }
        }
        if let Some(access) = self.world.footprint.first()
            && access.res.part == selvedge_checkers::access::Part::Token
            && let Some(thread) = self.threads.get_mut(access.res.owner as usize)
        {
            thread.notify();
        }
    }
}

impl Engine for Plain {
    fn op(&self, op: Op, site: SiteRef) -> Ret {
        let g = self.me();
        match op {
            Op::Yield => {
                wait::yield_now();
                return Ret::Unit;
            }
            Op::Sleep { until } => {
                wait::sleep_until(until, site);
                return Ret::Unit;
            }
            Op::Join(target) => {
                let mut state = self.lock();
                if state.world.goroutines[target.index()].exited {
                    return Ret::Unit;
                }
                state.threads[target.index()].joiners.push(g);
            }
            _ => {}
        }
        match self.operate(g, op, site) {
            Ret::Misuse(misuse) => panic!("{}", misuse.text()),
            ret => ret,
        }
    }

    fn select(&self, arms: &[Arm], form: SelectForm, site: SiteRef) -> Ret {
        let g = self.me();
        let mut state = self.lock();
        let select = &mut state.world.goroutines[g.index()].select;
        select.clear();
        select.arms.extend_from_slice(arms);
        select.default = form.default;
        select.biased = form.biased;
        drop(state);
        self.op(Op::Select { deadline: form.deadline }, site)
    }

    fn create(&self, state: State, created: SiteRef) -> ObjId {
        self.lock().world.create(state, created)
    }

    fn destroy(&self, obj: ObjId) {
        let mut state = self.lock();
        state.timer_functions.retain(|(o, _)| *o != obj);
        state.world.destroy(obj);
    }

    fn add_handle(&self, ch: ObjId, end: End) {
        let mut state = self.lock();
        let c = chan::chan(&mut state.world, ch);
        match end {
            End::Send => c.send_handles += 1,
            End::Receive => c.receive_handles += 1,
        }
    }

    fn drop_handle(&self, ch: ObjId, end: End, _site: SiteRef) -> Vec<u32> {
        let mut state = self.lock();
        let c = chan::chan(&mut state.world, ch);
        let left = match end {
            End::Send => &mut c.send_handles,
            End::Receive => &mut c.receive_handles,
        };
        if *left > 1 {
            *left -= 1;
            return Vec::new();
        }
        state.world.step(Gid::MAIN, &Op::HandleDrop { ch, end }, 0);
        state.after_effects();
        chan::discard(&mut state.world, ch)
    }

    fn spawn(&self, spawn: Spawn) -> Gid {
        let Spawn { body, name, site } = spawn;
        let g = self.lock().enter();
        let run = move || {
            let plain = PLAIN.get().expect("the engine exists");
            plain.adopt(g);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(body))
                && !payload.is::<GoExit>()
            {
                plain.lock().threads[g.index()].panic = Some(payload);
            }
        };
        wait::spawn(run, name, site);
        g
    }

    fn detach(&self, g: Gid) {
        let mut state = self.lock();
        let thread = &mut state.threads[g.index()];
        thread.detached = true;
        if !thread.live {
            thread.panic = None;
            state.free.push(g);
        }
    }

    fn take_panic(&self, g: Gid) -> Option<Box<dyn Any + Send>> {
        self.lock().threads[g.index()].panic.take()
    }

    fn has_exited(&self, g: Gid) -> bool {
        self.lock().world.goroutines[g.index()].exited
    }

    fn is_over(&self) -> bool {
        false
    }

    fn running(&self) -> Gid {
        self.me()
    }

    fn num_goroutines(&self) -> usize {
        self.me();
        self.lock().foreign + wait::goroutines()
    }

    fn now(&self) -> Nanos {
        self.elapsed()
    }

    fn access(&self, _cell: ObjId, _write: bool, _site: SiteRef) {}

    fn set_timer_function(&self, timer: ObjId, f: TimerFunction) {
        self.lock().timer_functions.push((timer, f));
    }

    fn tick_time(&self, timer: ObjId, ticket: u32) -> Nanos {
        timer::tick_time(&mut self.lock().world, timer, ticket)
    }

    fn peek_atomic(&self, obj: ObjId) -> u64 {
        atomic::value(self.lock().world.state(obj))
    }

    fn advise(&self, _slug: Slug, _object: Option<ObjId>, _site: SiteRef) {}

    fn epoch(&self) -> Epoch {
        Epoch::PLAIN
    }
}
