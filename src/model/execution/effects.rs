//! Announcing an operation, and what a step does to the others.
//!
//! Invariants: a pending operation is registered on every object it is on; whoever a step woke or
//! may have enabled is looked at before the next decision.

use super::*;

impl Execution {
    /// The pending operation of `g` is a yield: always possible, and on no object.
    #[inline]
    pub(in crate::model) fn pend_yield(&mut self, g: Gid) {
        self.goroutines[g.index()].status = Status::Pending;
        if self.follows {
            self.strategy.announced(g, &self.pending[g.index()]);
        }
        self.tell(|tracer, world| tracer.pended(world, g, &Op::Yield));
        self.mark(g, true, false);
    }

    /// Make `op` the pending operation of `g`, and see whether it can take effect.
    pub(in crate::model) fn pend(&mut self, g: Gid, op: Op) {
        self.pending[g.index()].op = op;
        if matches!(op, Op::Yield) {
            return self.pend_yield(g);
        }
        self.goroutines[g.index()].status = Status::Pending;
        if self.follows {
            self.strategy.announced(g, &self.pending[g.index()]);
        }
        self.tell(|tracer, world| tracer.pended(world, g, &op));
        self.register(g, &op);
        if let Some(at) = op.deadline() {
            self.world.timers.arm(Due::Operation(g), at);
        }
        if let Op::WaitGroupWait(wg) = op {
            wait_group::announced(&mut self.world, g, wg);
        }
        if !self.refresh(g) {
            self.has_blocked(g);
        }
        if matches!(op, Op::Lock(_) | Op::ReadLock(_) | Op::WriteLock(_)) {
            let p = &self.pending[g.index()];
            let object = op.object().unwrap_or(ObjId::NIL);
            self.suite.requested(&self.world.clocks, g, op.kind(), object, p.site, self.steps);
        }
    }

    pub(in crate::model) fn objects_of(&self, g: Gid, op: &Op, mut f: impl FnMut(ObjId)) {
        match op {
            Op::Select { .. } | Op::SelectWait { .. } => {
                for arm in &self.world.goroutines[g.index()].select.arms {
                    f(arm.channel());
                }
            }
            Op::Watch { want, cancel } => {
                f(want.object());
                f(*cancel);
            }
            Op::Await => self.world.goroutines[g.index()].spin.iter().for_each(|&(o, _)| f(o)),
            _ => op.object().into_iter().for_each(f),
        }
    }

    #[inline(always)]
    pub(in crate::model) fn register(&mut self, g: Gid, op: &Op) {
        match op.object() {
            Some(ObjId::NIL) => {}
            Some(_) if matches!(op, Op::Watch { .. }) => self.register_with_many(g, op),
            Some(o) => self.world.slot_mut(o).pending.push(g),
            None => self.register_with_many(g, op),
        }
    }

    #[inline(always)]
    pub(in crate::model) fn unregister(&mut self, g: Gid, op: &Op) {
        match op.object() {
            Some(ObjId::NIL) => {}
            Some(_) if matches!(op, Op::Watch { .. }) => self.unregister_with_many(g, op),
            Some(o) => {
                let pending = &mut self.world.slot_mut(o).pending;
                if pending.last() == Some(&g) {
                    pending.pop();
                } else if let Some(at) = pending.iter().position(|&p| p == g) {
                    pending.swap_remove(at);
                }
            }
            None => self.unregister_with_many(g, op),
        }
    }

    /// See anew whether the pending operation of `g` can take effect.
    #[inline(always)]
    pub(in crate::model) fn refresh(&mut self, g: Gid) -> bool {
        let p = &mut self.pending[g.index()];
        p.possible = match p.op {
            // There is always a store to read; how many is asked when it is needed.
            op if op.is_atomic() => 1,
            op => self.world.alternatives(g, &op),
        };
        let possible = p.possible > 0;
        let spurious = !possible && self.world.may_wake_spuriously(g, &p.op);
        self.spurious |= spurious;
        self.mark(g, possible || spurious, spurious);
        possible || spurious
    }

    #[inline]
    pub(in crate::model) fn mark(&mut self, g: Gid, enabled: bool, optional: bool) {
        let was_optional = std::mem::replace(&mut self.pending[g.index()].optional, optional);
        self.optional = self.optional + u32::from(optional) - u32::from(was_optional);
        if optional != was_optional || enabled != self.enabled.contains(g) {
            self.enable(g, (enabled, optional), was_optional);
        }
    }

    /// From now on `g` can, or cannot, go on; with a cause, or only without one.
    pub(in crate::model) fn enable(&mut self, g: Gid, (enabled, optional): (bool, bool), was_optional: bool) {
        let was_enabled = if enabled { !self.enabled.insert(g) } else { self.enabled.remove(g) };
        if self.follows {
            match (was_enabled && !was_optional, enabled && !optional) {
                (false, true) => self.strategy.enabled(g),
                (true, false) => self.strategy.disabled(g),
                _ => {}
            }
        }
    }

    /// In how many ways the pending operation of `g`, which is `op`, can take effect.
    #[inline]
    pub(in crate::model) fn possible(&self, g: Gid, op: &Op) -> u32 {
        match op {
            // What these depend on may change without a look at them.
            Op::Select { .. } | Op::SelectWait { .. } | Op::Load { .. } | Op::CompareExchange { .. } => {
                self.world.alternatives(g, op)
            }
            _ => {
                let possible = self.pending[g.index()].possible;
                debug_assert_eq!(possible, self.world.alternatives(g, op), "{op:?} was not looked at anew");
                possible
            }
        }
    }

    /// Apply the happens-before effects of the step.
    #[inline]
    pub(in crate::model) fn learn(&mut self, g: Gid, op: &Op) {
        self.world.learn(g, op);
        suite::applied(&mut self.suite, g, &self.world.footprint, op);
        for &(peer, access) in &self.world.learned {
            suite::applied(&mut self.suite, peer, &[access], op);
        }
    }

    /// Keep account of loops that only look. What fails without a cause did not find anything out.
    pub(in crate::model) fn look(&mut self, g: Gid, op: &Op, site: SiteRef, step: Step) {
        let only_looked = match (op, step) {
            (&Op::Update { atomic, .. }, Step::Done(Ret::Value(old))) => {
                atomic::value(self.world.state(atomic)) == old
            }
            (&Op::CompareExchange { expected, .. }, Step::Done(Ret::Exchange { old, done: false }))
                if old == expected =>
            {
                false
            }
            _ => op.may_only_look() && Spin::looks(&self.world.footprint),
        };
        let by_value = self.is_told() && self.world.memory.weak && op.is_atomic();
        let spin = &mut self.spins[g.index()];
        if only_looked {
            let world = &self.world;
            let news = spin.looked(site, &world.footprint, (step, by_value), |o| world.slot(o).version);
            if news {
                self.world.goroutines[g.index()].fresh.clear();
            }
        } else {
            spin.clear();
            self.world.goroutines[g.index()].fresh.clear();
        }
    }

    /// The operation of `g` is complete, or goes on with its next phase.
    pub(in crate::model) fn proceed(&mut self, g: Gid, step: Step) {
        match step {
            Step::Done(ret) => self.complete(g, ret),
            Step::Next(op) => self.pend(g, op),
        }
    }

    /// The operation of `g` is complete: it is to be resumed.
    pub(in crate::model) fn complete(&mut self, g: Gid, ret: Ret) {
        self.complete_own(g, ret);
        self.goroutines[g.index()].status = Status::Ready;
        self.ready.push_back(g);
    }

    /// The operation of `g`, whose step it is, is complete: it goes on at once.
    #[inline]
    pub(in crate::model) fn complete_own(&mut self, g: Gid, ret: Ret) {
        let me = &mut self.goroutines[g.index()];
        me.ret = ret;
        me.status = Status::Running;
        let was_optional = std::mem::take(&mut self.pending[g.index()].optional);
        self.optional -= u32::from(was_optional);
        if was_optional && self.follows {
            self.strategy.enabled(g);
        }
    }

    /// Move on the goroutines the step woke, and look again at those it may have enabled.
    #[inline(always)]
    pub(in crate::model) fn after_effects(&mut self) {
        if !self.world.woken.is_empty() {
            self.move_woken();
        }
        for i in 0..self.world.touched.len() {
            let obj = self.world.touched[i];
            for k in 0..self.world.slot(obj).pending.len() {
                let g = self.world.slot(obj).pending[k];
                match self.pending[g.index()].op {
                    Op::Await => self.stirred.push(g),
                    op if op.is_atomic() => {}
                    _ => _ = self.refresh(g),
                }
            }
        }
        self.wake_parked();
        while let Some(g) = self.stirred.pop() {
            self.stir(g);
        }
    }

    /// The last handle of one end of a channel went away: nobody can meet those who wait at the other.
    pub(in crate::model) fn look_for_doomed(&mut self, ch: ObjId) {
        for k in 0..self.world.slot(ch).pending.len() {
            let g = self.world.slot(ch).pending[k];
            if self.doomed_at.is_none() && !self.enabled.contains(g) && self.is_doomed(g) {
                self.doomed_at = Some(self.steps);
            }
        }
    }

    /// A token is not an object: whoever it belongs to is looked at directly.
    #[inline(always)]
    pub(in crate::model) fn wake_parked(&mut self) {
        use selvedge_checkers::access::Part;
        if let Some(access) = self.world.footprint.first()
            && access.res.part == Part::Token
        {
            let target = Gid(access.res.owner);
            if self.goroutines[target.index()].status == Status::Pending {
                self.refresh(target);
            }
        }
    }

    /// Tell the strategy whose pending operation conflicts with the step just made: everybody's on
    /// an object it wrote, and those that would write on an object it read.
    pub(in crate::model) fn tell_conflicts(&mut self, g: Gid) {
        use selvedge_checkers::access::{Mode, Sync};
        let mut last = None;
        for access in &self.world.footprint {
            let key = (access.res.owner, access.mode == Mode::Read);
            let silent = access.res.part.is_of_goroutine() || access.sync == Sync::Keep;
            if silent || last.replace(key) == Some(key) {
                continue;
            }
            for &other in &self.world.slot(ObjId(access.res.owner)).pending {
                let reads = access.mode == Mode::Read && self.pending[other.index()].op.only_reads();
                if other != g && !reads {
                    self.strategy.conflicts(other);
                }
            }
        }
    }

    /// An operation of an unwinding goroutine took effect without a decision.
    pub(in crate::model) fn settle(&mut self, g: Gid, op: &Op) {
        self.learn(g, op);
        self.tell(|tracer, world| tracer.settled(world, g, op));
        self.after_effects();
    }
}
