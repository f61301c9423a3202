//! Profiles in pprof's format: `go tool pprof FILE` shows them.

use super::census;
use super::pprof::{Builder, Kind};
use crate::port::wait::blocked::{BLOCK, MUTEX, Profile};
use crate::port::wait::census::{Portrait, Question};
use crate::port::wait::dump;
use std::collections::BTreeMap;

const COUNT: Kind = Kind { name: "goroutine", unit: "count" };
const CONTENTIONS: Kind = Kind { name: "contentions", unit: "count" };
const DELAY: Kind = Kind { name: "delay", unit: "nanoseconds" };

/// Every goroutine by where it is: Go's profile `goroutine`. Each sample is labelled with its state.
///
/// # Examples
/// ```
/// let file = selvedge::debug::goroutine_profile();
/// assert_eq!(file[..2], [0x1f, 0x8b]); // gzip
/// // std::fs::write("goroutine.pb.gz", file)?; then: go tool pprof -top goroutine.pb.gz
/// ```
#[doc(alias = "pprof")]
pub fn goroutine_profile() -> Vec<u8> {
    of_goroutines(|_| true)
}

/// The goroutines that are proved to wait for ever, since nobody holds the other end of the channel or they
/// wait for each other in a circle: Go's profile `goroutineleak`.
#[doc(alias = "goroutineleak")]
pub fn leak_profile() -> Vec<u8> {
    let circle = dump::circle(&census::take(Question::default()).all);
    of_goroutines(|portrait| portrait.stranded || circle.contains(&portrait.id))
}

fn of_goroutines(which: impl Fn(&Portrait) -> bool) -> Vec<u8> {
    let census = census::take(Question::EVERYTHING);
    let mut builder = Builder::new(&[COUNT], Some((COUNT, 1)));
    let mut groups = BTreeMap::new();
    for portrait in census.all.iter().filter(|portrait| which(portrait)) {
        let frames = builder.frames(&portrait.trace);
        *groups.entry((frames, dump::state(portrait))).or_insert(0) += 1;
    }
    for ((frames, state), count) in groups {
        builder.sample(&frames, &[count], &[("state", state)]);
    }
    builder.finish()
}

/// Where goroutines waited, and for how long in all, since [`set_block_profile_rate`]: Go's profile `block`.
/// Empty if that was not called.
pub fn block_profile() -> Vec<u8> {
    of_waits(&BLOCK)
}

/// Where goroutines waited for locks, and for how long in all, since [`set_mutex_profile_fraction`]: Go's
/// profile `mutex`, but told where the wait was, not where the lock was held.
pub fn mutex_profile() -> Vec<u8> {
    of_waits(&MUTEX)
}

/// Sample waits: one, on average, in so many nanoseconds of waiting; 1 takes all, 0 none. Gives the rate
/// there was. A sampled wait costs some microseconds; while it is 0 a wait costs one load.
#[doc(alias = "SetBlockProfileRate")]
pub fn set_block_profile_rate(nanos: u64) -> u64 {
    BLOCK.set_rate(nanos)
}

/// Sample waits for locks: one, on average, in so many; 1 takes all, 0 none. Gives what it was.
#[doc(alias = "SetMutexProfileFraction")]
pub fn set_mutex_profile_fraction(one_in: u64) -> u64 {
    MUTEX.set_rate(one_in)
}

fn of_waits(profile: &Profile) -> Vec<u8> {
    let mut builder = Builder::new(&[CONTENTIONS, DELAY], Some((CONTENTIONS, 1)));
    for (trace, (count, nanos)) in profile.samples() {
        let frames = builder.frames(&trace);
        builder.sample(&frames, &[count, nanos], &[]);
    }
    builder.finish()
}
