//! Lib.

#[cfg(feature = "check")]
pub mod explore;
