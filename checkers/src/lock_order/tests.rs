//! Must-flag programs and their near misses, driven by hand.

use crate::finding::{Evidence, Finding, Slug};
use crate::rig::Rig;

const A: u32 = 0;
const B: u32 = 1;
const C: u32 = 2;
const GATE: u32 = 3;

fn nest(rig: &mut Rig, g: u32, outer: u32, inner: u32) {
    rig.lock(g, outer);
    rig.lock(g, inner);
    rig.unlock(g, inner);
    rig.unlock(g, outer);
}

fn cycles(rig: &mut Rig) -> Vec<Vec<(u32, u32, u32)>> {
    let edges = |f: Finding| match (f.slug, f.evidence) {
        (Slug::LockOrder, Evidence::Locks { edges }) => {
            edges.iter().map(|e| (e.g.0, e.held.0, e.wanted.0)).collect()
        }
        other => panic!("not a lock order: {other:?}"),
    };
    rig.findings().into_iter().map(edges).collect()
}

#[test]
fn two_orders_are_reported_once_although_the_locks_ordered_them() {
    let mut rig = Rig::with(3);
    for _ in 0..3 {
        nest(&mut rig, 1, A, B);
        nest(&mut rig, 2, B, A);
    }
    assert_eq!(cycles(&mut rig), [vec![(1, A, B), (2, B, A)]]);
}

#[test]
fn a_request_that_is_never_granted_counts() {
    let mut rig = Rig::with(3);
    rig.lock(1, A);
    rig.lock(2, B);
    rig.request(1, B);
    rig.request(2, A);
    assert_eq!(cycles(&mut rig).len(), 1);
}

#[test]
fn a_cycle_of_three_and_of_five() {
    for n in [3, 5] {
        let mut rig = Rig::with(n + 1);
        for i in 0..n {
            nest(&mut rig, i + 1, i, (i + 1) % n);
        }
        let ring: Vec<_> = (0..n).map(|i| (i + 1, i, (i + 1) % n)).collect();
        assert_eq!(cycles(&mut rig), [ring]);
    }
}

#[test]
fn one_order_is_silent_and_so_is_one_goroutine() {
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    nest(&mut rig, 2, A, B);
    nest(&mut rig, 1, B, C);
    nest(&mut rig, 2, A, C);
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    nest(&mut rig, 1, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_gate_lock_silences_and_a_shared_gate_does_not() {
    let mut rig = Rig::with(3);
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.lock(g, GATE);
        nest(&mut rig, g, outer, inner);
        rig.unlock(g, GATE);
    }
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(3);
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.read_lock(g, GATE);
        nest(&mut rig, g, outer, inner);
        rig.read_unlock(g, GATE);
    }
    assert_eq!(cycles(&mut rig).len(), 1);
}

#[test]
fn phases_that_are_joined_are_silent_and_phases_that_are_not_are_reported() {
    let mut rig = Rig::with(2);
    nest(&mut rig, 1, A, B);
    rig.join(0, 1);
    nest(&mut rig, 0, B, A);
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(2);
    nest(&mut rig, 0, B, A);
    rig.spawn(0, 2);
    nest(&mut rig, 2, A, B);
    assert!(cycles(&mut rig).is_empty(), "taken before the other goroutine existed");
    nest(&mut rig, 0, B, A);
    assert_eq!(cycles(&mut rig).len(), 1, "the same request, now concurrent");
}

#[test]
fn a_channel_hand_over_is_a_phase_too() {
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    rig.send(1, 9);
    rig.receive(2, 9);
    nest(&mut rig, 2, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn readers_do_not_block_readers() {
    let mut rig = Rig::with(3);
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.read_lock(g, outer);
        rig.read_lock(g, inner);
        rig.read_unlock(g, inner);
        rig.read_unlock(g, outer);
    }
    assert!(cycles(&mut rig).is_empty());
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.read_lock(g, outer);
        rig.lock(g, inner);
        rig.unlock(g, inner);
        rig.read_unlock(g, outer);
    }
    assert_eq!(cycles(&mut rig).len(), 1, "each waits to write what the other reads");
}

#[test]
fn a_try_lock_does_not_wait_but_what_it_took_is_held() {
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    rig.lock(2, B);
    rig.try_lock(2, A);
    rig.unlock(2, A);
    rig.unlock(2, B);
    assert!(cycles(&mut rig).is_empty());
    rig.try_lock(2, B);
    rig.lock(2, A);
    assert_eq!(cycles(&mut rig).len(), 1);
}

#[test]
fn a_lock_released_by_another_goroutine_is_a_signal() {
    let mut rig = Rig::with(3);
    rig.lock(1, A);
    rig.unlock(2, A);
    nest(&mut rig, 1, A, B);
    nest(&mut rig, 2, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_reused_id_is_another_lock() {
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    rig.suite.forget(crate::ids::ObjId(A));
    nest(&mut rig, 2, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_reset_forgets_everything() {
    let mut rig = Rig::with(3);
    nest(&mut rig, 1, A, B);
    rig.lock(1, C);
    rig.restart(3);
    nest(&mut rig, 2, B, A);
    nest(&mut rig, 1, B, C);
    assert!(cycles(&mut rig).is_empty());
}
