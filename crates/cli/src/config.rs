//! `cargo selvedge config`: what tests start from, before their own arguments.
//!
//! Invariant: it is resolved by the very code that tests use.

use crate::args::Config;
use crate::code::Code;
use crate::offline::refused;
use crate::place::Place;
use selvedge::harness::{config, env, file, seed};
use serde_json::{Value, json};
use std::io::{self, Write};

pub(crate) fn run(wanted: &Config) -> io::Result<Code> {
    let place = Place::here();
    let here = std::env::current_dir().unwrap_or_default();
    let package = here.ancestors().find(|dir| dir.join("Cargo.toml").is_file()).unwrap_or(&here);
    let path = file::find(package, &place.workspace);
    let read = path.as_ref().map(|path| file::read(path, &place.workspace)).transpose();
    let resolved = read.and_then(|file| config::resolve("", file.as_ref(), &[], env::variables()));
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(error) => return refused(&error.to_string()),
    };
    for notice in &resolved.notices {
        eprintln!("warning: {notice}");
    }
    let settings = settings(&resolved.config);
    let mut out = io::stdout().lock();
    if wanted.json {
        let mut all = serde_json::Map::from_iter(settings.into_iter().map(|(k, v)| (k.to_owned(), v)));
        all.insert("version".into(), json!(1));
        all.insert("kind".into(), json!("config"));
        all.insert("file".into(), json!(path));
        writeln!(out, "{}", Value::Object(all))?;
        return Ok(Code::Clean);
    }
    match &path {
        Some(path) => writeln!(out, "# from {}, the environment, and the defaults", path.display())?,
        None => writeln!(out, "# from the environment and the defaults; there is no selvedge.toml")?,
    }
    for (name, value) in settings {
        let value = if value.is_null() { "-".to_owned() } else { value.to_string().replace('"', "") };
        writeln!(out, "{name:12} {value}")?;
    }
    Ok(Code::Clean)
}

fn settings(c: &config::Config) -> Vec<(&'static str, Value)> {
    let lower = |text: String| json!(text.to_lowercase());
    let unlimited = (c.executions != u64::MAX).then_some(c.executions);
    vec![
        ("executions", json!(unlimited)),
        ("time", json!(c.time.map(|time| format!("{time:?}")))),
        ("strategy", json!(c.strategy.to_string())),
        ("preemptions", json!(c.preemptions)),
        ("delays", json!(c.delays)),
        // Of its own for every test, unless one was said.
        ("seed", json!((c.seed != seed::of_path("")).then(|| seed::display(c.seed)))),
        ("jobs", json!(c.jobs)),
        ("shard", json!(c.shard.map(|(k, n)| format!("{}/{n}", k + 1)))),
        ("steps", json!(c.steps)),
        ("spurious", json!(c.spurious)),
        ("memory", lower(format!("{:?}", c.memory))),
        ("leaks", lower(format!("{:?}", c.leaks))),
        ("stack", json!(c.stack)),
        ("watchdog", json!(format!("{:?}", c.watchdog))),
        ("nodes", json!(c.nodes)),
        ("checkpoint", json!(c.checkpoint)),
        ("report", lower(format!("{:?}", c.report))),
        ("out", json!(c.out)),
        ("regressions", lower(format!("{:?}", c.regressions))),
        ("replay", json!(c.replay)),
    ]
}
