//! Whose decision came how often: the anchors of deviations.
//!
//! Invariant: [`Tally::anchor`] is different at every decision of an execution, because each decision
//! raises the count of whoever made it. The clock mostly fires without a question to the strategy;
//! its decisions are those nobody else made.

use selvedge_checkers::ids::Gid;

/// See the module.
#[derive(Default)]
pub(super) struct Tally {
    counts: Vec<u32>,
    /// Decisions of goroutines.
    taken: u32,
    /// Decisions of the clock.
    fires: u32,
    last: u32,
}

impl Tally {
    pub(super) fn clear(&mut self) {
        self.counts.clear();
        self.taken = 0;
        self.fires = 0;
        self.last = Gid::MAIN.0;
    }

    /// Decision number `step` is being made: note the clock's before it.
    pub(super) fn catch_up(&mut self, step: u32) {
        let fires = step.saturating_sub(self.taken);
        if fires > self.fires {
            self.fires = fires;
            self.last = Gid::CLOCK.0;
        }
    }

    /// The decision is for `g`.
    pub(super) fn took(&mut self, g: Gid) {
        if self.counts.len() <= g.index() {
            self.counts.resize(g.index() + 1, 0);
        }
        self.counts[g.index()] += 1;
        self.taken += 1;
        self.last = g.0;
    }

    /// How many decisions were for `g`.
    pub(super) fn count(&self, g: u32) -> u32 {
        if g == Gid::CLOCK.0 { self.fires } else { self.counts.get(g as usize).copied().unwrap_or(0) }
    }

    /// Where a switch of goroutines at this point is anchored: the goroutine that went last, and the
    /// operation it would go on with.
    pub(super) fn anchor(&self) -> (u32, u32) {
        (self.last, self.count(self.last))
    }

    /// Where the alternative of the operation being made is anchored.
    pub(super) fn operation(&self, g: Gid) -> (u32, u32) {
        let made = self.count(g.0);
        // A goroutine's own decision is counted already when its alternative is asked for.
        (g.0, if g == Gid::CLOCK { made } else { made.saturating_sub(1) })
    }
}
