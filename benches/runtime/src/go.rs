//! The rows in Go, where `go` is on the PATH: `benches/go`, built once.
//!
//! Invariant: without Go, or if the build fails, the column is empty and that is all.

use super::Row;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The built program, if there is one.
fn program() -> Option<&'static PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../go");
            let target = std::env::current_exe().ok()?.with_file_name("selvedge-bench-go");
            let mut build = Command::new("go");
            build.args(["build", "-o"]).arg(&target).current_dir(source);
            let built = build.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
            built.success().then_some(target)
        })
        .as_ref()
}

pub(super) fn is_there() -> bool {
    program().is_some()
}

/// A command that prints the figure of a row.
pub(super) fn command(row: Row) -> Option<Command> {
    let mut command = Command::new(program()?);
    command.arg(row.name());
    Some(command)
}
