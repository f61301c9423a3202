//! One line a finding: `error[deadlock]: … (tests/billing.rs:16:5)`.
//!
//! Invariant: each finding is exactly one line, in the style of a compiler's short messages, so
//! that editors can jump to it.

use selvedge_checkers::finding::{Finding, Severity};

use super::Report;
use super::scene::Scene;
use super::text::one_line;
use super::words;

/// All findings, then the command that shows the first of them again.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let mut out = String::new();
    for f in report.findings() {
        out.push_str(&line(f, &scene));
        out.push('\n');
    }
    if !report.replay.token.is_empty() {
        let command = one_line(&report.replay.command);
        out.push_str(&format!("replay: SELVEDGE_REPLAY={} {command}\n", report.replay.token));
    }
    out
}

fn line(f: &Finding, scene: &Scene<'_>) -> String {
    let level = severity(f);
    let place = f.site().map_or_else(String::new, |s| format!("{}: ", scene.library.place(s)));
    format!("{place}{level}[{}]: {}", f.slug.text(), one_line(&words::headline(f, scene)))
}

/// The word for how sure a finding is.
pub(super) fn severity(f: &Finding) -> &'static str {
    match f.slug.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
