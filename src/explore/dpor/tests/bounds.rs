//! Bounds on preemptions: the traces found are those that brute force finds within the same bound.

use super::brute::{by_force_within, misjudged_within};
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

/// No trace needs more preemptions than one of its linearizations has.
#[test]
fn no_trace_needs_more_than_it_was_run_with() {
    let (from, n, most) = sizes(10);
    for (goroutines, length) in shapes() {
        for seed in from..from + n {
            let (text, body) = program(seed, Family::All, goroutines, length);
            for bound in 0..3 {
                let Some(misjudged) = misjudged_within(bound, &body, most) else { break };
                assert_eq!(misjudged, 0, "{seed} within {bound}: {text}");
            }
        }
    }
}

/// A goroutine that panics in some orders gives back a lock as it unwinds: what it was seen to touch then, and
/// what it holds where it was not seen, counts before a schedule with it is taken for covered.
#[test]
fn what_unwinding_gives_back_is_part_of_a_step() {
    for (seed, shape, within) in [(501_221, (3, 3), None), (5_000_315, (4, 2), Some(1))] {
        let (text, body) = program(seed, Family::All, shape.0, shape.1);
        assert!(text.contains("Writing([Release(1)])"), "another program: {text}");
        let force = by_force_within(within, Limits::default(), &body, 20_000).expect("a small program");
        let found = optimally_within(within, Limits::default(), &body, None, 100).expect("a small program");
        assert_eq!(found.traces, force.traces, "{text}");
        assert_eq!(found.duplicates + found.counts.blocked, 0, "{text}");
    }
}
