//! Lib.

#[cfg(feature = "check")]
pub mod explore;
#[cfg(feature = "check")]
pub mod harness;
