//! An index from 64-bit keys to small numbers: open addressing, emptied in constant time.
//!
//! Invariant: what the index answers never depends on an address or on the order of the insertions.

/// See the module.
#[derive(Default)]
pub(super) struct Index {
    /// Key, value, and the generation it was put in.
    slots: Vec<(u64, u32, u32)>,
    generation: u32,
    len: usize,
}

impl Index {
    /// Forget every key.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.generation += 1;
        if self.generation == u32::MAX {
            self.generation = 0;
            self.slots.iter_mut().for_each(|slot| slot.2 = u32::MAX);
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.place(key)];
        (slot.2 == self.generation).then_some(slot.1)
    }

    /// The value of `key`, which is `new` if it had none.
    pub(super) fn get_or_insert(&mut self, key: u64, new: u32) -> u32 {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.place(key);
        if self.slots[at].2 != self.generation {
            self.slots[at] = (key, new, self.generation);
            self.len += 1;
        }
        self.slots[at].1
    }

    /// Where the key is, or would go.
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mix(key, 0) as usize & mask;
        while self.slots[at].2 == self.generation && self.slots[at].0 != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, 0, u32::MAX); size]);
        for (key, value, generation) in old {
            if generation == self.generation {
                let at = self.place(key);
                self.slots[at] = (key, value, generation);
            }
        }
    }
}

/// Fold `word` into `hash`.
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    let x = (hash.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^ (x >> 29)
}
