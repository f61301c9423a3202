//! Litmus tests: small programs whose outcomes tell memory models apart, with every outcome listed.
//!
//! Names and shapes are those of the literature (Alglave, Maranget, Tautschnig, "Herding cats", 2014;
//! Lahav et al., "Repairing sequential consistency in C/C++11", 2017). A thread's reads stand in the
//! order of the program; threads are separated by nothing.

use selvedge::cell::Plain;
use selvedge::harness::config::{MemoryModel, StrategySpec};
use selvedge::sync::atomic::{AtomicAdd, AtomicU32, Ordering, fence};
use selvedge::thread;
use selvedge::{Explorer, Slug};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::{Arc, Mutex};

type Variables = [AtomicU32; 2];
type Thread = Arc<dyn Fn(&Variables) -> Vec<u32> + Send + Sync>;

const X: usize = 0;
const Y: usize = 1;

fn thread(f: impl Fn(&Variables) -> Vec<u32> + Send + Sync + 'static) -> Thread {
    Arc::new(f)
}

/// A thread that stores 1 to one variable and then to another.
fn writes(first: usize, second: usize, orders: [Ordering; 2]) -> Thread {
    thread(move |v| {
        v[first].store(1, orders[0]);
        v[second].store(1, orders[1]);
        vec![]
    })
}

/// A thread that reads one variable and then another.
fn reads(first: usize, second: usize, orders: [Ordering; 2]) -> Thread {
    thread(move |v| vec![v[first].load(orders[0]), v[second].load(orders[1])])
}

/// A thread that stores 1 to one variable and then reads the other.
fn writes_and_reads(write: usize, read: usize, orders: [Ordering; 2]) -> Thread {
    thread(move |v| {
        v[write].store(1, orders[0]);
        vec![v[read].load(orders[1])]
    })
}

fn store(x: usize, value: u32, order: Ordering) -> Thread {
    thread(move |v| {
        v[x].store(value, order);
        vec![]
    })
}

fn explore(explorer: &Explorer, threads: &[Thread]) -> (BTreeSet<Vec<u32>>, bool) {
    let all = Arc::new(Mutex::new(BTreeSet::new()));
    let (threads, found) = (threads.to_vec(), Arc::clone(&all));
    let outcome = explorer.run(move || {
        let variables = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let start = |f: &Thread| {
            let (f, variables) = (Arc::clone(f), Arc::clone(&variables));
            thread::spawn(move || f(&variables))
        };
        let started: Vec<_> = threads.iter().map(start).collect();
        let seen = started.into_iter().flat_map(|t| t.join().unwrap()).collect::<Vec<u32>>();
        found.lock().unwrap().insert(seen);
    });
    assert!(outcome.is_clean(), "{outcome}");
    let found = std::mem::take(&mut *all.lock().unwrap());
    (found, outcome.exhausted)
}

/// The outcomes are these.
#[track_caller]
fn shows(threads: &[Thread], expected: &[&[u32]]) {
    let expected: BTreeSet<Vec<u32>> = expected.iter().map(|o| o.to_vec()).collect();
    for search in [StrategySpec::Dfs, StrategySpec::Optimal] {
        let (found, exhausted) = explore(&Explorer::new().exhaustive().strategy(search), threads);
        assert!(exhausted, "{search}");
        assert_eq!(found, expected, "{search}");
    }
}

/// The outcomes are all but these.
#[track_caller]
fn never(threads: &[Thread], reads: usize, forbidden: &[&[u32]]) {
    let all = (0..1_u32 << reads).map(|bits| (0..reads).rev().map(|i| bits >> i & 1).collect::<Vec<u32>>());
    let allowed: Vec<Vec<u32>> = all.filter(|o| !forbidden.contains(&o.as_slice())).collect();
    shows(threads, &allowed.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn store_buffering() {
    let program = |orders| [writes_and_reads(X, Y, orders), writes_and_reads(Y, X, orders)];
    never(&program([Relaxed, Relaxed]), 2, &[]);
    never(&program([Release, Acquire]), 2, &[]);
    never(&program([SeqCst, Acquire]), 2, &[]);
    never(&program([SeqCst, SeqCst]), 2, &[&[0, 0]]);
    let fenced = |order| {
        let side = |write: usize, read: usize| {
            thread(move |v| {
                v[write].store(1, Relaxed);
                fence(order);
                vec![v[read].load(Relaxed)]
            })
        };
        [side(X, Y), side(Y, X)]
    };
    never(&fenced(SeqCst), 2, &[&[0, 0]]);
    never(&fenced(AcqRel), 2, &[]);
    // One side fenced, the other sequentially consistent.
    let [side, _] = fenced(SeqCst);
    never(&[side, writes_and_reads(Y, X, [SeqCst, SeqCst])], 2, &[&[0, 0]]);
    let updates = |write: usize, read: usize| {
        thread(move |v| {
            v[write].swap(1, AcqRel);
            vec![v[read].fetch_add(0, AcqRel)]
        })
    };
    never(&[updates(X, Y), updates(Y, X)], 2, &[&[0, 0]]);
}

#[test]
fn message_passing() {
    let program = |store, load| [writes(X, Y, [Relaxed, store]), reads(Y, X, [load, Relaxed])];
    never(&program(Relaxed, Relaxed), 2, &[]);
    never(&program(Release, Relaxed), 2, &[]);
    never(&program(Relaxed, Acquire), 2, &[]);
    never(&program(Release, Acquire), 2, &[&[1, 0]]);
    never(&program(SeqCst, SeqCst), 2, &[&[1, 0]]);
    let fenced_reader = thread(|v| {
        let flag = v[Y].load(Relaxed);
        fence(Acquire);
        vec![flag, v[X].load(Relaxed)]
    });
    let fenced_writer = thread(|v| {
        v[X].store(1, Relaxed);
        fence(Release);
        v[Y].store(1, Relaxed);
        vec![]
    });
    never(&[writes(X, Y, [Relaxed, Release]), Arc::clone(&fenced_reader)], 2, &[&[1, 0]]);
    never(&[Arc::clone(&fenced_writer), reads(Y, X, [Acquire, Relaxed])], 2, &[&[1, 0]]);
    never(&[fenced_writer, fenced_reader], 2, &[&[1, 0]]);
}

#[test]
fn release_sequences() {
    let reader = || reads(Y, X, [Acquire, Relaxed]);
    let add = thread(|v| {
        v[Y].fetch_add(1, Relaxed);
        vec![]
    });
    // The update of another thread continues the sequence, a store does not.
    let program = [writes(X, Y, [Relaxed, Release]), add, reader()];
    shows(&program, &[&[0, 0], &[0, 1], &[1, 0], &[1, 1], &[2, 1]]);
    let program = [writes(X, Y, [Relaxed, Release]), store(Y, 2, Relaxed), reader()];
    shows(&program, &[&[0, 0], &[0, 1], &[1, 1], &[2, 0], &[2, 1]]);
}

#[test]
fn load_buffering_is_not_shown() {
    let side = |read: usize, write: usize| {
        thread(move |v| {
            let seen = v[read].load(Relaxed);
            v[write].store(1, Relaxed);
            vec![seen]
        })
    };
    never(&[side(X, Y), side(Y, X)], 2, &[&[1, 1]]);
}

#[test]
fn stores_in_both_orders() {
    // 2+2W: both first stores last would need a store to slip in before an older one.
    let last = |first: usize, second: usize, order| {
        thread(move |v: &Variables| {
            v[first].store(1, order);
            v[second].store(2, order);
            vec![]
        })
    };
    for order in [Relaxed, SeqCst] {
        let all = Arc::new(Mutex::new(BTreeSet::new()));
        let found = Arc::clone(&all);
        let threads = [last(X, Y, order), last(Y, X, order)];
        let outcome = Explorer::new().exhaustive().strategy(StrategySpec::Dfs).run(move || {
            let v = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
            thread::scope(|s| threads.iter().for_each(|f| drop(s.spawn(|| f(&v)))));
            found.lock().unwrap().insert((v[X].load(SeqCst), v[Y].load(SeqCst)));
        });
        assert!(outcome.exhausted);
        assert_eq!(*all.lock().unwrap(), BTreeSet::from([(1, 2), (2, 1), (2, 2)]));
    }
}

#[test]
fn independent_reads_of_independent_writes() {
    let program = |write, load| {
        let reader = |a, b| reads(a, b, [load, load]);
        [store(X, 1, write), store(Y, 1, write), reader(X, Y), reader(Y, X)]
    };
    never(&program(Relaxed, Relaxed), 4, &[]);
    never(&program(Release, Acquire), 4, &[]);
    never(&program(SeqCst, SeqCst), 4, &[&[1, 0, 1, 0]]);
    let fenced = |a: usize, b: usize| {
        thread(move |v| {
            let first = v[a].load(Relaxed);
            fence(SeqCst);
            vec![first, v[b].load(Relaxed)]
        })
    };
    let program = [store(X, 1, Relaxed), store(Y, 1, Relaxed), fenced(X, Y), fenced(Y, X)];
    never(&program, 4, &[&[1, 0, 1, 0]]);
}

#[test]
fn write_to_read_causality() {
    let program = |store_, load| {
        let between = thread(move |v| {
            let seen = v[X].load(load);
            v[Y].store(1, store_);
            vec![seen]
        });
        [store(X, 1, store_), between, reads(Y, X, [load, Relaxed])]
    };
    never(&program(Relaxed, Relaxed), 3, &[]);
    never(&program(Release, Acquire), 3, &[&[1, 1, 0]]);
}

#[test]
fn coherence_of_reads() {
    // CoRR: who has read a store does not read an older one.
    never(&[store(X, 1, Relaxed), reads(X, X, [Relaxed, Relaxed])], 2, &[&[1, 0]]);
    // CoRR2: two readers agree on the order of two stores.
    let reader = || reads(X, X, [Relaxed, Relaxed]);
    let program = [store(X, 1, Relaxed), store(X, 2, Relaxed), reader(), reader()];
    let (found, exhausted) = explore(&Explorer::new().exhaustive().strategy(StrategySpec::Dfs), &program);
    let disagree = |o: &Vec<u32>| *o == [1, 2, 2, 1] || *o == [2, 1, 1, 2];
    assert!(exhausted && !found.iter().any(disagree), "{found:?}");
    // Of 9 times 9 pairs: nobody goes back to 0, and not both orders are seen.
    assert_eq!(found.len(), 7 * 7 - 2);
    // What was read before a release is read after the acquire, also if more was read in between.
    let [two, first] = [
        thread(|v| {
            v[X].store(1, Relaxed);
            v[X].store(2, Relaxed);
            vec![]
        }),
        thread(|v| {
            let before = v[X].load(Relaxed);
            v[Y].store(1, Release);
            vec![before, v[X].load(Relaxed)]
        }),
    ];
    let (found, exhausted) = explore(
        &Explorer::new().exhaustive().strategy(StrategySpec::Dfs),
        &[two, first, reads(Y, X, [Acquire, Relaxed])],
    );
    assert!(exhausted && found.iter().all(|o| o[2] == 0 || o[3] >= o[0]), "{found:?}");
    assert!(found.contains(&vec![1, 2, 1, 1]) && found.contains(&vec![0, 2, 1, 0]));
}

#[test]
fn causality_through_two_variables() {
    // ISA2, with a third variable made of the second one's next value.
    let program = |write, load| {
        let between = thread(move |v| {
            if v[Y].load(load) != 1 {
                return vec![];
            }
            v[Y].store(2, write);
            vec![]
        });
        let last = thread(move |v| if v[Y].load(load) == 2 { vec![v[X].load(Relaxed)] } else { vec![] });
        [writes(X, Y, [Relaxed, write]), between, last]
    };
    shows(&program(Relaxed, Relaxed), &[&[], &[0], &[1]]);
    shows(&program(Release, Acquire), &[&[], &[1]]);
}

#[test]
fn a_failed_exchange_reads_old_stores() {
    let program = |failure| {
        let exchange = thread(move |v| {
            let (Ok(seen) | Err(seen)) = v[X].compare_exchange(1, 3, AcqRel, failure);
            vec![seen]
        });
        let stores = thread(|v| {
            v[X].store(1, SeqCst);
            v[X].store(2, SeqCst);
            v[Y].store(1, SeqCst);
            vec![]
        });
        let after = thread(move |v: &Variables| {
            let ready = v[Y].load(Relaxed);
            let mut all = exchange(v);
            all.insert(0, ready);
            all
        });
        [stores, after]
    };
    shows(&program(Relaxed), &[&[0, 0], &[0, 1], &[0, 2], &[1, 0], &[1, 2]]);
    shows(&program(SeqCst), &[&[0, 0], &[0, 1], &[0, 2], &[1, 2]]);
}

#[test]
fn sequentially_consistent_memory_reads_the_newest() {
    let [a, b] = [writes_and_reads(X, Y, [Relaxed, Relaxed]), writes_and_reads(Y, X, [Relaxed, Relaxed])];
    let (found, exhausted) =
        explore(&Explorer::new().exhaustive().strategy(StrategySpec::Dfs).memory(MemoryModel::Sc), &[a, b]);
    assert!(exhausted);
    assert_eq!(found, BTreeSet::from([vec![0, 1], vec![1, 0], vec![1, 1]]));
}

#[test]
fn a_spinning_loop_sees_the_newest_store_some_day() {
    let body = || {
        let flag = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let theirs = Arc::clone(&flag);
        let writer = thread::spawn(move || {
            theirs.1.store(1, Relaxed);
            theirs.0.store(1, Release);
        });
        while flag.0.load(Acquire) == 0 {}
        assert_eq!(flag.1.load(Relaxed), 1);
        writer.join().unwrap();
    };
    let outcome = Explorer::new().exhaustive().strategy(StrategySpec::Dfs).run(body);
    assert!(outcome.is_clean() && outcome.exhausted, "{outcome}");
    for name in ["random", "pct:3", "pos", "surw", "mix", "round-robin"] {
        let spec = StrategySpec::parse(name).unwrap();
        let outcome = Explorer::new().strategy(spec).executions(300).run(body);
        assert!(outcome.is_clean() && outcome.truncated == 0, "{name}: {outcome}");
    }
}

#[test]
fn sampling_finds_what_only_old_stores_show() {
    let message = || {
        let v = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let theirs = Arc::clone(&v);
        let writer = thread::spawn(move || {
            theirs[X].store(1, Relaxed);
            theirs[Y].store(1, Relaxed);
        });
        if v[Y].load(Acquire) == 1 {
            assert_eq!(v[X].load(Relaxed), 1);
        }
        writer.join().unwrap();
    };
    let dekker = || {
        let v = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let theirs = Arc::clone(&v);
        let other = thread::spawn(move || {
            theirs[X].store(1, Release);
            theirs[Y].load(Acquire) == 0
        });
        v[Y].store(1, Release);
        let alone = v[X].load(Acquire) == 0;
        assert!(!(other.join().unwrap() && alone));
    };
    for (bug, body) in [("message", message as fn()), ("dekker", dekker as fn())] {
        // Not pct for the message: its profile may come from an execution without the last load.
        let strategies = ["random", "pos", "surw", "mix", "pct:2", "pct:3"];
        for name in &strategies[..if bug == "message" { 4 } else { 6 }] {
            let spec = StrategySpec::parse(name).unwrap();
            let found = |seed| {
                let outcome = Explorer::new().strategy(spec).seed(seed).executions(400).run(body);
                outcome.failing
            };
            let tries: Vec<_> = (0..10).map(found).collect();
            assert!(tries.iter().all(|&failing| failing > 0), "{bug} by {name}: {tries:?}");
        }
    }
}

/// Whether what a thread wrote before it counted is a race for who sees the count.
fn counting_races(explorer: &Explorer, order: Ordering, in_between: bool) -> bool {
    let outcome = explorer.run(move || {
        let shared = Arc::new((Plain::new(0), AtomicU32::new(0)));
        let theirs = Arc::clone(&shared);
        let writer = thread::spawn(move || {
            theirs.0.set(1);
            theirs.1.add(1, order);
        });
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            if in_between {
                theirs.1.add(2, Relaxed);
            }
        });
        let all = if in_between { 3 } else { 1 };
        if shared.1.load(Acquire) == all {
            shared.0.get();
        }
        writer.join().unwrap();
        other.join().unwrap();
    });
    outcome.findings.iter().any(|finding| finding.slug == Slug::DataRace)
}

#[test]
fn an_addition_publishes_and_continues_what_others_published() {
    for memory in [MemoryModel::Sc, MemoryModel::C11] {
        let explorer = Explorer::new().exhaustive().memory(memory);
        for in_between in [false, true] {
            assert!(!counting_races(&explorer, Release, in_between), "{memory:?} {in_between}");
            assert!(!counting_races(&explorer, SeqCst, in_between), "{memory:?} {in_between}");
            assert!(counting_races(&explorer, Relaxed, in_between), "{memory:?} {in_between}");
        }
    }
}

/// Two readers may not see two additions in different orders, and a late one may see a single one.
#[test]
fn the_order_of_additions_can_be_seen_by_who_reads_old_values() {
    let adds = |n| {
        thread(move |v: &Variables| {
            v[X].add(n, Relaxed);
            vec![]
        })
    };
    let looks = || thread(|v: &Variables| vec![v[X].load(Relaxed)]);
    let (found, exhausted) = explore(&Explorer::new().exhaustive(), &[adds(1), adds(2), looks(), looks()]);
    assert!(exhausted);
    let both: BTreeSet<Vec<u32>> = (0..=3).flat_map(|a| (0..=3).map(move |b| vec![a, b])).collect();
    let contradictory = BTreeSet::from([vec![1, 2], vec![2, 1]]);
    assert_eq!(found, both.difference(&contradictory).cloned().collect());
}

/// Every strategy that samples comes to the outcomes that only a weak memory has.
#[test]
fn sampling_finds_what_weak_memory_allows() {
    let shapes: [(&str, Vec<Thread>, Vec<u32>); 4] = [
        (
            "SB",
            vec![writes_and_reads(X, Y, [Relaxed, Relaxed]), writes_and_reads(Y, X, [Relaxed, Relaxed])],
            vec![0, 0],
        ),
        ("MP", vec![writes(X, Y, [Relaxed, Relaxed]), reads(Y, X, [Relaxed, Relaxed])], vec![1, 0]),
        (
            "IRIW",
            vec![
                store(X, 1, Relaxed),
                store(Y, 1, Relaxed),
                reads(X, Y, [Relaxed, Relaxed]),
                reads(Y, X, [Relaxed, Relaxed]),
            ],
            vec![1, 0, 1, 0],
        ),
        (
            "WRC",
            vec![
                store(X, 1, Relaxed),
                thread(|v| {
                    let x = v[X].load(Relaxed);
                    v[Y].store(x, Relaxed);
                    vec![x]
                }),
                reads(Y, X, [Relaxed, Relaxed]),
            ],
            vec![1, 1, 0],
        ),
    ];
    for strategy in
        [StrategySpec::Random, StrategySpec::Pos, StrategySpec::Pct(3), StrategySpec::Surw, StrategySpec::Mix]
    {
        for (name, threads, weak) in &shapes {
            for seed in 0..10 {
                let explorer = Explorer::new().strategy(strategy).executions(400).seed(seed);
                let (found, _) = explore(&explorer, threads);
                assert!(found.contains(weak), "{name} under {strategy:?}, seed {seed}: {found:?}");
            }
        }
    }
}
