//! Tests of one-time initialisation, on plain threads and in a model.

use super::{LazyLock, Once, OnceLock, once_func, once_value};
use crate::go;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn text(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(|s| &**s))
        .unwrap()
}

fn one_runs() {
    let once = Arc::new(Once::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let start = |_| {
        let (once, runs) = (Arc::clone(&once), Arc::clone(&runs));
        go(move || {
            once.call_once(|| {
                runs.fetch_add(1, Ordering::Relaxed);
            });
            assert!(once.is_completed());
            runs.load(Ordering::Relaxed)
        })
    };
    let handles: Vec<_> = (0..3).map(start).collect();
    assert!(handles.into_iter().all(|h| h.join().unwrap() == 1));
}

fn panics_poison() {
    let once = Once::new();
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("no")))).is_err());
    assert!(!once.is_completed());
    let again = catch_unwind(AssertUnwindSafe(|| once.call_once(|| ()))).unwrap_err();
    assert_eq!(text(&*again), "Once instance has previously been poisoned");
    once.call_once_force(|state| assert!(state.is_poisoned()));
    once.call_once(|| unreachable!());
    assert!(once.is_completed());
    let fresh = Once::new();
    fresh.call_once_force(|state| assert!(!state.is_poisoned()));
}

fn cells_are_written_once() {
    let mut cell: OnceLock<String> = OnceLock::new();
    assert_eq!(cell.get(), None);
    let failed = catch_unwind(AssertUnwindSafe(|| cell.get_or_init(|| panic!("no")).len()));
    assert!(failed.is_err());
    assert_eq!(cell.set("a".to_owned()), Ok(()));
    assert_eq!(cell.set("b".to_owned()), Err("b".to_owned()));
    assert_eq!(cell.get_or_init(|| unreachable!()), "a");
    cell.get_mut().unwrap().push('!');
    assert!(cell.clone() == cell);
    assert_eq!(cell.take().as_deref(), Some("a!"));
    assert_eq!(cell.get(), None);
    assert_eq!(OnceLock::from(3).into_inner(), Some(3));
}

fn cells_wait() {
    let cell = Arc::new(OnceLock::new());
    let start = |i| {
        let cell = Arc::clone(&cell);
        go(move || *cell.get_or_init(|| i))
    };
    let handles: Vec<_> = (0..3).map(start).collect();
    let seen: Vec<i32> = handles.into_iter().map(|h| h.join().unwrap()).collect();
    assert!(seen.iter().all(|v| v == &seen[0]) && cell.get() == Some(&seen[0]), "{seen:?}");
}

fn waits_end() {
    let cell = Arc::new(OnceLock::new());
    let once = Arc::new(Once::new());
    let (c, o) = (Arc::clone(&cell), Arc::clone(&once));
    let waits = go(move || {
        o.wait_force();
        *c.wait()
    });
    let o = Arc::clone(&once);
    let hears = go(move || o.wait());
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("no")))).is_err());
    // It saw the failure: nothing else has ended its wait.
    assert!(hears.join().is_err());
    once.call_once_force(|_| ());
    assert_eq!(cell.set(4), Ok(()));
    assert_eq!(waits.join().unwrap(), 4);
    once.wait();
}

fn lazy_values() {
    let runs = AtomicUsize::new(0);
    let lazy = LazyLock::new(|| runs.fetch_add(1, Ordering::Relaxed));
    assert_eq!((*lazy, *LazyLock::force(&lazy)), (0, 0));
    let fails: LazyLock<u32> = LazyLock::new(|| panic!("first"));
    assert_eq!(text(&*catch_unwind(AssertUnwindSafe(|| *fails)).unwrap_err()), "first");
    let again = catch_unwind(AssertUnwindSafe(|| *fails)).unwrap_err();
    assert_eq!(text(&*again), "LazyLock instance has previously been poisoned");
}

fn functions_run_once() {
    let runs = AtomicUsize::new(0);
    let f = once_func(|| {
        runs.fetch_add(1, Ordering::Relaxed);
    });
    f();
    f();
    let value = once_value(|| runs.load(Ordering::Relaxed).to_string());
    assert_eq!((value(), value()), ("1".to_owned(), "1".to_owned()));
    let fails = once_func(|| panic!("every time {}", 1));
    for _ in 0..3 {
        assert_eq!(text(&*catch_unwind(AssertUnwindSafe(&fails)).unwrap_err()), "every time 1");
    }
}

const ALL: [fn(); 7] =
    [one_runs, panics_poison, cells_are_written_once, cells_wait, waits_end, lazy_values, functions_run_once];

#[test]
fn as_std_on_threads() {
    ALL.iter().for_each(|f| f());
}

#[test]
fn bounds_are_those_of_std() {
    fn both<T: Send + Sync>() {}
    both::<OnceLock<u8>>();
    both::<LazyLock<u8>>();
    static LAZY: LazyLock<Vec<u8>> = LazyLock::new(|| vec![1]);
    static CELL: OnceLock<u8> = OnceLock::new();
    assert_eq!((LAZY.len(), *CELL.get_or_init(|| 2)), (1, 2));
}

#[cfg(feature = "check")]
mod in_a_model {
    use super::{ALL, Arc, LazyLock, Once, OnceLock, go};
    use crate::cell::Plain;
    use crate::trial_tests::{clean, outcomes, slug};
    use selvedge_checkers::finding::Slug;
    use std::sync::Mutex;

    #[test]
    fn as_std_in_a_model() {
        for f in ALL {
            clean(200, f);
        }
    }

    #[test]
    fn what_the_initialiser_did_is_seen() {
        clean(300, || {
            let x = Arc::new(Plain::new(0));
            let cell = Arc::new(OnceLock::new());
            let (y, c) = (Arc::clone(&x), Arc::clone(&cell));
            let other = go(move || {
                c.get_or_init(|| y.set(1));
            });
            if cell.get().is_some() {
                assert_eq!(x.get(), 1);
            }
            other.join().unwrap();
        });
    }

    #[test]
    fn a_look_sees_it_or_not() {
        let seen = outcomes(300, || {
            let once = Arc::new(Once::new());
            let other = Arc::clone(&once);
            let h = go(move || other.call_once(|| ()));
            let seen = once.is_completed();
            h.join().unwrap();
            seen
        });
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn asking_from_inside_is_a_deadlock() {
        let found = slug(10, || {
            let once = Once::new();
            once.call_once(|| once.call_once(|| ()));
        });
        assert_eq!(found, Some(Slug::Deadlock));
    }

    #[test]
    fn statics_start_anew_and_old_values_stay_valid() {
        static CELL: OnceLock<String> = OnceLock::new();
        static LAZY: LazyLock<String> = LazyLock::new(|| "lazy".to_owned());
        static KEPT: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
        CELL.set("outside".to_owned()).unwrap();
        clean(20, || {
            assert_eq!(CELL.get(), None);
            let n = KEPT.lock().unwrap().len();
            let value = CELL.get_or_init(|| n.to_string());
            KEPT.lock().unwrap().push(value);
            assert_eq!(&**LAZY, "lazy");
        });
        let kept = KEPT.lock().unwrap();
        assert!(kept.iter().enumerate().all(|(i, v)| *v == i.to_string()), "{kept:?}");
        assert_eq!((kept.len(), CELL.get().unwrap().as_str()), (20, "outside"));
    }

    #[test]
    fn values_are_dropped_with_their_cell() {
        clean(20, || {
            let value = Arc::new(());
            let cell = OnceLock::from(Arc::clone(&value));
            assert_eq!(Arc::strong_count(&value), 2);
            drop(cell);
            assert_eq!(Arc::strong_count(&value), 1);
        });
    }
}
