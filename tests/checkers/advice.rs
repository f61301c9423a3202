//! Warnings: what was predicted, and what only looks wrong.

use super::{flagged, flagged_by, silent};
use selvedge::harness::config::StrategySpec;
use selvedge::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use selvedge::sync::{Arc, WaitGroup};
use selvedge::{Explorer, Slug, chan, context, go};

/// One execution, in which all goes well.
fn once() -> Explorer {
    Explorer::new().strategy(StrategySpec::Dfs).executions(1)
}

#[test]
fn send_races_close() {
    let outcome = flagged_by(once(), Slug::SendRacesClose, || {
        let (tx, rx) = chan::<i32>(1);
        let sender = tx.clone();
        let other = go(move || _ = sender.try_send(1));
        // Waits for the message, but not for the sender to be done with the channel in general.
        while rx.is_empty() {}
        tx.close();
        other.join().unwrap();
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn send_before_close() {
    silent(|| {
        let (tx, rx) = chan::<i32>(1);
        let sender = tx.clone();
        let (done_tx, done) = chan::<()>(0);
        let other = go(move || {
            sender.send(1);
            done_tx.send(());
        });
        done.recv();
        tx.close();
        assert_eq!(rx.recv(), Some(1));
        other.join().unwrap();
    });
}

/// The worker counts itself in: main may be past its wait by then.
#[test]
fn add_races_wait() {
    flagged(Slug::AddRacesWait, || {
        let wg = WaitGroup::new();
        let worker = wg.clone();
        let other = go(move || {
            worker.add(1);
            worker.done();
        });
        wg.wait();
        other.join().unwrap();
    });
}

#[test]
fn add_before_wait() {
    silent(|| {
        let wg = WaitGroup::new();
        wg.add(1);
        let worker = wg.clone();
        drop(go(move || worker.done()));
        wg.wait();
    });
}

/// Main returns while a goroutine that it never heard of works.
#[test]
fn premature_exit() {
    flagged(Slug::PrematureExit, || {
        let n = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&n);
        drop(go(move || shared.store(1, SeqCst)));
        n.load(SeqCst);
    });
}

#[test]
fn joined_exit() {
    silent(|| {
        let n = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&n);
        go(move || shared.store(1, SeqCst)).join().unwrap();
        n.load(SeqCst);
    });
}

#[test]
fn closed_by_the_receiver() {
    flagged(Slug::ClosedByReceiver, || {
        let (tx, rx) = chan::<i32>(1);
        let closer = tx.clone();
        let receiver = go(move || {
            rx.recv();
            closer.close();
        });
        tx.send(1);
        receiver.join().unwrap();
    });
}

#[test]
fn closed_by_the_sender() {
    silent(|| {
        let (tx, rx) = chan::<i32>(1);
        let receiver = go(move || while rx.recv().is_some() {});
        tx.send(1);
        tx.close();
        receiver.join().unwrap();
    });
}

#[test]
fn lost_cancel() {
    flagged(Slug::LostCancel, || {
        let (ctx, cancel) = context::with_cancel(&context::background());
        assert!(ctx.err().is_none());
        drop(cancel);
    });
}

#[test]
fn cancelled() {
    silent(|| {
        let (ctx, cancel) = context::with_cancel(&context::background());
        cancel.cancel();
        assert!(ctx.err().is_some());
    });
}

/// A thread that nobody controls sends into the model.
#[test]
fn uncontrolled_thread() {
    flagged_by(Explorer::new().executions(1), Slug::UncontrolledThread, || {
        let (tx, _rx) = chan::<i32>(1);
        let outside = std::thread::spawn(move || _ = tx.try_send(1));
        let _ = outside.join();
    });
}

#[test]
fn a_thread_of_its_own() {
    silent(|| {
        let outside = std::thread::spawn(|| (1..=4).product::<i32>());
        assert_eq!(outside.join().unwrap(), 24);
    });
}
