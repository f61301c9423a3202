//! The end of an execution for those who have not come to theirs: their stacks are unwound, so that
//! what they own is dropped.
//!
//! Invariants:
//! - User code runs on a stack that can be left, never on the worker's: also the destructors of
//!   closures that never ran, and of payloads.
//! - An operation of an unwinding goroutine takes effect at once if it can. One that would have to
//!   wait, and a goroutine that catches the unwinding again and again, are left for good: their
//!   stacks leak. If that was in the middle of a panic, the thread is tainted and retires.
//!
//! Does not contain: a destructor that panics while another panic unwinds (the language aborts), and
//! one that loops without an operation (the watchdog reports it).

use super::engine::Engine_;
use super::execution::{Ending, Next};
use super::goroutine::{Co, Exit, Place, Status};
use super::panics::Panic;
use crate::objects::{Op, Ret, Step};
use corosensei::{CoroutineResult, Yielder};
use selvedge_checkers::ids::Gid;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What unwinds a goroutine of an execution that is over.
pub(super) struct TearDown;

/// So often may a goroutine that has to unwind operate, or catch the unwinding, before it counts as
/// one that never ends.
const PATIENCE: u32 = 100_000;
/// How many operations catching the unwinding once counts for.
const CATCH: u32 = 1_000;

/// Drop a payload nobody wants; what its destructor throws is not dropped in its turn.
pub(super) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

impl Engine_ {
    /// An operation of a goroutine that unwinds: it takes effect at once, without a decision.
    #[cold]
    pub(super) fn operate_unwinding(&self, op: Op) -> Ret {
        if self.tearing_down.get() && !std::thread::panicking() {
            if self.is_out_of_patience(CATCH) {
                self.abandon(self.ex().running);
            }
            // User code caught the unwinding; go on with it.
            resume_unwind(Box::new(TearDown));
        }
        let ex = self.ex();
        let g = ex.running;
        if self.is_out_of_patience(1) {
            self.blocked_while_unwinding(g);
        }
        if !self.tearing_down.get() && ex.ending == Ending::Running {
            ex.pending[g.index()].op = op;
        }
        if let Op::Join(target) = op
            && ex.world.goroutines[target.index()].exited
        {
            return Ret::Unit;
        }
        if ex.world.alternatives(g, &op) == 0 {
            self.blocked_while_unwinding(g);
        }
        match ex.world.step(g, &op, 0) {
            // A misuse must not panic inside a drop during unwinding.
            Step::Done(Ret::Misuse(_)) => Ret::Unit,
            Step::Done(ret) => {
                if !self.tearing_down.get() {
                    ex.settle(g, &op);
                }
                ret
            }
            Step::Next(_) => self.blocked_while_unwinding(g),
        }
    }

    /// The goroutine can neither go on nor be suspended and scheduled as usual: its panic ends the
    /// execution, its stack is abandoned and this thread is not used again.
    fn blocked_while_unwinding(&self, g: Gid) -> ! {
        if !self.tearing_down.get() {
            self.tainted.set(true);
            let step = self.ex().steps;
            self.unrecovered(g, Panic::under_way(step));
            self.next.set(Some(Next::End));
        }
        self.abandon(g)
    }

    fn is_out_of_patience(&self, cost: u32) -> bool {
        self.unwound.set(self.unwound.get() + cost);
        self.unwound.get() > PATIENCE
    }

    /// Leave the goroutine's stack for good.
    fn abandon(&self, g: Gid) -> ! {
        let yielder = self.ex().goroutines[g.index()].yielder;
        loop {
            // SAFETY: as in `suspend`; nobody resumes the goroutine again.
            unsafe { (*yielder).suspend(()) };
        }
    }

    /// Unwind every goroutine that has not ended, so that what it owns is dropped.
    pub(super) fn tear_down(&self) {
        if self.overflowed.get() {
            // What the abandoned stack owned, and the engine itself, leak with the worker.
            return self.epoch.get().end();
        }
        self.tearing_down.set(true);
        self.next.set(None);
        for i in (0..self.ex().goroutines.len()).rev() {
            let g = Gid(i as u32);
            let me = &mut self.ex().goroutines[i];
            let (co, body) = (me.co.take(), me.body.take());
            // From here on it runs no more than the unwinding below: a scope relies on it.
            if let Some(co) = co {
                self.unwind(g, co);
            } else if let Some(body) = body {
                self.drop_aside(g, body);
            }
            let ex = self.ex();
            ex.world.goroutines[i].exited = true;
            let me = &mut ex.goroutines[i];
            me.status = Status::Exited;
            if let Some(panic) = me.panic.take() {
                ex.debris.push(panic.payload);
            }
            if let Some(payload) = me.thrown.take() {
                ex.debris.push(payload);
            }
        }
        for payload in std::mem::take(&mut self.ex().debris) {
            self.drop_aside(Gid::MAIN, payload);
        }
        for (_, function) in std::mem::take(&mut self.ex().timer_functions) {
            self.drop_aside(Gid::MAIN, function);
        }
        self.ex().goroutines.clear();
        self.epoch.get().end();
    }

    /// Resume a goroutine for the last time; if it suspends again, it can never be unwound.
    fn unwind(&self, g: Gid, mut place: Place) {
        self.ex().running = g;
        self.ex().beat.runs(g);
        self.unwound.set(0);
        match place.as_mut().as_mut().map(|co| co.resume(())) {
            None | Some(CoroutineResult::Return(_)) => self.stacks.borrow_mut().give(place),
            Some(CoroutineResult::Yield(())) => {
                // SAFETY: the coroutine is forgotten at once and its stack never reused, so
                // nothing it borrows or owns is ever touched again: it leaks.
                std::mem::forget(place);
                if std::thread::panicking() {
                    self.tainted.set(true);
                }
            }
        }
    }

    /// Drop what may run user code: on a stack that can be left, as an unwinding goroutine would.
    fn drop_aside(&self, g: Gid, value: impl Any) {
        let Ok((stack, mut place)) = self.stacks.borrow_mut().take() else {
            return std::mem::forget(value);
        };
        let record = &raw mut self.ex().goroutines;
        *place = Some(Co::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: as in `start`; `unwind` resumes it at once.
            unsafe { (&mut *record)[g.index()].yielder = yielder };
            let unwind = move || {
                let _dropped = value;
                resume_unwind(Box::new(TearDown))
            };
            let Err(payload) = catch_unwind(AssertUnwindSafe(unwind));
            discard(payload);
            Exit::TornDown
        }));
        self.unwind(g, place);
    }
}
