//! Wait groups whose `add` comes too late.
//!
//! An `add` that raises the counter from zero must happen before the `wait` it is meant for:
//! otherwise another schedule waits first, finds zero, and goes on too early. We report every such
//! add and every wait of other goroutines that nothing but the group itself orders, whichever of
//! the two this execution happened to run first.
//!
//! Source: the documentation of Go's `sync.WaitGroup`, and its race annotations, which model the
//! first add as a read and the first wait as a write. Deviation: Go's detector looks at waits that
//! block; we look at all, since a wait that finds zero is the one that returns too early.
//!
//! Invariants: steps are seen before their own edges are applied, so a wait is compared with what
//! its goroutine knew before the group told it anything; one finding per add or wait.
//!
//! Does not detect: adds above zero (their caller vouches for the group), counters below zero (a
//! misuse, it panics), and goroutines beyond the limit.

use crate::clock::{Clocks, Epoch};
use crate::finding::{Evidence, Finding, Side, Slug};
use crate::ids::{Gid, ObjId, SiteRef};
use crate::op::OpKind;
use crate::table::{Row, Table};

/// Goroutines that are told apart on each side of one group.
const MAX_PARTIES: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Use {
    at: Epoch,
    site: SiteRef,
    step: u32,
}

impl Use {
    fn side(&self, op: OpKind) -> Side {
        Side { g: self.at.g, op, site: self.site.into(), step: self.step }
    }
}

/// The last use by each goroutine: a goroutine's earlier ones happen before it.
#[derive(Default, Debug)]
struct Group {
    adds: Vec<Use>,
    waits: Vec<Use>,
}

impl Row for Group {
    fn clear(&mut self) {
        self.adds.clear();
        self.waits.clear();
    }
}

/// The wait groups of one execution.
#[derive(Default, Debug)]
pub struct WaitGroups {
    groups: Table<Group>,
}

impl WaitGroups {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.groups.reset();
    }

    /// The group is gone; its id may be given to another.
    pub fn forget(&mut self, group: ObjId) {
        self.groups.forget(group.index());
    }

    /// `g` raised the counter from zero.
    pub fn raised_from_zero(
        &mut self,
        clocks: &Clocks,
        group: ObjId,
        g: Gid,
        site: SiteRef,
        step: u32,
        findings: &mut Vec<Finding>,
    ) {
        let now = Use { at: clocks.epoch(g), site, step };
        findings.extend(self.used(OpKind::WaitGroupAdd, clocks, group, now));
    }

    /// `g` waited, with or without blocking, and now goes on.
    pub fn waited(
        &mut self,
        clocks: &Clocks,
        group: ObjId,
        g: Gid,
        site: SiteRef,
        step: u32,
        findings: &mut Vec<Finding>,
    ) {
        let now = Use { at: clocks.epoch(g), site, step };
        findings.extend(self.used(OpKind::WaitGroupWait, clocks, group, now));
    }

    /// Remember an add or a wait; the finding if one of the others is not ordered before it.
    fn used(&mut self, op: OpKind, clocks: &Clocks, group: ObjId, now: Use) -> Option<Finding> {
        let Group { adds, waits } = self.groups.row(group.index());
        let (mine, others, other) = match op {
            OpKind::WaitGroupAdd => (adds, waits, OpKind::WaitGroupWait),
            _ => (waits, adds, OpKind::WaitGroupAdd),
        };
        let unordered = others.iter().find(|o| !clocks.ordered(o.at, now.at.g));
        let found = unordered.map(|o| race(group, o.side(other), now.side(op)));
        remember(mine, now);
        found
    }
}

fn race(object: ObjId, first: Side, second: Side) -> Finding {
    Finding { slug: Slug::AddRacesWait, evidence: Evidence::Race { object, first, second } }
}

fn remember(uses: &mut Vec<Use>, now: Use) {
    if let Some(mine) = uses.iter_mut().find(|u| u.at.g == now.at.g) {
        *mine = now;
    } else if uses.len() < MAX_PARTIES {
        uses.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_PARTIES;
    use crate::finding::{Evidence, Slug};
    use crate::ids::ObjId;
    use crate::rig::Rig;

    const WG: u32 = 0;
    const CH: u32 = 1;
    const M: u32 = 2;

    #[test]
    fn an_add_in_the_child_is_reported_in_either_order() {
        let mut rig = Rig::with(2);
        rig.add(1, WG, 1);
        rig.done(1, WG);
        rig.wait(0, WG);
        let found = rig.findings();
        let Evidence::Race { first, second, .. } = &found[0].evidence else { panic!("{found:?}") };
        assert_eq!((found[0].slug, first.g.0, second.g.0), (Slug::AddRacesWait, 1, 0));

        rig.restart(2);
        rig.wait(0, WG);
        rig.add(1, WG, 1);
        let found = rig.findings();
        let Evidence::Race { first, second, .. } = &found[0].evidence else { panic!("{found:?}") };
        assert_eq!((found[0].slug, first.g.0, second.g.0), (Slug::AddRacesWait, 0, 1));
    }

    #[test]
    fn an_add_before_the_spawn_is_silent_and_so_is_reuse_by_the_waiter() {
        let mut rig = Rig::with(1);
        for child in 1..4 {
            rig.add(0, WG, 1);
            rig.spawn(0, child);
            rig.done(child, WG);
            rig.wait(0, WG);
        }
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn an_add_above_zero_by_a_child_is_silent() {
        let mut rig = Rig::with(1);
        rig.add(0, WG, 1);
        rig.spawn(0, 1);
        rig.add(1, WG, 1);
        rig.done(1, WG);
        rig.done(1, WG);
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn an_add_that_a_message_or_a_lock_announced_is_silent() {
        let mut rig = Rig::with(2);
        rig.add(1, WG, 1);
        rig.send(1, CH);
        rig.receive(0, CH);
        rig.done(1, WG);
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
        rig.restart(2);
        rig.lock(1, M);
        rig.add(1, WG, 1);
        rig.unlock(1, M);
        rig.done(1, WG);
        rig.lock(0, M);
        rig.unlock(0, M);
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn reuse_while_another_waiter_may_still_be_on_its_way_is_reported() {
        let mut rig = Rig::with(1);
        rig.add(0, WG, 1);
        rig.spawn(0, 1);
        rig.spawn(0, 2);
        rig.done(1, WG);
        rig.wait(2, WG);
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
        rig.add(0, WG, 1);
        assert_eq!(rig.slugs(), [Slug::AddRacesWait]);
    }

    fn add_and_done(rig: &mut Rig, g: u32) {
        rig.add(g, WG, 1);
        rig.done(g, WG);
    }

    #[test]
    fn the_last_add_of_each_goroutine_counts() {
        let mut rig = Rig::with(3);
        [1, 2].into_iter().for_each(|g| add_and_done(&mut rig, g));
        rig.join(0, 2);
        rig.wait(0, WG);
        assert_eq!(rig.slugs(), [Slug::AddRacesWait], "that of the first is not ordered");
    }

    #[test]
    fn nothing_is_known_of_an_earlier_execution_or_of_a_group_that_is_gone() {
        let mut rig = Rig::with(2);
        add_and_done(&mut rig, 1);
        rig.restart(2);
        rig.wait(0, WG);
        add_and_done(&mut rig, 0);
        assert!(rig.slugs().is_empty());
        rig.restart(2);
        add_and_done(&mut rig, 1);
        rig.restart(2);
        add_and_done(&mut rig, 0);
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty(), "used again, the row has no old adds");
        rig.restart(2);
        add_and_done(&mut rig, 1);
        rig.suite.forget(ObjId(WG));
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
    }

    #[test]
    fn goroutines_beyond_the_limit_are_not_told_apart() {
        let one_too_many = MAX_PARTIES as u32 + 1;
        let mut rig = Rig::with(one_too_many + 1);
        (1..=one_too_many).for_each(|g| add_and_done(&mut rig, g));
        (1..one_too_many).for_each(|g| rig.join(0, g));
        rig.wait(0, WG);
        assert!(rig.slugs().is_empty());
    }
}
