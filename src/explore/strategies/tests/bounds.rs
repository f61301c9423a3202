//! Bounded walks against the definitions: what is run within bounds is what a walk without any runs of as many
//! preemptions and delays, counted here from what there was to choose from.

use super::programs::{self, Run};
use crate::explore::bounds::Bounds;
use crate::explore::dpor::tests::fuzz::{Family, program, shapes, sizes};
use crate::explore::plan::Body;
use crate::explore::strategies::Dfs;
use crate::model::{Limits, Scene, Strategy};
use selvedge_checkers::ids::Gid;
use std::any::Any;
use std::collections::BTreeMap;

/// Walks everything, and counts.
struct Counting {
    dfs: Dfs,
    preemptions: u32,
    delays: u32,
}

impl Strategy for Counting {
    fn begin(&mut self, index: u64) -> bool {
        (self.preemptions, self.delays) = (0, 0);
        self.dfs.begin(index)
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        let g = self.dfs.pick(scene);
        let goes_on = |x: usize| {
            let x = Gid(x as u32);
            scene.enabled.contains(&x) && !scene.pending[x.index()].optional
        };
        let (current, all) = (scene.current.index(), scene.pending.len());
        self.preemptions += u32::from(goes_on(current) && g != scene.current);
        let distance = (g.index() + all - current) % all;
        self.delays += (0..distance).filter(|x| goes_on((current + x) % all)).count() as u32;
        g
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        self.dfs.alternative(step, g, n)
    }

    fn wake_at_rest(&mut self, scene: &Scene<'_>) -> Option<Gid> {
        self.dfs.wake_at_rest(scene)
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.dfs.fire_early(scene)
    }

    fn end(&mut self, steps: u32) {
        self.dfs.end(steps);
    }
}

/// Every execution, with its preemptions and delays; `None` if there are more than `most`.
fn by_definition(body: &Body, limits: Limits, most: u64) -> Option<BTreeMap<u64, (u32, u32)>> {
    let dfs = Dfs::new(Bounds::default());
    let mut run = Run::with(Box::new(Counting { dfs, preemptions: 0, delays: 0 }), limits);
    let mut all = BTreeMap::new();
    for index in 0..most {
        let Some(report) = run.next(index, body) else { return Some(all) };
        run.ask(|strategy: &mut dyn Any| {
            let counted = strategy.downcast_ref::<Counting>().unwrap();
            all.insert(report.fingerprint, (counted.preemptions, counted.delays));
        });
    }
    None
}

/// Compare within all small bounds; gives how many executions were within some but not all of them.
fn compare(text: &str, body: &Body, limits: Limits, most: u64) -> Option<usize> {
    let all = by_definition(body, limits, most)?;
    let mut cut = 0;
    for (preemptions, delays) in [(None, 0), (None, 1), (None, 2), (None, 3), (Some(0), 2), (Some(1), 3)] {
        let bounds = Bounds { preemptions, delays: Some(delays) };
        let within = |&(p, d): &(u32, u32)| preemptions.is_none_or(|most| p <= most) && d <= delays;
        let mut expected: Vec<u64> = all.iter().filter(|(_, it)| within(it)).map(|(f, _)| *f).collect();
        let mut run = Run::with(Box::new(Dfs::new(bounds)), limits);
        let mut found = Vec::new();
        while let Some(report) = run.next(found.len() as u64, body) {
            found.push(report.fingerprint);
            assert!(found.len() <= all.len(), "{bounds:?}: more than there are: {text}");
        }
        cut += all.len() - found.len();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{bounds:?}: {text}");
    }
    assert!(all.values().all(|(p, d)| p <= d), "{text}");
    Some(cut)
}

#[test]
fn random_programs_within_delays() {
    let (from, n, most) = sizes(12);
    let (mut compared, mut cut) = (0, 0);
    for family in [Family::All, Family::Atomics, Family::Locks, Family::Channels, Family::Waits] {
        for (goroutines, length) in shapes() {
            for seed in from..from + n {
                let (text, body) = program(seed, family, goroutines, length);
                let Some(here) = compare(&text, &body, Limits::default(), most) else { continue };
                (compared, cut) = (compared + 1, cut + here);
            }
        }
    }
    println!("{compared} programs, {cut} executions beyond some bound");
    assert!(compared >= 5 * n as usize && cut > 100 * n as usize, "{compared} programs, {cut} beyond");
}

#[test]
fn early_timers_and_wake_ups_cost_no_delay() {
    let mut compared = 0;
    for program in programs::all() {
        let limits = Limits { early_timers: 1, ..programs::limits() };
        compared += u32::from(compare(program.name, &program.body, limits, 5_000).is_some());
    }
    assert!(compared >= 5, "only {compared} programs are small enough to walk");
}
