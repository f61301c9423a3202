//! What bounds an execution. Every limit is looked at on every step.

use super::repair::Change;
use crate::objects::Budget;

/// The bounds of one execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Steps; beyond them the execution is cut and examined for a livelock.
    pub(crate) steps: u32,
    /// Waits that may end, and weak exchanges that may fail, without a cause: for each goroutine.
    pub(crate) spurious: u32,
    /// Whether loads may read old stores, as C11 has it; otherwise memory is sequentially consistent.
    pub(crate) weak: bool,
    /// Deadlines of a goroutine, and timers that it started, that may come while goroutines could go on.
    pub(crate) early_timers: u32,
    /// Timers that fire after main has returned before what is left counts as living on timers.
    pub(crate) fires_after_main: u32,
    /// Steps that others get after some goroutines turned out to wait for ever.
    pub(crate) after_doom: u32,
    /// Goroutines.
    pub(crate) goroutines: usize,
    /// Bytes of stack a goroutine gets.
    pub(crate) stack: usize,
    /// What the engine does otherwise than the program says, to find out whether it would help.
    pub(crate) change: Option<Change>,
    /// Rounds that every loop is gone before its goroutine is set aside, where the strategy is not told everything.
    #[cfg(test)]
    pub(crate) rounds: u8,
}

impl Limits {
    /// How many rounds of a loop are gone whatever it says.
    #[inline]
    pub(super) fn patience(&self) -> u8 {
        #[cfg(test)]
        return self.rounds;
        #[cfg(not(test))]
        0
    }

    /// What may happen to each goroutine without a cause.
    pub(crate) fn budget(&self) -> Budget {
        Budget { spurious: self.spurious, early: self.early_timers }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 100_000,
            spurious: 1,
            weak: true,
            early_timers: 0,
            fires_after_main: 200,
            after_doom: 5_000,
            goroutines: 20_000,
            stack: 256 << 10,
            change: None,
            #[cfg(test)]
            rounds: 0,
        }
    }
}
