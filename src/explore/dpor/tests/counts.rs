//! Programs whose number of traces is known, in both orders of the search, and the ones whose number
//! is our own against brute force.

use super::brute::by_force;
use super::{Counts, optimally};
use crate as engine;
use crate::explore::plan::Body;
use std::sync::Arc;

#[path = "../../../../tests/exhaust/programs/mod.rs"]
mod programs;

use programs::Program;

fn body(program: &'static Program) -> Body {
    Arc::new(program.run)
}

fn small() -> impl Iterator<Item = &'static Program> {
    programs::all().filter(|program| !program.large)
}

#[test]
fn as_many_as_there_are_in_any_order() {
    for program in small() {
        for random in [None, Some(7)] {
            let found = optimally(&body(program), random, 20_000);
            let found = found.unwrap_or_else(|| panic!("{} does not end", program.name));
            let expected = Counts { explored: program.sc, blocked: 0, lost: 0 };
            assert_eq!(found.counts, expected, "{} {random:?}", program.name);
            assert_eq!(found.traces.len() as u64, program.sc, "{} {random:?}", program.name);
        }
    }
}

#[test]
fn brute_force_finds_the_same() {
    let most = std::env::var("MOST").map_or(20_000, |m| m.parse().unwrap());
    let only = std::env::var("ONLY").unwrap_or_default();
    for program in programs::all().filter(|p| p.name.contains(&only) && !p.large) {
        let t = std::time::Instant::now();
        let Some(forced) = by_force(&body(program), most) else {
            println!("{:30} {} - {:?}", program.name, program.sc, t.elapsed());
            continue;
        };
        let found = optimally(&body(program), None, 200_000).unwrap();
        println!(
            "{:30} {} forced {} of {} found {} {} {:?}",
            program.name,
            program.sc,
            forced.traces.len(),
            forced.traces.len() as u64 + forced.duplicates,
            found.traces.len(),
            if forced.traces == found.traces { "same" } else { "DIFFERENT" },
            t.elapsed()
        );
    }
}
