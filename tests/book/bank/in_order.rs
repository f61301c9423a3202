//! Both transfers take the lock of the first account first.

use super::{Arc, Mutex, go};

fn transfer(first: &Mutex<i64>, second: &Mutex<i64>, amount: i64) {
    let mut first = first.lock().unwrap();
    let mut second = second.lock().unwrap();
    *first -= amount;
    *second += amount;
}

#[selvedge::test]
#[ignore = "run for what it prints"]
fn money_is_kept() {
    let (mine, yours) = (Arc::new(Mutex::new(100)), Arc::new(Mutex::new(100)));
    let (first, second) = (Arc::clone(&mine), Arc::clone(&yours));
    let there = go(move || transfer(&first, &second, 10));
    transfer(&mine, &yours, -20);
    there.join().unwrap();
    assert_eq!(*mine.lock().unwrap() + *yours.lock().unwrap(), 200);
}
