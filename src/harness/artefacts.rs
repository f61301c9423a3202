//! The files beside a report: the steps as text, the recorded execution, the timeline.
//!
//! Invariants: a file is there as a whole or not at all, also when two processes run a test of one name; one that
//! cannot be written is no reason to fail: the report then does not mention it, and one line a process says why. A
//! folder holds what belongs to the last failing run of its test: what that run has no use for is removed.

use super::config::Config;
use super::identity::Identity;
use super::outcome::Outcome;
use crate::report::{Replay, Report, Style};
use selvedge_checkers::finding::Finding;
use selvedge_checkers::record::{self, Record};
use selvedge_checkers::statistics::Statistics;
use selvedge_checkers::trace::Trace;
use std::path::PathBuf;

/// Where a test's files go.
pub(super) struct Folder {
    path: PathBuf,
    /// As it is printed.
    shown: String,
}

impl Folder {
    /// The folder of a test; a program without a name has none.
    pub(super) fn of(config: &Config, identity: &Identity<'_>) -> Option<Folder> {
        let name = identity.name().replace("::", "__");
        if name.is_empty() {
            return None;
        }
        if let Some(dir) = &config.out {
            let path = dir.join(&name);
            let shown = path.display().to_string();
            return Some(Folder { path, shown });
        }
        let workspace = identity.roots().workspace;
        // A relative one is relative to where cargo was called, which is the workspace more often than not.
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let path = workspace.join(target).join("selvedge").join(&name);
        let shown = path.strip_prefix(&workspace).unwrap_or(&path).display().to_string();
        Some(Folder { path, shown })
    }

    /// Write a file; whether it is there now.
    pub(super) fn write(&self, name: &str, text: &str) -> bool {
        let path = self.path.join(name);
        let draft = self.path.join(format!("{name}.{}.tmp", std::process::id()));
        let written = std::fs::create_dir_all(&self.path)
            .and_then(|()| std::fs::write(&draft, text))
            .and_then(|()| std::fs::rename(&draft, &path))
            .inspect_err(|_| drop(std::fs::remove_file(&draft)));
        if let Err(error) = &written {
            super::once_a_process(&format!("cannot write {}: {error}", path.display()));
        }
        written.is_ok()
    }
}

/// Write all files of a failure, and say in `replay` where they are.
pub(super) fn keep(
    folder: &Folder,
    identity: &Identity<'_>,
    outcome: &Outcome,
    report: &Report<'_>,
    replay: &mut Replay,
) {
    let style = Style { color: false, ..Style::default() };
    if !folder.write("trace.txt", &report.steps(&style)) {
        return;
    }
    replay.out_dir = Some(folder.shown.clone());
    if !identity.kept {
        return;
    }
    let findings = std::iter::once(report.finding).chain(report.others).cloned().collect();
    let failing = record(identity, replay, report.trace, findings, report.statistics, &outcome.decisions);
    let failing = Record { repairs: report.repairs.to_vec(), ..failing };
    folder.write("trace.jsonl", &record::write(&failing));
    let passing = outcome.passing.as_ref();
    match passing {
        Some(trace) => {
            let token = Replay { command: replay.command.clone(), ..Replay::default() };
            let passing = record(identity, &token, trace, Vec::new(), &Statistics::default(), &[]);
            folder.write("passing.jsonl", &record::write(&passing));
        }
        // That of an earlier failure would be compared with this one.
        None => drop(std::fs::remove_file(folder.path.join("passing.jsonl"))),
    }
    let page = Report { replay, ..*report }.html(&identity.name(), passing);
    if folder.write("timeline.html", &page) {
        replay.timeline = Some(format!("{}/timeline.html", folder.shown));
    }
}

fn record(
    identity: &Identity<'_>,
    replay: &Replay,
    trace: &Trace,
    findings: Vec<Finding>,
    statistics: &Statistics,
    decisions: &[(u32, u32)],
) -> Record {
    Record {
        test: identity.name(),
        command: replay.command.clone(),
        token: replay.token.clone(),
        package: identity.package(),
        trace: trace.clone(),
        findings,
        repairs: Vec::new(),
        statistics: statistics.clone(),
        decisions: decisions.to_vec(),
    }
}
