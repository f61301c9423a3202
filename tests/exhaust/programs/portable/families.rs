//! Families of growing programs over a few atomics, from the test suite of GenMC.

use super::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use super::{Program, atomics, each};

/// Counts: GenMC 0.10.3 in both models, unless something else is said.
pub(super) const PROGRAMS: &[Program] = &[
    Program::both("ainc(3)", 6, ainc::<3>),
    Program::both("ainc(4)", 24, ainc::<4>),
    Program::both("ainc(7)", 5_040, ainc::<7>).large(),
    // Six steps of which two are of each thread: 6!/2!³.
    Program::both("rmw 3x2", 90, rmw::<3, 2>),
    Program::both("binc(3)", 36, binc::<3>),
    Program::both("binc(4)", 576, binc::<4>).large(),
    Program::both("cinc(2)", 8, cinc::<2>),
    Program::both("cinc(3)", 216, cinc::<3>),
    Program::both("cinc(4)", 13_824, cinc::<4>).large(),
    Program::both("rw(3)", 36, rw::<3>),
    Program::both("rw(4)", 576, rw::<4>).large(),
    Program::both("wainc(3)", 24, wainc::<3>),
    Program::both("readers(3)", 8, readers::<3>),
    Program::both("readers(5)", 32, readers::<5>),
    Program::both("readers(13)", 8_192, readers::<13>).large(),
    // One read among n writes: (n + 1)!, as Nidhugg counts it.
    Program::both("writers(3)", 24, writers::<3>),
    Program::both("writers(5)", 720, writers::<5>).large(),
    Program::both("lastzero(5)", 64, lastzero::<5>),
    Program::both("lastzero(10)", 3_328, lastzero::<10>).large(),
    Program::both("lastzero(15)", 147_456, lastzero::<15>).large(),
    Program::both("indexer(12)", 8, indexer::<12>),
    Program::both("indexer(13)", 64, indexer::<13>),
    Program::both("indexer(15)", 4_096, indexer::<15>).large(),
    Program::both("casrot(3)", 5, casrot::<3>),
    Program::both("casrot(5)", 43, casrot::<5>),
    Program::both("casrot(8)", 2_048, casrot::<8>).large(),
    Program::both("casw(2)", 6, casw::<2>),
    Program::both("casw(3)", 66, casw::<3>),
    Program::both("casw(4)", 1_200, casw::<4>).large(),
    Program::both("casw(5)", 32_880, casw::<5>).large(),
    Program::both("cas(4)", 4, cas::<4>),
    Program::both("wcas(4)", 33, wcas::<4>),
    Program::sc("CoA(2)", 15, coa::<2>).c11(16),
    Program::sc("CoA(3)", 130, coa::<3>).c11(144),
    Program::sc("CoA(4)", 2_028, coa::<4>).c11(2_304).large(),
    Program::sc("CoA(5)", 49_776, coa::<5>).c11(57_600).large(),
    // Two threads only: the design's prototype.
    Program::sc("fib(2)", 19, fib::<2>).c11(20),
    Program::sc("fib(3)", 141, fib::<3>).c11(175),
    Program::sc("fib(4)", 1_107, fib::<4>).large(),
    Program::sc("big0", 69_112, big0).c11(82_472).large(),
];

fn ainc<const N: usize>() {
    rmw::<N, 1>();
}

/// Additions whose results nobody uses; they count as read, as in GenMC.
fn rmw<const N: usize, const TIMES: usize>() {
    let x = atomics(1);
    each(N, move |_| {
        for _ in 0..TIMES {
            x[0].fetch_add(1, Relaxed);
        }
    });
}

fn binc<const N: usize>() {
    let x = atomics(2);
    each(N, move |_| {
        x[0].fetch_add(1, Relaxed);
        x[1].fetch_add(1, Relaxed);
    });
}

fn cinc<const N: usize>() {
    let x = atomics(3);
    each(N, move |_| {
        for x in &*x {
            x.fetch_add(1, Relaxed);
        }
    });
}

fn rw<const N: usize>() {
    let x = atomics(1);
    each(N, move |i| {
        x[0].load(Relaxed);
        x[0].store(i, Release);
    });
}

fn wainc<const N: usize>() {
    let x = atomics(1);
    each(N + 1, move |i| {
        if i == 0 {
            x[0].store(42, Relaxed);
        } else {
            x[0].fetch_add(1, Relaxed);
        }
    });
}

fn readers<const N: usize>() {
    let x = atomics(1);
    each(N + 1, move |i| {
        if i == 0 {
            x[0].store(1, Relaxed);
        } else {
            x[0].load(Relaxed);
        }
    });
}

fn writers<const N: usize>() {
    let x = atomics(1);
    each(N + 1, move |i| {
        if i == 0 {
            x[0].load(Relaxed);
        } else {
            x[0].store(i, Relaxed);
        }
    });
}

/// The reader looks for the last zero from above while each writer sets its place from its left
/// neighbour.
fn lastzero<const N: usize>() {
    let x = atomics(N + 1);
    each(N + 1, move |i| {
        if i == 0 {
            let mut at = N;
            while x[at].load(Acquire) != 0 {
                at -= 1;
            }
        } else {
            let left = x[i - 1].load(Acquire);
            x[i].store(left + 1, Release);
        }
    });
}

/// Each thread puts four values in a hash table of 128 places; they collide from 12 threads on.
fn indexer<const N: usize>() {
    const PLACES: usize = 128;
    let table = atomics(PLACES);
    each(N, move |id| {
        for m in 1..=4 {
            let value = m * 11 + id;
            let mut place = value * 7 % PLACES;
            while table[place].compare_exchange(0, value, Relaxed, Relaxed).is_err() {
                place = (place + 1) % PLACES;
            }
        }
    });
}

fn casrot<const N: usize>() {
    let x = atomics(1);
    each(N, move |i| {
        let _ = x[0].compare_exchange(i, i + 1, Relaxed, Relaxed);
    });
}

fn casw<const N: usize>() {
    let x = atomics(1);
    each(N, move |i| {
        let _ = x[0].compare_exchange(0, 1, Relaxed, Relaxed);
        x[0].store(i + 3, Relaxed);
    });
}

fn cas<const N: usize>() {
    let x = atomics(1);
    each(N, move |i| {
        let _ = x[0].compare_exchange(0, i + 1, Relaxed, Relaxed);
    });
}

fn wcas<const N: usize>() {
    let x = atomics(1);
    each(N + 1, move |i| {
        if i == 0 {
            x[0].store(42, Relaxed);
        } else {
            let _ = x[0].compare_exchange(0, i, Relaxed, Relaxed);
        }
    });
}

/// Two threads write one place and read it again, with a read in between of what the others write.
fn coa<const N: usize>() {
    let x = atomics(3);
    each(N + 1, move |i| {
        if i < 2 {
            x[0].store(i + 1, Release);
            x[i + 1].load(Acquire);
            x[0].load(Acquire);
        } else {
            x[1].store(i, Release);
            x[2].store(i, Release);
        }
    });
}

fn fib<const N: usize>() {
    let x = atomics(2);
    x.iter().for_each(|x| x.store(1, Relaxed));
    each(2, move |i| {
        for _ in 0..N {
            let sum = x[i].load(Relaxed) + x[1 - i].load(Relaxed);
            x[i].store(sum, Relaxed);
        }
    });
}

/// Two threads read four places over and over, two write two of them three times each.
fn big0() {
    let x = atomics(4);
    each(4, move |i| match i {
        0 => (0..7).for_each(|step| {
            x[step % 4].load(Acquire);
        }),
        1 => (0..3).for_each(|step| {
            x[step].load(Acquire);
        }),
        _ => (0..6).for_each(|step| x[(i - 2) * 2 + step % 2].store(step / 2 + 1, Release)),
    });
}
