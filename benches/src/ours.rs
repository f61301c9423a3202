//! The column of this library. Rows are named `selvedge`; a strategy named like a peer's
//! (`random`, `pct3`, `round-robin`) is compared with it, an exhaustive one with every exhaustive peer.

use crate::measure::Row;
use crate::programs::Program;

/// Name of the engine in the report.
pub(crate) const ENGINE: &str = "selvedge";

/// The rows of one program.
pub(crate) fn rows(_program: Program) -> Vec<Row> {
    Vec::new()
}
