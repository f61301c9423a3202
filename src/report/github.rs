//! Findings as GitHub's workflow commands, which show them beside the lines of a pull request.
//!
//! Invariant: nothing in a finding can end the command early or start another one; percent signs
//! and line ends are encoded everywhere, colons and commas in properties too.

use super::Report;
use super::scene::Scene;
use super::short::severity;
use super::words;

/// One `::error` or `::warning` command a finding.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let mut out = String::new();
    for (nth, f) in report.findings().enumerate() {
        let mut properties = Vec::new();
        if let Some(site) = f.site() {
            properties.push(format!("file={}", property(&scene.library.shown(&site.file))));
            properties.push(format!("line={}", site.line));
            properties.push(format!("col={}", site.col));
        }
        properties.push(format!("title={}", property(&format!("selvedge: {}", f.slug.text()))));
        let mut message = words::headline(f, &scene);
        message.push_str(&format!("\nhelp: {}", report.remedy(f, &scene)));
        for v in report.repairs.iter().filter(|_| nth == 0) {
            message.push_str(&format!("\nhelp: {}", words::repair(v, f, &scene)));
        }
        if nth == 0 && !report.replay.token.is_empty() {
            message.push_str(&format!("\nSELVEDGE_REPLAY={} {}", report.replay.token, report.replay.command));
        }
        out.push_str(&format!("::{} {}::{}\n", severity(f), properties.join(","), data(&message)));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
