//! The user's tests, run by cargo, and what they say of themselves.
//!
//! Invariants: the tests print what they print; what is known of them afterwards comes from the lines that
//! they wrote themselves (`SELVEDGE_SUMMARY`).

use serde_json::Value;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A file that tests write a line each into; gone when it is dropped.
pub(crate) struct Summary(pub(crate) PathBuf);

impl Summary {
    pub(crate) fn new() -> Summary {
        let name = format!("selvedge-summary-{}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        Summary(path)
    }

    pub(crate) fn tests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

pub(crate) fn has_nextest() -> bool {
    let mut command = cargo();
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Run one test, by its whole name, with these variables; `None` if there was none to run.
pub(crate) fn one(
    mut command: Command,
    args: &[String],
    test: &str,
    variables: &[(&str, &OsStr)],
) -> io::Result<Option<Value>> {
    let summary = Summary::new();
    command.arg("test").args(args).arg(test);
    command.args(["--", "--exact", "--include-ignored", "--nocapture"]).stdout(Stdio::null());
    command.env("SELVEDGE_SUMMARY", &summary.0).envs(variables.iter().copied());
    command.status()?;
    Ok(summary.tests().into_iter().next())
}
