//! Dense tables by id that are emptied in time proportional to what was used.
//!
//! Invariants: a row is empty unless it is listed as used; emptying a row keeps its memory, so
//! the millionth execution allocates nothing that the first one did not.

/// A row that can be emptied in place.
pub(crate) trait Row: Default {
    /// Back to the state of `Default`, keeping the memory.
    fn clear(&mut self);
}

/// Rows by dense index.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<(bool, T)>,
    used: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: Vec::new(), used: Vec::new() }
    }
}

impl<T: Row> Table<T> {
    /// The row, if anything was ever put there since the last reset.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.rows.get(index).filter(|(used, _)| *used).map(|(_, row)| row)
    }

    /// Like [`Table::get`], to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.rows.get_mut(index).filter(|(used, _)| *used).map(|(_, row)| row)
    }

    /// The row, made usable if it was not.
    #[inline]
    pub(crate) fn row(&mut self, index: usize) -> &mut T {
        if self.rows.len() <= index {
            self.rows.resize_with(index + 1, || (false, T::default()));
        }
        let (used, row) = &mut self.rows[index];
        if !*used {
            *used = true;
            self.used.push(u32::try_from(index).expect("ids are 32 bits wide"));
        }
        row
    }

    /// Empty one row; it stays listed, which costs nothing but its turn at the next reset.
    pub(crate) fn forget(&mut self, index: usize) {
        if let Some(row) = self.get_mut(index) {
            row.clear();
        }
    }

    /// The used rows with their indices, in order of first use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.used.iter().map(|&index| (index as usize, &self.rows[index as usize].1))
    }

    /// Empty every used row.
    pub(crate) fn reset(&mut self) {
        for index in self.used.drain(..) {
            let (used, row) = &mut self.rows[index as usize];
            *used = false;
            row.clear();
        }
    }
}
