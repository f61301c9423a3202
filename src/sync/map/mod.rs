//! Concurrent maps: Go's `sync.Map`.
//!
//! Outside of a model this is a sharded hash map. In a model every operation is a decision, and the
//! order of iteration is that of first insertion. Invariants: an operation on one key is atomic; an
//! operation on all of them is a row of operations on single keys, no snapshot; a write happens
//! before a read that observes it. A map belongs to the world it was made in.
//!
//! Source: Go's package `sync`.

mod model;

use crate::port;
use dashmap::{DashMap, Entry};
use model::Entries;
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::hash::Hash;
use std::panic::Location;
use std::sync::Arc;

/// A map that many goroutines may use at once. Values are shared, so reading one copies nothing but
/// a pointer inside; what is given out is a clone.
///
/// # Examples
/// ```
/// use selvedge::sync::Map;
/// let map = Map::new();
/// map.store("a", 1);
/// assert_eq!(map.load(&"a"), Some(1));
/// assert_eq!(map.load_or_store("a", 2), (1, true));
/// assert!(map.compare_and_swap(&"a", &1, 3));
/// assert_eq!(map.load_and_delete(&"a"), Some(3));
/// assert!(map.is_empty());
/// ```
pub struct Map<K, V>(Store<K, V>);

enum Store<K, V> {
    Plain(DashMap<K, Arc<V>>),
    Model(Entries<K, V>),
}

fn value<V: Clone>(shared: Arc<V>) -> V {
    Arc::try_unwrap(shared).unwrap_or_else(|shared| V::clone(&shared))
}

impl<K: Eq + Hash + Clone, V: Clone> Map<K, V> {
    /// An empty map.
    #[track_caller]
    pub fn new() -> Map<K, V> {
        Map(match port::model() {
            Some(_) => Store::Model(Entries::new(Location::caller())),
            None => Store::Plain(DashMap::new()),
        })
    }

    /// The entries of this thread's world.
    ///
    /// # Panics
    /// If the map was made outside of the model and is used inside.
    fn plain(&self) -> Result<&DashMap<K, Arc<V>>, &Entries<K, V>> {
        match &self.0 {
            Store::Model(entries) => Err(entries),
            Store::Plain(map) => {
                assert!(
                    port::model().is_none(),
                    "selvedge: a sync::Map was made outside of the model and is used inside; create it in \
                     the test itself, so that every execution starts afresh"
                );
                Ok(map)
            }
        }
    }

    /// What is under `key`.
    #[doc(alias = "Load")]
    #[track_caller]
    pub fn load(&self, key: &K) -> Option<V> {
        self.load_shared(key, Location::caller()).map(value)
    }

    fn load_shared(&self, key: &K, site: SiteRef) -> Option<Arc<V>> {
        match self.plain() {
            Ok(map) => map.get(key).map(|entry| Arc::clone(entry.value())),
            Err(entries) => entries.load(key, site),
        }
    }

    /// Whether there is something under `key`.
    #[track_caller]
    pub fn contains_key(&self, key: &K) -> bool {
        self.load_shared(key, Location::caller()).is_some()
    }

    /// Put `value` under `key`.
    #[doc(alias = "Store")]
    #[track_caller]
    pub fn store(&self, key: K, value: V) {
        drop(self.swap(key, value));
    }

    /// Put `value` under `key` and give what was there.
    #[doc(alias = "Swap")]
    #[track_caller]
    pub fn swap(&self, key: K, new: V) -> Option<V> {
        let before = match self.plain() {
            Ok(map) => map.insert(key, Arc::new(new)),
            Err(entries) => entries.change(&key, Location::caller(), |_| Some(Some(Arc::new(new)))),
        };
        before.map(value)
    }

    /// What is under `key`, and true; or, if nothing is, `new`, which is then put there, and false.
    #[doc(alias = "LoadOrStore")]
    #[track_caller]
    pub fn load_or_store(&self, key: K, new: V) -> (V, bool) {
        let new = Arc::new(new);
        let before = match self.plain() {
            Ok(map) => match map.entry(key) {
                Entry::Occupied(entry) => Some(Arc::clone(entry.get())),
                Entry::Vacant(entry) => {
                    entry.insert(Arc::clone(&new));
                    None
                }
            },
            Err(entries) => entries
                .change(&key, Location::caller(), |before| before.is_none().then(|| Some(Arc::clone(&new)))),
        };
        match before {
            Some(there) => (value(there), true),
            None => (value(new), false),
        }
    }

    /// Take what is under `key`.
    #[doc(alias = "LoadAndDelete")]
    #[track_caller]
    pub fn load_and_delete(&self, key: &K) -> Option<V> {
        let before = match self.plain() {
            Ok(map) => map.remove(key).map(|(_, there)| there),
            Err(entries) => {
                entries.change(key, Location::caller(), |before| before.is_some().then_some(None))
            }
        };
        before.map(value)
    }

    /// Remove what is under `key`.
    #[doc(alias = "Delete")]
    #[track_caller]
    pub fn delete(&self, key: &K) {
        drop(self.load_and_delete(key));
    }

    /// Put `new` under `key` if `old` is there; true if it was.
    #[doc(alias = "CompareAndSwap")]
    #[track_caller]
    pub fn compare_and_swap(&self, key: &K, old: &V, new: V) -> bool
    where
        V: PartialEq,
    {
        self.replace_if(key, old, Some(Arc::new(new)), Location::caller())
    }

    /// Remove what is under `key` if it is `old`; true if it was.
    #[doc(alias = "CompareAndDelete")]
    #[track_caller]
    pub fn compare_and_delete(&self, key: &K, old: &V) -> bool
    where
        V: PartialEq,
    {
        self.replace_if(key, old, None, Location::caller())
    }

    fn replace_if(&self, key: &K, old: &V, new: Option<Arc<V>>, site: SiteRef) -> bool
    where
        V: PartialEq,
    {
        match self.plain() {
            Ok(map) => match (map.entry(key.clone()), new) {
                (Entry::Occupied(mut entry), Some(new)) if **entry.get() == *old => {
                    entry.insert(new);
                    true
                }
                (Entry::Occupied(entry), None) if **entry.get() == *old => {
                    entry.remove();
                    true
                }
                _ => false,
            },
            Err(entries) => {
                let before = entries.change(key, site, |before| (before == Some(old)).then_some(new));
                before.is_some_and(|before| *before == *old)
            }
        }
    }

    /// Call `f` with each entry, until it gives false. It may use the map; entries that come or go
    /// meanwhile may or may not be seen.
    #[doc(alias = "Range")]
    #[track_caller]
    pub fn range(&self, mut f: impl FnMut(&K, V) -> bool) {
        let site = Location::caller();
        for key in self.keys(site) {
            if let Some(there) = self.load_shared(&key, site)
                && !f(&key, value(there))
            {
                return;
            }
        }
    }

    fn keys(&self, site: SiteRef) -> Vec<K> {
        match self.plain() {
            Ok(map) => map.iter().map(|entry| entry.key().clone()).collect(),
            Err(entries) => entries.keys(site),
        }
    }

    /// Remove all entries, one by one.
    #[doc(alias = "Clear")]
    #[track_caller]
    pub fn clear(&self) {
        for key in self.keys(Location::caller()) {
            self.delete(&key);
        }
    }

    /// The number of entries: out of date as soon as it is known.
    #[track_caller]
    pub fn len(&self) -> usize {
        let site = Location::caller();
        match self.plain() {
            Ok(map) => map.len(),
            Err(entries) => entries.keys(site).iter().filter(|key| entries.load(key, site).is_some()).count(),
        }
    }

    /// Whether there is no entry.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Default for Map<K, V> {
    #[track_caller]
    fn default() -> Map<K, V> {
        Map::new()
    }
}

impl<K, V> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}
