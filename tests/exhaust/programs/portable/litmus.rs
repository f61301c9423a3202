//! Litmus tests: the shapes in which memory models differ.

use super::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use super::{Program, atomics, each};

/// Counts: GenMC 0.10.3, and for the relaxed ones the design's prototype, which appends to the
/// modification order (2+2W has a fourth graph otherwise).
pub(super) const PROGRAMS: &[Program] = &[
    Program::sc("SB", 3, store_buffering).c11(4),
    Program::both("LB", 3, load_buffering),
    Program::sc("MP", 3, || message_passing(Relaxed, Relaxed)).c11(4),
    Program::both("MP rel-acq", 3, || message_passing(Release, Acquire)),
    Program::both("2+2W", 3, two_writes_each),
    Program::sc("IRIW", 15, || independent_reads(Relaxed, Relaxed)).c11(16),
    Program::sc("IRIW rel-acq", 15, || independent_reads(Release, Acquire)).c11(16),
    Program::sc("WRC", 7, || write_to_read(Relaxed, Relaxed)).c11(8),
    Program::both("WRC rel-acq", 7, || write_to_read(Release, Acquire)),
    Program::both("CoRR2", 72, coherent_reads),
];

fn store_buffering() {
    let x = atomics(2);
    each(2, move |i| {
        x[i].store(1, Relaxed);
        x[1 - i].load(Relaxed);
    });
}

fn load_buffering() {
    let x = atomics(2);
    each(2, move |i| {
        x[i].load(Relaxed);
        x[1 - i].store(1, Relaxed);
    });
}

fn message_passing(release: Ordering, acquire: Ordering) {
    let x = atomics(2);
    each(2, move |i| {
        if i == 0 {
            x[0].store(1, Relaxed);
            x[1].store(1, release);
        } else {
            x[1].load(acquire);
            x[0].load(Relaxed);
        }
    });
}

fn two_writes_each() {
    let x = atomics(2);
    each(2, move |i| {
        x[i].store(1, Relaxed);
        x[1 - i].store(2, Relaxed);
    });
}

fn independent_reads(release: Ordering, acquire: Ordering) {
    let x = atomics(2);
    each(4, move |i| {
        if i < 2 {
            x[i].store(1, release);
        } else {
            x[i % 2].load(acquire);
            x[1 - i % 2].load(acquire);
        }
    });
}

fn write_to_read(release: Ordering, acquire: Ordering) {
    let x = atomics(2);
    each(3, move |i| match i {
        0 => x[0].store(1, Relaxed),
        1 => {
            x[0].load(acquire);
            x[1].store(1, release);
        }
        _ => {
            x[1].load(acquire);
            x[0].load(Relaxed);
        }
    });
}

fn coherent_reads() {
    let x = atomics(1);
    each(4, move |i| {
        if i < 2 {
            x[0].store(i + 1, Relaxed);
        } else {
            x[0].load(Relaxed);
            x[0].load(Relaxed);
        }
    });
}
