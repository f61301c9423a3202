//! Notices a worker that makes no step any more, and says where it is.
//!
//! A goroutine that loops without a visible operation, or blocks on something the engine does not
//! control (a std lock, a socket), keeps its worker's thread for ever. The watchdog sees that the
//! worker's counter stands still, interrupts the thread with a signal whose handler writes down the
//! return addresses of the stack and never returns, and turns them into a place in user code. The
//! thread is lost to the process, asleep in the handler; everything else goes on.
//!
//! Does not detect: a goroutine that is merely slow for less than the watchdog's patience.

use super::budget::Budget;
use super::interrupt::{self, Stopped};
use crate::model::Pulse;
use selvedge_checkers::finding::{Evidence, Finding, Side, Slug};
use selvedge_checkers::ids::Gid;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A worker's sign of life.
#[derive(Default)]
pub(crate) struct Beat {
    pulse: Arc<Pulse>,
    /// Held while the thread is stopped, so that it cannot end in the meantime.
    running: Mutex<bool>,
    thread: OnceLock<interrupt::Thread>,
}

impl Beat {
    /// What the worker shows of itself.
    pub(crate) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// The worker runs, on this thread.
    pub(crate) fn begin(&self) {
        *self.running() = true;
        let _ = self.thread.set(interrupt::Thread::current());
    }

    /// The worker is done.
    pub(crate) fn end(&self) {
        *self.running() = false;
    }

    fn is_over(&self) -> bool {
        self.thread.get().is_some() && !*self.running()
    }

    fn running(&self) -> MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the workers of one exploration.
pub(crate) struct Watchdog {
    limit: Duration,
    /// Each worker's counter when it was last seen to move, and the time it has stood still.
    watched: Vec<(Arc<Beat>, u64, Budget)>,
}

impl Watchdog {
    pub(crate) fn new(limit: Duration) -> Watchdog {
        Watchdog { limit, watched: Vec::new() }
    }

    pub(crate) fn watch(&mut self, beat: Arc<Beat>) {
        self.watched.push((beat, 0, Budget::start(Some(self.limit))));
    }

    /// How long to wait before the next look.
    pub(crate) fn patience(&self) -> Duration {
        (self.limit / 4).clamp(Duration::from_millis(1), Duration::from_millis(250))
    }

    /// A worker that made no step for too long, interrupted, described and watched no more.
    pub(crate) fn look(&mut self) -> Option<Finding> {
        self.watched.retain(|(beat, ..)| !beat.is_over());
        for i in 0..self.watched.len() {
            let (beat, seen, still) = &mut self.watched[i];
            let steps = beat.pulse.steps();
            let running = beat.running();
            let works = *running && beat.pulse.running() != Gid::CLOCK;
            if steps != *seen || !works {
                *seen = steps;
                still.restart();
            } else if still.is_used_up() {
                let Stopped { site, op } = beat.thread.get().map(interrupt::Thread::stop).unwrap_or_default();
                // The thread stands still: whose code it runs does not change any more.
                let side = Side { g: beat.pulse.running(), op, site, step: 0 };
                drop(running);
                self.watched.swap_remove(i);
                return Some(Finding {
                    slug: Slug::Stuck,
                    evidence: Evidence::Single { side, object: None },
                });
            }
        }
        None
    }
}
