//! Where goroutines spend processor time: Go's CPU profile.
//!
//! Invariant: while no profile is taken, nothing of this runs and no timer exists.

use super::pprof::{Builder, Kind};
use crate::port::wait::cpu_samples::{PERIOD, Refusal, Sampler};
use crate::port::wait::sleep_until;
use crate::port::wait::{clock, is_goroutine};
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

const SAMPLES: Kind = Kind { name: "samples", unit: "count" };
const CPU: Kind = Kind { name: "cpu", unit: "nanoseconds" };

/// Why no CPU profile was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CpuProfileError {
    /// One is being taken.
    AlreadyRunning,
    /// Something else in the process handles `SIGPROF`.
    SignalTaken,
    /// The system has no timers of threads, or gave none: Linux on x86-64 and AArch64 has.
    Unsupported,
}

impl fmt::Display for CpuProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CpuProfileError::AlreadyRunning => "a CPU profile is being taken already; there is one at a time",
            CpuProfileError::SignalTaken => {
                "something else in this process handles SIGPROF, which the CPU profile needs"
            }
            CpuProfileError::Unsupported => "CPU profiles need timers of threads: Linux on x86-64 or AArch64",
        })
    }
}

impl std::error::Error for CpuProfileError {}

/// A CPU profile that is being taken; given by [`start_cpu_profile`].
#[must_use = "the profile ends when this is dropped"]
pub struct CpuProfile {
    sampler: Sampler,
    since: Instant,
}

/// Begin to take a CPU profile: Go's `pprof.StartCPUProfile`.
///
/// A hundred times in a second of processor time of each thread that runs goroutines its stack is noted. Samples are
/// labelled with the goroutine's name (`goroutine`) and the place it was started at (`created`), so
/// `go tool pprof -tagfocus` and `-tags` tell goroutines apart. Costs some microseconds a sample.
///
/// # Errors
/// If one is being taken, something else handles `SIGPROF`, or the system has no timers of threads.
///
/// # Examples
/// ```standalone_crate
/// # if cfg!(not(target_os = "linux")) { return }
/// let profile = selvedge::debug::start_cpu_profile().unwrap();
/// selvedge::go_named("adder", || (0..100_000_u64).sum::<u64>()).join().unwrap();
/// let file = profile.stop();
/// assert_eq!(file[..2], [0x1f, 0x8b]); // gzip
/// // std::fs::write("cpu.pb.gz", file)?; then: go tool pprof -top cpu.pb.gz
/// ```
#[doc(alias = "StartCPUProfile")]
pub fn start_cpu_profile() -> Result<CpuProfile, CpuProfileError> {
    let refused = |refusal| match refusal {
        Refusal::Runs => CpuProfileError::AlreadyRunning,
        Refusal::SignalTaken => CpuProfileError::SignalTaken,
        Refusal::System => CpuProfileError::Unsupported,
    };
    Ok(CpuProfile { sampler: Sampler::start().map_err(refused)?, since: Instant::now() })
}

/// Take a CPU profile for so long; the caller waits meanwhile. What a program serves under
/// `/debug/pprof/profile`, as Go's `net/http/pprof` does.
///
/// # Errors
/// As [`start_cpu_profile`].
#[track_caller]
pub fn cpu_profile(duration: Duration) -> Result<Vec<u8>, CpuProfileError> {
    let profile = start_cpu_profile()?;
    if is_goroutine() {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        sleep_until(clock::now().saturating_add(nanos), Location::caller());
    } else {
        std::thread::sleep(duration);
    }
    Ok(profile.stop())
}

impl CpuProfile {
    /// The end; gives the profile, in pprof's format.
    #[doc(alias = "StopCPUProfile")]
    pub fn stop(self) -> Vec<u8> {
        let took = self.since.elapsed();
        let samples = self.sampler.finish();
        let mut builder = Builder::new(&[SAMPLES, CPU], Some((CPU, PERIOD)));
        builder.duration(took.as_nanos() as u64);
        if samples.lost > 0 {
            builder.comment(&format!("{} samples were lost: there was no room", samples.lost));
        }
        for (place, count) in samples.places {
            let frames = builder.all_frames(&place.trace);
            let created = place.created.map(|(file, line)| format!("{file}:{line}"));
            let name = place.name.as_deref().map(|name| ("goroutine", name));
            let created = created.as_deref().map(|created| ("created", created));
            let labels: Vec<(&str, &str)> = name.into_iter().chain(created).collect();
            builder.sample(&frames, &[count, count * PERIOD], &labels);
        }
        builder.finish()
    }
}

impl fmt::Debug for CpuProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuProfile").field("since", &self.since).finish_non_exhaustive()
    }
}
