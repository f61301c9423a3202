//! Whether everybody waits for everybody: Go's "all goroutines are asleep - deadlock!".
//!
//! Decided by the monitor when no processor has been held for a while. It is certain exactly if
//! nothing can ever make anything ready again: no timer, no goroutine that runs or waits for a socket, and no thread of the
//! process that is not ours (it may hold a channel's end, or a handle). Threads of ours are those of
//! the runtime and those that wait in one of our primitives without a deadline.
//!
//! Does not detect: deadlocks of some goroutines while others live; any while a foreign thread
//! exists, such as a test harness's.

use super::clock::NEVER;
use super::{fatal, g, host, idle, m, p, timers, wait};

/// End the program if nothing can happen any more.
pub(super) fn check() {
    if host::is_gone() && p::live() == 0 {
        fatal::nobody_left();
    }
    let ours = m::count() + 1 + wait::blocked_threads();
    let somebody_waits = p::live() != 0 || wait::blocked_threads() != 0;
    if somebody_waits
        && !somebody_waits_for_io()
        && threads_of_process() == Some(ours)
        && timers::earliest() == NEVER
        && idle::is_all_quiet()
    {
        // Who blocks counts itself after it was released: look again at what was counted.
        std::thread::sleep(std::time::Duration::from_millis(10));
        let still = m::count() + 1 + wait::blocked_threads() == ours;
        if still && threads_of_process() == Some(ours) && timers::earliest() == NEVER && idle::is_all_quiet()
        {
            fatal::all_asleep();
        }
    }
}

/// Whether a goroutine waits for a socket, which the world may make ready.
fn somebody_waits_for_io() -> bool {
    let mut found = false;
    g::each(|g| found |= g.waits_for_io());
    found
}

/// How many threads this process has, where the system says.
fn threads_of_process() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}
