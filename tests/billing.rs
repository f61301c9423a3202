//! The README's first bug: `main` waits, with the ledger locked, for somebody who needs the ledger.

use selvedge::sync::{Arc, Mutex, WaitGroup};

#[selvedge::test]
#[ignore = "fails: its report is in the README"]
fn orders_are_billed() {
    let ledger = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for order in 1..=2 {
        let ledger = Arc::clone(&ledger);
        wg.go(move || *ledger.lock().unwrap() += order);
    }
    let total = ledger.lock().unwrap();
    wg.wait();
    assert_eq!(*total, 3);
}

#[path = "billing/as_in_readme.rs"]
mod as_in_readme;
