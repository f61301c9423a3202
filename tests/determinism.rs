//! The same seed gives the same exploration, whatever the number of jobs and whatever ran before; and
//! a program that is not deterministic is told so, and never breaks the engine.

use selvedge::explore::spec::StrategySpec;
use selvedge::sync::WaitGroup;
use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::{Explorer, Outcome, Slug, chan, go, runtime, time};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64 as StdU64;
use std::time::Duration;

/// What must be equal between two explorations.
fn essence(outcome: &Outcome) -> impl PartialEq + std::fmt::Debug + use<> {
    let token = outcome.token.as_ref().map(ToString::to_string);
    let counts = (outcome.executions, outcome.failing, outcome.steps);
    (outcome.first, counts, outcome.findings.clone(), token, outcome.decisions.clone())
}

#[track_caller]
fn explorer() -> Explorer {
    Explorer::new().executions(200).seed(7)
}

/// Fails in a few executions of a hundred.
fn lost_update() {
    let n = Arc::new(AtomicU64::new(0));
    let wg = WaitGroup::new();
    for _ in 0..2 {
        let n = Arc::clone(&n);
        wg.go(move || {
            for _ in 0..3 {
                runtime::gosched();
            }
            let seen = n.load(Ordering::SeqCst);
            n.store(seen + 1, Ordering::SeqCst);
        });
    }
    wg.wait();
    assert_eq!(n.load(Ordering::SeqCst), 2);
}

/// With more traces, among them some that leave goroutines behind.
fn lost_update_and_more() {
    let (tx, rx) = chan(1);
    for i in 0..3 {
        let tx = tx.clone();
        drop(go(move || tx.send(i)));
    }
    assert!(rx.recv() != Some(2) || rx.recv() != Some(0));
    lost_update();
}

/// Fails where two choices and an order meet.
fn rare() {
    let (tx, rx) = chan(50);
    for i in 0..50 {
        let tx = tx.clone();
        drop(go(move || tx.send(i)));
    }
    let first: Vec<i32> = (0..3).map(|_| rx.recv().unwrap()).collect();
    assert!(!(first[0] > 25 && first[1] < first[2]), "{first:?}");
    (3..50).for_each(|_| _ = rx.recv());
}

#[test]
fn the_number_of_jobs_does_not_matter() {
    for program in [lost_update, rare] {
        let one = explorer().run(program);
        assert!(one.first.is_some(), "{one}");
        for jobs in [2, 4] {
            let more = explorer().jobs(jobs).run(program);
            assert_eq!(essence(&one), essence(&more), "with {jobs} jobs");
        }
    }
}

/// Without a bug, and soon proved.
fn two_stores() {
    let n = Arc::new(AtomicU64::new(0));
    let m = Arc::clone(&n);
    let h = go(move || (0..2).for_each(|_| _ = m.fetch_add(1, Ordering::SeqCst)));
    n.fetch_add(1, Ordering::SeqCst);
    h.join().unwrap();
}

/// An old store is read.
fn old_store() {
    let (x, y) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (x2, y2) = (Arc::clone(&x), Arc::clone(&y));
    let h = go(move || {
        x2.store(1, Ordering::Relaxed);
        y2.load(Ordering::Relaxed)
    });
    y.store(1, Ordering::Relaxed);
    let _ = (x.load(Ordering::Relaxed), h.join().unwrap());
}

#[test]
fn nor_does_it_where_the_frontier_is_soon_empty() {
    for program in [two_stores, old_store] {
        let one = explorer().run(program);
        assert!(one.exhausted && one.is_clean() && one.executions < 200, "{one:?}");
        for jobs in [2, 4] {
            let more = explorer().jobs(jobs).run(program);
            assert_eq!(essence(&one), essence(&more), "with {jobs} jobs");
            assert!(more.exhausted);
        }
    }
}

#[test]
fn nor_does_it_in_an_exhaustive_search() {
    let search = || Explorer::new().exhaustive().executions(2_000);
    for program in [lost_update, lost_update_and_more] {
        let one = search().run(program);
        assert!(one.first.is_some(), "{one}");
        for jobs in [2, 4] {
            let more = search().jobs(jobs).run(program);
            assert_eq!(essence(&one), essence(&more), "with {jobs} jobs");
            let counts = |o: &Outcome| (o.executions, o.failing, o.steps, o.redundant, o.exhausted);
            assert_eq!(counts(&one), counts(&more), "with {jobs} jobs");
        }
    }
}

#[test]
fn what_was_explored_before_does_not_matter() {
    let before = explorer().run(rare);
    explorer().seed(99).run(lost_update);
    explorer().run(|| drop(go(|| panic!("noise"))));
    explorer().jobs(2).run(|| time::sleep(Duration::from_secs(1)));
    let after = explorer().run(rare);
    assert_eq!(essence(&before), essence(&after));
    assert_eq!((before.steps, before.failing), (after.steps, after.failing));
}

#[test]
fn another_seed_explores_otherwise() {
    // The default begins with an execution that is the same for every seed, and finds it there.
    let from = |seed| explorer().strategy(StrategySpec::Random).seed(seed).run(lost_update);
    let steps: Vec<u64> = (0..5).map(|s| from(s).first.unwrap_or(999)).collect();
    assert!(steps.iter().any(|&n| n != steps[0]), "{steps:?}");
}

/// The program is not what its schedule says: that is said, or it fails like a program of its own.
#[track_caller]
fn told(outcome: &Outcome) {
    let slugs: Vec<_> = outcome.findings.iter().map(|f| f.slug).collect();
    assert!(slugs.contains(&Slug::NotDeterministic), "{slugs:?} {outcome}");
}

#[test]
fn control_flow_from_a_static_counter() {
    static RUNS: StdU64 = StdU64::new(0);
    // Few executions are all there are: the default would be through before.
    let outcome = explorer().strategy(StrategySpec::Random).run(|| {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let (tx, rx) = chan(8);
        for i in 0..run % 7 {
            let tx = tx.clone();
            drop(go(move || tx.send(i)));
        }
        (0..run % 7).for_each(|_| _ = rx.recv());
        assert!(run % 10 != 9, "the tenth run");
    });
    told(&outcome);
}

#[test]
fn one_failure_and_never_again() {
    static RUNS: StdU64 = StdU64::new(0);
    let outcome = explorer().strategy(StrategySpec::Random).run(|| {
        runtime::gosched();
        assert_ne!(RUNS.fetch_add(1, Ordering::Relaxed), 11, "once");
    });
    told(&outcome);
}

#[test]
fn the_order_of_a_hash_map() {
    let outcome = explorer().strategy(StrategySpec::Random).run(|| {
        let map: HashMap<u32, ()> = (0..20).map(|i| (i, ())).collect();
        let order: Vec<u32> = map.into_keys().collect();
        for &i in &order[..10] {
            (0..i).for_each(|_| runtime::gosched());
            if i % 3 == 0 {
                drop(go(runtime::gosched));
            }
        }
        assert!(order[0].is_multiple_of(2), "odd comes first");
    });
    told(&outcome);
}

#[test]
fn real_time() {
    let outcome = explorer().strategy(StrategySpec::Random).run(|| {
        let nanos =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
        let n = (nanos / 100) % 13;
        (0..n).for_each(|_| drop(go(|| selvedge::choose(3))));
        let (tx, rx) = chan(1);
        drop(go(move || select_or(&tx, n)));
        rx.recv();
        assert!(n % 5 != 4, "the time is ripe");
    });
    told(&outcome);

    fn select_or(tx: &selvedge::chan::Sender<u32>, n: u32) {
        selvedge::select! {
            send(tx, n) => {},
            recv(time::after(Duration::from_millis(n.into()))) -> _ => tx.send(n),
        }
    }
}

#[test]
fn a_depth_first_search_of_such_a_program() {
    static RUNS: StdU64 = StdU64::new(0);
    let outcome = explorer().exhaustive().executions(500).run(|| {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        (0..run % 3 + 1).for_each(|_| _ = selvedge::choose(1 + (run as usize * 7) % 5));
        let all: Vec<_> = (0..run % 4).map(|_| go(runtime::gosched)).collect();
        all.into_iter().for_each(|g| g.join().unwrap());
    });
    // Whatever it says, it comes to an end.
    assert!(outcome.executions > 0, "{outcome}");
}
