//! Lib.

#[cfg(feature = "check")]
pub mod report;
