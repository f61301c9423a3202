//! Lost wake-ups: why a goroutine that is blocked for ever was not woken.
//!
//! Notifications are not remembered by condition variables and barely by park tokens. When a
//! goroutine turns out to wait for ever, this module looks for the notification it should have
//! had: one that found nobody waiting although nothing forced it to come before the wait; one that
//! woke another waiter, who went back to sleep; an unpark that was merged into an earlier one or
//! that a different `park` consumed.
//!
//! Source: the "lost notification" pattern of Farchi, Nir & Ur (IPDPS 2003), decided on
//! [`HardOrder`] because the mutex of the condition variable orders every notifier and waiter.
//! Deviation: we explain deadlocks and never predict one; of the waits that were notified we only
//! tell which, so that the other order can be tried.
//!
//! Invariants: only asked at a deadlock or a leak, so recording is cheap and judging need not be;
//! `certain` is claimed only if the notification fell between the waiter's last lock and its wait,
//! where no predicate could have told the waiter of it.
//!
//! Does not detect: state changes that were never announced at all, wake-ups lost inside a user's
//! own primitive built on atomics, and futures' wakers.

use crate::finding::{Evidence, HeardSignal, Side};
use crate::hard_order::{HardOrder, Mark};
use crate::ids::{Gid, ObjId, SiteRef};
use crate::op::OpKind;
use crate::table::{Row, Table};

/// Missed notifications that are kept of one condition variable, the last one by each goroutine.
const MAX_MISSED: usize = 16;

/// Pairs of a wait and the notification that ended it which are kept of one execution.
const MAX_HEARD: usize = 16;

/// Why a goroutine was not woken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostWakeUp {
    /// The wait and the notification.
    pub evidence: Evidence,
    /// The waiter could not have learned of the notification by checking its predicate.
    pub certain: bool,
}

#[derive(Clone, Copy, Debug)]
struct Signal {
    g: Gid,
    op: OpKind,
    site: SiteRef,
    step: u32,
}

impl Signal {
    fn side(&self) -> Side {
        Side { g: self.g, op: self.op, site: self.site.into(), step: self.step }
    }
}

#[derive(Default, Debug)]
struct Cond {
    missed: Vec<(Signal, Mark)>,
    /// The last `notify_one` that had to choose among several waiters.
    chose: Option<Signal>,
}

impl Row for Cond {
    fn clear(&mut self) {
        self.missed.clear();
        self.chose = None;
    }
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    cond: ObjId,
    site: SiteRef,
    step: u32,
    mark: Mark,
}

#[derive(Default, Debug)]
struct Sleeper {
    wait: Option<Wait>,
    /// The wait before that, if it was on the same condition variable.
    before: Option<u32>,
    /// When it last got a lock: the earliest moment it can have checked its predicate.
    locked: u32,
    /// The unpark whose token is there.
    token: Option<Signal>,
    /// The last unpark that found the token there already.
    merged: Option<Signal>,
    /// The last unpark that was consumed, and by which `park`.
    consumed: Option<(Signal, SiteRef)>,
}

impl Row for Sleeper {
    fn clear(&mut self) {
        *self = Sleeper::default();
    }
}

/// The notifications of one execution.
#[derive(Default, Debug)]
pub struct Notifications {
    conds: Table<Cond>,
    sleepers: Table<Sleeper>,
    heard: Vec<HeardSignal>,
}

impl Notifications {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.conds.reset();
        self.sleepers.reset();
        self.heard.clear();
    }

    /// The condition variable is gone; its id may be given to another.
    pub fn forget(&mut self, cond: ObjId) {
        self.conds.forget(cond.index());
    }

    /// `g` got a lock.
    #[inline]
    pub fn locked(&mut self, g: Gid, step: u32) {
        self.sleepers.row(g.index()).locked = step;
    }

    /// `g` queues up on a condition variable.
    pub fn waits(&mut self, order: &mut HardOrder, cond: ObjId, g: Gid, site: SiteRef, step: u32) {
        let sleeper = self.sleepers.row(g.index());
        sleeper.before = sleeper.wait.filter(|w| w.cond == cond).map(|w| w.step);
        sleeper.wait = Some(Wait { cond, site, step, mark: order.mark(g) });
    }

    /// `g` notified a condition variable that had so many waiters.
    #[allow(clippy::too_many_arguments, reason = "the fields of one step, passed on as they come")]
    pub fn notified(
        &mut self,
        order: &mut HardOrder,
        cond: ObjId,
        g: Gid,
        op: OpKind,
        waiters: i64,
        site: SiteRef,
        step: u32,
    ) {
        let row = self.conds.row(cond.index());
        let signal = Signal { g, op, site, step };
        if waiters > 0 {
            // Whoever waits after a broadcast that was heard waits for news of its own.
            match op {
                OpKind::NotifyAll => row.missed.clear(),
                _ if waiters > 1 => row.chose = Some(signal),
                _ => {}
            }
            self.note_heard(cond, signal);
            return;
        }
        // Kept in order of time, so that the latest explanation is tried first.
        row.missed.retain(|(s, _)| s.g != g);
        if row.missed.len() == MAX_MISSED {
            row.missed.remove(0);
        }
        row.missed.push((signal, order.mark(g)));
    }

    /// `signal` came while somebody waited on `cond`.
    fn note_heard(&mut self, cond: ObjId, signal: Signal) {
        let asleep = |(g, s): (usize, &Sleeper)| {
            let wait = s.wait.filter(|w| w.cond == cond && w.step > s.locked)?;
            Some((Gid(g as u32), wait.site, wait.step))
        };
        let notifier = (signal.g, signal.site, signal.step);
        for waiter in self.sleepers.iter().filter_map(asleep) {
            let known = |h: &HeardSignal| (h.waiter.1, h.notifier.1) == (waiter.1, signal.site);
            if self.heard.len() < MAX_HEARD && !self.heard.iter().any(known) {
                self.heard.push(HeardSignal { waiter, notifier });
            }
        }
    }

    /// The waits that notifications ended, each pair of places once.
    pub fn heard(&self) -> &[HeardSignal] {
        &self.heard
    }

    /// `g` unparked `target`; `stored` unless its token was there already.
    pub fn unparked(&mut self, g: Gid, target: Gid, stored: bool, site: SiteRef, step: u32) {
        let sleeper = self.sleepers.row(target.index());
        let signal = Signal { g, op: OpKind::Unpark, site, step };
        if stored {
            sleeper.token = Some(signal);
        } else {
            sleeper.merged = Some(signal);
        }
    }

    /// A `park` of `g` consumed the token.
    pub fn parked(&mut self, g: Gid, site: SiteRef) {
        let sleeper = self.sleepers.row(g.index());
        sleeper.consumed = sleeper.token.take().map(|signal| (signal, site));
    }

    /// Why `g`, which waits on `cond` for ever, was not woken.
    pub fn explain_wait(&self, order: &mut HardOrder, g: Gid, cond: ObjId) -> Option<LostWakeUp> {
        let sleeper = self.sleepers.get(g.index())?;
        let wait = sleeper.wait.filter(|w| w.cond == cond)?;
        let row = self.conds.get(cond.index())?;
        let waiter = Side { g, op: OpKind::CondWait, site: wait.site.into(), step: wait.step };
        let evidence = |signal: &Signal| Evidence::Notification {
            object: Some(cond),
            waiter: waiter.clone(),
            notifier: signal.side(),
        };
        let missed = row
            .missed
            .iter()
            .rev()
            .find(|(s, mark)| s.g != g && s.step < wait.step && !order.ordered(*mark, wait.mark));
        if let Some((signal, _)) = missed {
            let certain = signal.step > sleeper.locked;
            return Some(LostWakeUp { evidence: evidence(signal), certain });
        }
        let chose = row.chose.filter(|s| s.step > wait.step)?;
        let went_back = |sleeper: &Sleeper| {
            let again = sleeper.wait.is_some_and(|w| w.cond == cond && w.step > chose.step);
            again && sleeper.before.is_some_and(|step| step < chose.step)
        };
        let wasted = self.sleepers.iter().any(|(other, s)| other != g.index() && went_back(s));
        wasted.then(|| LostWakeUp { evidence: evidence(&chose), certain: false })
    }

    /// Why `g`, which parks at `site` for ever, was not unparked.
    pub fn explain_park(&self, g: Gid, site: SiteRef, step: u32) -> Option<LostWakeUp> {
        let sleeper = self.sleepers.get(g.index())?;
        let elsewhere = sleeper.consumed.filter(|(_, park)| *park != site).map(|(signal, _)| signal);
        let signal = elsewhere.or(sleeper.merged)?;
        let waiter = Side { g, op: OpKind::Park, site: site.into(), step };
        let evidence = Evidence::Notification { object: None, waiter, notifier: signal.side() };
        Some(LostWakeUp { evidence, certain: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use std::panic::Location;

    const CV: u32 = 0;
    const M: u32 = 1;

    fn lost(rig: &mut Rig, g: u32) -> Option<(u32, bool)> {
        let found = rig.suite.explain_wait(Gid(g), ObjId(CV))?;
        let Evidence::Notification { notifier, .. } = found.evidence else { panic!("{found:?}") };
        Some((notifier.step, found.certain))
    }

    #[test]
    fn a_signal_before_the_wait_is_found_although_the_mutex_ordered_them() {
        let mut rig = Rig::with(2);
        rig.lock(1, M);
        rig.notify(1, CV, 0);
        rig.unlock(1, M);
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), Some((2, false)), "a predicate could have told");
    }

    #[test]
    fn a_signal_between_check_and_wait_is_certain() {
        let mut rig = Rig::with(2);
        rig.lock(0, M);
        rig.notify(1, CV, 0);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), Some((2, true)));
    }

    #[test]
    fn what_was_heard_is_told_once_for_each_pair_of_places() {
        let mut rig = Rig::with(2);
        for _ in 0..2 {
            rig.lock(0, M);
            rig.cond_wait(0, CV, M);
            rig.notify(1, CV, 1);
        }
        let heard = rig.suite.heard();
        assert_eq!(heard.len(), 1);
        assert_eq!((heard[0].waiter.0, heard[0].waiter.2), (Gid(0), 2));
        assert_eq!((heard[0].notifier.0, heard[0].notifier.2), (Gid(1), 4));
        rig.restart(2);
        rig.notify(1, CV, 0);
        assert!(rig.suite.heard().is_empty());
    }

    #[test]
    fn a_signal_that_had_to_come_first_was_not_lost() {
        let mut rig = Rig::with(1);
        rig.notify(0, CV, 0);
        rig.spawn(0, 1);
        rig.lock(1, M);
        rig.cond_wait(1, CV, M);
        assert_eq!(lost(&mut rig, 1), None, "notified before the waiter existed");
        rig.restart(2);
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), None, "nobody ever notified");
    }

    #[test]
    fn a_signal_that_woke_the_wrong_waiter_is_found() {
        let mut rig = Rig::with(3);
        for g in [1, 2] {
            rig.lock(g, M);
            rig.cond_wait(g, CV, M);
        }
        rig.notify(0, CV, 2);
        rig.lock(2, M);
        rig.cond_wait(2, CV, M);
        assert_eq!(lost(&mut rig, 1), Some((7, false)));
        assert_eq!(lost(&mut rig, 2), None, "the one that was woken has no claim");
    }

    #[test]
    fn a_signal_that_woke_a_waiter_for_good_was_not_lost() {
        let mut rig = Rig::with(3);
        for g in [1, 2] {
            rig.lock(g, M);
            rig.cond_wait(g, CV, M);
        }
        rig.notify(0, CV, 2);
        rig.lock(2, M);
        rig.unlock(2, M);
        assert_eq!(lost(&mut rig, 1), None);
    }

    #[test]
    fn a_token_consumed_elsewhere_or_merged_is_found() {
        let here = Location::caller();
        let mut rig = Rig::with(2);
        rig.unpark(1, 0, true);
        rig.park(0);
        let found = rig.suite.explain_park(Gid(0), here, 9).expect("consumed by the other park");
        let Evidence::Notification { notifier, object: None, .. } = found.evidence else { panic!() };
        assert_eq!((notifier.g, notifier.step), (Gid(1), 1));
        rig.restart(2);
        rig.unpark(1, 0, true);
        rig.unpark(1, 0, false);
        assert!(rig.suite.explain_park(Gid(0), here, 9).is_some());
    }

    #[test]
    fn a_park_in_a_loop_and_a_park_nobody_ends_are_not_lost() {
        let here = Location::caller();
        let mut notifications = Notifications::default();
        notifications.unparked(Gid(1), Gid(0), true, here, 1);
        notifications.parked(Gid(0), here);
        assert_eq!(notifications.explain_park(Gid(0), here, 9), None);
        assert_eq!(notifications.explain_park(Gid(1), here, 9), None);
    }

    #[test]
    fn nothing_is_known_of_an_earlier_execution_or_of_a_condition_that_is_gone() {
        let here = Location::caller();
        let mut rig = Rig::with(2);
        rig.notify(1, CV, 0);
        rig.unpark(1, 0, true);
        rig.park(0);
        rig.restart(2);
        rig.notify(1, CV, 1);
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), None);
        assert_eq!(rig.suite.explain_park(Gid(0), here, 9), None);
        rig.restart(2);
        rig.notify(1, CV, 0);
        rig.suite.forget(ObjId(CV));
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), None);
    }

    #[test]
    fn who_waits_after_a_broadcast_that_was_heard_waits_for_news_of_its_own() {
        let mut rig = Rig::with(3);
        rig.notify(1, CV, 0);
        rig.lock(2, M);
        rig.cond_wait(2, CV, M);
        rig.notify_all(1, CV, 1);
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), None);
    }

    #[test]
    fn ones_own_signal_hides_no_other() {
        let mut rig = Rig::with(2);
        rig.notify(1, CV, 0);
        rig.notify(0, CV, 0);
        rig.lock(0, M);
        rig.cond_wait(0, CV, M);
        assert_eq!(lost(&mut rig, 0), Some((1, false)));
    }

    /// Goroutine 1 waits on `CV`; 2 has waited on `before` and waits on `after` once `waiters` were notified.
    fn went_back(before: Option<u32>, waiters: i64, after: u32) -> Option<(u32, bool)> {
        let mut rig = Rig::with(3);
        rig.lock(1, M);
        rig.cond_wait(1, CV, M);
        before.into_iter().for_each(|cond| {
            rig.lock(2, M);
            rig.cond_wait(2, cond, M);
        });
        rig.notify(0, CV, waiters);
        rig.lock(2, M);
        rig.cond_wait(2, after, M);
        lost(&mut rig, 1)
    }

    #[test]
    fn only_who_was_chosen_among_others_and_went_back_took_anybodys_turn() {
        const OTHER: u32 = 2;
        assert_eq!(went_back(Some(CV), 2, CV), Some((7, false)));
        assert_eq!(went_back(Some(CV), 1, CV), None, "there was no choice");
        assert_eq!(went_back(None, 2, CV), None, "it had not waited before");
        assert_eq!(went_back(Some(OTHER), 2, OTHER), None, "it waits for something else");
    }

    #[test]
    fn only_who_waits_there_and_then_has_heard() {
        const OTHER: u32 = 2;
        let mut rig = Rig::with(3);
        rig.lock(0, M);
        rig.cond_wait(0, OTHER, M);
        rig.lock(1, M);
        rig.cond_wait(1, CV, M);
        rig.lock(1, M);
        rig.notify(2, CV, 1);
        assert!(rig.suite.heard().is_empty(), "{:?}", rig.suite.heard());
    }

    #[test]
    fn so_many_pairs_are_kept_and_no_more() {
        let here = || Location::caller();
        #[rustfmt::skip]
        let sites = [
            Location::caller(), Location::caller(), Location::caller(), Location::caller(), Location::caller(),
            Location::caller(), Location::caller(), Location::caller(), Location::caller(), Location::caller(),
            Location::caller(), Location::caller(), Location::caller(), Location::caller(), Location::caller(),
            Location::caller(), Location::caller(),
        ];
        let (mut order, mut notifications) = (HardOrder::default(), Notifications::default());
        order.reset();
        notifications.waits(&mut order, ObjId(CV), Gid(0), here(), 1);
        for (step, site) in (2..).zip(sites) {
            notifications.notified(&mut order, ObjId(CV), Gid(1), OpKind::NotifyOne, 1, site, step);
        }
        assert_eq!(notifications.heard().len(), MAX_HEARD);
    }
}
