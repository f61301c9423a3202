//! tmp
#![allow(dead_code)]
mod names;
mod scan;
mod source;
mod span;
mod style;
mod text;
pub use source::{Roots, Sources};
pub use style::Style;
