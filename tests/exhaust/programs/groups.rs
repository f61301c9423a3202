//! What waits for others: wait groups, condition variables, readers and writers, semaphores, parking.

use super::engine::sync::atomic::AtomicAdd;
use super::engine::sync::atomic::Ordering::{Relaxed, SeqCst};
use super::engine::sync::{Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use super::engine::{chan, go, thread};
use super::{Program, atomics, each};
use std::sync::Arc;

/// Counts: the design's prototype, and brute force where ours says more than its model: a writer
/// announces itself before it waits (4, 8 and 18 without), and a semaphore serves in the order of the
/// requests (6 and 30 without).
pub(super) const PROGRAMS: &[Program] = &[
    Program::both("waitgroup(3)", 1, wait_group::<3>),
    Program::both("waitgroup(8)", 1, wait_group::<8>),
    Program::both("waitgroup(2) add+done", 1, groups_grow),
    Program::sc("count(4)", 1, count::<4>).c11(24),
    Program::sc("count(8)", 1, count::<8>),
    Program::sc("count(3) and 1 look", 8, count_and_look::<3>),
    Program::both("unpark(4)", 1, unpark::<4>),
    Program::both("drop 4 senders", 1, drop_senders::<4>),
    Program::both("spawn-join(3)", 6, spawn_join::<3>),
    Program::both("spawn-join(4)", 24, spawn_join::<4>),
    Program::both("park+unpark", 2, park),
    Program::both("2 park+2 unpark", 3, park_twice),
    Program::sc("rwlock 2R1W", 9, rwlock::<2, 1>),
    Program::sc("rwlock 3R1W", 27, rwlock::<3, 1>),
    Program::sc("rwlock 2R2W", 50, rwlock::<2, 2>),
    Program::both("condvar", 2, told_under_the_lock),
    Program::both("lost wake-up", 3, lost_wake_up),
    Program::both("notify_all(2)", 10, notify_all::<2>),
    Program::both("notify_one(2)", 30, notify_one::<2>),
    Program::sc("semaphore 3 on 1", 30, semaphore::<3, 1>),
    Program::sc("semaphore 3 on 2", 78, semaphore::<3, 2>),
];

fn wait_group<const N: usize>() {
    let group = Arc::new(WaitGroup::new());
    for _ in 0..N {
        group.add(1);
    }
    for _ in 0..N {
        let group = group.clone();
        go(move || group.done());
    }
    group.wait();
}

/// Nobody can tell in which order a group grew and shrank that never was at zero.
fn groups_grow() {
    let group = Arc::new(WaitGroup::new());
    group.add(2);
    for _ in 0..2 {
        let group = group.clone();
        go(move || {
            group.add(1);
            group.done();
            group.done();
        });
    }
    group.wait();
}

/// As `ainc` of the literature, but nobody asks for the value before.
fn count<const N: usize>() {
    let x = atomics(1);
    let counter = x.clone();
    each(N, move |_| counter[0].add(1, Relaxed));
    assert_eq!(x[0].load(Relaxed), N);
}

/// Which of them the look sees.
fn count_and_look<const N: usize>() {
    let x = atomics(1);
    each(N + 1, move |i| match i {
        0 => assert!(x[0].load(SeqCst) <= N),
        _ => x[0].add(1, SeqCst),
    });
}

fn unpark<const N: usize>() {
    let waiter = thread::current();
    each(N, move |_| waiter.unpark());
}

/// Which of the handles is the last does not matter to anybody.
fn drop_senders<const N: usize>() {
    let (tx, rx) = chan::<()>(1);
    for _ in 0..N {
        let tx = tx.clone();
        go(move || drop(tx));
    }
    drop((tx, rx));
}

fn spawn_join<const N: usize>() {
    let x = atomics(1);
    let counter = x.clone();
    each(N, move |_| {
        counter[0].fetch_add(1, SeqCst);
    });
    assert_eq!(x[0].load(SeqCst), N);
}

fn park() {
    let flag = atomics(1);
    let told = flag.clone();
    let waiter = thread::spawn(move || {
        while told[0].load(SeqCst) == 0 {
            thread::park();
        }
    });
    flag[0].store(1, SeqCst);
    waiter.thread().unpark();
    waiter.join().unwrap();
}

/// Two tokens may come to one, and then the second wait has no end.
fn park_twice() {
    let waiter = thread::spawn(|| {
        thread::park();
        thread::park();
    });
    let waiter = waiter.thread();
    for _ in 0..2 {
        let waiter = waiter.clone();
        thread::spawn(move || waiter.unpark());
    }
}

fn rwlock<const READERS: usize, const WRITERS: usize>() {
    let lock = RwLock::new(0);
    each(READERS + WRITERS, move |i| {
        if i < READERS {
            drop(lock.read().unwrap());
        } else {
            *lock.write().unwrap() += 1;
        }
    });
}

/// Who tells holds the lock, so whoever looks before it is waiting by then.
fn told_under_the_lock() {
    let shared = (Mutex::new(false), Condvar::new());
    each(2, move |i| {
        let mut is_ready = shared.0.lock().unwrap();
        if i == 0 {
            *is_ready = true;
            drop(is_ready);
            shared.1.notify_one();
        } else if !*is_ready {
            is_ready = shared.1.wait(is_ready).unwrap();
            assert!(*is_ready);
        }
    });
}

/// The flag is not protected by the lock: a notification between the look and the wait is lost.
fn lost_wake_up() {
    let shared = Arc::new((Mutex::new(()), Condvar::new(), atomics(1)));
    let told = shared.clone();
    thread::spawn(move || {
        let (lock, condvar, flag) = &*told;
        let held = lock.lock().unwrap();
        if flag[0].load(SeqCst) == 0 {
            drop(condvar.wait(held).unwrap());
        }
    });
    thread::spawn(move || {
        shared.2[0].store(1, SeqCst);
        shared.1.notify_one();
    });
}

fn notify_all<const N: usize>() {
    let shared = (Mutex::new(false), Condvar::new());
    each(N + 1, move |i| {
        let mut is_ready = shared.0.lock().unwrap();
        if i == N {
            *is_ready = true;
            shared.1.notify_all();
            return;
        }
        while !*is_ready {
            is_ready = shared.1.wait(is_ready).unwrap();
        }
    });
}

fn notify_one<const N: usize>() {
    let shared = (Mutex::new(0), Condvar::new());
    each(N + 1, move |i| {
        if i == N {
            for _ in 0..N {
                let mut items = shared.0.lock().unwrap();
                *items += 1;
                shared.1.notify_one();
            }
            return;
        }
        let mut items = shared.0.lock().unwrap();
        if *items == 0 {
            items = shared.1.wait(items).unwrap();
        }
        *items -= 1;
    });
}

fn semaphore<const N: usize, const PERMITS: u32>() {
    let permits = Semaphore::new(PERMITS);
    each(N, move |_| {
        permits.acquire(1);
        permits.release(1);
    });
}
