//! Programs on which reductions differ, and algorithms of mutual exclusion with bounded loops, from
//! the benchmarks of Nidhugg. All accesses are sequentially consistent there and here, so the models
//! agree.

use super::sync::Mutex;
use super::sync::atomic::AtomicUsize;
use super::sync::atomic::Ordering::SeqCst;
use super::{Program, atomics, each, thread};
use std::sync::Arc;

/// Counts: Nidhugg, optimal, without observers; GenMC 0.10.3 for fib_bench(5), brute force for fib_bench(2).
pub(super) const PROGRAMS: &[Program] = &[
    Program::sc("fib_bench(2)", 140, fib_bench::<2>),
    Program::sc("fib_bench(3)", 1_698, fib_bench::<3>).large(),
    Program::sc("fib_bench(4)", 19_605, fib_bench::<4>).large(),
    Program::sc("fib_bench(5)", 218_243, fib_bench::<5>).large(),
    Program::sc("sigma(3)", 15, sigma::<3>),
    Program::sc("sigma(4)", 105, sigma::<4>),
    Program::sc("sigma(5)", 945, sigma::<5>).large(),
    Program::sc("sigma(6)", 10_395, sigma::<6>).large(),
    Program::sc("opt_lock(3)", 126, opt_lock::<3>),
    Program::sc("opt_lock(5)", 922, opt_lock::<5>).large(),
    Program::sc("exp-mem3(4)", 48, exp_mem3::<4>),
    Program::sc("exp-mem3(5)", 240, exp_mem3::<5>),
    Program::sc("exp-mem3(7)", 10_080, exp_mem3::<7>).large(),
    Program::sc("exp-mem3(8)", 80_640, exp_mem3::<8>).large(),
    Program::sc("exponential_bug(3)", 36_570, exponential_bug::<3>).large(),
    Program::sc("exponential_bug(4)", 120_600, exponential_bug::<4>).large(),
    // Two sequences of n writes, and two reads anywhere among them: C(2n, n) · C(2n + 2, 2).
    Program::sc("redundant_co(2)", 90, redundant_co::<2>),
    Program::sc("redundant_co(3)", 560, redundant_co::<3>).large(),
    Program::sc("redundant_co(4)", 3_150, redundant_co::<4>).large(),
    Program::sc("control_flow(4)", 600, control_flow::<4>).large(),
    Program::sc("control_flow(6)", 55_440, control_flow::<6>).large(),
    Program::sc("n_writes_a_read(4)", 182, writes_and_read::<4>),
    Program::sc("n_writes_a_read(6)", 2_508, writes_and_read::<6>).large(),
    Program::sc("race_parametric(3)", 328, race_parametric::<3>).large(),
    Program::sc("race_parametric(5)", 34_904, race_parametric::<5>).large(),
    Program::sc("length_parametric(16)", 4, length_parametric::<16>),
    Program::sc("length_parametric(1024)", 4, length_parametric::<1024>).large(),
    Program::sc("thread_parametric(4)", 4, thread_parametric::<4>),
    Program::sc("thread_parametric(64)", 4, thread_parametric::<64>).large(),
    Program::sc("peterson(2)", 2_420, || twice(2, peterson)).large(),
    Program::sc("dekker(2)", 1_599, || twice(2, dekker)).large(),
    Program::sc("szymanski(2)", 22_945, || twice(2, szymanski)).large(),
];

/// Two threads add up a Fibonacci series while a third one reads both sums.
fn fib_bench<const N: usize>() {
    let x = atomics(2);
    x.iter().for_each(|x| x.store(1, SeqCst));
    each(3, move |i| {
        if i == 2 {
            x[0].load(SeqCst);
            x[1].load(SeqCst);
            return;
        }
        for _ in 0..N {
            let sum = x[i].load(SeqCst) + x[1 - i].load(SeqCst);
            x[i].store(sum, SeqCst);
        }
    });
}

/// Each thread writes where the index points when it gets to it: (2n - 1)!!.
fn sigma<const N: usize>() {
    let (places, index) = (atomics(N), Arc::new(AtomicUsize::new(0)));
    let start = |i| {
        index.store(i, SeqCst);
        let (places, index) = (places.clone(), index.clone());
        thread::spawn(move || places[index.load(SeqCst)].store(1, SeqCst))
    };
    let threads: Vec<_> = (0..N).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn opt_lock<const N: usize>() {
    let x = atomics(2);
    each(2, move |id| {
        for _ in 0..N {
            x[0].store(id, SeqCst);
            x[1].store(1, SeqCst);
            if x[0].load(SeqCst) == id {
                x[1].load(SeqCst);
                break;
            }
        }
    });
}

/// A race that is open while n writes are ordered in all ways: 2 · n!.
fn exp_mem3<const N: usize>() {
    let x = atomics(2);
    each(2, move |i| {
        if i == 0 {
            x[0].store(1, SeqCst);
        } else {
            let written = x.clone();
            each(N, move |_| written[1].store(1, SeqCst));
            x[0].load(SeqCst);
        }
    });
}

fn exponential_bug<const N: usize>() {
    let (x, lock) = (atomics(2), Mutex::new(()));
    each(3, move |i| {
        for _ in 0..2 {
            match i {
                0 => {
                    let _held = lock.lock().unwrap();
                    x[0].store(1, SeqCst);
                    (0..N).for_each(|_| x[1].store(1, SeqCst));
                }
                1 => {
                    let held = lock.lock().unwrap();
                    x[0].store(0, SeqCst);
                    drop(held);
                    if x[0].load(SeqCst) > 0 {
                        let y = x[1].load(SeqCst);
                        x[1].store(y + 1, SeqCst);
                        x[0].store(2, SeqCst);
                    }
                }
                _ => {
                    if x[0].load(SeqCst) > 1 {
                        if x[1].load(SeqCst) == 3 {
                            return;
                        }
                        x[1].store(2, SeqCst);
                    }
                }
            }
        }
    });
}

fn redundant_co<const N: usize>() {
    let x = atomics(1);
    each(3, move |i| {
        if i < 2 {
            (0..N).for_each(|_| x[0].store(i + 1, SeqCst));
        } else {
            x[0].load(SeqCst);
            x[0].load(SeqCst);
        }
    });
}

/// What the last two threads do depends on what they read.
fn control_flow<const N: usize>() {
    let x = atomics(3);
    each(2 * N + 2, move |i| {
        if i == 2 * N {
            if x[1].load(SeqCst) == 0 {
                x[2].store(1, SeqCst);
            }
        } else if i == 2 * N + 1 {
            if x[2].load(SeqCst) == 1 && x[1].load(SeqCst) == 0 {
                x[0].store(1, SeqCst);
            }
        } else if i % 2 == 0 {
            x[0].load(SeqCst);
        } else {
            x[1].store(1, SeqCst);
        }
    });
}

fn writes_and_read<const N: usize>() {
    let x = atomics(1);
    each(2, move |id| {
        (0..N).for_each(|_| x[0].store(id, SeqCst));
        x[0].load(SeqCst);
    });
}

/// `BEFORE` accesses of its own before the ones that race.
const BEFORE: usize = 42;

fn alone(own: &AtomicUsize, times: usize) {
    for i in 0..times {
        own.store(i, SeqCst);
        own.load(SeqCst);
    }
}

fn race_parametric<const N: usize>() {
    let x = atomics(3);
    each(2, move |id| {
        alone(&x[id], BEFORE);
        alone(&x[2], N);
    });
}

fn length_parametric<const N: usize>() {
    let x = atomics(3);
    each(2, move |id| {
        alone(&x[id], N);
        alone(&x[2], 1);
    });
}

fn thread_parametric<const N: usize>() {
    let x = atomics(N + 1);
    each(N, move |id| {
        alone(&x[id], BEFORE);
        if id < 2 {
            alone(&x[N], 1);
        }
    });
}

/// The places of an algorithm for two: a flag of each, whose turn it is, and what they protect.
struct Door {
    flags: Arc<[AtomicUsize]>,
    turn: AtomicUsize,
    inside: AtomicUsize,
    patience: usize,
}

impl Door {
    /// Whether `open` holds within the patience.
    fn wait(&self, open: impl Fn() -> bool) -> bool {
        (0..self.patience).any(|_| open())
    }

    /// The critical section.
    fn pass(&self, me: usize) {
        self.inside.store(me + 1, SeqCst);
        assert_eq!(self.inside.load(SeqCst), me + 1);
    }
}

/// Two threads go through the door `patience` times, as long as they do not lose patience.
fn twice(patience: usize, go_through: fn(&Door, usize) -> bool) {
    let door = Door { flags: atomics(2), turn: AtomicUsize::new(0), inside: AtomicUsize::new(0), patience };
    each(2, move |me| {
        let _ = (0..patience).all(|_| go_through(&door, me));
    });
}

fn peterson(door: &Door, me: usize) -> bool {
    let other = 1 - me;
    door.flags[me].store(1, SeqCst);
    door.turn.store(other, SeqCst);
    let open = door.wait(|| {
        let flag = door.flags[other].load(SeqCst);
        let turn = door.turn.load(SeqCst);
        flag != 1 || turn != other
    });
    if open {
        door.pass(me);
        door.flags[me].store(0, SeqCst);
    }
    open
}

fn dekker(door: &Door, me: usize) -> bool {
    let other = 1 - me;
    door.flags[me].store(1, SeqCst);
    for _ in 0..door.patience {
        if door.flags[other].load(SeqCst) == 0 {
            door.pass(me);
            door.turn.store(other, SeqCst);
            door.flags[me].store(0, SeqCst);
            return true;
        }
        if door.turn.load(SeqCst) != me {
            door.flags[me].store(0, SeqCst);
            if !door.wait(|| door.turn.load(SeqCst) == me) {
                return false;
            }
            door.flags[me].store(1, SeqCst);
        }
    }
    false
}

fn szymanski(door: &Door, me: usize) -> bool {
    let (mine, theirs) = (&door.flags[me], &door.flags[1 - me]);
    mine.store(1, SeqCst);
    if !door.wait(|| theirs.load(SeqCst) < 3) {
        return false;
    }
    mine.store(3, SeqCst);
    if theirs.load(SeqCst) == 1 {
        mine.store(2, SeqCst);
        if !door.wait(|| theirs.load(SeqCst) == 4) {
            return false;
        }
    }
    mine.store(4, SeqCst);
    if !door.wait(|| theirs.load(SeqCst) < 2) {
        return false;
    }
    door.pass(me);
    if !door.wait(|| theirs.load(SeqCst) < 2 || theirs.load(SeqCst) > 3) {
        return false;
    }
    mine.store(0, SeqCst);
    true
}
