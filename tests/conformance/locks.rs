//! Package `sync`.

use crate::Program;
use selvedge::sync::{Arc, Barrier, Condvar, Mutex, Once, RawMutex, RwLock, Semaphore, WaitGroup};
use selvedge::{go, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) const ALL: &[Program] = &[
    ("a mutex excludes", mutex),
    ("any goroutine may unlock", unlocked_by_another),
    ("readers hold a lock together", readers),
    ("a writer that waits keeps new readers out", writer_first),
    ("a wait group waits, again and again", wait_group),
    ("once callers wait for the first", once),
    ("a panic poisons a once", poisoned),
    ("a condition is signalled to who waits", condition),
    ("a large request holds back small ones behind it", first_come),
];

fn mutex() {
    let count = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for _ in 0..3 {
        let count = Arc::clone(&count);
        wg.go(move || *count.lock().unwrap() += 1);
    }
    wg.wait();
    let held = count.lock().unwrap();
    assert!(*held == 3 && count.try_lock().is_err());
}

fn unlocked_by_another() {
    let lock = Arc::new(RawMutex::new());
    lock.lock();
    let theirs = Arc::clone(&lock);
    let other = go(move || theirs.unlock());
    lock.lock();
    lock.unlock();
    other.join().unwrap();
}

fn readers() {
    let shared = Arc::new((RwLock::new(1), Barrier::new(2)));
    let theirs = Arc::clone(&shared);
    let read = |shared: &(RwLock<i32>, Barrier)| {
        let held = shared.0.read().unwrap();
        // Both are inside.
        shared.1.wait();
        *held
    };
    let other = go(move || read(&theirs));
    assert_eq!(read(&shared) + other.join().unwrap(), 2);
}

fn writer_first() {
    let lock = Arc::new(RwLock::new(0));
    let held = lock.read().unwrap();
    let theirs = Arc::clone(&lock);
    let writer = go(move || *theirs.write().unwrap() = 1);
    while lock.try_read().is_ok() {
        thread::yield_now();
    }
    // It waits, and is next.
    drop(held);
    assert_eq!(*lock.read().unwrap(), 1);
    writer.join().unwrap();
}

fn wait_group() {
    let wg = WaitGroup::new();
    let count = Arc::new(Mutex::new(0));
    for round in 1..=2 {
        for _ in 0..2 {
            let count = Arc::clone(&count);
            wg.go(move || *count.lock().unwrap() += 1);
        }
        wg.wait();
        assert_eq!(*count.lock().unwrap(), 2 * round);
    }
}

fn once() {
    let shared = Arc::new((Once::new(), Mutex::new(0)));
    let wg = WaitGroup::new();
    for _ in 0..3 {
        let shared = Arc::clone(&shared);
        wg.go(move || {
            shared.0.call_once(|| *shared.1.lock().unwrap() += 1);
            assert_eq!(*shared.1.lock().unwrap(), 1);
        });
    }
    wg.wait();
}

fn poisoned() {
    let once = Once::new();
    let failed = catch_unwind(AssertUnwindSafe(|| once.call_once(|| std::panic::resume_unwind(Box::new(1)))));
    assert!(failed.is_err() && !once.is_completed());
    once.call_once_force(|state| assert!(state.is_poisoned()));
    assert!(once.is_completed());
}

fn condition() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let shared = Arc::clone(&shared);
        wg.go(move || {
            let none = |n: &mut i32| *n == 0;
            *shared.1.wait_while(shared.0.lock().unwrap(), none).unwrap() -= 1;
        });
    }
    for _ in 0..2 {
        *shared.0.lock().unwrap() += 1;
        shared.1.notify_one();
    }
    wg.wait();
    assert_eq!(*shared.0.lock().unwrap(), 0);
}

fn first_come() {
    let semaphore = Arc::new(Semaphore::new(2));
    semaphore.acquire(1);
    let theirs = Arc::clone(&semaphore);
    let large = go(move || {
        theirs.acquire(2);
        theirs.release(2);
    });
    // One is free until the large request waits for it.
    while semaphore.try_acquire(1) {
        semaphore.release(1);
        thread::yield_now();
    }
    semaphore.release(1);
    large.join().unwrap();
    assert!(semaphore.try_acquire(2) && !semaphore.try_acquire(1));
}
