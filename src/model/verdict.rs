//! The end of an execution: what is blocked for ever, and what that is called.
//!
//! - Main has not returned and nobody can go on: `deadlock`; if somebody spins: `livelock`.
//! - Main has returned: whoever is blocked is a `leaked-goroutine`; whoever lives on timers alone
//!   a `leaked-timer`.
//! - A set of goroutines that nobody can wake any more has formed, and some time later the others
//!   still run: a `partial-deadlock`, or a `leaked-goroutine` if nobody but they are concerned.
//! - The step limit: a `livelock` if the end of the execution repeats itself, otherwise the
//!   execution is only cut.

use super::execution::{Ending, Execution};
use super::goroutine::Status;
use super::suite;
use crate::model::decision::Decision;
use crate::objects::{Arm, Op, State, chan, wait_group};
use selvedge_checkers::cycles::{self, Entry};
use selvedge_checkers::finding::{Blocked, Evidence, Finding, SelectArm, Side, Slug};
use selvedge_checkers::ids::{Gid, ObjId};
use selvedge_checkers::op::WaitReason;
use selvedge_checkers::waits::{self, Waiter, Wakers};

/// How many of the last decisions are searched for a cycle.
const TAIL: usize = 4096;

impl Execution {
    /// Look at how the execution ended and add what follows from it to the findings.
    pub(super) fn conclude(&mut self) {
        match self.ending {
            Ending::Quiet => self.conclude_quiet(),
            Ending::TimersOnly => self.conclude_timers(),
            Ending::Limit => self.conclude_limit(),
            Ending::Doomed => drop(self.find_doomed()),
            Ending::Running | Ending::Fatal => {}
        }
        // Judged at the very end: a goroutine that then learns of something main did (that a channel
        // was closed, a context cancelled) was told to stop and is not forgotten.
        let mut outlived = std::mem::take(&mut self.outlived_main);
        let quiet = self.ending == Ending::Quiet;
        outlived.retain(|g| quiet && self.goroutines[g.index()].status == Status::Exited);
        self.suite.main_returned(&self.world.clocks, &outlived);
        self.unclaimed_panics();
        self.conclude_repair();
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
        // A notification that came too early says more than that somebody waits.
        self.explain_waits(&blocked);
        let finding = self.stuck(slug, &blocked);
        self.find(finding);
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
        let returned = self.main_returned_at.unwrap_or(0);
        // Who has not moved since main returned waits for those who live on timers, or for nobody.
        let moved = |g: &Gid| self.pending[g.index()].since > returned;
        for g in self.unfinished().into_iter().filter(moved).collect::<Vec<Gid>>() {
            let p = self.pending[g.index()];
            let side = Side { g, op: p.op.kind(), site: p.site.into(), step: self.steps };
            let object = p.op.object();
            self.find(Finding { slug: Slug::LeakedTimer, evidence: Evidence::Single { side, object } });
        }
    }

    fn conclude_limit(&mut self) {
        if self.find_doomed() {
            return;
        }
        let decisions = &self.decisions[self.decisions.len().saturating_sub(TAIL)..];
        let entry = |d: &Decision| Entry { g: d.goroutine, site: d.op as u32, outcome: d.alternative.into() };
        let tail: Vec<Entry> = decisions.iter().map(entry).collect();
        let mut enabled = self.enabled.list().to_vec();
        enabled.sort();
        let repeats = match cycles::repetition(&tail) {
            Some(round) if cycles::is_fair(&tail, round, &enabled) => Some(round.repeats),
            // Under a random schedule each goroutine goes round in its own time.
            _ => enabled.iter().map(|&g| cycles::repetition_of(&tail, g).map(|r| r.repeats)).min().flatten(),
        };
        if let Some(repeats) = repeats {
            let round = enabled.iter().map(|&g| self.side(g)).collect();
            self.find(Finding { slug: Slug::Livelock, evidence: Evidence::Cycle { round, repeats } });
        }
    }

    fn side(&self, g: Gid) -> Side {
        let p = self.pending[g.index()];
        Side { g, op: p.op.kind(), site: p.site.into(), step: self.steps }
    }

    /// Report the goroutines that nobody can ever wake, while others go on; false if there are none.
    fn find_doomed(&mut self) -> bool {
        let waiters: Vec<Waiter> =
            self.unfinished().into_iter().map(|g| Waiter { g, wakers: self.wakers(g) }).collect();
        let exited = |g: Gid| self.goroutines[g.index()].status == Status::Exited;
        let mut doomed = waits::doomed(&waiters, exited);
        if doomed.is_empty() {
            return false;
        }
        doomed.sort();
        let abandoned =
            doomed.iter().all(|g| waiters.iter().any(|w| w.g == *g && w.wakers == Wakers::Nobody));
        let leaked = self.main_returned_at.is_some() || (abandoned && !doomed.contains(&Gid::MAIN));
        let slug = if leaked { Slug::LeakedGoroutine } else { Slug::PartialDeadlock };
        let finding = self.stuck(slug, &doomed);
        self.find(finding);
        true
    }

    /// Who could end the wait of a blocked goroutine, as far as that can be known.
    fn wakers(&self, g: Gid) -> Wakers {
        let op = self.pending[g.index()].op;
        if self.enabled.contains(g) {
            return Wakers::Unknown;
        }
        match op {
            Op::Join(target) => Wakers::AnyOf(vec![target]),
            Op::Lock(o) | Op::Relock { mutex: o, .. } | Op::OnceBegin(o) | Op::ReadLock(o) => {
                let announced = match self.world.state(o) {
                    State::RwLock(rw) => rw.announced,
                    _ => None,
                };
                let holders: Vec<Gid> = announced.into_iter().chain(self.world.state(o).holders()).collect();
                if holders.is_empty() { Wakers::Unknown } else { Wakers::AnyOf(holders) }
            }
            Op::WriteLock(o) | Op::WriteWait(o) => {
                let holders: Vec<Gid> = self.world.state(o).holders().chain(self.announced(o, g)).collect();
                if holders.is_empty() { Wakers::Unknown } else { Wakers::AllOf(holders) }
            }
            Op::Send { ch, .. } | Op::SendWait { ch, .. } if self.is_abandoned(ch, true) => Wakers::Nobody,
            Op::Receive(ch) | Op::ReceiveWait(ch) if self.is_abandoned(ch, false) => Wakers::Nobody,
            Op::Select { deadline: None } | Op::SelectWait { deadline: None } => {
                let arms = &self.world.goroutines[g.index()].select.arms;
                let dead = |a: &Arm| self.is_abandoned(a.channel(), matches!(a, Arm::Send(..)));
                if arms.iter().all(dead) { Wakers::Nobody } else { Wakers::Unknown }
            }
            _ => Wakers::Unknown,
        }
    }

    fn announced(&self, o: ObjId, g: Gid) -> Option<Gid> {
        match self.world.state(o) {
            State::RwLock(rw) => rw.announced.filter(|&a| a != g),
            _ => None,
        }
    }

    /// `g` has just blocked, or lost a peer: whether it, and those it waits for, can never go on.
    /// Follows single holders only; what needs all of several is found at the end.
    pub(super) fn is_doomed(&self, g: Gid) -> bool {
        let mut at = g;
        for _ in 0..self.goroutines.len() {
            match self.wakers(at) {
                Wakers::Nobody => return true,
                Wakers::AnyOf(one) | Wakers::AllOf(one) if one.len() == 1 => {
                    let next = one[0];
                    if next == g || self.goroutines[next.index()].status == Status::Exited {
                        return true;
                    }
                    if self.goroutines[next.index()].status != Status::Pending || self.enabled.contains(next)
                    {
                        return false;
                    }
                    at = next;
                }
                _ => return false,
            }
        }
        // A ring that does not lead back to `g` dooms it all the same.
        true
    }

    fn unclaimed_panics(&mut self) {
        for i in 0..self.goroutines.len() {
            if let Some(panic) = self.goroutines[i].panic.take() {
                self.unrecovered(Gid(i as u32), *panic);
            }
        }
    }

    pub(super) fn stuck(&self, slug: Slug, blocked: &[Gid]) -> Finding {
        let mut members: Vec<Blocked> = blocked.iter().map(|&g| self.blocked(g)).collect();
        self.lead_through_wait_groups(&mut members);
        Finding {
            slug,
            evidence: Evidence::Stuck {
                cycle: cycle(&members),
                blocked: members,
                proved: self.doomed_at.is_some(),
            },
        }
    }

    fn blocked(&self, g: Gid) -> Blocked {
        let p = self.pending[g.index()];
        let arms = &self.world.goroutines[g.index()].select.arms;
        let selects = matches!(p.op, Op::Select { .. } | Op::SelectWait { .. });
        let reason = match p.op {
            _ if selects && arms.is_empty() => WaitReason::SelectNoCases,
            op => op.wait_reason(),
        };
        let arm = |a: &Arm| SelectArm { channel: a.channel(), sends: matches!(a, Arm::Send(..)) };
        let arms = arms.iter().filter(|a| selects && a.channel() != ObjId::NIL).map(arm).collect();
        let object = p.op.object().filter(|&o| o != ObjId::NIL);
        let waits_for = match p.op {
            Op::Join(target) => Some(target),
            _ => object.and_then(|o| {
                let ahead = match (p.op, self.world.state(o)) {
                    // A writer that has announced itself is let in before later readers.
                    (Op::ReadLock(_), State::RwLock(rw)) => rw.announced,
                    _ => None,
                };
                let holders = || self.world.state(o).holders();
                ahead.or(holders().find(|&h| h == g)).or(holders().next())
            }),
        };
        Blocked { g, reason, object, waits_for, site: p.site.into(), arms }
    }

    /// Who a wait on a wait group waits for. Nothing says who is to call `done`; but when everybody
    /// is blocked, and as many others as the counter says, it is those: the one whose own wait leads
    /// back is named.
    fn lead_through_wait_groups(&self, members: &mut [Blocked]) {
        let unfinished = self.unfinished();
        let all_blocked = unfinished.iter().all(|g| members.iter().any(|b| b.g == *g));
        for i in 0..members.len() {
            let Blocked { g, reason: WaitReason::WaitGroup, object: Some(wg), .. } = members[i] else {
                continue;
            };
            let waits_too = |b: &Blocked| b.reason == WaitReason::WaitGroup && b.object == Some(wg);
            let others: Vec<Gid> = members.iter().filter(|b| !waits_too(b)).map(|b| b.g).collect();
            if all_blocked && wait_group::count(self.world.state(wg)) == others.len() as i64 {
                members[i].waits_for = others.into_iter().find(|&b| leads_to(members, b, g));
            }
        }
    }

    /// Whether nobody is left who could ever send to, or receive from, a channel.
    pub(super) fn is_abandoned(&self, ch: ObjId, sending: bool) -> bool {
        if ch == ObjId::NIL {
            return true;
        }
        let c = chan::view(self.world.state(ch));
        if sending { c.receive_handles == 0 } else { c.send_handles == 0 && c.timer.is_none() }
    }
}

fn waits_for(members: &[Blocked], g: Gid) -> Option<Gid> {
    members.iter().find(|b| b.g == g)?.waits_for
}

/// Whether whom `from` waits for, and whom that one waits for, and so on, comes to `to`.
fn leads_to(members: &[Blocked], from: Gid, to: Gid) -> bool {
    let mut at = from;
    for _ in members {
        match waits_for(members, at) {
            Some(next) if next == to => return true,
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

/// A ring of goroutines each waiting for the next, if there is one.
fn cycle(members: &[Blocked]) -> Vec<Gid> {
    let on_ring = |b: &&Blocked| leads_to(members, b.g, b.g);
    let Some(start) = members.iter().find(on_ring).map(|b| b.g) else { return Vec::new() };
    std::iter::successors(Some(start), |&g| waits_for(members, g).filter(|&next| next != start)).collect()
}
