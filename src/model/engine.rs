//! The model engine: runs one execution after the other on one OS thread.
//!
//! Invariants:
//! - One goroutine's code runs at a time, and between two operations nothing else does.
//! - No reference into the [`Execution`] is held across a switch of stacks or a call of user code.
//! - A goroutine is never suspended while it unwinds, so the thread's panic count is always the
//!   running goroutine's own. The exception is a goroutine that would block while unwinding: its
//!   execution ends there, its stack is leaked and the worker thread retires (`tainted`).
//!
//! ```text
//!   worker's stack:  run ─ resume(g) ─────────────┐            ┌─ next resume …
//!   g's stack:                                    └ user … op ─┘ suspended in `op`
//! ```

use super::execution::{Ending, Execution, Next};
use super::faults;
use super::goroutine::{Co, Exit, Stacks, Status};
use super::panics::{self, Panic};
use super::teardown::{TearDown, discard};
use crate::objects::{Arm, End, Misuse, Nanos, Op, Ret, State, chan};
use crate::port::{Engine, Epoch, GoExit, SelectForm, Spawn, locals};
use corosensei::stack::Stack;
use corosensei::{CoroutineResult, Yielder};
use selvedge_checkers::access::{self, Access, Mode, Part};
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId, SiteRef};
use selvedge_checkers::op::OpKind;
use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// How the message of a stack overflow begins.
pub(crate) const STACK_OVERFLOW: &str = "stack overflow";

/// Bytes of stack that an operation may need (unoptimised code needs more); a small stack gives half.
const RESERVE: usize = if cfg!(debug_assertions) { 48 << 10 } else { 24 << 10 };

/// Whether the stack of the caller has grown below `limit`.
#[inline(always)]
fn below(limit: usize) -> bool {
    let here = 0_u8;
    (&raw const here).addr() < limit
}

/// The engine of one worker thread.
pub(super) struct Engine_ {
    ex: UnsafeCell<Execution>,
    pub(super) stacks: RefCell<Stacks>,
    /// Who to resume next, decided on a goroutine's stack.
    pub(super) next: Cell<Option<Next>>,
    pub(super) tearing_down: Cell<bool>,
    /// A goroutine was left in the middle of unwinding: the thread's panic count is off.
    pub(super) tainted: Cell<bool>,
    /// The engine may have been interrupted in the middle of anything: it is not to be used again.
    pub(super) overflowed: Cell<bool>,
    pub(super) epoch: Cell<Epoch>,
    /// Operations of goroutines that unwind, or should: see [`teardown`](super::teardown).
    pub(super) unwound: Cell<u32>,
}

impl Engine_ {
    pub(super) fn new(ex: Execution) -> Engine_ {
        let stacks = Stacks::new(ex.limits.stack);
        Engine_ {
            ex: UnsafeCell::new(ex),
            stacks: RefCell::new(stacks),
            next: Cell::new(None),
            tearing_down: Cell::new(false),
            tainted: Cell::new(false),
            overflowed: Cell::new(false),
            epoch: Cell::new(Epoch::NONE),
            unwound: Cell::new(0),
        }
    }

    #[inline]
    #[allow(clippy::mut_from_ref, reason = "see SAFETY")]
    pub(super) fn ex(&self) -> &mut Execution {
        // SAFETY: the engine never leaves its thread, and every caller drops the reference before
        // it runs user code or switches stacks, so no two of them are alive at once.
        unsafe { &mut *self.ex.get() }
    }

    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed.get()
    }

    /// Unmap the stacks that are not in use.
    pub(super) fn free_stacks(&self) {
        self.stacks.borrow_mut().clear();
    }

    pub(super) fn is_tainted(&self) -> bool {
        self.tainted.get()
    }

    /// Run one execution of `main` to its end.
    pub(super) fn run(&self, epoch: Epoch, main: Spawn) {
        self.epoch.set(epoch);
        self.tearing_down.set(false);
        self.unwound.set(0);
        let ex = self.ex();
        ex.reset();
        ex.spawn(None, main);
        loop {
            while self.ex().ending == Ending::Running
                && let Some(g) = self.ex().ready.pop_front()
            {
                self.resume(g);
            }
            match self.ex().decide() {
                Next::Resume(g) => self.resume(g),
                Next::Advance => {}
                Next::End if self.ex().let_go() => {}
                Next::End => break,
            }
        }
        faults::none_runs();
    }

    /// Run `g` until it suspends or ends, then whoever it decided on, and so on.
    fn resume(&self, mut g: Gid) {
        loop {
            let ex = self.ex();
            if ex.keeps(g) {
                return;
            }
            ex.running = g;
            ex.beat.runs(g);
            let me = &mut ex.goroutines[g.index()];
            if me.status != Status::New || self.start(g) {
                self.switch_to(g);
            }
            match self.next.take() {
                Some(Next::Resume(next)) => g = next,
                _ => return,
            }
        }
    }

    /// Run `g` until it suspends or ends.
    #[inline]
    fn switch_to(&self, g: Gid) {
        let me = &mut self.ex().goroutines[g.index()];
        me.status = Status::Running;
        let (mut place, limit) = (me.co.take(), me.stack_limit);
        let co = place.as_deref_mut().and_then(Option::as_mut);
        let co = co.expect("a goroutine that is resumed has a coroutine");
        faults::about_to_run(co, limit);
        match co.resume(()) {
            CoroutineResult::Yield(()) => self.ex().goroutines[g.index()].co = place,
            CoroutineResult::Return(exit) => {
                place.into_iter().for_each(|place| self.stacks.borrow_mut().give(place));
                self.ended(g, exit);
            }
        }
    }

    /// Give a new goroutine its coroutine; false if there is no memory for its stack.
    fn start(&self, g: Gid) -> bool {
        let (stack, mut place) = match self.stacks.borrow_mut().take() {
            Ok(free) => free,
            Err(error) => {
                let message = format!("no memory for the stack of goroutine {g}: {error}");
                self.fatal(g, Slug::Panic, message, None);
                return false;
            }
        };
        let ex = self.ex();
        let limit = stack.limit().get();
        ex.goroutines[g.index()].stack_limit = limit;
        ex.goroutines[g.index()].stack_reserve = limit + RESERVE.min(ex.limits.stack / 2);
        let body = ex.goroutines[g.index()].body.take().expect("a new goroutine has a body");
        let record = &raw mut ex.goroutines;
        *place = Some(Co::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: the coroutine is resumed only by `resume`, which holds no reference into the
            // table while it does; the table outlives the coroutine.
            unsafe { (&mut *record)[g.index()].yielder = yielder };
            let mut ended = catch_unwind(AssertUnwindSafe(body));
            // Whatever came of the body, what it kept in its thread-locals is dropped.
            if locals::any(g)
                && let Err(payload) = catch_unwind(locals::destroy)
            {
                match &ended {
                    Ok(()) => ended = Err(payload),
                    Err(_) => discard(payload),
                }
            }
            match ended {
                Ok(()) => Exit::Returned,
                Err(payload) if payload.is::<TearDown>() => Exit::TornDown,
                Err(payload) if payload.is::<GoExit>() => Exit::Left,
                Err(payload) => {
                    // SAFETY: as above.
                    unsafe { (&mut *record)[g.index()].thrown = Some(payload) };
                    Exit::Panicked
                }
            }
        }));
        self.ex().goroutines[g.index()].co = Some(place);
        true
    }

    fn ended(&self, g: Gid, exit: Exit) {
        let ex = self.ex();
        match exit {
            Exit::Left if g == Gid::MAIN && !self.tearing_down.get() => self.main_left(),
            Exit::Returned | Exit::Left | Exit::TornDown => {}
            Exit::Panicked if !self.tearing_down.get() => {
                let payload = ex.goroutines[g.index()].thrown.take().expect("a panic has a payload");
                let panic = Panic { payload, last: panics::take(), step: ex.steps };
                if g == Gid::MAIN || ex.goroutines[g.index()].detached {
                    self.unrecovered(g, panic);
                } else {
                    ex.goroutines[g.index()].panic = Some(Box::new(panic));
                }
            }
            Exit::Panicked => {}
            Exit::Overflowed => {
                self.overflowed.set(true);
                self.stack_overflow(g);
                self.tainted.set(true);
                // It may have been half way through an operation: who it had decided on is not
                // resumed, and nothing else is touched.
                self.next.set(None);
                self.ex().ready.clear();
                return;
            }
        }
        self.ex().exit(g);
    }

    /// Main ended itself: the others go on, and the program can only deadlock.
    fn main_left(&self) {
        let ex = self.ex();
        let p = ex.pending[Gid::MAIN.index()];
        let side = Side { g: Gid::MAIN, op: OpKind::Exit, site: p.site.into(), step: ex.steps };
        let message = "no goroutines (main called runtime.Goexit) - deadlock!".to_owned();
        let evidence = Evidence::Panic { message, side, object: None };
        ex.find(Finding { slug: Slug::Deadlock, evidence });
    }

    /// A panic that nobody recovers and nobody can join.
    pub(super) fn unrecovered(&self, g: Gid, panic: Panic) {
        self.ex().unrecovered(g, panic);
    }

    /// End the program: nothing recovers from this.
    fn fatal(&self, g: Gid, slug: Slug, message: String, object: Option<ObjId>) {
        let ex = self.ex();
        let p = ex.pending[g.index()];
        let side = Side { g, op: p.op.kind(), site: p.site.into(), step: ex.steps };
        ex.find(Finding { slug, evidence: Evidence::Panic { message, side, object } });
        ex.ending = Ending::Fatal;
    }

    /// Announce, decide, and come back once the operation took effect.
    #[inline(always)]
    fn operate(&self, op: Op, site: SiteRef) -> Ret {
        let ex = self.ex();
        let g = ex.running;
        if below(ex.goroutines[g.index()].stack_reserve) {
            self.out_of_stack(g, site);
        }
        ex.announce(g, op, site);
        if ex.ready.is_empty() {
            match ex.decide() {
                Next::Resume(next) if next == g => return ex.goroutines[g.index()].ret,
                next => self.next.set(Some(next)),
            }
        }
        self.suspend(g);
        self.ex().goroutines[g.index()].ret
    }

    /// The goroutine has no room left for the engine, whose needs vary with who decides: it ends here,
    /// at the same operation in every replay.
    #[cold]
    fn out_of_stack(&self, g: Gid, site: SiteRef) -> ! {
        self.ex().pending[g.index()].site = site;
        self.stack_overflow(g);
        self.next.set(Some(Next::End));
        self.suspend(g);
        unreachable!("a stack overflow ends the execution");
    }

    fn stack_overflow(&self, g: Gid) {
        let size = self.ex().limits.stack >> 10;
        let message = format!("{STACK_OVERFLOW}: it ran off its stack of {size} KiB");
        self.fatal(g, Slug::Panic, message, None);
    }

    fn suspend(&self, g: Gid) {
        let yielder = self.ex().goroutines[g.index()].yielder;
        // SAFETY: `g` is the running goroutine, so its coroutine is alive and `yielder`, stored
        // when it started, is the one of the stack we are on.
        unsafe { (*yielder).suspend(()) };
        if self.tearing_down.get() {
            resume_unwind(Box::new(TearDown));
        }
    }

    fn misuse(&self, misuse: Misuse, object: Option<ObjId>) -> ! {
        let g = self.ex().running;
        if misuse.fatal() {
            self.fatal(g, misuse.slug(), misuse.text().to_owned(), object);
            self.next.set(Some(Next::End));
            self.suspend(g);
            unreachable!("a fatal error ends the execution");
        }
        let p = self.ex().pending[g.index()];
        panics::raise(misuse, object, p.op.kind(), p.site)
    }

    fn finish(&self, ret: Ret, object: Option<ObjId>) -> Ret {
        match ret {
            Ret::Misuse(misuse) => self.misuse(misuse, object),
            ret => ret,
        }
    }

    /// The operation, whatever is to be changed.
    #[inline]
    pub(super) fn op_as_is(&self, op: Op, site: SiteRef) -> Ret {
        let ret = self.operate(op, site);
        if matches!(ret, Ret::Misuse(_)) { self.finish(ret, op.object()) } else { ret }
    }

    fn is_unwinding(&self) -> bool {
        self.tearing_down.get() || std::thread::panicking()
    }
}

impl Engine for Engine_ {
    fn op(&self, op: Op, site: SiteRef) -> Ret {
        if self.is_unwinding() {
            return self.operate_unwinding(op);
        }
        if let Op::Join(target) = op {
            let ex = self.ex();
            let g = ex.running;
            if ex.world.goroutines[target.index()].exited {
                ex.world.join(g, target);
                ex.suite.joined(g, target);
                ex.tell(|tracer, _| tracer.joined(g, target));
                return Ret::Unit;
            }
            ex.waits_for(g, target);
        }
        match self.ex().limits.change {
            Some(change) => change.operate(self, op, site),
            None => self.op_as_is(op, site),
        }
    }

    fn waits_in_loop(&self) {
        let ex = self.ex();
        ex.spins[ex.running.index()].waits();
    }

    fn select(&self, arms: &[Arm], form: SelectForm, site: SiteRef) -> Ret {
        if let (Some(change), false) = (self.ex().limits.change, self.is_unwinding()) {
            change.comes_to(self, site);
        }
        let ex = self.ex();
        let select = &mut ex.world.goroutines[ex.running.index()].select;
        select.clear();
        select.arms.extend_from_slice(arms);
        select.default = form.default;
        select.biased = form.biased;
        let op = Op::Select { deadline: form.deadline };
        if self.is_unwinding() {
            return self.op(op, site);
        }
        let ret = self.operate(op, site);
        if form.quiet {
            return ret;
        }
        // The only misuse is a send on a closed channel: of the arm that was taken, not of any.
        let ex = self.ex();
        let closed = |a: &&Arm| matches!(a, Arm::Send(ch, _) if chan::view(ex.state(*ch)).closed);
        let object = matches!(ret, Ret::Misuse(_)).then(|| arms.iter().find(closed)).flatten();
        self.finish(ret, object.map(|a| a.channel()))
    }

    fn create(&self, mut state: State, created: SiteRef) -> ObjId {
        let ex = self.ex();
        let change = ex.limits.change;
        if let Some(change) = change {
            if let Some(object) = change.claims(self, &state, created) {
                return object;
            }
            change.creates(&mut state, created);
        }
        let ex = self.ex();
        let object = ex.world.create(state, created);
        let g = ex.running;
        ex.tell(|tracer, world| tracer.created(world, g, object));
        if let Some(change) = change {
            change.created(self, object);
        }
        object
    }

    fn destroy(&self, obj: ObjId) {
        if self.tearing_down.get() {
            return;
        }
        let ex = self.ex();
        if ex.repaired.keeps(obj) {
            return;
        }
        ex.recorder.object_gone(obj, ex.world.slot(obj));
        ex.world.destroy(obj);
        ex.races.forget(obj);
        ex.suite.forget(obj);
        ex.timer_functions.retain(|(o, _)| *o != obj);
    }

    fn add_handle(&self, ch: ObjId, end: End) {
        let c = chan::chan(&mut self.ex().world, ch);
        match end {
            End::Send => c.send_handles += 1,
            End::Receive => c.receive_handles += 1,
        }
    }

    fn drop_handle(&self, ch: ObjId, end: End, site: SiteRef) -> Vec<u32> {
        if self.tearing_down.get() {
            return Vec::new();
        }
        if let (Some(change), End::Send, false) = (self.ex().limits.change, end, self.is_unwinding()) {
            change.drops_sender(self, ch, site);
        }
        let counts = self.ex().limits.change.is_some_and(|change| change.counts_handles(self, ch));
        let c = chan::chan(&mut self.ex().world, ch);
        let (closed, hangs_up) = (c.closed, c.hang_up || counts);
        let left = match end {
            End::Send => &mut c.send_handles,
            End::Receive => &mut c.receive_handles,
        };
        // Once a channel is closed, nobody waits for what its handles could still do.
        if *left > 1 || closed {
            *left -= 1;
            if hangs_up {
                let drops = Access::new(ch, Part::Handles, end as u32, Mode::Write, access::Sync::None);
                let ex = self.ex();
                let g = ex.running;
                ex.tell(|tracer, _| tracer.touched(g, drops));
            }
            return Vec::new();
        }
        self.op(Op::HandleDrop { ch, end }, site);
        chan::discard(&mut self.ex().world, ch)
    }

    fn spawn(&self, spawn: Spawn) -> Gid {
        if self.tearing_down.get() {
            // Nothing starts any more; the body is dropped, and with it what it owns.
            return Gid::MAIN;
        }
        let ex = self.ex();
        let running = ex.running;
        if ex.live >= ex.limits.goroutines {
            let most = ex.limits.goroutines;
            panic!("selvedge: more than {most} goroutines live at once in one execution");
        }
        ex.spawn(Some(running), spawn)
    }

    fn detach(&self, g: Gid) {
        if self.tearing_down.get() {
            return;
        }
        let me = &mut self.ex().goroutines[g.index()];
        me.detached = true;
        if let Some(panic) = me.panic.take() {
            self.unrecovered(g, *panic);
        }
        self.ex().retire(g);
    }

    fn take_panic(&self, g: Gid) -> Option<Box<dyn Any + Send>> {
        let me = self.ex().goroutines.get_mut(g.index())?;
        let (payload, rest) = me.panic.take()?.claim();
        me.claimed = Some(Box::new(rest));
        Some(payload)
    }

    fn has_exited(&self, g: Gid) -> bool {
        let ex = self.ex();
        let looks = Access::of_goroutine(g, Part::Life, Mode::Read, access::Sync::None);
        let running = ex.running;
        ex.tell(|tracer, _| tracer.touched(running, looks));
        ex.world.goroutines[g.index()].exited
    }

    fn is_over(&self) -> bool {
        self.tearing_down.get()
    }

    fn running(&self) -> Gid {
        self.ex().running
    }

    fn num_goroutines(&self) -> usize {
        self.ex().live
    }

    fn now(&self) -> Nanos {
        self.ex().world.timers.now
    }

    fn access(&self, cell: ObjId, write: bool, site: SiteRef) {
        if !self.tearing_down.get() {
            self.ex().access(cell, write, site);
        }
    }

    fn set_timer_function(&self, timer: ObjId, f: Arc<dyn Fn() + Send + Sync>) {
        self.ex().timer_functions.push((timer, f));
    }

    fn tick_time(&self, timer: ObjId, ticket: u32) -> Nanos {
        crate::objects::timer::tick_time(&mut self.ex().world, timer, ticket)
    }

    fn peek_atomic(&self, atomic: ObjId) -> u64 {
        crate::objects::atomic::value(self.ex().state(atomic))
    }

    fn advise(&self, slug: Slug, object: Option<ObjId>, site: SiteRef) {
        if !self.is_unwinding() {
            let ex = self.ex();
            let side = Side { g: ex.running, op: OpKind::HandleDrop, site: site.into(), step: ex.steps };
            ex.find(Finding { slug, evidence: Evidence::Single { side, object } });
        }
    }

    fn cancels_on_drop(&self, created: SiteRef) -> bool {
        self.ex().limits.change.is_some_and(|change| change.cancels(created)) && !self.is_unwinding()
    }

    #[inline]
    fn epoch(&self) -> Epoch {
        self.epoch.get()
    }
}
