//! Two transfers that take the same two locks in opposite orders.

use selvedge::go;
use selvedge::sync::{Arc, Mutex};

fn transfer(from: &Mutex<i64>, to: &Mutex<i64>, amount: i64) {
    let mut from = from.lock().unwrap();
    let mut to = to.lock().unwrap();
    *from -= amount;
    *to += amount;
}

#[selvedge::test]
#[ignore = "fails: its report is in the book"]
fn money_is_kept() {
    let (mine, yours) = (Arc::new(Mutex::new(100)), Arc::new(Mutex::new(100)));
    let (from, to) = (Arc::clone(&mine), Arc::clone(&yours));
    let there = go(move || transfer(&from, &to, 10));
    transfer(&yours, &mine, 20);
    there.join().unwrap();
    assert_eq!(*mine.lock().unwrap() + *yours.lock().unwrap(), 200);
}

#[path = "bank/in_order.rs"]
mod in_order;
