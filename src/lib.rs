//! Lib.

#[cfg(feature = "check")]
pub mod explore;
#[cfg(feature = "check")]
pub mod harness;

#[cfg(feature = "check")]
pub use selvedge_macros::test;
#[cfg(not(feature = "check"))]
pub use selvedge_macros::test_without_check as test;

pub use selvedge_macros::main;
