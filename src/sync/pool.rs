//! Pools: Go's `sync.Pool`.
//!
//! Invariants: what `get` gives is nobody else's; `put` happens before the `get` that gives the same
//! item, and orders nothing else. A pool may drop anything at any time: in a model whether `get`
//! takes an item back or makes a new one is explored, as often as [`MOST_CHOICES`].

use super::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::go::choose;
use crate::port;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many times in an execution a pool asks whether it has lost an item.
const MOST_CHOICES: u32 = 8;

/// Items kept for reuse.
///
/// # Examples
/// ```
/// let pool = selvedge::sync::Pool::new(|| Vec::<u8>::with_capacity(1024));
/// let mut buffer = pool.get();
/// buffer.extend(b"hello");
/// buffer.clear();
/// pool.put(buffer);
/// ```
pub struct Pool<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    turn: AtomicU32,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    items: Vec<Item<T>>,
    choices: u32,
}

struct Item<T> {
    value: T,
    /// Carries what the goroutine that put it knew. Sequentially consistent, so that who takes the item
    /// reads what was stored last.
    handed: AtomicBool,
}

impl<T: Send> Pool<T> {
    /// An empty pool, whose items `make` makes.
    #[doc(alias = "New")]
    #[track_caller]
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Pool<T> {
        let kept = Kept { items: Vec::new(), choices: 0 };
        Pool { make: Box::new(make), turn: AtomicU32::new(0), kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item that was put back, the last one first, or a new one.
    #[doc(alias = "Get")]
    #[track_caller]
    pub fn get(&self) -> T {
        // Relaxed: the order of the steps matters here, not what the goroutines learn by them.
        self.turn.fetch_add(1, Ordering::Relaxed);
        let item = {
            let mut kept = self.kept();
            kept.items.pop()
        };
        let Some(item) = item else { return (self.make)() };
        if self.has_lost_it() {
            drop(item);
            return (self.make)();
        }
        item.handed.load(Ordering::SeqCst);
        item.value
    }

    #[track_caller]
    fn has_lost_it(&self) -> bool {
        if port::model().is_none() {
            return false;
        }
        let asks = {
            let mut kept = self.kept();
            kept.choices += 1;
            kept.choices <= MOST_CHOICES
        };
        asks && choose(2) == 1
    }

    /// Give an item back. It is not yours any more: using it afterwards is a bug.
    #[doc(alias = "Put")]
    #[track_caller]
    pub fn put(&self, value: T) {
        let item = Item { value, handed: AtomicBool::new(false) };
        item.handed.store(true, Ordering::SeqCst);
        self.turn.fetch_add(1, Ordering::Relaxed);
        self.kept().items.push(item);
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
