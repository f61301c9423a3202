//! Results for people.

use super::Printer;
use super::verdict::{Result, Summary};
use selvedge_fixtures::{Fixture, Production};
use std::io::{self, Write};

/// A table that grows a row a program; a row that is not as expected starts with `!`,
/// and says below what is not.
pub(super) struct Table {
    pattern: usize,
    expected: usize,
    header: bool,
}

impl Table {
    /// A table with room for the names of these programs.
    pub(super) fn of(fixtures: &[&Fixture]) -> Table {
        let widest = |texts: &mut dyn Iterator<Item = usize>, title: &str| {
            texts.max().unwrap_or_default().max(title.len())
        };
        Table {
            pattern: widest(&mut fixtures.iter().map(|f| f.name.len()), "pattern"),
            expected: widest(&mut fixtures.iter().map(|f| join(f.expected.slugs).len()), "expected"),
            header: true,
        }
    }

    fn row(&self, out: &mut dyn Write, mark: &str, cells: [&str; 8]) -> io::Result<()> {
        let [pattern, twin, expected, found, executions, seconds, production, token] = cells;
        let (p, e) = (self.pattern, self.expected);
        let line = format!(
            "{mark:1} {pattern:p$}  {twin:7}  {expected:e$}  {found:e$}  {executions:>10}  {seconds:>7}  \
             {production:10}  {token}"
        );
        writeln!(out, "{}", line.trim_end())
    }
}

fn join(slugs: &[&str]) -> String {
    if slugs.is_empty() { "-".into() } else { slugs.join(" ") }
}

/// What was found; of what merely goes with the bug only the number.
fn found(result: &Result) -> String {
    let also = result.fixture.expected.also;
    let (beside, found): (Vec<&str>, Vec<&str>) = result.found.iter().partition(|slug| also.contains(slug));
    match beside.len() {
        0 => join(&found),
        n => format!("{} +{n}", join(&found)),
    }
}

impl Printer for Table {
    fn result(&mut self, out: &mut dyn Write, result: &Result) -> io::Result<()> {
        if std::mem::take(&mut self.header) {
            let titles =
                ["pattern", "twin", "expected", "found", "executions", "seconds", "production", "token"];
            self.row(out, "", titles)?;
        }
        let cells = [
            result.fixture.name,
            result.fixture.twin.text(),
            &join(result.fixture.expected.slugs),
            &found(result),
            &result.executions.to_string(),
            &format!("{:.3}", result.seconds),
            result.fixture.production.map_or("-", Production::text),
            result.token.as_deref().unwrap_or_default(),
        ];
        self.row(out, if result.is_right() { "" } else { "!" }, cells)?;
        result.objections.iter().try_for_each(|objection| writeln!(out, "  {objection}"))
    }

    fn summary(&mut self, out: &mut dyn Write, s: &Summary) -> io::Result<()> {
        writeln!(
            out,
            "\n{} of {} bugs found, {} of {} others silent; {} executions in {:.2} s",
            s.bugs_found, s.bugs, s.kept_silent, s.silent, s.executions, s.seconds
        )
    }
}
