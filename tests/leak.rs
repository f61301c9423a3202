//! Leaks as a new user meets them: ordinary tests that run side by side, each with goroutines of its own.

use selvedge::leak::{self, Check, Snapshot};
use selvedge::{chan, future, go, go_named, time};
use std::time::{Duration, Instant};

/// What a test under test says when it fails.
fn failure(body: impl FnOnce() + Send + 'static) -> String {
    let payload = std::thread::spawn(body).join().unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn nobody_is_left() {
    let (tx, rx) = chan(0);
    let worker = go(move || rx.iter().sum::<u32>());
    tx.send(1);
    tx.close();
    assert_eq!(worker.join().unwrap(), 1);
    leak::assert_none();
}

#[test]
fn who_ends_soon_is_waited_for() {
    go(|| time::sleep(Duration::from_millis(30)));
    leak::assert_none();
}

#[test]
fn others_are_not_ours() {
    let (tx, rx) = chan::<u32>(0);
    let (found, look) = std::sync::mpsc::channel();
    let stays = std::thread::spawn(move || {
        let reader = go(move || rx.recv());
        leak::find().unwrap_err();
        found.send(()).unwrap();
        reader.join().unwrap()
    });
    leak::assert_none();
    look.recv().unwrap();
    tx.send(1);
    assert_eq!(stays.join().unwrap(), Some(1));
}

#[test]
fn who_waits_for_ever_is_told_at_once() {
    let start = Instant::now();
    let text = failure(|| {
        let (tx, rx) = chan::<u32>(0);
        for _ in 0..3 {
            let rx = rx.clone();
            go_named("reader", move || rx.recv());
        }
        drop((tx, rx));
        leak::assert_none();
    });
    assert!(text.starts_with("found 3 unexpected goroutines of this test:\n\ngoroutine "), "{text}");
    assert!(
        text.contains("[chan receive]:\nleak::who_waits_for_ever_is_told_at_once::{{closure}}"),
        "{text}"
    );
    assert!(text.contains("\tnamed \"reader\"\n"), "{text}");
    assert!(text.contains("nobody holds the other end any more: it waits for ever"), "{text}");
    assert!(text.contains("and 2 more like it, goroutines "), "{text}");
    assert!(text.contains("created by go\n\ttests/leak.rs:"), "{text}");
    // Far below the second that one who might still end would get, even if the machine is busy.
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_test_that_waits_for_nobody_is_told_after_a_while() {
    let text = failure(|| {
        let (_tx, rx) = chan::<u32>(0);
        go(move || {
            let inner = go(move || rx.recv());
            inner.join().unwrap()
        });
        Check::new().patience(Duration::from_millis(50)).assert_none();
    });
    assert!(text.contains("[join]:") && text.contains("waits for goroutine "), "{text}");
}

#[test]
fn a_snapshot_leaves_out_who_was_there() {
    let (tx, rx) = chan::<u32>(0);
    let server = go(move || rx.iter().count());
    let before = Snapshot::current();
    let (done, wait) = chan::<()>(0);
    let late = go(move || wait.recv());
    assert_eq!(
        Check::new().patience(Duration::ZERO).since(&before).find().unwrap_err().goroutines().len(),
        1
    );
    done.close();
    late.join().unwrap();
    before.assert_none();
    tx.close();
    assert_eq!(server.join().unwrap(), 0);
    leak::assert_none();
}

#[test]
fn a_check_of_its_own() {
    let (tx, rx) = chan::<u32>(0);
    let outer = go(move || rx.recv());
    assert_eq!(leak::check(|| go(|| 1 + 1).join().unwrap()), 2);
    tx.send(1);
    outer.join().unwrap();
}

#[test]
fn the_cleanup_runs_before_the_verdict() {
    let (tx, rx) = chan::<u32>(0);
    go(move || rx.recv());
    let check = Check::new().patience(Duration::ZERO).cleanup(move || tx.close());
    check.find().unwrap_err();
    leak::assert_none();
}

#[test]
fn a_task_that_waits_for_ever_is_told() {
    let text = failure(|| {
        let kept: Vec<_> = (0..2).map(|_| future::spawn(std::future::pending::<()>())).collect();
        let before = Snapshot::current();
        future::spawn(async {}).join().unwrap();
        before.assert_none();
        Check::new().ignore_created_at("tests/leak.rs").assert_none();
        Check::new().ignore_current().assert_none();
        Check::new().patience(Duration::ZERO).assert_none();
        drop(kept);
    });
    assert!(text.starts_with("found 2 unexpected async tasks of this test:\n\ntask "), "{text}");
    assert!(text.contains("[await]:\ncreated by future::spawn\n\ttests/leak.rs:"), "{text}");
    assert!(text.contains("which is like it"), "{text}");
}

#[test]
fn a_task_that_ends_soon_is_waited_for() {
    future::spawn(async { future::sleep(Duration::from_millis(30)).await });
    leak::assert_none();
}

#[test]
fn a_task_that_looks_is_not_told_of_who_waits_for_it() {
    let outer = future::spawn(async { future::spawn(async { leak::find().is_ok() }).await });
    assert!(outer.join().unwrap().unwrap());
    leak::assert_none();
}
