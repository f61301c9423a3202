//! The order of locks: a cycle is a deadlock that may happen, unless it cannot.

use super::{flagged_by, silent};
use selvedge::harness::config::StrategySpec;
use selvedge::sync::{Arc, Mutex};
use selvedge::{Explorer, Slug, go};

fn both(locks: &[Mutex<()>; 3], first: usize, second: usize) {
    let _first = locks[first].lock().unwrap();
    let _second = locks[second].lock().unwrap();
}

fn locks() -> Arc<[Mutex<()>; 3]> {
    Arc::new([Mutex::new(()), Mutex::new(()), Mutex::new(())])
}

/// Predicted although in this one execution nothing happens.
#[test]
fn in_both_orders() {
    let one = Explorer::new().strategy(StrategySpec::Dfs).executions(1);
    let outcome = flagged_by(one, Slug::LockOrder, || {
        let locks = locks();
        let shared = Arc::clone(&locks);
        let other = go(move || both(&shared, 1, 0));
        both(&locks, 0, 1);
        other.join().unwrap();
    });
    assert!(outcome.is_clean(), "{outcome}");
}

#[test]
fn in_one_order() {
    silent(|| {
        let locks = locks();
        let shared = Arc::clone(&locks);
        let other = go(move || both(&shared, 0, 1));
        both(&locks, 0, 1);
        other.join().unwrap();
    });
}

/// Behind a third lock that both hold, the two orders never meet.
#[test]
fn behind_a_gate() {
    silent(|| {
        let locks = locks();
        let shared = Arc::clone(&locks);
        let other = go(move || {
            let _gate = shared[2].lock().unwrap();
            both(&shared, 1, 0);
        });
        let gate = locks[2].lock().unwrap();
        both(&locks, 0, 1);
        drop(gate);
        other.join().unwrap();
    });
}

/// One phase is over before the other begins.
#[test]
fn in_joined_phases() {
    silent(|| {
        let locks = locks();
        let shared = Arc::clone(&locks);
        go(move || both(&shared, 1, 0)).join().unwrap();
        both(&locks, 0, 1);
    });
}
