//! How long the kernel lets a thread of ours run before others get their turn, where it may be told.
//!
//! A thread that was woken, because a timer is due or a socket ready, comes the sooner to run among threads that
//! compute, the shorter the slice is that it asks for: Linux runs whose slice would end first, and breaks into a longer
//! one for that. With the kernel's own slice of some milliseconds, a sleeper behind 32 goroutines that compute is
//! late by as much. A thread gets no more and no less of a processor for it. Invariant: nothing else of a thread
//! is changed, neither its policy nor its niceness.
//!
//! Needs Linux 6.12, whose predecessors take no notice of it; elsewhere it does nothing. What a goroutine starts (a
//! thread of std's, a process) inherits it.
//!
//! Source: Linux's `sched_setattr(2)` and `Documentation/scheduler/sched-eevdf.rst`.

/// The shortest that the kernel takes, in nanoseconds.
#[cfg(target_os = "linux")]
const SLICE: u64 = 100_000;

/// From now on this thread's slices are short.
pub(super) fn shorten() {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: all zeroes is a valid `sched_attr`, which the first call fills and the second reads, of the size
    // that they are told; 0 is the calling thread, and the flags.
    unsafe {
        let mut attributes: libc::sched_attr = std::mem::zeroed();
        let size = size_of::<libc::sched_attr>();
        let known = libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) == 0;
        let policy = attributes.sched_policy as libc::c_int;
        if known && (policy == libc::SCHED_OTHER || policy == libc::SCHED_BATCH) {
            attributes.sched_runtime = SLICE;
            // Whether it is heard or not, everything works.
            libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0);
        }
    }
}
