//! Results for machines: one object a line.
//!
//! Invariant: fields are only ever added; a change of meaning raises `version`.

use super::Printer;
use super::verdict::{Result, Summary};
use selvedge_fixtures::Production;
use serde_json::json;
use std::io::{self, Write};

const VERSION: u32 = 1;

pub(super) struct Json;

impl Printer for Json {
    fn result(&mut self, out: &mut dyn Write, result: &Result) -> io::Result<()> {
        let line = json!({
            "version": VERSION,
            "kind": "program",
            "pattern": result.fixture.name,
            "section": result.fixture.section,
            "source": result.fixture.source,
            "twin": result.fixture.twin.text(),
            "expected": result.fixture.expected.slugs,
            "also": result.fixture.expected.also,
            "production": result.fixture.production.map(Production::text),
            "production_slug": result.fixture.production.and_then(Production::slug),
            "found": result.found,
            "right": result.is_right(),
            "objections": result.objections,
            "executions": result.executions,
            "seconds": result.seconds,
            "token": result.token,
        });
        writeln!(out, "{line}")
    }

    fn summary(&mut self, out: &mut dyn Write, s: &Summary) -> io::Result<()> {
        let line = json!({
            "version": VERSION,
            "kind": "summary",
            "bugs": s.bugs,
            "bugs_found": s.bugs_found,
            "silent": s.silent,
            "kept_silent": s.kept_silent,
            "executions": s.executions,
            "seconds": s.seconds,
        });
        writeln!(out, "{line}")
    }
}
