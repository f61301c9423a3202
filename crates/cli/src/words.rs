//! Small words that several commands say.

/// `1 execution`, `2 executions`.
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
