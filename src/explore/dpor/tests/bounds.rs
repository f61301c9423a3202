//! Bounds on preemptions: the traces found are those that brute force finds within the same bound.

use super::brute::by_force_within;
use super::fuzz::{Family, program, shapes, sizes};
use super::optimally_within;
use crate::model::Limits;

/// Compare on programs of each shape, with bounds of up to two preemptions.
fn compare(family: Family) {
    let (from, n, most) = sizes(10);
    let mut wrong = Vec::new();
    let (mut compared, mut traces, mut beyond) = (0, 0, 0);
    for (goroutines, length) in shapes() {
        for seed in from..from + n {
            let (text, body) = program(seed, family, goroutines, length);
            for bound in 0..3 {
                let within = Some(bound);
                let Some(force) = by_force_within(within, Limits::default(), &body, most) else { break };
                let random = (seed % 2 == 1).then_some(seed);
                let found = optimally_within(within, Limits::default(), &body, random, 4 * most);
                let Some(found) = found else { break };
                compared += 1;
                traces += force.traces.len() as u64;
                beyond += found.counts.beyond;
                if found.traces != force.traces || found.duplicates + found.counts.blocked > 0 {
                    wrong.push(format!(
                        "{seed} within {bound}: {} traces, found {} ({} missed), {:?}: {text}",
                        force.traces.len(),
                        found.traces.len(),
                        force.traces.difference(&found.traces).count(),
                        found.counts,
                    ));
                    break;
                }
            }
        }
    }
    println!("{family:?}: {compared} explorations, {traces} traces, {beyond} beyond the bound");
    wrong.sort_by_key(String::len);
    let shown = wrong[..wrong.len().min(5)].join("\n");
    assert!(wrong.is_empty(), "{} of {compared} {family:?} programs:\n{shown}", wrong.len());
}

#[test]
fn random_programs_of_atomics_within_bounds() {
    compare(Family::Atomics);
    compare(Family::Weak);
}

#[test]
fn random_programs_of_locks_within_bounds() {
    compare(Family::Locks);
}

#[test]
fn random_programs_of_channels_within_bounds() {
    compare(Family::Channels);
}

#[test]
fn random_programs_of_waits_within_bounds() {
    compare(Family::Waits);
}

#[test]
fn random_programs_of_everything_within_bounds() {
    compare(Family::All);
}
