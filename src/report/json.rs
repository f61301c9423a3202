//! Findings for machines: one JSON object a line.
//!
//! Invariants: every object has `"version": 1` and a `"kind"`; fields are only ever added; the text
//! is ASCII, so that no terminal, pipe or encoding can change it.

use selvedge_checkers::finding::Finding;
use selvedge_checkers::ids::Site;
use selvedge_checkers::repair::Verified;
use selvedge_checkers::statistics::Exhausted;

use super::Report;
use super::marks::marks;
use super::scene::Scene;
use super::short::severity;
use super::words;

/// An object a finding, then one for the search.
pub(super) fn render(report: &Report<'_>) -> String {
    let scene = Scene::new(report.trace, report.sources);
    let mut out = String::new();
    for (nth, f) in report.findings().enumerate() {
        let places = marks(f, &scene).into_iter().map(|m| {
            let mut place = Object::default();
            place
                .raw("site", &site(&m.site, &scene))
                .text("label", m.texts.first().map_or("", String::as_str))
                .raw("primary", bool(m.primary));
            place.end()
        });
        let mut line = Object::default();
        line.raw("version", "1")
            .text("kind", "finding")
            .text("slug", f.slug.text())
            .text("severity", severity(f));
        line.text("message", &words::headline(f, &scene)).text("help", report.remedy(f, &scene));
        line.raw("site", &f.site().map_or_else(|| "null".to_owned(), |s| site(s, &scene)));
        line.raw("places", &format!("[{}]", places.collect::<Vec<_>>().join(",")));
        if nth == 0 && !report.repairs.is_empty() {
            let told = report.repairs.iter().map(|v| repair(v, f, &scene));
            line.raw("repairs", &format!("[{}]", told.collect::<Vec<_>>().join(",")));
        }
        if nth == 0 && !report.replay.token.is_empty() {
            line.text("replay", &report.replay.token).text("command", &report.replay.command);
        }
        out.push_str(&line.end());
        out.push('\n');
    }
    out.push_str(&statistics(report));
    out.push('\n');
    out
}

fn statistics(report: &Report<'_>) -> String {
    let s = report.statistics;
    let optional = |n: Option<u64>| n.map_or_else(|| "null".to_owned(), |n| n.to_string());
    let mut line = Object::default();
    line.raw("version", "1").text("kind", "statistics");
    line.raw("executions", &s.executions.to_string()).raw("limit", &optional(s.limit));
    line.raw("failing", &s.failing.to_string()).raw("first_failing", &s.first_failing.to_string());
    line.raw("exhausted", bool(s.exhausted.is_some()));
    if let Some(Exhausted::Within { preemptions, delays }) = s.exhausted {
        for (name, bound) in [("preemptions", preemptions), ("delays", delays)] {
            if let Some(most) = bound {
                line.raw(name, &most.to_string());
            }
        }
    }
    if let Some(n) = s.spurious {
        line.raw("spurious", &n.to_string());
    }
    if let Some(beyond) = s.beyond {
        line.raw("shown_preemptions", &beyond.preemptions.to_string());
    }
    line.raw("steps_before", &s.steps_before.to_string()).raw("steps_after", &s.steps_after.to_string());
    line.raw("switches_before", &s.switches_before.to_string());
    line.raw("switches_after", &s.switches_after.to_string());
    line.raw("tried", &s.tried.to_string()).raw("steered", bool(s.steered));
    line.text("strategy", &s.strategy).text("seed", &s.seed).raw("replayed", &s.replayed.to_string());
    line.raw("estimate", &s.estimate.map_or_else(|| "null".to_owned(), number));
    line.raw("patterns", &optional(s.patterns)).raw("seconds", &number(s.seconds));
    line.end()
}

fn repair(v: &Verified, f: &Finding, scene: &Scene<'_>) -> String {
    let mut object = Object::default();
    object.text("help", &words::repair(v, f, scene));
    object.raw("executions", &v.executions.to_string()).raw("exhausted", bool(v.exhausted));
    object.end()
}

fn site(site: &Site, scene: &Scene<'_>) -> String {
    let mut object = Object::default();
    object.text("file", &scene.library.shown(&site.file));
    object.raw("line", &site.line.to_string()).raw("column", &site.col.to_string());
    object.end()
}

fn bool(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

/// A number, or `null` for what JSON has no number for.
fn number(n: f64) -> String {
    if n.is_finite() { format!("{n}") } else { "null".to_owned() }
}

/// An object that is being written.
#[derive(Default)]
struct Object(String);

impl Object {
    /// A field whose value is JSON already.
    fn raw(&mut self, key: &str, value: &str) -> &mut Object {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&format!("{}:{value}", escape(key)));
        self
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Object {
        self.raw(key, &escape(value))
    }

    fn end(&self) -> String {
        if self.0.is_empty() { "{}".to_owned() } else { format!("{}}}", self.0) }
    }
}

/// The text as a JSON string of ASCII characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_to_ascii() {
        assert_eq!(escape("a\"\\\n\té𝄞\u{7f}"), "\"a\\\"\\\\\\n\\u0009\\u00e9\\ud834\\udd1e\\u007f\"");
        assert_eq!(Object::default().end(), "{}");
        assert_eq!(number(f64::NAN), "null");
    }
}
