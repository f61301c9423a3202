//! Programs over locks alone. Locks are the same in both memory models.

use super::sync::Mutex;
use super::{Program, each};
use std::sync::Arc;

/// Counts: GenMC 0.10.3 for mutex (its `lockinc`) and filesystem, the design's prototype for the others.
pub(super) const PROGRAMS: &[Program] = &[
    // Of the critical sections any order, kept within each thread.
    Program::both("mutex 2x1", 2, mutex::<2, 1>),
    Program::both("mutex 2x2", 6, mutex::<2, 2>),
    Program::both("mutex 2x3", 20, mutex::<2, 3>),
    Program::both("mutex 2x4", 70, mutex::<2, 4>),
    Program::both("mutex 3x1", 6, mutex::<3, 1>),
    Program::both("mutex 3x2", 90, mutex::<3, 2>),
    Program::both("mutex 7x1", 5_040, mutex::<7, 1>).large(),
    Program::both("filesystem(14)", 2, filesystem::<14>),
    Program::both("filesystem(16)", 8, filesystem::<16>),
    Program::both("filesystem(20)", 128, filesystem::<20>).large(),
    Program::both("trylock(2)", 4, trylock::<2>),
    Program::both("trylock(3)", 21, trylock::<3>),
    Program::both("trylock(4)", 148, trylock::<4>),
    // The deadlock is one of them.
    Program::both("abba", 3, dining::<2>),
    Program::both("dining(3)", 7, dining::<3>),
    Program::both("dining(4)", 15, dining::<4>),
];

fn mutex<const N: usize, const TIMES: usize>() {
    let lock = Mutex::new(0);
    each(N, move |_| (0..TIMES).for_each(|_| *lock.lock().unwrap() += 1));
}

/// Each thread gives its inode a block, the first free one from where it begins to look. The inodes
/// of 32, the blocks of 26: from 14 threads on they meet.
fn filesystem<const N: usize>() {
    let inodes: Vec<Mutex<usize>> = (0..32).map(|_| Mutex::new(0)).collect();
    let busy: Vec<Mutex<bool>> = (0..26).map(|_| Mutex::new(false)).collect();
    each(N, move |i| {
        let mut inode = inodes[i % inodes.len()].lock().unwrap();
        let mut block = i * 2 % busy.len();
        loop {
            let mut taken = busy[block].lock().unwrap();
            if !*taken {
                *taken = true;
                *inode = block + 1;
                return;
            }
            drop(taken);
            block = (block + 1) % busy.len();
        }
    });
}

fn trylock<const N: usize>() {
    let lock = Mutex::new(0);
    each(N, move |_| {
        if let Ok(mut value) = lock.try_lock() {
            *value += 1;
        }
    });
}

/// Each of `N` takes the fork on its left and then the one on its right. They are not waited for,
/// because they may never finish.
fn dining<const N: usize>() {
    let forks: Arc<[Mutex<()>]> = (0..N).map(|_| Mutex::new(())).collect();
    for i in 0..N {
        let forks = forks.clone();
        super::thread::spawn(move || {
            let _left = forks[i].lock().unwrap();
            let _right = forks[(i + 1) % N].lock().unwrap();
        });
    }
}
