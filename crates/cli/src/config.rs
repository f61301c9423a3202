//! `cargo selvedge config`: what tests start from, before their own arguments.
//!
//! Invariant: it is resolved by the very code that tests use.

use crate::args::Config;
use crate::code::Code;
use crate::offline::refused;
use crate::place::Place;
use selvedge::harness::config::{ConfigError, Notice, Resolved};
use selvedge::harness::{config, env, file, seed};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

pub(crate) fn run(wanted: &Config) -> io::Result<Code> {
    let (path, resolved) = match resolve(&[]) {
        Ok(resolved) => resolved,
        Err(problem) => return refused(&problem),
    };
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

/// What is wrong with the settings, if anything is, before tests are built that would all say so.
pub(crate) fn check(flags: &[(&'static str, &str)]) -> Result<(), String> {
    resolve(flags).map(drop)
}

/// The file there is, and what comes of it, of the environment and of flags, given as their variables. What is not
/// wrong and yet worth a line is printed.
fn resolve(flags: &[(&'static str, &str)]) -> Result<(Option<PathBuf>, Resolved), String> {
    let place = Place::here();
    let here = std::env::current_dir().unwrap_or_default();
    let package = here.ancestors().find(|dir| dir.join("Cargo.toml").is_file()).unwrap_or(&here);
    let path = file::find(package, &place.workspace);
    let read = path.as_ref().map(|path| file::read(path, &place.workspace)).transpose();
    let is_flag = |name: &str| flags.iter().any(|(flag, _)| *flag == name);
    let environment = env::variables().into_iter().filter(|(name, _)| !is_flag(name));
    let given = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let resolved = read.and_then(|file| config::resolve("", file.as_ref(), &[], environment.chain(given)));
    let resolved = resolved.map_err(|error| match error {
        ConfigError::Value { name, value, expected, .. } if is_flag(&name) => {
            let flag = name.trim_start_matches("SELVEDGE_").to_lowercase();
            format!("--{flag} {value}: expected {expected}")
        }
        error => error.to_string(),
    })?;
    for notice in &resolved.notices {
        let kind = if matches!(notice, Notice::UnknownVariables(_)) { "warning" } else { "note" };
        eprintln!("{kind}: {notice}");
    }
    Ok((path, resolved))
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
