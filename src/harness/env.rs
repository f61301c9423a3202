//! The process environment, which nothing else in the library reads.
//!
//! Invariants: only reading; what the variables mean is decided by the pure functions of
//! [`super::config`].

use super::config::{self, ConfigError, Resolved};
use super::file::File;

/// Every variable as text. A value that is no Unicode comes out with replacement characters, so that
/// it fails the grammar of its setting, by name, instead of disappearing.
pub fn variables() -> Vec<(String, String)> {
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// The configuration of a test in this process.
pub fn resolve(
    test_path: &str,
    file: Option<&File>,
    attribute: &[(&str, &str)],
) -> Result<Resolved, ConfigError> {
    config::resolve(test_path, file, attribute, variables())
}
