//! Premature exit: main returned while a goroutine it never had anything to do with was running.
//!
//! Spawning tells the child what its parent knew. If after that main never learned anything of the
//! child, and the child nothing main published since, then nothing made main wait for it and
//! nothing told it to stop: whether its work was done is an accident of the schedule.
//!
//! Source: the first mistake of every introduction to Go ("The Go Programming Language
//! Specification", program execution: main "does not wait for other goroutines"), judged on
//! happens-before clocks. Deviation: none known.
//!
//! Invariants: one comparison per goroutine, once per execution; a single edge in either direction,
//! of any kind and through any number of others, keeps it silent. It is judged at the very end,
//! not when main returns: a worker that only then learns that its channel was closed was told to
//! stop in time.
//!
//! Does not detect: a goroutine that met main once and had more to do, and those that the caller
//! does not list because they are blocked for ever or live on timers (they are leaks).

use crate::clock::Clocks;
use crate::finding::{Evidence, Finding, Side, Slug};
use crate::ids::{Gid, SiteRef};
use crate::op::OpKind;
use crate::table::{Row, Table};

#[derive(Default, Debug)]
struct Birth {
    /// Where it was spawned; `None` when that was not seen.
    site: Option<SiteRef>,
    /// What it knew of main then.
    knew: u32,
}

impl Row for Birth {
    fn clear(&mut self) {
        *self = Birth::default();
    }
}

/// The goroutines of one execution.
#[derive(Default, Debug)]
pub struct Exits {
    births: Table<Birth>,
}

impl Exits {
    /// Start a new execution, keeping the memory.
    pub fn reset(&mut self) {
        self.births.reset();
    }

    /// `child` was spawned and has learned what its parent knew.
    #[inline]
    pub fn spawned(&mut self, clocks: &Clocks, child: Gid, site: SiteRef) {
        let knew = clocks.seen(child).get(Gid::MAIN);
        *self.births.row(child.index()) = Birth { site: Some(site), knew };
    }

    /// The execution is over, and these goroutines ended by themselves after main had returned.
    pub fn main_returned(&self, clocks: &Clocks, outlived: &[Gid], findings: &mut Vec<Finding>) {
        for &g in outlived {
            let Some(birth) = self.births.get(g.index()) else { continue };
            let Some(site) = birth.site else { continue };
            let main_learned = clocks.seen(Gid::MAIN).get(g) > 0;
            let child_learned = clocks.seen(g).get(Gid::MAIN) > birth.knew;
            if !main_learned && !child_learned {
                let side = Side { g, op: OpKind::Spawn, site: site.into(), step: 0 };
                let evidence = Evidence::Single { side, object: None };
                findings.push(Finding { slug: Slug::PrematureExit, evidence });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::finding::{Evidence, Slug};
    use crate::rig::Rig;

    #[test]
    fn a_goroutine_main_never_met_is_reported_with_its_spawn() {
        let mut rig = Rig::with(3);
        rig.join(0, 1);
        rig.main_returned(&[2]);
        let found = rig.findings();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].slug, Slug::PrematureExit);
        let Evidence::Single { side, .. } = &found[0].evidence else { panic!("{found:?}") };
        assert_eq!(side.g.0, 2);
    }

    #[test]
    fn an_edge_in_either_direction_or_through_another_is_enough() {
        let mut rig = Rig::with(4);
        rig.send(1, 0);
        rig.receive(0, 0);
        rig.close(0, 1);
        rig.receive_closed(2, 1);
        rig.send(3, 2);
        rig.receive(1, 2);
        rig.send(1, 3);
        rig.receive(0, 3);
        rig.main_returned(&[1, 2, 3]);
        assert!(!rig.slugs().contains(&Slug::PrematureExit));
    }

    #[test]
    fn what_main_published_before_the_spawn_does_not_count() {
        let mut rig = Rig::with(1);
        rig.close(0, 1);
        rig.spawn(0, 1);
        rig.receive_closed(1, 1);
        rig.main_returned(&[1]);
        assert_eq!(rig.slugs(), [Slug::PrematureExit]);
    }

    #[test]
    fn a_grandchild_is_judged_by_itself() {
        let mut rig = Rig::with(2);
        rig.spawn(1, 2);
        rig.join(0, 1);
        rig.main_returned(&[2]);
        let found = rig.findings();
        assert_eq!(found.len(), 1);
        let Evidence::Single { side, .. } = &found[0].evidence else { panic!("{found:?}") };
        assert_eq!(side.g.0, 2);
    }

    #[test]
    fn a_goroutine_whose_start_was_not_seen_is_not_judged() {
        let mut rig = Rig::with(3);
        rig.restart(2);
        rig.main_returned(&[2]);
        assert!(rig.slugs().is_empty());
    }
}
