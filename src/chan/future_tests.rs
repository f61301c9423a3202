//! Channels and async tasks, as documented, in models and outside.
//!
//! Invariant: what both engines promise is checked on both, by the same program.

use super::chan;
use crate::future::everywhere::everywhere_and_in_models;
use crate::future::{self, Either, block_on, select, spawn, timeout, yield_now};
use crate::time::MILLISECOND;
use crate::{go, time};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

#[test]
fn messages_pass_between_tasks_and_goroutines() {
    for cap in [0, 1] {
        everywhere_and_in_models(move || {
            let ((tx, rx), (back, answers)) = (chan(cap), chan(cap));
            let task = spawn(async move {
                while let Some(n) = rx.recv_async().await {
                    back.send_async(n + 1).await;
                }
                back.close();
            });
            let sender = go(move || {
                tx.send(1);
                tx.send(2);
                tx.close();
            });
            assert_eq!(answers.iter().collect::<Vec<i32>>(), [2, 3]);
            sender.join().unwrap();
            task.join().unwrap();
        });
    }
}

#[test]
fn tasks_meet_tasks() {
    for cap in [0, 1] {
        everywhere_and_in_models(move || {
            let (tx, rx) = chan(cap);
            let sends = spawn(async move {
                tx.send_async(1).await;
                tx.send_async(2).await;
            });
            let receives = spawn(async move { (rx.recv_async().await, rx.recv_async().await) });
            assert_eq!(receives.join().unwrap(), (Some(1), Some(2)));
            sends.join().unwrap();
        });
    }
}

/// Counts its drops.
#[derive(Debug)]
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_message_that_is_not_sent_goes_with_the_future() {
    for cap in [0, 1] {
        everywhere_and_in_models(move || {
            let dropped = Arc::new(AtomicUsize::new(0));
            let message = || Counts(Arc::clone(&dropped));
            let (tx, rx) = chan(cap);
            if cap == 1 {
                tx.send(message());
            }
            let mut context = Context::from_waker(Waker::noop());
            let mut sending = Box::pin(tx.send_async(message()));
            assert!(sending.as_mut().poll(&mut context).is_pending());
            drop(sending);
            assert_eq!(dropped.load(Ordering::SeqCst), 1);
            let mut sending = pin!(tx.send_async(message()));
            assert!(sending.as_mut().poll(&mut context).is_pending());
            let back = sending.as_mut().take_back();
            assert!(back.is_some() && sending.take_back().is_none());
            drop(back);
            assert_eq!(rx.try_recv().is_ok(), cap == 1);
            assert!(rx.try_recv().is_err());
            assert_eq!(dropped.load(Ordering::SeqCst), 2 + cap);
        });
    }
}

#[test]
fn who_is_told_and_goes_away_passes_it_on() {
    for cap in [0, 1] {
        everywhere_and_in_models(move || {
            let (tx, rx) = chan(cap);
            let mut context = Context::from_waker(Waker::noop());
            let mut gone = Box::pin(rx.recv_async());
            assert!(gone.as_mut().poll(&mut context).is_pending());
            let others = rx.clone();
            let other = spawn(async move { others.recv_async().await });
            let sender = go(move || tx.send(7));
            block_on(yield_now());
            drop(gone);
            assert_eq!(other.join().unwrap(), Some(7));
            sender.join().unwrap();
        });
    }
}

#[test]
fn a_close_ends_what_waits() {
    everywhere_and_in_models(|| {
        let (tx, rx) = chan::<i32>(0);
        let task = spawn(async move { rx.recv_async().await });
        tx.close();
        assert_eq!(task.join().unwrap(), None);
    });
}

/// What a task was told of, and has not taken, is in the channel still.
#[test]
fn nobody_sees_the_end_before_the_last_message_is_taken() {
    everywhere_and_in_models(|| {
        let (tx, rx) = chan(1);
        let mut context = Context::from_waker(Waker::noop());
        let mut told = pin!(rx.recv_async());
        assert!(told.as_mut().poll(&mut context).is_pending());
        let receiver = rx.clone();
        let behind = go(move || receiver.recv());
        // It waits, or is about to.
        time::sleep(5 * MILLISECOND);
        tx.send(1);
        tx.close();
        assert_eq!(behind.join().unwrap(), Some(1));
    });
}

#[test]
fn a_send_on_a_closed_channel_panics() {
    for cap in [0, 1] {
        let program = move || {
            let (tx, rx) = chan(cap);
            if cap == 1 {
                tx.send(0);
            }
            let closes = tx.clone();
            let task = spawn(async move { tx.send_async(1).await });
            let closer = go(move || closes.close());
            let error = task.join().unwrap_err().into_panic();
            let text = error.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| error.downcast_ref::<String>().cloned());
            assert_eq!(text.as_deref(), Some("send on closed channel"));
            closer.join().unwrap();
            drop(rx);
        };
        program();
        #[cfg(feature = "check")]
        crate::trial_tests::clean(300, program);
    }
}

#[test]
fn a_timeout_loses_no_message() {
    for cap in [0, 1] {
        everywhere_and_in_models(move || {
            let (tx, rx) = chan(cap);
            let task = spawn(async move {
                let mut got = Vec::new();
                for _ in 0..3 {
                    if let Ok(message) = timeout(MILLISECOND, rx.recv_async()).await {
                        got.extend(message);
                    }
                }
                while let Some(message) = rx.recv_async().await {
                    got.push(message);
                }
                got
            });
            for n in 0..2 {
                time::sleep(MILLISECOND);
                tx.send(n);
            }
            tx.close();
            assert_eq!(task.join().unwrap(), [0, 1]);
        });
    }
}

#[test]
fn ticks_and_the_end_of_a_context_come_to_tasks() {
    everywhere_and_in_models(|| {
        let start = time::Instant::now();
        let tick = time::after(MILLISECOND);
        assert!(block_on(tick.recv_async()).is_some());
        assert!(start.elapsed() >= MILLISECOND);
        let (context, cancel) = crate::context::with_cancel(&crate::context::background());
        let task = spawn(async move { context.done().recv_async().await });
        cancel.cancel();
        assert_eq!(task.join().unwrap(), None);
    });
}

#[test]
fn the_nil_channel_keeps_tasks_waiting() {
    everywhere_and_in_models(|| {
        let (tx, rx) = super::nil();
        assert!(block_on(timeout(MILLISECOND, tx.send_async(1))).is_err());
        let first = block_on(select(rx.recv_async(), future::sleep(MILLISECOND)));
        assert_eq!(first, Either::Right(()));
    });
}

/// Tasks that give up now and then, goroutines and threads at both ends; every message arrives once.
#[test]
fn nothing_is_lost_among_many() {
    const EACH: usize = 400;
    for cap in [0, 1, 3] {
        let (tx, rx) = chan::<usize>(cap);
        let senders: Vec<_> = (0..4)
            .map(|s| {
                let tx = tx.clone();
                let send_all = async move {
                    for n in 0..EACH {
                        let mut message = Some(s * EACH + n);
                        while let Some(value) = message.take() {
                            let mut sending = pin!(tx.send_async(value));
                            let first = select(sending.as_mut(), yield_now()).await;
                            if first == Either::Right(()) {
                                message = sending.take_back();
                            }
                        }
                    }
                };
                if s % 2 == 0 {
                    Either::Left(spawn(send_all))
                } else {
                    Either::Right(go(|| block_on(send_all)))
                }
            })
            .collect();
        let receivers: Vec<_> = (0..4)
            .map(|r| {
                let rx = rx.clone();
                let blocks = rx.clone();
                let receive_all = async move {
                    let mut got = Vec::new();
                    loop {
                        let mut receiving = pin!(rx.recv_async());
                        match select(receiving.as_mut(), yield_now()).await {
                            Either::Left(None) => return got,
                            Either::Left(Some(n)) => got.push(n),
                            Either::Right(()) => {}
                        }
                    }
                };
                match r {
                    0 => Either::Left(spawn(receive_all)),
                    1 => Either::Left(spawn(async move { blocks.iter().collect() })),
                    _ => Either::Right(std::thread::spawn(move || block_on(receive_all))),
                }
            })
            .collect();
        for sender in senders {
            match sender {
                Either::Left(task) => task.join().unwrap(),
                Either::Right(goroutine) => goroutine.join().unwrap(),
            }
        }
        tx.close();
        let mut all: Vec<usize> = receivers
            .into_iter()
            .flat_map(|receiver| match receiver {
                Either::Left(task) => task.join().unwrap(),
                Either::Right(thread) => thread.join().unwrap(),
            })
            .collect();
        all.sort_unstable();
        assert_eq!(all, (0..4 * EACH).collect::<Vec<_>>());
    }
}

/// Counts its wakes.
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Outside of models, step by step: who is told, and what it leaves.
#[test]
fn each_message_is_told_to_one_who_waits() {
    for cap in [0, 2] {
        let (tx, rx) = chan::<i32>(cap);
        let counts: Vec<_> = (0..3).map(|_| Arc::new(Woken(AtomicUsize::new(0)))).collect();
        let woken = || counts.iter().map(|count| count.0.load(Ordering::SeqCst)).collect::<Vec<_>>();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(rx.recv_async())).collect();
        let mut poll = |i: usize| {
            let waker = Waker::from(Arc::clone(&counts[i]));
            waiting[i].as_mut().poll(&mut Context::from_waker(&waker))
        };
        assert!((0..3).all(|i| poll(i).is_pending()));
        // Without a buffer whoever sends waits until a task is polled.
        assert_eq!(tx.try_send(0).is_ok(), cap > 0);
        let mut sending = Box::pin(tx.send_async(1));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(sending.as_mut().poll(&mut context).is_ready(), cap > 0);
        assert_eq!(woken(), if cap > 0 { [1, 1, 0] } else { [1, 0, 0] });
        // Who was told first goes away: the next is told instead.
        drop(waiting.remove(0));
        assert_eq!(woken(), if cap > 0 { [1, 1, 1] } else { [1, 1, 0] });
        let mut poll = |i: usize| {
            let waker = Waker::from(Arc::clone(&counts[i + 1]));
            waiting[i].as_mut().poll(&mut Context::from_waker(&waker))
        };
        assert_eq!(poll(0), Poll::Ready(Some(if cap > 0 { 0 } else { 1 })));
        assert_eq!(poll(1).is_ready(), cap > 0);
        assert!(rx.try_recv().is_err());
    }
}

/// A goroutine that waits behind a task is served when the task goes away, and in its turn.
#[test]
fn goroutines_wait_in_the_queue_of_tasks() {
    let (tx, rx) = chan(2);
    let mut first = Box::pin(rx.recv_async());
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let theirs = rx.clone();
    let goroutine = go(move || theirs.recv());
    while !crate::debug::goroutines().iter().any(|g| g.id() == goroutine.id() && g.state() == "chan receive")
    {
        std::thread::yield_now();
    }
    tx.send(1);
    tx.send(2);
    // The second message served the goroutine, with the first one: they leave in order.
    assert_eq!(goroutine.join().unwrap(), Some(1));
    assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(Some(2)));
}

/// A goroutine that waits behind a task gets what a sender puts into the room which that task makes.
#[test]
fn goroutines_behind_a_task_get_what_comes_after_its_message() {
    let is_in = |goroutine: &crate::Goroutine<_>, state: &str| {
        while !crate::debug::goroutines().iter().any(|g| g.id() == goroutine.id() && g.state() == state) {
            std::thread::yield_now();
        }
    };
    let (tx, rx) = chan(1);
    let mut first = Box::pin(rx.recv_async());
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let theirs = rx.clone();
    let receiver = go(move || theirs.recv_timeout(60_000 * MILLISECOND).ok());
    is_in(&receiver, "chan receive");
    tx.send(1);
    let theirs = tx.clone();
    let sender = go(move || {
        theirs.send(2);
        None
    });
    is_in(&sender, "chan send");
    assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(Some(1)));
    assert_eq!(receiver.join().unwrap(), Some(2), "nobody has to send once more");
    sender.join().unwrap();
}

/// Futures of channels on an executor that is not ours, beside goroutines.
#[test]
fn tokio_runs_the_futures_of_channels() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for cap in [0, 1, 16] {
        let ((tx, rx), (back, answers)) = (chan::<u32>(cap), chan(cap));
        let stages: Vec<_> = (0..3)
            .map(|_| {
                let (rx, back) = (rx.clone(), back.clone());
                runtime.spawn(async move {
                    while let Some(n) = rx.recv_async().await {
                        back.send_async(n + 1).await;
                    }
                })
            })
            .collect();
        let source = go(move || {
            (0..500).for_each(|n| tx.send(n));
            tx.close();
        });
        let sum: u32 = (0..500).map(|_| answers.recv().unwrap()).sum();
        assert_eq!(sum, 500 * 501 / 2);
        source.join().unwrap();
        stages.into_iter().for_each(|stage| runtime.block_on(stage).unwrap());
    }
}

#[cfg(feature = "check")]
mod found {
    use super::*;
    use crate::sync::Mutex;
    use crate::trial_tests::{clean, slug};
    use selvedge_checkers::finding::Slug;

    #[test]
    fn a_message_that_nobody_sends_is_a_deadlock() {
        let (receives, sends) = (
            slug(50, || {
                let (_tx, rx) = chan::<i32>(0);
                block_on(rx.recv_async());
            }),
            slug(50, || {
                let (tx, _rx) = chan(0);
                block_on(tx.send_async(1));
            }),
        );
        assert_eq!((receives, sends), (Some(Slug::Deadlock), Some(Slug::Deadlock)));
    }

    #[test]
    fn a_task_that_waits_for_ever_leaks() {
        let found = slug(50, || {
            let (_tx, rx) = chan::<i32>(0);
            drop(spawn(async move { rx.recv_async().await }));
        });
        assert_eq!(found, Some(Slug::LeakedGoroutine));
    }

    #[test]
    fn a_send_races_with_a_close() {
        let found = slug(300, || {
            let (tx, rx) = chan(1);
            let closes = tx.clone();
            let closer = go(move || closes.close());
            drop(spawn(async move { tx.send_async(1).await }));
            closer.join().unwrap();
            drop(rx);
        });
        assert_eq!(found, Some(Slug::SendOnClosed));
    }

    #[test]
    fn locks_in_two_orders_deadlock() {
        let program = |same: bool| {
            move || {
                let locks = Arc::new((Mutex::new(()), Mutex::new(())));
                let theirs = Arc::clone(&locks);
                let task = spawn(async move {
                    let _first = theirs.0.lock_async().await;
                    let _second = theirs.1.lock_async().await;
                });
                let (a, b) = if same { (&locks.0, &locks.1) } else { (&locks.1, &locks.0) };
                let first = a.lock();
                drop(b.lock());
                drop(first);
                task.join().unwrap();
            }
        };
        assert_eq!(slug(300, program(false)), Some(Slug::Deadlock));
        clean(300, program(true));
    }
}
