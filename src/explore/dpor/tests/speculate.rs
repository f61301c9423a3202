//! Leaves run in any order, and for as long as it takes, are entered as if one worker had run them.

use super::super::ledger::{Entry, Ledger, Next};
use super::super::search::{Search, Ticket};
use super::super::{Branch, Leaf, Outcome};
use super::fuzz::{Family, program, shapes, sizes};
use crate::Explorer;
use crate::explore::plan::Body;
use crate::explore::rng::Rng;
use crate::harness::config::LeakPolicy;
use crate::model::{Limits, Survey, Worker};
use std::panic::Location;
use std::sync::{Arc, Mutex};

/// What an execution is known by.
type Execution = (Option<u64>, u64, Vec<String>);

/// What a search came to.
#[derive(Debug, PartialEq)]
struct Found {
    executions: Vec<Execution>,
    survey: Survey,
}

/// How often leaves that were run ahead had to be run again.
#[derive(Default)]
struct Waste {
    ahead: u64,
    again: u64,
}

/// Explore by a worker, which runs leaves in the order in which `rng` wants them, and brings them when it
/// wants to; `None` if it does not end.
fn explore(body: &Body, window: usize, rng: &mut Rng, most: usize, waste: &mut Waste) -> Option<Found> {
    let mut worker = Worker::new(Box::new(Branch::default()), Limits::default(), Default::default());
    let mut ledger: Ledger<Execution> = Ledger::new(Search::new(), window);
    let mut taken: Vec<(Ticket, Leaf)> = Vec::new();
    let mut executions = Vec::new();
    loop {
        let mut leaf = Leaf::default();
        let next = match rng.below(3) {
            0 if !taken.is_empty() => Next::Wait,
            _ => ledger.take(&mut leaf, |open| rng.below(open)),
        };
        match next {
            Next::Over => break,
            Next::Run(ticket) => taken.push((ticket, leaf)),
            Next::Wait if taken.is_empty() => panic!("nobody can go on"),
            Next::Wait => {
                let (ticket, leaf) = taken.swap_remove(rng.below(taken.len() as u32) as usize);
                waste.ahead += u64::from(ledger.search().next() != Some(ticket));
                let run_by = |branch: &mut Branch| branch.leaf_mut().clone_from(&leaf);
                worker.with_strategy(run_by).unwrap();
                let report = worker.run(0, body, Location::caller(), false).unwrap();
                assert!(!worker.is_tainted());
                let slugs = report.findings.iter().map(|f| format!("{:?}", f.slug)).collect();
                let mut entry = Entry { leaf, report: (None, report.fingerprint, slugs), ..Entry::default() };
                worker.with_strategy(|branch: &mut Branch| branch.give(&mut entry.outcome)).unwrap();
                entry.report.0 = entry.outcome.trace;
                ledger.bring(ticket, entry);
                let before = ledger.ready();
                let mut entered = 0;
                while let Some(entry) = ledger.enter() {
                    executions.push(entry.report);
                    entered += 1;
                }
                waste.again += (before - entered - ledger.ready()) as u64;
                if executions.len() > most {
                    return None;
                }
            }
        }
    }
    Some(Found { executions, survey: ledger.search().survey() })
}

fn check(family: Family) {
    let (from, n, most) = sizes(100);
    let mut waste = Waste::default();
    let mut executions = 0;
    for shape in shapes() {
        for seed in from..from + n {
            let (text, body) = program(seed, family, shape.0, shape.1);
            let mut rng = Rng::new(seed);
            let most = most as usize;
            let Some(alone) = explore(&body, 1, &mut rng, most, &mut Waste::default()) else { continue };
            let together = explore(&body, 2 + rng.below(30) as usize, &mut rng, most, &mut waste);
            assert_eq!(together.as_ref(), Some(&alone), "{seed} {family:?} {shape:?}: {text}");
            executions += alone.executions.len();
        }
    }
    println!("{family:?}: {executions} executions, {} ahead, {} of them again", waste.ahead, waste.again);
}

/// What a leaf that was run ahead slept with may have been less than is known of it now.
#[test]
fn an_outcome_made_with_sleepers_that_are_known_better_by_now_does_not_hold() {
    let mut seen = (false, false);
    for seed in 0..40 {
        let (_, body) = program(seed, Family::Atomics, 3, 3);
        let mut search = Search::new();
        let mut worker = Worker::new(Box::new(Branch::default()), Limits::default(), Default::default());
        while let Some(ticket) = search.take(|_| 0) {
            let (mut leaf, mut outcome) = (Leaf::default(), Outcome::default());
            search.leaf(ticket, &mut leaf);
            worker.with_strategy(|branch: &mut Branch| branch.leaf_mut().clone_from(&leaf));
            worker.run(0, &body, std::panic::Location::caller(), false).unwrap();
            worker.with_strategy(|branch: &mut Branch| branch.give(&mut outcome));
            assert!(search.would_hold(ticket, &leaf, &outcome));
            for sleeper in leaf.sleepers.clone() {
                let mut less = leaf.clone();
                let of = less.sleepers.iter_mut().find(|other| **other == sleeper).unwrap();
                of.footprint.1 = of.footprint.0;
                let conflicts = leaf.footprint(&sleeper).iter().any(|touch| outcome.may_conflict(touch));
                assert_eq!(search.would_hold(ticket, &less, &outcome), !conflicts, "{seed}");
                match conflicts {
                    true => seen.0 = true,
                    false => seen.1 = true,
                }
            }
            search.enter(ticket, &outcome);
            if search.entered() > 40 {
                break;
            }
        }
        worker.retire();
    }
    assert!(seen.0, "no sleeper mattered: {seen:?}");
}

#[test]
fn atomics() {
    check(Family::Atomics);
}

#[test]
fn atomics_with_all_orderings() {
    check(Family::Weak);
}

#[test]
fn channels() {
    check(Family::Channels);
}

#[test]
fn locks() {
    check(Family::Locks);
}

#[test]
fn waits() {
    check(Family::Waits);
}

#[test]
fn of_tasks() {
    check(Family::Tasks);
}

#[test]
fn everything() {
    check(Family::All);
}

/// What an exploration by so many workers observes, in order, and what it comes to.
fn observe(body: &Body, jobs: usize) -> (Vec<(Option<u64>, String)>, String) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (note, body) = (Arc::clone(&seen), Arc::clone(body));
    let explorer = Explorer::new().exhaustive().executions(60).jobs(jobs).leaks(LeakPolicy::Warn);
    let mut outcome = explorer.observe(
        move || body(),
        move |observed| {
            note.lock().unwrap().push((observed.trace, format!("{:?}", observed.findings)));
        },
    );
    outcome.seconds = 0.0;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, format!("{outcome:?}"))
}

#[test]
fn threads_do_not_matter() {
    for family in [Family::Weak, Family::Channels, Family::Locks, Family::Waits, Family::All] {
        for seed in 0..40 {
            let (text, body) = program(seed, family, 3, 2);
            let one = observe(&body, 1);
            for jobs in [2, 4] {
                assert_eq!(observe(&body, jobs), one, "{seed} {family:?} {jobs} jobs: {text}");
            }
        }
    }
}
