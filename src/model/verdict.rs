//! The end of an execution: what is blocked for ever, and what that is called.
//!
//! - Main has not returned and nobody can go on: `deadlock`; if somebody spins: `livelock`.
//! - Main has returned: whoever is blocked is a `leaked-goroutine`; whoever lives on timers alone
//!   a `leaked-timer`.
//! - The step limit: a `livelock` if the end of the execution repeats itself, otherwise the
//!   execution is only cut.

use super::execution::{Ending, Execution};
use super::goroutine::Status;
use super::suite;
use crate::objects::{Op, chan};
use selvedge_checkers::finding::{Blocked, Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId};

impl Execution {
    /// Look at how the execution ended and add what follows from it to the findings.
    pub(super) fn conclude(&mut self) {
        match self.ending {
            Ending::Quiet => self.conclude_quiet(),
            Ending::TimersOnly => self.conclude_timers(),
            Ending::Limit => self.conclude_limit(),
            Ending::Running | Ending::Fatal => {}
        }
        self.unclaimed_panics();
        let predicted: Vec<Finding> = self.suite.findings().collect();
        predicted.into_iter().for_each(|f| self.find(f));
    }

    fn unfinished(&self) -> Vec<Gid> {
        let pending = |g: &Gid| self.goroutines[g.index()].status == Status::Pending;
        (0..self.goroutines.len() as u32).map(Gid).filter(pending).collect()
    }

    fn conclude_quiet(&mut self) {
        let blocked = self.unfinished();
        if blocked.is_empty() {
            return;
        }
        let spinning: Vec<Gid> =
            blocked.iter().copied().filter(|g| self.pending[g.index()].op == Op::Await).collect();
        if !spinning.is_empty() {
            return self.find_spin(&spinning);
        }
        let main_stuck = self.goroutines[0].status != Status::Exited;
        let slug = if main_stuck { Slug::Deadlock } else { Slug::LeakedGoroutine };
        let finding = self.stuck(slug, &blocked);
        self.find(finding);
        self.explain_waits(&blocked);
    }

    /// Name the notification that came too early, for those who wait for one.
    fn explain_waits(&mut self, blocked: &[Gid]) {
        for &g in blocked {
            let p = self.pending[g.index()];
            let lost = suite::lost_wake_up(&mut self.suite, g, &p.op, p.site, self.steps);
            if let Some(finding) = lost {
                self.find(finding);
            }
        }
    }

    fn find_spin(&mut self, spinning: &[Gid]) {
        let side = |g: &Gid| {
            let op = self.goroutines[g.index()].suspended_op.unwrap_or(Op::Await);
            Side { g: *g, op: op.kind(), site: self.pending[g.index()].site.into(), step: self.steps }
        };
        let round = spinning.iter().map(side).collect();
        let repeats = spinning.iter().map(|g| u32::from(self.spins[g.index()].grants)).max().unwrap_or(0);
        self.find(Finding { slug: Slug::Livelock, evidence: Evidence::Cycle { round, repeats } });
    }

    fn conclude_timers(&mut self) {
        for g in self.unfinished() {
            let p = self.pending[g.index()];
            let side = Side { g, op: p.op.kind(), site: p.site.into(), step: self.steps };
            let object = p.op.object();
            self.find(Finding { slug: Slug::LeakedTimer, evidence: Evidence::Single { side, object } });
        }
    }

    fn conclude_limit(&mut self) {
        if let Some(finding) = self.repeating_end() {
            self.find(finding);
        }
    }

    fn unclaimed_panics(&mut self) {
        for i in 0..self.goroutines.len() {
            if let Some(panic) = self.goroutines[i].panic.take() {
                self.unrecovered(Gid(i as u32), &panic);
            }
        }
    }

    pub(super) fn stuck(&self, slug: Slug, blocked: &[Gid]) -> Finding {
        let members: Vec<Blocked> = blocked.iter().map(|&g| self.blocked(g)).collect();
        Finding {
            slug,
            evidence: Evidence::Stuck {
                cycle: self.cycle(blocked),
                blocked: members,
                proved: self.doomed_at.is_some(),
            },
        }
    }

    fn blocked(&self, g: Gid) -> Blocked {
        let p = self.pending[g.index()];
        let arms = &self.world.goroutines[g.index()].select.arms;
        let reason = match p.op {
            Op::Select { .. } | Op::SelectWait { .. } if arms.is_empty() => {
                selvedge_checkers::op::WaitReason::SelectNoCases
            }
            op => op.wait_reason(),
        };
        let object = p.op.object().filter(|&o| o != ObjId::NIL);
        let waits_for = match p.op {
            Op::Join(target) => Some(target),
            _ => object.and_then(|o| self.world.state(o).holders().first().copied()),
        };
        Blocked { g, reason, object, waits_for, site: p.site.into() }
    }

    /// A ring of goroutines each waiting for the next, if there is one.
    fn cycle(&self, blocked: &[Gid]) -> Vec<Gid> {
        for &start in blocked {
            let mut path = vec![start];
            let mut at = start;
            while let Some(next) = self.blocked(at).waits_for {
                if next == start {
                    return path;
                }
                if path.contains(&next) || !blocked.contains(&next) {
                    break;
                }
                path.push(next);
                at = next;
            }
        }
        Vec::new()
    }

    fn repeating_end(&self) -> Option<Finding> {
        None
    }

    /// Whether nobody is left who could ever send to, or receive from, a channel.
    pub(super) fn is_abandoned(&self, ch: ObjId, sending: bool) -> bool {
        let c = chan::view(self.world.state(ch));
        if sending { c.receive_handles == 0 } else { c.send_handles == 0 && c.timer.is_none() }
    }
}
