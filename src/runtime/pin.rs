//! Threads that stay on one processor of the machine.
//!
//! Invariant: a thread is only ever put where the process may run. Threads are numbered as they start and go
//! round the processors, so with as many as `GOMAXPROCS`, which is the rule, each has its own. Elsewhere than
//! on Linux nothing happens.

/// Put this thread, the `nth` that runs goroutines, where it is to stay.
#[cfg(target_os = "linux")]
pub(super) fn pin(nth: usize) {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: all zeroes is an empty set; the calls read and write that set only, and the processors that are
    // asked for and added are below its size.
    unsafe {
        let mut may: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size, &raw mut may) != 0 {
            return;
        }
        let all = 0..libc::CPU_SETSIZE as usize;
        let allowed: Vec<usize> = all.filter(|&cpu| libc::CPU_ISSET(cpu, &may)).collect();
        let Some(&cpu) = allowed.get(nth % allowed.len().max(1)) else { return };
        let mut only: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut only);
        libc::sched_setaffinity(0, size, &raw const only);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pin(_nth: usize) {}
