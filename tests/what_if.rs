//! Small changes that are said to help: written by hand, each gives a program that does not fail in exactly as
//! many executions as the report says.

use selvedge::context::{background, with_cancel};
use selvedge::sync::WaitGroup;
use selvedge::{Explorer, Outcome, Repair, chan, go};

fn explore(program: impl Fn() + Send + Sync + 'static) -> Outcome {
    Explorer::new().exhaustive().repairs(true).run(program)
}

/// The program with its bug has one repair; the one that is written like that is explored to its end in as many
/// executions.
#[track_caller]
fn helps(buggy: impl Fn() + Send + Sync + 'static, mended: impl Fn() + Send + Sync + 'static) -> Repair {
    let outcome = explore(buggy);
    let [verified] = &outcome.repairs[..] else { panic!("{:?} in\n{outcome}", outcome.repairs) };
    let words: Vec<&str> = outcome.report.split_whitespace().collect();
    assert!(words.join(" ").contains(" disappears in "), "{outcome}");
    let by_hand = explore(mended);
    assert!(by_hand.is_clean() && by_hand.exhausted && verified.exhausted, "{by_hand}");
    assert_eq!(verified.executions, by_hand.executions, "{outcome}");
    verified.repair.clone()
}

#[test]
fn room_for_the_answers_nobody_waits_for() {
    fn first_answer(room: usize) {
        let (tx, rx) = chan(room);
        for n in 0..3 {
            let tx = tx.clone();
            go(move || tx.send(n));
        }
        assert!(rx.recv().is_some());
    }
    let repair = helps(|| first_answer(0), || first_answer(2));
    assert!(matches!(repair, Repair::Capacity { capacity: 2, .. }), "{repair:?}");
}

#[test]
fn a_close_at_the_end_of_who_sends() {
    fn all_jobs(closes: bool) {
        let (tx, rx) = chan(0);
        let sender = go(move || {
            (0..2).for_each(|n| tx.send(n));
            if closes {
                tx.close();
            }
        });
        let worker = go(move || rx.iter().sum::<i32>());
        sender.join().unwrap();
        assert_eq!(worker.join().unwrap(), 1);
    }
    let repair = helps(|| all_jobs(false), || all_jobs(true));
    assert!(matches!(repair, Repair::CloseAtEnd { .. }), "{repair:?}");
}

#[test]
fn a_close_before_main_waits() {
    fn workers(closes: bool) {
        let (tx, rx) = chan(2);
        let wg = WaitGroup::new();
        wg.go(move || assert_eq!(rx.iter().count(), 2));
        tx.send(1);
        tx.send(2);
        if closes {
            tx.close();
        }
        wg.wait();
    }
    let repair = helps(|| workers(false), || workers(true));
    assert!(matches!(repair, Repair::CloseBefore { .. }), "{repair:?}");
}

#[test]
fn a_context_that_is_cancelled() {
    fn watcher(cancels: bool) {
        let (ctx, cancel) = with_cancel(&background());
        go(move || ctx.done().recv());
        if cancels {
            cancel.cancel();
        }
    }
    let repair = helps(|| watcher(false), || watcher(true));
    assert!(matches!(repair, Repair::Cancel { .. }), "{repair:?}");
}

#[test]
fn one_close_of_several() {
    let outcome = explore(|| {
        let (tx, _rx) = chan::<()>(0);
        for _ in 0..2 {
            let tx = tx.clone();
            go(move || tx.close());
        }
    });
    let [verified] = &outcome.repairs[..] else { panic!("{:?}", outcome.repairs) };
    assert!(matches!(verified.repair, Repair::CloseOnce { .. }) && verified.exhausted, "{outcome}");
}

#[test]
fn nothing_is_said_to_help_that_does_not() {
    // Room lets the first send through; somebody sends for ever.
    let outcome = explore(|| {
        let (tx, _rx) = chan(0);
        go(move || (0..100).for_each(|n| tx.send(n)));
    });
    assert!(!outcome.is_clean() && outcome.repairs.is_empty(), "{outcome}");
    // A close would be too early for whoever is slower.
    let outcome = explore(|| {
        let (tx, rx) = chan(2);
        for n in 0..2 {
            let tx = tx.clone();
            go(move || tx.send(n));
        }
        let more = tx.clone();
        go(move || {
            assert_eq!(rx.iter().count(), 2);
            drop(more);
        });
        drop(tx);
    });
    assert!(!outcome.is_clean() && outcome.repairs.is_empty(), "{outcome}");
}

#[test]
fn a_program_is_left_alone_unless_somebody_wants_to_know() {
    let leak = || {
        let (tx, _rx) = chan(0);
        go(move || tx.send(1));
    };
    assert!(Explorer::new().run(leak).repairs.is_empty());
    assert_eq!(Explorer::new().repairs(true).run(leak).repairs.len(), 1);
}
