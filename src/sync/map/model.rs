//! The map as a model sees it: every operation visible, the order always the same.
//!
//! Each key that was ever asked for has a place, with an atomic that stands for it in the engine's
//! world: a read of the key is a load of the atomic, a write an update. So a write happens before a
//! read that observes it, and writes of other keys order nothing. A second atomic stands for the
//! list of the keys. Invariants: the table changes only right after the operation that allows it;
//! places are never removed, so the order is that of first insertion; user code (`Clone`, `Drop`,
//! `PartialEq` of values) never runs under the table's lock.

use crate::objects::atomic::AtomicState;
use crate::objects::{Int, Op, State, Update};
use crate::port::{self, Home};
use selvedge_checkers::ids::{ObjId, SiteRef};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Place<K, V> {
    home: Home,
    key: K,
    value: Option<Arc<V>>,
}

struct Table<K, V> {
    /// In the order they were first asked for.
    places: Vec<Place<K, V>>,
    /// The places whose keys were ever stored, in the order of that.
    listed: Vec<usize>,
}

/// The entries of a map in a model.
pub(super) struct Entries<K, V> {
    keys: Home,
    table: Mutex<Table<K, V>>,
}

fn atomic(site: SiteRef) -> Home {
    Home::new(State::Atomic(AtomicState::default()), site)
}

fn look(atomic: ObjId, site: SiteRef) {
    port::with(|engine| engine.op(Op::Load { atomic, order: Ordering::SeqCst }, site));
}

fn touch(atomic: ObjId, site: SiteRef) {
    let int = Int { bits: 64, signed: false };
    let (update, order) = (Update::Add, Ordering::SeqCst);
    port::with(|engine| engine.op(Op::Update { atomic, update, int, operand: 1, order }, site));
}

impl<K: Eq + Clone, V> Entries<K, V> {
    pub(super) fn new(site: SiteRef) -> Entries<K, V> {
        let table = Table { places: Vec::new(), listed: Vec::new() };
        Entries { keys: atomic(site), table: Mutex::new(table) }
    }

    fn table(&self) -> MutexGuard<'_, Table<K, V>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a key, made if there is none yet.
    fn place(&self, key: &K, site: SiteRef) -> (usize, ObjId) {
        // Tells that the map is used in its own world.
        self.keys.id();
        let places = &mut self.table().places;
        let index = places.iter().position(|place| place.key == *key).unwrap_or_else(|| {
            places.push(Place { home: atomic(site), key: key.clone(), value: None });
            places.len() - 1
        });
        (index, places[index].home.id())
    }

    /// Read what is under a key.
    pub(super) fn load(&self, key: &K, site: SiteRef) -> Option<Arc<V>> {
        let (index, id) = self.place(key, site);
        look(id, site);
        self.table().places[index].value.clone()
    }

    /// Replace what is under a key by what `change` makes of it, if it makes something of it; give
    /// what was there. `change` runs outside of the lock and must not operate on anything.
    pub(super) fn change(
        &self,
        key: &K,
        site: SiteRef,
        change: impl FnOnce(Option<&V>) -> Option<Option<Arc<V>>>,
    ) -> Option<Arc<V>> {
        let (index, id) = self.place(key, site);
        touch(id, site);
        let before = self.table().places[index].value.clone();
        if let Some(now) = change(before.as_deref()) {
            let (replaced, unlisted) = {
                let mut table = self.table();
                let unlisted = now.is_some() && !table.listed.contains(&index);
                (std::mem::replace(&mut table.places[index].value, now), unlisted)
            };
            drop(replaced);
            if unlisted {
                touch(self.keys.id(), site);
                let mut table = self.table();
                if !table.listed.contains(&index) {
                    table.listed.push(index);
                }
            }
        }
        before
    }

    /// The keys that were ever stored, in the order of their first store.
    pub(super) fn keys(&self, site: SiteRef) -> Vec<K> {
        look(self.keys.id(), site);
        let table = self.table();
        table.listed.iter().map(|&index| table.places[index].key.clone()).collect()
    }
}
