//! Maps and pools.

use super::{Map, Pool};
use crate::cell::Plain;
use crate::go;
use crate::trial_tests::{first, panics_with, silent};
use selvedge_checkers::finding::Slug;
use std::sync::Arc;

fn map_of_one_goroutine() {
    let map = Map::new();
    assert_eq!(map.load(&1), None);
    assert_eq!(map.swap(1, "a"), None);
    assert_eq!(map.swap(1, "b"), Some("a"));
    assert_eq!(map.load_or_store(1, "c"), ("b", true));
    assert_eq!(map.load_or_store(2, "c"), ("c", false));
    assert!(!map.compare_and_swap(&2, &"b", "d") && map.compare_and_swap(&2, &"c", "d"));
    assert!(!map.compare_and_swap(&3, &"c", "d"));
    assert!(!map.compare_and_delete(&2, &"c") && map.compare_and_delete(&2, &"d"));
    map.store(3, "e");
    assert_eq!(map.len(), 2);
    let mut seen = Vec::new();
    map.range(|&key, value| {
        map.delete(&key);
        seen.push((key, value));
        true
    });
    seen.sort_unstable();
    assert_eq!(seen, [(1, "b"), (3, "e")]);
    assert!(map.is_empty() && !map.contains_key(&1));
    map.store(1, "a");
    map.clear();
    assert_eq!(map.load_and_delete(&1), None);
    map.store(1, "a");
    let mut rounds = 0;
    map.range(|_, _| {
        rounds += 1;
        false
    });
    assert_eq!(rounds, 1);
}

#[test]
fn maps_are_maps() {
    map_of_one_goroutine();
    silent(map_of_one_goroutine);
}

#[test]
fn operations_of_a_map_are_atomic_and_rows_of_them_are_not() {
    silent(|| {
        let map = Arc::new(Map::new());
        let stores = |_| {
            let map = Arc::clone(&map);
            go(move || map.load_or_store("k", 1).1)
        };
        let stored: Vec<_> = (0..3).map(stores).collect();
        let already = stored.into_iter().map(|h| h.join().unwrap()).filter(|&there| there);
        assert_eq!(already.count(), 2);
    });
    assert!(panics_with("lost", || {
        let map = Arc::new(Map::new());
        let adders: Vec<_> = (0..2)
            .map(|_| {
                let map = Arc::clone(&map);
                go(move || {
                    let n = map.load(&"k").unwrap_or(0);
                    map.store("k", n + 1);
                })
            })
            .collect();
        adders.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(map.load(&"k"), Some(2), "lost");
    }));
}

/// Publishes `x` by storing `published`; reads it when `asked` is there.
fn publishes(published: u32, asked: u32) -> Option<Slug> {
    first(move || {
        let map = Arc::new(Map::new());
        map.store(2, ());
        let x = Arc::new(Plain::new(0));
        let (there, y) = (Arc::clone(&map), Arc::clone(&x));
        let h = go(move || {
            y.set(1);
            there.store(published, ());
        });
        if map.load(&asked).is_some() {
            x.get();
        }
        h.join().unwrap();
    })
}

#[test]
fn a_write_of_a_map_happens_before_the_read_that_observes_it_and_no_other() {
    assert_eq!(publishes(1, 1), None);
    assert_eq!(publishes(1, 2), Some(Slug::DataRace));
}

#[test]
fn pools_reuse() {
    let pool = Pool::new(|| 0);
    assert_eq!(pool.get(), 0);
    pool.put(1);
    pool.put(2);
    assert_eq!((pool.get(), pool.get(), pool.get()), (2, 1, 0));
}

#[test]
fn pools_may_drop_what_they_are_given() {
    let takes = |expected: i32| {
        panics_with("other", move || {
            let pool = Pool::new(|| 0);
            pool.put(1);
            assert_eq!(pool.get(), expected, "other");
        })
    };
    assert!(takes(0) && takes(1));
}

#[test]
fn putting_an_item_happens_before_getting_it() {
    silent(|| {
        let pool = Arc::new(Pool::new(|| Arc::new(Plain::new(0))));
        let users: Vec<_> = (0..2)
            .map(|_| {
                let pool = Arc::clone(&pool);
                go(move || {
                    let item = pool.get();
                    item.set(item.get() + 1);
                    pool.put(item);
                })
            })
            .collect();
        users.into_iter().for_each(|h| h.join().unwrap());
    });
    assert_eq!(
        first(|| {
            let pool = Arc::new(Pool::new(|| Arc::new(Plain::new(0))));
            let item = pool.get();
            pool.put(Arc::clone(&item));
            let other = Arc::clone(&pool);
            let h = go(move || other.get().set(1));
            item.set(2);
            h.join().unwrap();
        }),
        Some(Slug::DataRace),
        "used after it was put back"
    );
}
