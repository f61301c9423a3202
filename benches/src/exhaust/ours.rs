//! The programs over this library's types: the table.

use ::selvedge as engine;

#[path = "../../../tests/exhaust/programs/mod.rs"]
mod programs;

pub(crate) use programs::{Program, all};
