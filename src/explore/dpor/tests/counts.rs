//! Programs whose number of traces is known, in both orders of the search, and against brute force.
//! Memory is sequentially consistent here; the table test counts C11 as well.

use super::brute::by_force_in;
use super::{Counts, optimally_in};
use crate as engine;
use crate::explore::plan::Body;
use crate::model::Limits;
use std::sync::Arc;

#[path = "../../../../tests/exhaust/programs/mod.rs"]
#[allow(dead_code, reason = "what one model needs, the other does not")]
mod programs;

use programs::Program;

/// Most of the programs, and all whose count is our own, have fewer interleavings.
const INTERLEAVINGS: u64 = 2_000;

fn limits() -> Limits {
    Limits { weak: false, spurious: 0, ..Limits::default() }
}

fn small() -> impl Iterator<Item = &'static Program> {
    programs::all().filter(|program| !program.large)
}

fn body(program: &'static Program) -> Body {
    Arc::new(program.run)
}

#[test]
fn as_many_as_there_are_in_any_order() {
    for program in small() {
        for random in [None, Some(7)] {
            let found = optimally_in(limits(), &body(program), random, 8 * program.sc);
            let found = found.unwrap_or_else(|| panic!("{} does not end", program.name));
            let expected = Counts { explored: program.sc, vain: found.counts.vain, ..Counts::default() };
            assert_eq!(found.counts, expected, "{} {random:?}", program.name);
            assert_eq!((found.traces.len() as u64, found.duplicates), (program.sc, 0), "{}", program.name);
        }
    }
}

#[test]
fn brute_force_finds_the_same() {
    for program in small() {
        let Some(forced) = by_force_in(limits(), &body(program), INTERLEAVINGS) else { continue };
        let found = optimally_in(limits(), &body(program), None, 8 * program.sc).unwrap();
        // Where a program dies, how far the others had come by then is no behaviour of its own.
        if program.name == "send||close" {
            assert!(found.traces.is_subset(&forced.traces));
        } else {
            assert_eq!(found.traces, forced.traces, "{}", program.name);
        }
    }
}

/// Store buffering, in which main fails for the outcome with this number.
fn fails_for(bad: usize) -> Body {
    use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    Arc::new(move || {
        let [mine, theirs] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (x, y) = (Arc::clone(&mine), Arc::clone(&theirs));
        let other = crate::go(move || {
            y.store(1, Relaxed);
            x.load(Relaxed)
        });
        mine.store(1, Relaxed);
        let outcome = 2 * theirs.load(Relaxed) + other.join().unwrap();
        assert_ne!(outcome, bad);
    })
}

/// What main fails for is known at the last step, which others' steps could as well come after.
#[test]
fn a_failure_at_the_end_repeats_no_trace() {
    let limits = Limits { weak: true, ..limits() };
    for bad in 0..4 {
        let forced = by_force_in(limits, &fails_for(bad), INTERLEAVINGS).unwrap();
        let found = optimally_in(limits, &fails_for(bad), None, INTERLEAVINGS).unwrap();
        assert_eq!((found.traces.len(), found.duplicates, found.failing), (4, 0, 1), "{bad}");
        assert_eq!(found.traces, forced.traces, "{bad}");
    }
}
