//! The programs the cases run, each a test as the attribute would write it, in a package whose folder
//! the environment names.

use selvedge::harness::{Test, run_attribute};
use selvedge::sync::Arc;
use selvedge::sync::atomic::{AtomicU64, Ordering};
use selvedge::{go, runtime};

fn under_test(path: &'static str, body: fn()) {
    let package = std::env::var("PACKAGE").expect("a case says where");
    let test = Test { path, file: file!(), line: line!(), package_root: Box::leak(package.into()) };
    run_attribute(Box::leak(Box::new(test)), &[("executions", "200")], body);
}

fn update(n: u64) {
    let count = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&count);
    let other = go(move || {
        (0..n).for_each(|_| runtime::gosched());
        let seen = theirs.load(Ordering::SeqCst);
        theirs.store(seen + 1, Ordering::SeqCst);
    });
    let seen = count.load(Ordering::SeqCst);
    count.store(seen + 1, Ordering::SeqCst);
    other.join().unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2, "the bug");
}

#[test]
#[ignore = "run by a case"]
fn fails() {
    under_test("malformed::subject::fails", || update(3));
}

#[test]
#[ignore = "run by a case"]
fn passes() {
    under_test("malformed::subject::passes", || go(runtime::gosched).join().unwrap());
}

#[test]
#[ignore = "run by a case"]
fn changes() {
    under_test("malformed::subject::changes", || {
        if std::env::var_os("CHANGED").is_none() {
            update(0);
        } else {
            (0..5).for_each(|_| runtime::gosched());
        }
    });
}
