//! Locks that spin. An execution in which a thread waits in vain is not counted, as GenMC does it: what the
//! thread can come to without that round is another one.

use super::engine::hint::spin_loop;
use super::engine::sync::atomic::AtomicUsize;
use super::engine::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::{Program, atomics, each};
use std::sync::Arc;

/// Counts: brute force. GenMC 0.10.3 has the same but for spin lock and TTAS lock: 4. It leaves those two
/// in which a thread saw the lock free and then did not get it, too.
pub(super) const PROGRAMS: &[Program] = &[
    Program::both("await flag", 1, await_flag),
    Program::both("TAS lock(2)", 2, tas_lock::<2>),
    Program::both("TAS lock(3)", 6, tas_lock::<3>),
    Program::both("ticket lock(2)", 2, ticket_lock::<2>),
    Program::both("ticket lock(3)", 6, ticket_lock::<3>),
    Program::both("spin lock(2)", 6, spin_lock::<2>),
    Program::both("TTAS lock(2)", 6, ttas_lock::<2>),
    Program::both("TTAS lock(3)", 162, ttas_lock::<3>),
    Program::both("MCS lock(2)", 6, mcs_lock::<2>),
    Program::both("TWA lock(2)", 4, twa_lock::<2>),
];

/// What a lock protects; two threads in it at once are a data race.
fn critical_section(inside: &AtomicUsize, me: usize) {
    inside.store(me, Relaxed);
    assert_eq!(inside.load(Relaxed), me);
}

fn await_flag() {
    let flag = atomics(1);
    each(2, move |i| {
        if i == 0 {
            flag[0].store(1, Release);
        } else {
            while flag[0].load(Acquire) == 0 {
                spin_loop();
            }
        }
    });
}

fn ticket_lock<const N: usize>() {
    let x = atomics(3);
    each(N, move |me| {
        let [next, owner, inside] = &x[..] else { unreachable!() };
        let ticket = next.fetch_add(1, Relaxed);
        while owner.load(Acquire) != ticket {
            spin_loop();
        }
        critical_section(inside, me);
        let served = owner.load(Relaxed);
        owner.store(served + 1, Release);
    });
}

fn tas_lock<const N: usize>() {
    let x = atomics(2);
    each(N, move |me| {
        let [lock, inside] = &x[..] else { unreachable!() };
        while lock.swap(1, Acquire) != 0 {
            spin_loop();
        }
        critical_section(inside, me);
        lock.store(0, Release);
    });
}

fn spin_lock<const N: usize>() {
    let x = atomics(2);
    each(N, move |me| {
        let [lock, inside] = &x[..] else { unreachable!() };
        loop {
            while lock.load(Relaxed) != 0 {
                spin_loop();
            }
            if lock.compare_exchange(0, 1, Acquire, Acquire).is_ok() {
                break;
            }
        }
        critical_section(inside, me);
        lock.store(0, Release);
    });
}

fn ttas_lock<const N: usize>() {
    let x = atomics(2);
    each(N, move |me| {
        let [lock, inside] = &x[..] else { unreachable!() };
        loop {
            while lock.load(Relaxed) != 0 {
                spin_loop();
            }
            if lock.swap(1, Acquire) == 0 {
                break;
            }
        }
        critical_section(inside, me);
        lock.store(0, Release);
    });
}

/// A thread's place in the queue of an MCS lock; 0 is nobody.
struct Node {
    next: AtomicUsize,
    is_served: AtomicUsize,
}

fn mcs_lock<const N: usize>() {
    let node = |_| Node { next: AtomicUsize::new(0), is_served: AtomicUsize::new(0) };
    let nodes: Arc<[Node]> = (0..=N).map(node).collect();
    let x = atomics(2);
    each(N, move |i| {
        let ([last, inside], me) = (&x[..], i + 1) else { unreachable!() };
        let before = last.swap(me, AcqRel);
        if before != 0 {
            nodes[before].next.store(me, Release);
            while nodes[me].is_served.load(Acquire) == 0 {
                spin_loop();
            }
        }
        critical_section(inside, me);
        let mut next = nodes[me].next.load(Acquire);
        if next == 0 {
            if last.compare_exchange(me, 0, Release, Relaxed).is_ok() {
                return;
            }
            loop {
                next = nodes[me].next.load(Acquire);
                if next != 0 {
                    break;
                }
                spin_loop();
            }
        }
        nodes[next].is_served.store(1, Release);
    });
}

/// A ticket lock on which only the next one spins on the counter, and the others on a place of an array.
fn twa_lock<const N: usize>() {
    const PLACES: usize = 8;
    let (x, places) = (atomics(3), atomics(PLACES));
    each(N, move |me| {
        let [next, owner, inside] = &x[..] else { unreachable!() };
        let ticket = next.fetch_add(1, Relaxed);
        let mut ahead = ticket - owner.load(Acquire);
        if ahead > 1 {
            let place = &places[ticket % PLACES];
            let mut seen = place.load(Acquire);
            ahead = ticket - owner.load(Relaxed);
            while ahead > 1 {
                while place.load(Acquire) == seen {
                    spin_loop();
                }
                seen = place.load(Acquire);
                ahead = ticket - owner.load(Relaxed);
            }
        }
        if ahead > 0 {
            while owner.load(Acquire) != ticket {
                spin_loop();
            }
        }
        critical_section(inside, me);
        let served = owner.load(Relaxed) + 1;
        owner.store(served, Release);
        places[(served + 1) % PLACES].fetch_add(1, Release);
    });
}
