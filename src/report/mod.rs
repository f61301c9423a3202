//! What a person or a machine gets to see of a finding.
//!
//! **Invariants.** A report is a pure function of a recorded execution, of numbers about the search
//! and of the source files: it knows no engine, reads no clock and no environment, and works on a
//! trace from another machine. No renderer decides what is a bug, and all wording is in `words`.
//! A report never panics, whatever the sources and the trace hold.

mod chrome;
mod focus;
mod github;
mod html;
mod json;
mod links;
mod marks;
mod names;
mod replay;
mod scan;
mod scene;
mod shiviz;
mod short;
mod snippet;
mod source;
mod span;
mod states;
mod style;
mod svg;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod words;

use selvedge_checkers::finding::{Evidence, Finding, Slug};
use selvedge_checkers::record::Record;
use selvedge_checkers::repair::Verified;
use selvedge_checkers::trace::Trace;

pub use replay::Replay;
pub use selvedge_checkers::statistics::{Beyond, Exhausted, Statistics};
pub use source::{Roots, Sources};
pub use style::Style;

/// The one line of a test that passed: `explored 1000 executions (…), 0 findings, 0.84 s`.
pub fn summary(statistics: &Statistics, findings: usize) -> String {
    words::passed(statistics, findings)
}

/// What a search that came to its end has proved, without the number of executions: `proved within 2
/// preemptions, with up to 1 spurious wake-up per goroutine`.
pub fn proof(exhausted: Exhausted, spurious: Option<u32>) -> String {
    words::proof(exhausted, spurious)
}

/// A finding with everything that is needed to show it.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The finding to show.
    pub finding: &'a Finding,
    /// What else the same execution showed: errors and warnings.
    pub others: &'a [Finding],
    /// Small changes with which nothing fails.
    pub repairs: &'a [Verified],
    /// The execution.
    pub trace: &'a Trace,
    /// The numbers of the search.
    pub statistics: &'a Statistics,
    /// How to see it again.
    pub replay: &'a Replay,
    /// The user's source files.
    pub sources: &'a dyn Sources,
}

/// What an execution is said to show that shows nothing.
static PASSES: Finding = Finding { slug: Slug::NothingExplored, evidence: Evidence::None };

impl<'a> Report<'a> {
    /// The report of an execution that was written to a file. Of one that passes there are only the
    /// [`steps`](Report::steps) and the exports.
    pub fn of_record(record: &'a Record, replay: &'a Replay, sources: &'a dyn Sources) -> Report<'a> {
        let (finding, others) = record.findings.split_first().unwrap_or((&PASSES, &[]));
        let Record { repairs, trace, statistics, .. } = record;
        Report { finding, others, repairs, trace, statistics, replay, sources }
    }
}

impl Report<'_> {
    /// The full report for a terminal.
    pub fn render(&self, style: &Style) -> String {
        terminal::render(self, style)
    }

    /// One line a finding.
    pub fn short(&self) -> String {
        short::render(self)
    }

    /// GitHub's workflow commands, one a finding.
    pub fn github(&self) -> String {
        github::render(self)
    }

    /// JSON lines: one a finding, then one for the search.
    pub fn json(&self) -> String {
        json::render(self)
    }

    /// The timeline: one HTML file. `passing` is an execution of the same test to compare with.
    pub fn html(&self, test: &str, passing: Option<&Trace>) -> String {
        html::render(self, test, passing)
    }

    /// The execution for Perfetto and `chrome://tracing`.
    pub fn chrome(&self) -> String {
        chrome::render(self)
    }

    /// The execution as a log for ShiViz.
    pub fn shiviz(&self) -> String {
        shiviz::render(self)
    }

    /// The execution as a picture for documents.
    pub fn svg(&self) -> String {
        svg::render(self)
    }

    /// Every step of the execution, one a line: what belongs into `trace.txt`.
    pub fn steps(&self, style: &Style) -> String {
        let scene = scene::Scene::new(self.trace, self.sources);
        let focus = focus::Focus::new(self.finding, &scene);
        let mut text = table::full(&focus, &scene, style).join("\n");
        text.push('\n');
        text
    }

    /// The sentence that says what was found, for panic messages.
    pub fn headline(&self) -> String {
        let scene = scene::Scene::new(self.trace, self.sources);
        text::one_line(&words::headline(self.finding, &scene))
    }

    /// The finding in a line or two, to stand above another one's report.
    pub fn notice(&self, style: &Style) -> String {
        let text = format!("note: {}", self.headline());
        text::wrap(&style.spell(&text), style.columns()).join("\n      ") + "\n\n"
    }

    /// The finding among the others that says why this one came about.
    fn cause(&self) -> Option<&Finding> {
        let Evidence::Panic { side, .. } = &self.finding.evidence else { return None };
        let causes = |f: &&Finding| matches!(&f.evidence, Evidence::Borrow { other, .. } if other == side);
        self.others.iter().find(causes)
    }

    /// What to do about a finding in general.
    fn remedy(&self, finding: &Finding, scene: &scene::Scene<'_>) -> &'static str {
        words::remedy(finding, scene, self.statistics.replaying)
    }

    /// What to do about it: in general, and what was tried out.
    fn remedies(&self, scene: &scene::Scene<'_>) -> Vec<String> {
        let general = self.remedy(self.cause().unwrap_or(self.finding), scene).to_owned();
        let tried = self.repairs.iter().map(|v| words::repair(v, self.finding, scene));
        std::iter::once(general).chain(tried).collect()
    }

    /// The finding and the others, in the order they are printed in.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(self.finding).chain(self.others)
    }
}
