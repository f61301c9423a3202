//! What a search is limited to, besides its budget: how far its executions are from the schedules of a scheduler
//! that interrupts nobody.
//!
//! - A *preemption* is a switch away from a goroutine that could have gone on (Musuvathi and Qadeer, PLDI 2007). Where
//!   nobody is interrupted, who goes next is free.
//! - A *delay* (Emmi, Qadeer and Rakamarić, POPL 2011) is a goroutine that a deterministic scheduler is made to pass
//!   over. The scheduler lets each goroutine go on for as long as it can, and then the next that can by id, round
//!   and round. So few delays leave far fewer executions than as few preemptions, however many goroutines there are.
//!
//! Invariant: each preemption passes over at least the goroutine that it interrupts, so an execution with `n` delays has
//! at most `n` preemptions. Of two bounds both hold.

use std::fmt;

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) preemptions: Option<u32>,
    pub(crate) delays: Option<u32>,
}

impl Bounds {
    /// Whether nothing is limited.
    pub(crate) fn is_none(self) -> bool {
        self == Bounds::default()
    }
}

/// As in a list of settings: each bound after a comma.
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bound, what) in [(self.preemptions, "preemptions"), (self.delays, "delays")] {
            if let Some(most) = bound {
                write!(f, ", at most {most} {what}")?;
            }
        }
        Ok(())
    }
}
