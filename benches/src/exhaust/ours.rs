//! The programs over this library's types: the table.

use ::selvedge as engine;

#[allow(clippy::duplicate_mod, reason = "the same text, over another engine's types")]
#[path = "../../../tests/exhaust/programs/mod.rs"]
mod programs;

pub(crate) use programs::{Program, all};
