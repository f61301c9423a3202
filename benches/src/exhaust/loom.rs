//! The programs that loom can run, over its types.

use ::loom as engine;

#[allow(dead_code, reason = "only the names and the bodies are of use here")]
#[allow(clippy::duplicate_mod, reason = "the same text, over another engine's types")]
#[path = "../../../tests/exhaust/programs/portable/mod.rs"]
mod portable;

/// The body of a program, if it is one of those.
pub(super) fn body(name: &str) -> Option<fn()> {
    portable::all().find(|program| program.name == name).map(|program| program.run)
}
