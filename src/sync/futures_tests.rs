//! Locks and their like for tasks, as documented, in models and outside.
//!
//! Invariant: what both engines promise is checked on both, by the same program.

use super::{Arc, Mutex, RwLock, Semaphore, WaitGroup};
use crate::future::everywhere::everywhere_and_in_models;
use crate::future::{Either, block_on, select, spawn, timeout, yield_now};
use crate::go;
use crate::time::MILLISECOND;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_lock_excludes_tasks_and_goroutines() {
    everywhere_and_in_models(|| {
        let shared = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&shared);
        let task = spawn(async move {
            let mut n = theirs.lock_async().await.unwrap();
            let before = *n;
            yield_now().await;
            *n = before + 1;
        });
        let theirs = Arc::clone(&shared);
        let goroutine = go(move || *theirs.lock().unwrap() += 1);
        *block_on(shared.lock_async()).unwrap() += 1;
        task.join().unwrap();
        goroutine.join().unwrap();
        assert_eq!(*shared.lock().unwrap(), 3);
    });
}

#[test]
fn who_waits_for_a_lock_and_goes_away_holds_up_nobody() {
    everywhere_and_in_models(|| {
        let shared = Arc::new(Mutex::new(()));
        let guard = shared.lock().unwrap();
        let (mut gone, mut also_gone) = (Box::pin(shared.lock_async()), Box::pin(shared.lock_async()));
        assert!(poll(gone.as_mut()).is_pending() && poll(also_gone.as_mut()).is_pending());
        let theirs = Arc::clone(&shared);
        let goroutine = go(move || drop(theirs.lock().unwrap()));
        drop(also_gone);
        drop(guard);
        // It was woken, and passes that on.
        drop(gone);
        goroutine.join().unwrap();
        assert!(shared.try_lock().is_ok());
    });
}

#[test]
fn a_panic_of_a_task_poisons_the_lock() {
    let program = || {
        let shared = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&shared);
        let task = spawn(async move {
            let _guard = theirs.lock_async().await.unwrap();
            yield_now().await;
            panic!("boom");
        });
        assert!(task.join().unwrap_err().is_panic());
        assert!(block_on(shared.lock_async()).is_err());
    };
    everywhere_and_in_models(program);
}

#[test]
fn readers_are_together_and_a_writer_alone() {
    everywhere_and_in_models(|| {
        let shared = Arc::new(RwLock::new(0));
        let inside = Arc::new(AtomicU32::new(0));
        let reader = || {
            let (shared, inside) = (Arc::clone(&shared), Arc::clone(&inside));
            async move {
                let n = shared.read_async().await.unwrap();
                inside.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                *n
            }
        };
        let readers = [spawn(reader())];
        let (theirs, within) = (Arc::clone(&shared), Arc::clone(&inside));
        let writer = spawn(async move {
            let mut n = theirs.write_async().await.unwrap();
            assert_eq!(within.load(Ordering::SeqCst), 0);
            *n += 1;
        });
        assert!(block_on(reader()) <= 1);
        writer.join().unwrap();
        readers.into_iter().for_each(|r| assert!(r.join().unwrap() <= 1));
        assert_eq!(*shared.read().unwrap(), 1);
    });
}

#[test]
fn a_writer_that_goes_away_lets_readers_in() {
    everywhere_and_in_models(|| {
        let shared = Arc::new(RwLock::new(0));
        let reads = shared.read().unwrap();
        let mut writing = Box::pin(shared.write_async());
        assert!(poll(writing.as_mut()).is_pending());
        // It keeps new readers out, and other writers.
        assert!(shared.try_read().is_err());
        let (mut reading, mut other) = (Box::pin(shared.read_async()), Box::pin(shared.write_async()));
        assert!(poll(reading.as_mut()).is_pending() && poll(other.as_mut()).is_pending());
        drop(other);
        let theirs = Arc::clone(&shared);
        let reader = go(move || *theirs.read().unwrap());
        drop(writing);
        assert_eq!(reader.join().unwrap(), 0);
        drop(block_on(reading));
        drop(reads);
        *block_on(shared.write_async()).unwrap() += 1;
        let (mut reading, mut writing) = (Box::pin(shared.read_async()), Box::pin(shared.write_async()));
        let writes = shared.write().unwrap();
        assert!(poll(reading.as_mut()).is_pending() && poll(writing.as_mut()).is_pending());
        drop(writes);
        drop((reading, writing));
        assert!(shared.try_write().is_ok());
    });
}

#[test]
fn permits_are_for_tasks_too_and_none_is_lost() {
    everywhere_and_in_models(|| {
        let permits = Arc::new(Semaphore::new(2));
        permits.acquire(2);
        let (mut large, mut small) = (Box::pin(permits.acquire_async(2)), Box::pin(permits.acquire_async(1)));
        assert!(poll(large.as_mut()).is_pending() && poll(small.as_mut()).is_pending());
        let theirs = Arc::clone(&permits);
        let goroutine = go(move || {
            theirs.acquire(1);
            theirs.release(1);
        });
        permits.release(2);
        // The permits of the first one go to the others.
        drop(large);
        block_on(small);
        permits.release(1);
        goroutine.join().unwrap();
        assert!(permits.try_acquire(2) && !permits.try_acquire(1));
        assert!(block_on(timeout(MILLISECOND, permits.acquire_async(3))).is_err());
        let mut gone = Box::pin(permits.acquire_async(1));
        assert!(poll(gone.as_mut()).is_pending());
        drop(gone);
        permits.release(2);
        assert!(permits.try_acquire(2));
    });
}

#[test]
fn a_group_is_waited_for_by_tasks() {
    everywhere_and_in_models(|| {
        let wg = WaitGroup::new();
        block_on(wg.wait_async());
        wg.add(2);
        let mut gone = Box::pin(wg.wait_async());
        assert!(poll(gone.as_mut()).is_pending());
        let theirs = wg.clone();
        let task = spawn(async move { theirs.wait_async().await });
        let done = wg.clone();
        let goroutine = go(move || done.done());
        drop(gone);
        wg.done();
        wg.wait();
        task.join().unwrap();
        goroutine.join().unwrap();
    });
}

#[test]
fn a_group_that_is_reused_too_early_is_a_misuse() {
    let program = || {
        let wg = WaitGroup::new();
        wg.add(1);
        let mut waits = pin!(wg.wait_async());
        assert!(poll(waits.as_mut()).is_pending());
        wg.done();
        wg.add(1);
        _ = poll(waits);
    };
    let thrown = std::panic::catch_unwind(program).unwrap_err();
    let text = "sync: WaitGroup is reused before previous Wait has returned";
    assert_eq!(thrown.downcast_ref::<String>().map(String::as_str), Some(text));
    #[cfg(feature = "check")]
    assert!(crate::trial_tests::panics_with(text, program));
}

/// Tasks on another executor, which give up now and then, goroutines, threads.
#[test]
fn many_of_all_kinds_share() {
    let (lock, rw, permits) = (Mutex::new(0_u64), RwLock::new(0_u64), Semaphore::new(3));
    let shared = Arc::new((lock, rw, permits, AtomicU32::new(0)));
    let work = |n: u64| {
        let shared = Arc::clone(&shared);
        async move {
            let (lock, rw, permits, inside) = &*shared;
            for i in 0..300 {
                loop {
                    match select(pin!(lock.lock_async()), yield_now()).await {
                        Either::Left(guard) => break *guard.unwrap() += 1,
                        Either::Right(()) => {}
                    }
                }
                if i % 3 == n % 3 {
                    *rw.write_async().await.unwrap() += 1;
                } else {
                    drop(select(pin!(rw.read_async()), yield_now()).await);
                    drop(select(pin!(rw.write_async()), yield_now()).await);
                }
                let want = 1 + (n as u32) % 2;
                permits.acquire_async(want).await;
                assert!(inside.fetch_add(want, Ordering::SeqCst) + want <= 3);
                inside.fetch_sub(want, Ordering::SeqCst);
                permits.release(want);
                if let Either::Left(()) = select(pin!(permits.acquire_async(3)), yield_now()).await {
                    permits.release(3);
                }
            }
        }
    };
    let tasks: Vec<_> = (0..4).map(|n| spawn(work(n))).collect();
    let goroutine = work(4);
    let goroutine = go(move || block_on(goroutine));
    let foreign = work(5);
    let thread = std::thread::spawn(move || run_elsewhere(foreign));
    for _ in 0..300 {
        *shared.0.lock().unwrap() += 1;
        drop(shared.1.write().unwrap());
    }
    tasks.into_iter().for_each(|task| task.join().unwrap());
    goroutine.join().unwrap();
    thread.join().unwrap();
    assert_eq!((*shared.0.lock().unwrap(), *shared.1.read().unwrap()), (7 * 300, 6 * 100));
    assert!(shared.2.try_acquire(3));
}

/// An executor that is not ours: a thread that parks.
fn run_elsewhere<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}
