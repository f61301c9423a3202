//! What a release publishes, and who learns of it.

use super::*;
use crate::access::Mode;

const G1: Gid = Gid(1);
const G2: Gid = Gid(2);

fn two() -> Clocks {
    let mut c = Clocks::default();
    c.reset();
    c.spawn(Gid::MAIN, G1);
    c.spawn(Gid::MAIN, G2);
    c
}

fn whole(sync: Sync) -> [Access; 1] {
    [Access::whole(ObjId(0), Mode::Write, sync)]
}

#[test]
fn release_then_acquire_orders_what_came_before_only() {
    let mut c = two();
    let before = c.epoch(G1);
    c.apply(G1, &whole(Sync::Release));
    let after = c.epoch(G1);
    c.apply(G2, &whole(Sync::Acquire));
    assert!(c.ordered(before, G2));
    assert!(!c.ordered(after, G2));
}

#[test]
fn relaxed_store_publishes_only_what_a_fence_knew() {
    let mut c = two();
    let early = c.epoch(G1);
    c.apply(G1, &whole(Sync::RelaxedStore));
    c.apply(G2, &whole(Sync::Acquire));
    assert!(!c.ordered(early, G2));
    c.release_fence(G1);
    c.apply(G1, &whole(Sync::RelaxedStore));
    c.apply(G2, &whole(Sync::RelaxedLoad));
    assert!(!c.ordered(early, G2), "a relaxed load learns nothing before its fence");
    c.acquire_fence(G2);
    assert!(c.ordered(early, G2));
}

#[test]
fn a_plain_release_store_ends_the_release_sequence_of_others() {
    let mut c = two();
    let g1 = c.epoch(G1);
    c.apply(G1, &whole(Sync::Publish));
    c.apply(G2, &whole(Sync::RelaxedStore));
    c.apply(Gid::MAIN, &whole(Sync::Acquire));
    assert!(!c.ordered(g1, Gid::MAIN));
}

#[test]
fn a_relaxed_update_continues_the_release_sequence() {
    let mut c = two();
    let g1 = c.epoch(G1);
    c.apply(G1, &whole(Sync::Publish));
    c.apply(G2, &whole(Sync::RelaxedUpdate));
    c.apply(Gid::MAIN, &whole(Sync::Acquire));
    assert!(c.ordered(g1, Gid::MAIN));
}

#[test]
fn items_are_kept_apart() {
    let item = |n, sync| [Access::new(ObjId(3), Part::Message, n, Mode::Write, sync)];
    let mut c = two();
    let first = c.epoch(G1);
    c.apply(G1, &item(0, Sync::Publish));
    let second = c.epoch(G1);
    c.apply(G1, &item(1, Sync::Publish));
    c.apply(G2, &item(0, Sync::Acquire));
    assert!(c.ordered(first, G2) && !c.ordered(second, G2));
    c.apply(G2, &item(1, Sync::Acquire));
    assert!(c.ordered(second, G2));
}

#[test]
fn a_store_is_learned_of_by_those_who_read_it() {
    let store = |before, sync| {
        let kept = Access::new(ObjId(0), Part::Store, before, Mode::Read, Sync::Keep);
        [Access::whole(ObjId(0), Mode::Write, sync), kept]
    };
    let load = |n, sync| [Access::new(ObjId(0), Part::Store, n, Mode::Read, sync)];
    let mut c = two();
    let early = c.epoch(G1);
    c.apply(G1, &store(u32::MAX, Sync::Publish)); // 7
    let late = c.epoch(G1);
    c.apply(G1, &store(7, Sync::Publish)); // 3
    c.apply(G2, &load(u32::MAX, Sync::Acquire));
    assert!(!c.ordered(early, G2));
    c.apply(G2, &load(7, Sync::Acquire));
    assert!(c.ordered(early, G2) && !c.ordered(late, G2));
    c.apply(G2, &load(3, Sync::RelaxedLoad));
    c.apply(G2, &store(3, Sync::RelaxedUpdate)); // 9
    assert!(!c.ordered(late, G2), "a relaxed update learns nothing before a fence");
    c.keep_stores(ObjId(0), 0);
    c.apply(Gid::MAIN, &load(9, Sync::Acquire));
    assert!(c.ordered(late, Gid::MAIN), "an update continues the release sequence");
    c.apply(G2, &store(9, Sync::RelaxedStore)); // 10
    c.apply(G2, &load(10, Sync::Acquire));
    assert!(!c.ordered(late, G2), "a store ends it");
    c.apply(G2, &load(9, Sync::Acquire));
    assert!(c.ordered(late, G2), "the one before is still there");
}

#[test]
fn join_learns_everything() {
    let mut c = two();
    let last = c.epoch(G1);
    c.join(Gid::MAIN, G1);
    assert!(c.ordered(last, Gid::MAIN));
    assert!(!c.ordered(c.epoch(G2), Gid::MAIN));
}

#[test]
fn a_clock_is_empty_until_it_knows_something() {
    let mut clock = VectorClock::default();
    assert!(clock.is_empty());
    clock.raise(Gid(LOW as u32 + 2), 1);
    assert!(!clock.is_empty());
    clock.clear();
    assert!(clock.is_empty());
}

#[test]
fn who_has_ended_forgets_what_is_long_and_nothing_else() {
    const SHORT: u32 = LOW as u32 + 255;
    let mut clocks = Clocks::default();
    clocks.reset();
    for g in 1..=SHORT + 1 {
        clocks.spawn(Gid::MAIN, Gid(g));
    }
    clocks.join(Gid(1), Gid(SHORT));
    clocks.join(Gid(2), Gid(SHORT + 1));
    for g in [1, 2] {
        let unpark = [Access::of_goroutine(Gid(g), crate::access::Part::Token, Mode::Write, Sync::Release)];
        clocks.apply(Gid(g), &unpark);
        clocks.retire(Gid(g));
    }
    assert_eq!(clocks.seen(Gid(1)).get(Gid(SHORT)), 1);
    assert!(clocks.seen(Gid(2)).is_empty());
    for g in [1, 2] {
        let park = [Access::of_goroutine(Gid(g), crate::access::Part::Token, Mode::Write, Sync::Acquire)];
        clocks.apply(Gid(3), &park);
    }
    assert_eq!(clocks.seen(Gid(3)).get(Gid(SHORT + 1)), 0, "nor is there a token of it");
    assert_eq!(clocks.seen(Gid(3)).get(Gid(SHORT)), 1);
}

#[test]
fn kept_stores_are_those_of_one_execution() {
    let mut clocks = two();
    let part = crate::access::Part::Store;
    clocks.apply(Gid(1), &whole(Sync::Publish));
    clocks.reset();
    clocks.spawn(Gid::MAIN, Gid(1));
    clocks.apply(Gid(1), &[Access::new(ObjId(0), part, 0, Mode::Write, Sync::Keep)]);
    clocks.reset();
    clocks.spawn(Gid::MAIN, Gid(1));
    clocks.apply(Gid::MAIN, &whole(Sync::Publish));
    clocks.apply(Gid(1), &[Access::new(ObjId(0), part, 0, Mode::Read, Sync::Acquire)]);
    assert_eq!(clocks.seen(Gid(1)).get(Gid::MAIN), 2, "the newest store is what is read");
}
