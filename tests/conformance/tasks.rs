//! Async tasks, beside goroutines.

use crate::Program;
use selvedge::future::{self, Either, block_on, spawn, timeout, yield_now};
use selvedge::sync::{Arc, Mutex, RwLock, Semaphore, WaitGroup};
use selvedge::time::MILLISECOND;
use selvedge::{chan, go, select};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const ALL: &[Program] = &[
    ("a pipeline of tasks and goroutines", pipeline),
    ("a select meets tasks at both ends", selects),
    ("a receive that is given up has taken nothing", given_up),
    ("a send that is given up tells whether it was received", taken_back),
    ("permits limit tasks", permits),
    ("a lock is kept across an await", kept),
    ("readers are together, a writer alone", readers),
    ("tasks wait for a group", group),
    ("a task that is aborted leaves its queue", aborted),
];

fn pipeline() {
    let ((numbers, read), (squares, results)) = (chan::chan(1), chan::chan(0));
    let source = go(move || {
        (1..=3).for_each(|n| numbers.send(n));
        numbers.close();
    });
    let stage = spawn(async move {
        while let Some(n) = read.recv_async().await {
            squares.send_async(n * n).await;
        }
        squares.close();
    });
    assert_eq!(results.iter().collect::<Vec<u32>>(), [1, 4, 9]);
    source.join().unwrap();
    stage.join().unwrap();
}

fn selects() {
    let ((to, gets), (gives, from)) = (chan::chan(0), chan::chan(0));
    let task = spawn(async move {
        let got = gets.recv_async().await;
        gives.send_async(2).await;
        got
    });
    let (mut sent, mut received) = (false, None);
    while received.is_none() {
        if sent {
            received = from.recv();
        } else {
            select! {
                send(to, 1) => sent = true,
                recv(from) -> n => received = n,
            }
        }
    }
    assert_eq!((received, task.join().unwrap()), (Some(2), Some(1)));
}

fn given_up() {
    let (tx, rx) = chan::chan(0);
    let receives = spawn(async move {
        loop {
            let mut receiving = pin!(rx.recv_async());
            match future::select(receiving.as_mut(), yield_now()).await {
                Either::Left(message) => return message,
                Either::Right(()) => future::sleep(MILLISECOND).await,
            }
        }
    });
    tx.send(1);
    assert_eq!(receives.join().unwrap(), Some(1));
}

fn taken_back() {
    let (tx, rx) = chan::chan(0);
    let sends = spawn(async move {
        let mut sending = pin!(tx.send_async(1));
        _ = timeout(MILLISECOND, sending.as_mut()).await;
        let back = sending.take_back();
        tx.close();
        back
    });
    let received = rx.recv();
    // It is in one place.
    assert_eq!(sends.join().unwrap().or(received), Some(1));
    assert!(rx.recv().is_none());
}

fn permits() {
    let shared = Arc::new((Semaphore::new(2), AtomicU32::new(0)));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let shared = Arc::clone(&shared);
            spawn(async move {
                shared.0.acquire_async(1).await;
                assert!(shared.1.fetch_add(1, Ordering::SeqCst) < 2);
                yield_now().await;
                shared.1.fetch_sub(1, Ordering::SeqCst);
                shared.0.release(1);
            })
        })
        .collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    assert!(shared.0.try_acquire(2));
}

fn kept() {
    let count = Arc::new(Mutex::new(0));
    let theirs = Arc::clone(&count);
    let task = spawn(async move {
        let mut n = theirs.lock_async().await.unwrap();
        let before = *n;
        yield_now().await;
        *n = before + 1;
    });
    *count.lock().unwrap() += 1;
    task.join().unwrap();
    assert_eq!(*block_on(count.lock_async()).unwrap(), 2);
}

fn readers() {
    let lock = Arc::new(RwLock::new(0));
    let reading = lock.read().unwrap();
    let also = block_on(lock.read_async()).unwrap();
    let theirs = Arc::clone(&lock);
    let writer = spawn(async move { *theirs.write_async().await.unwrap() += 1 });
    assert_eq!(*reading + *also, 0);
    drop((reading, also));
    writer.join().unwrap();
    assert_eq!(*lock.read().unwrap(), 1);
}

fn group() {
    let wg = WaitGroup::new();
    let count = Arc::new(AtomicU32::new(0));
    for _ in 0..2 {
        let count = Arc::clone(&count);
        wg.go(move || _ = count.fetch_add(1, Ordering::SeqCst));
    }
    let waits = wg.clone();
    let task = spawn(async move { waits.wait_async().await });
    wg.wait();
    task.join().unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

fn aborted() {
    let (tx, rx) = chan::chan(0);
    let others = rx.clone();
    let task = spawn(async move { others.recv_async().await });
    let sender = go(move || tx.send(1));
    task.abort();
    match task.join() {
        Ok(message) => assert_eq!(message, Some(1)),
        Err(error) => {
            assert!(error.is_cancelled());
            assert_eq!(rx.recv(), Some(1));
        }
    }
    sender.join().unwrap();
}
