//! Must-flag programs and their near misses, driven by hand.

use super::{MAX_ALIKE, MAX_EDGES, MAX_REPORTS};
use crate::access::{Access, Mode, Part, Sync};
use crate::clock::{Clocks, Epoch, VectorClock};
use crate::finding::{Evidence, Finding, Slug};
use crate::ids::{Gid, ObjId};
use crate::rig::Rig;

const A: u32 = 0;
const B: u32 = 1;
const C: u32 = 2;
const GATE: u32 = 3;

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
        rig.nest(1, A, B);
        rig.nest(2, B, A);
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
            rig.nest(i + 1, i, (i + 1) % n);
        }
        let ring: Vec<_> = (0..n).map(|i| (i + 1, i, (i + 1) % n)).collect();
        assert_eq!(cycles(&mut rig), [ring]);
    }
}

#[test]
fn one_order_is_silent_and_so_is_one_goroutine() {
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.nest(2, A, B);
    rig.nest(1, B, C);
    rig.nest(2, A, C);
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.nest(1, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_gate_lock_silences_and_a_shared_gate_does_not() {
    let mut rig = Rig::with(3);
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.lock(g, GATE);
        rig.nest(g, outer, inner);
        rig.unlock(g, GATE);
    }
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(3);
    for (g, outer, inner) in [(1, A, B), (2, B, A)] {
        rig.read_lock(g, GATE);
        rig.nest(g, outer, inner);
        rig.read_unlock(g, GATE);
    }
    assert_eq!(cycles(&mut rig).len(), 1);
}

#[test]
fn phases_that_are_joined_are_silent_and_phases_that_are_not_are_reported() {
    let mut rig = Rig::with(2);
    rig.nest(1, A, B);
    rig.join(0, 1);
    rig.nest(0, B, A);
    assert!(cycles(&mut rig).is_empty());
    let mut rig = Rig::with(2);
    rig.nest(0, B, A);
    rig.spawn(0, 2);
    rig.nest(2, A, B);
    assert!(cycles(&mut rig).is_empty(), "taken before the other goroutine existed");
    rig.nest(0, B, A);
    assert_eq!(cycles(&mut rig).len(), 1, "the same request, now concurrent");
}

#[test]
fn a_channel_hand_over_is_a_phase_too() {
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.send(1, 9);
    rig.receive(2, 9);
    rig.nest(2, B, A);
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
    rig.nest(1, A, B);
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
    rig.nest(1, A, B);
    rig.nest(2, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_request_that_was_not_announced_counts_when_it_is_granted() {
    let mut rig = Rig::with(3);
    rig.lock(1, A);
    rig.read_lock(1, B);
    rig.read_unlock(1, B);
    rig.unlock(1, A);
    rig.nest(2, B, A);
    assert_eq!(cycles(&mut rig), [vec![(1, A, B), (2, B, A)]]);
}

#[test]
fn a_reader_gives_back_its_own() {
    let mut rig = Rig::with(3);
    rig.read_lock(2, A);
    rig.read_lock(1, A);
    rig.read_unlock(1, A);
    rig.lock(2, B);
    rig.unlock(2, B);
    rig.read_unlock(2, A);
    rig.nest(1, B, A);
    assert_eq!(cycles(&mut rig), [vec![(1, B, A), (2, A, B)]]);
}

#[test]
fn a_signal_is_taken_from_who_held_it_and_guards_nothing_of_theirs() {
    let mut rig = Rig::with(3);
    rig.lock(0, GATE);
    rig.lock(1, A);
    rig.unlock(2, A);
    rig.nest(1, B, C);
    rig.lock(2, A);
    rig.nest(2, C, B);
    assert_eq!(cycles(&mut rig), [vec![(1, B, C), (2, C, B)]]);
}

#[test]
fn of_requests_that_differ_in_their_order_only_so_many_are_kept() {
    for (ordered, found) in [(MAX_ALIKE - 1, 1), (MAX_ALIKE, 0)] {
        let mut rig = Rig::with(3);
        for _ in 0..ordered {
            rig.nest(1, A, B);
            rig.send(1, C);
        }
        (0..ordered).for_each(|_| rig.receive(2, C));
        rig.nest(1, A, B);
        rig.nest(2, B, A);
        assert_eq!(cycles(&mut rig).len(), found, "after {ordered} that are ordered");
    }
}

#[test]
fn a_reused_id_is_another_lock() {
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.suite.forget(ObjId(A));
    rig.nest(2, B, A);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_reset_forgets_everything() {
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.lock(1, C);
    rig.restart(3);
    rig.nest(2, B, A);
    rig.nest(1, B, C);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_cycle_is_told_once_however_it_comes_about() {
    let mut rig = Rig::with(3);
    rig.nest(1, A, B);
    rig.nest(2, B, A);
    rig.lock(1, C);
    rig.nest(1, A, B);
    assert_eq!(cycles(&mut rig), [vec![(1, A, B), (2, B, A)]]);
}

#[test]
fn what_runs_into_a_limit_is_not_reported() {
    let mut rig = Rig::with(3);
    for pair in 0..MAX_REPORTS as u32 + 1 {
        rig.nest(1, 2 * pair, 2 * pair + 1);
        rig.nest(2, 2 * pair + 1, 2 * pair);
    }
    assert_eq!(cycles(&mut rig).len(), MAX_REPORTS);
    const LOCKS: u32 = 92;
    assert!(LOCKS * (LOCKS - 1) / 2 > MAX_EDGES as u32);
    rig.restart(3);
    for outer in 0..LOCKS {
        (outer + 1..LOCKS).for_each(|inner| rig.nest(1, outer, inner));
    }
    rig.nest(2, LOCKS - 1, LOCKS - 2);
    assert!(cycles(&mut rig).is_empty());
}

#[test]
fn a_request_that_is_repeated_takes_no_room() {
    let mut rig = Rig::with(3);
    (0..=MAX_EDGES).for_each(|_| rig.nest(1, A, B));
    rig.nest(1, B, C);
    rig.nest(2, C, B);
    assert_eq!(cycles(&mut rig).len(), 1);
}

/// A request as the definition sees it: nothing is left out, the order is known at once.
struct Request {
    g: u32,
    held: Vec<u32>,
    wanted: u32,
    at: Epoch,
    seen: VectorClock,
}

impl Request {
    fn may_meet(&self, other: &Request) -> bool {
        let before = |a: &Request, b: &Request| a.at.at <= b.seen.get(a.at.g);
        self.g != other.g
            && !self.held.iter().any(|lock| other.held.contains(lock))
            && !before(self, other)
            && !before(other, self)
    }
}

/// Whether some requests of distinct goroutines that may all meet form a circle.
fn circle(requests: &[Request], path: &mut Vec<usize>) -> bool {
    let wanted = requests[path[path.len() - 1]].wanted;
    (0..requests.len()).any(|next| {
        let new = &requests[next];
        if !new.held.contains(&wanted) || !path.iter().all(|&old| requests[old].may_meet(new)) {
            return false;
        }
        path.push(next);
        let closed = requests[path[0]].held.contains(&new.wanted) || circle(requests, path);
        path.pop();
        closed
    })
}

/// One random execution that respects the locks; true if the detector and the definition both
/// report something.
fn agree(seed: u64) -> bool {
    let mut state = seed;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut rig = Rig::with(4);
    let mut hard = Clocks::default();
    hard.reset();
    (1..4).for_each(|child| hard.spawn(Gid::MAIN, Gid(child)));
    let mut held: Vec<Vec<u32>> = vec![Vec::new(); 4];
    let mut requests = Vec::new();
    let (mut sent, mut received) = (0, 0);
    for _ in 0..50 {
        let g = random(4) as u32;
        let mine = g as usize;
        let lock = random(4) as u32;
        match random(12) {
            0 if sent < 3 => {
                rig.send(g, 9);
                let publish = [Access::new(ObjId(9), Part::Message, sent, Mode::Write, Sync::Publish)];
                hard.apply(Gid(g), &publish);
                sent += 1;
            }
            1 if received < sent => {
                rig.receive(g, 9);
                let learn = [Access::new(ObjId(9), Part::Message, received, Mode::Write, Sync::Acquire)];
                hard.apply(Gid(g), &learn);
                received += 1;
            }
            2..=7 if !held.iter().flatten().any(|&l| l == lock) => {
                let seen = hard.seen(Gid(g)).clone();
                let at = hard.epoch(Gid(g));
                requests.push(Request { g, held: held[mine].clone(), wanted: lock, at, seen });
                rig.lock(g, lock);
                held[mine].push(lock);
            }
            _ => {
                if !held[mine].is_empty() {
                    let at = random(held[mine].len() as u64) as usize;
                    let lock = held[mine].remove(at);
                    rig.unlock(g, lock);
                }
            }
        }
    }
    let expected = (0..requests.len()).any(|first| circle(&requests, &mut vec![first]));
    assert_eq!(!cycles(&mut rig).is_empty(), expected, "seed {seed}");
    expected
}

#[test]
fn agrees_with_the_definition_on_random_executions() {
    let reported = (0..5000).filter(|&seed| agree(seed)).count();
    assert!((500..4500).contains(&reported), "both verdicts must be common, {reported} of 5000 report");
}
