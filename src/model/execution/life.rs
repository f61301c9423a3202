//! The goroutines' beginnings and ends, and what is found on the way.
//!
//! Invariant: an id is given once in an execution, in the order of the spawns.

use super::*;
use crate::model::frames;

impl Execution {
    /// Register a goroutine; it runs before the next decision.
    pub(in crate::model) fn spawn(&mut self, parent: Option<Gid>, spawn: Spawn) -> Gid {
        let g = Gid(self.goroutines.len() as u32);
        let mut record = Goroutine::new(spawn.site);
        record.body = Some(spawn.body);
        record.name = spawn.name;
        record.parent = parent;
        self.goroutines.push(record);
        self.pending.push(Pending {
            op: Op::Yield,
            site: spawn.site,
            index: 0,
            possible: 0,
            since: 0,
            optional: false,
        });
        if self.spins.len() < self.goroutines.len() {
            self.spins.push(Spin::default());
        }
        self.world.add_goroutine(parent, g);
        self.live += 1;
        self.ready.push_back(g);
        self.tell(|tracer, _| tracer.spawned(parent, g));
        if let Some(parent) = parent {
            self.suite.spawned(&self.world.clocks, parent, g, spawn.site);
            if self.follows {
                self.strategy.spawned(parent, g);
            }
            self.recorder.spawned(self.steps, parent, g, spawn.site);
        }
        g
    }

    /// `g` is about to wait for `target` to end, after those that do already.
    pub(in crate::model) fn waits_for(&mut self, g: Gid, target: Gid) {
        let mut last = &mut self.goroutines[target.index()].joiner;
        while let Some(joiner) = *last {
            last = &mut self.goroutines[joiner.index()].next_joiner;
        }
        *last = Some(g);
        self.world.waits_to_join(g);
    }

    /// The running goroutine has ended.
    pub(in crate::model) fn exit(&mut self, g: Gid) {
        self.goroutines[g.index()].status = Status::Exited;
        self.world.end_goroutine(g);
        self.live -= 1;
        self.tell(|tracer, _| tracer.exited(g));
        if self.enabled.remove(g) && self.follows {
            self.strategy.disabled(g);
        }
        self.recorder.exited(self.steps, g, self.goroutines[g.index()].spawned);
        let mut waiting = self.goroutines[g.index()].joiner.take();
        while let Some(joiner) = waiting {
            waiting = self.goroutines[joiner.index()].next_joiner.take();
            self.world.join(joiner, g);
            self.suite.joined(joiner, g);
            self.tell(|tracer, _| tracer.joined(joiner, g));
            self.complete(joiner, Ret::Unit);
        }
        self.retire(g);
        if g == Gid::MAIN {
            self.main_returned_at = Some(self.steps);
            let (goroutines, pending) = (&self.goroutines, &self.pending);
            let unfinished = |g: &Gid| match goroutines[g.index()].status {
                Status::Exited => false,
                Status::Pending => {
                    self.enabled.contains(*g) || matches!(pending[g.index()].op, Op::Sleep { .. })
                }
                Status::New | Status::Ready | Status::Running => true,
            };
            self.outlived_main = (1..goroutines.len() as u32).map(Gid).filter(unfinished).collect();
        }
    }

    /// An unsynchronised access of the running goroutine to a variable.
    pub(in crate::model) fn access(&mut self, cell: ObjId, write: bool, site: SiteRef) {
        let g = self.running;
        let access = RaceAccess { g, write, site, step: self.steps };
        self.recorder.access(self.steps, g, cell, write, site);
        let Some(race) = self.races.access(&self.world.clocks, cell, access) else { return };
        let side = |a: RaceAccess| Side {
            g: a.g,
            op: if a.write { OpKind::Write } else { OpKind::Read },
            site: a.site.into(),
            step: a.step,
        };
        self.find(Finding {
            slug: Slug::DataRace,
            evidence: Evidence::Race { object: cell, first: side(race.first), second: side(race.second) },
        });
    }

    /// A panic that nobody recovers and nobody can join ends the program.
    pub(in crate::model) fn unrecovered(&mut self, g: Gid, panic: Panic) {
        if panic.passes_on() {
            // The first thing to know is what went wrong in the goroutines that were joined.
            let claimed = |g: &mut Goroutine| g.claimed.take();
            let first: Vec<_> = self.goroutines.iter_mut().map(claimed).enumerate().collect();
            for (i, panic) in first {
                let Some(panic) = panic else { continue };
                self.unrecovered(Gid(i as u32), *panic);
            }
            if self.ending == Ending::Fatal {
                return;
            }
        }
        let p = self.pending[g.index()];
        let site = panic.last.site.clone().unwrap_or_else(|| p.site.into());
        let op = panic.last.op.unwrap_or(p.op.kind());
        let side = Side { g, op, site, step: panic.step };
        let message = panic.message();
        let (slug, object) = panic.misuse().map_or((Slug::Panic, None), |(m, object)| (m.slug(), object));
        if !panic.last.frames.is_empty() {
            self.in_std.push((g, panic.last.frames));
        }
        self.find(Finding { slug, evidence: Evidence::Panic { message, side, object } });
        self.ending = Ending::Fatal;
        self.debris.push(panic.payload);
    }

    /// Give panics of std's code the place in the user's it was called from. On the worker's own stack.
    pub(in crate::model) fn find_users_code(&mut self) {
        for (g, frames) in std::mem::take(&mut self.in_std) {
            let Some(place) = frames::user_frame(&frames) else { continue };
            for finding in &mut self.findings {
                if let Evidence::Panic { side, .. } = &mut finding.evidence
                    && side.g == g
                    && frames::is_of_std(&side.site.file)
                {
                    side.site = place.clone();
                }
            }
        }
    }

    /// Keep a finding, once.
    pub(in crate::model) fn find(&mut self, finding: Finding) {
        if !self.findings.iter().any(|f| f.same_bug(&finding)) {
            self.findings.push(finding);
        }
    }

    /// The state of an object, for those who ask without operating on it.
    pub(in crate::model) fn state(&self, obj: ObjId) -> &State {
        self.world.state(obj)
    }
}
