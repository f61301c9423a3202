//! The values of attribute arguments and environment variables: counts, durations, sizes, policies.
//!
//! Invariants: a value means the same in an attribute and in the environment; every rule is a pure
//! function of the text. The macros crate checks attributes with the same text
//! (`crates/macros/src/grammar.rs` is a copy of this file, which a test compares), so this file uses
//! nothing but `core`.

use core::time::Duration;

/// What to do with goroutines that are blocked for ever when the test ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LeakPolicy {
    /// The test fails.
    #[default]
    Deny,
    /// The report says so, the test passes.
    Warn,
    /// Nothing is said.
    Allow,
}

/// When timers fire in the model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TimerPolicy {
    /// Only when no goroutine can run: virtual time stands still while there is work.
    #[default]
    Quiescent,
    /// Also earlier, at most this many times an execution: finds races of timeouts with completion.
    Racy(u32),
}

/// What an atomic load may read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MemoryModel {
    /// The newest store only, whatever the ordering: sequential consistency.
    Sc,
    /// Any store that C11 and C++20 allow: the orderings matter.
    #[default]
    C11,
}

/// What a count looks like, for messages.
pub const EXPECTED_COUNT: &str = "a whole number such as 500 or 10_000";
/// What a count that may not be zero looks like, for messages.
pub const EXPECTED_POSITIVE: &str = "a whole number from 1, such as 500 or 10_000";
/// What a duration looks like, for messages.
pub const EXPECTED_DURATION: &str = "a positive duration such as \"500ms\", \"30s\" or \"2m\"";
/// What a leak policy looks like, for messages.
pub const EXPECTED_LEAKS: &str = "\"deny\", \"warn\" or \"allow\"";
/// What a timer policy looks like, for messages.
pub const EXPECTED_TIMERS: &str = "\"quiescent\" or \"racy:N\" with N from 1";
/// What a memory model looks like, for messages.
pub const EXPECTED_MEMORY: &str = "\"sc\" or \"c11\"";
/// What a stack size looks like, for messages.
pub const EXPECTED_STACK: &str = "a size from \"16k\" to \"1024m\", such as \"256k\" or \"4m\"";
/// What a seed looks like, for messages.
pub const EXPECTED_SEED: &str =
    "a seed as reports print it: up to 13 letters and digits of Crockford's base 32, such as \"7GQ4K\"";

/// A count: decimal digits, with `_` between them where wished.
pub fn parse_count(text: &str) -> Option<u64> {
    let mut value: Option<u64> = None;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                let more = value.unwrap_or(0).checked_mul(10)?;
                value = Some(more.checked_add(u64::from(byte - b'0'))?);
            }
            b'_' if value.is_some() => {}
            _ => return None,
        }
    }
    value
}

/// A duration: a count and one of the units `ms`, `s`, `m`, `h`. Zero is no duration, because a
/// budget of nothing explores nothing.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let count = parse_count(text[..unit].trim_end())?;
    let milliseconds = match &text[unit..] {
        "ms" => count,
        "s" => count.checked_mul(1_000)?,
        "m" => count.checked_mul(60_000)?,
        "h" => count.checked_mul(3_600_000)?,
        _ => return None,
    };
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// A leak policy.
pub fn parse_leaks(text: &str) -> Option<LeakPolicy> {
    match text {
        "deny" => Some(LeakPolicy::Deny),
        "warn" => Some(LeakPolicy::Warn),
        "allow" => Some(LeakPolicy::Allow),
        _ => None,
    }
}

/// A memory model.
pub fn parse_memory(text: &str) -> Option<MemoryModel> {
    match text {
        "sc" => Some(MemoryModel::Sc),
        "c11" => Some(MemoryModel::C11),
        _ => None,
    }
}

/// A timer policy.
pub fn parse_timers(text: &str) -> Option<TimerPolicy> {
    if text == "quiescent" {
        return Some(TimerPolicy::Quiescent);
    }
    let count = parse_count(text.strip_prefix("racy:")?)?;
    let count = u32::try_from(count).ok().filter(|&count| count > 0)?;
    Some(TimerPolicy::Racy(count))
}

/// A stack size in bytes: a count with the unit `k` or `m`. The lower limit is what a panic needs to
/// unwind; the upper one catches a mistyped unit.
pub fn parse_stack(text: &str) -> Option<usize> {
    let unit = text.len().checked_sub(1).filter(|&unit| text.is_char_boundary(unit))?;
    let scale = match &text[unit..] {
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        _ => return None,
    };
    let bytes = parse_count(&text[..unit])?.checked_mul(scale)?;
    usize::try_from(bytes).ok().filter(|bytes| (16 << 10..=1024 << 20).contains(bytes))
}
