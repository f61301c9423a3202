//! `test` and `replay`.
//!
//! Invariant: a run ends as badly as the worst of its tests.

use crate::args::{Flags, Replay, Test};
use crate::cargo::{self, Summary, cargo, has_nextest};
use crate::code::Code;
use crate::config;
use crate::offline::refused;
use crate::place::Place;
use crate::target;
use crate::watch;
use crate::words::count;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// How nextest ends where no test was to run.
const NO_TESTS: i32 = 4;

/// Those of our options that are not cargo's as well.
const OURS: &[&str] = &[
    "--executions",
    "--time",
    "--strategy",
    "--preemptions",
    "--delays",
    "--seed",
    "--shard",
    "--memory",
    "--leaks",
    "--report",
    "--out",
    "--no-nextest",
    "--json",
];

/// Our options as the variables that the tests read.
fn set(command: &mut Command, flags: &Flags) {
    for (name, value) in flags.variables() {
        command.env(name, value);
    }
}

pub(crate) fn test(test: &Test) -> io::Result<Code> {
    if let Err(problem) = config::check(&test.flags.variables()) {
        return refused(&problem);
    }
    let (cargo_args, after): (&[String], &[String]) = match test.args.iter().position(|arg| arg == "--") {
        Some(at) => (&test.args[..at], &test.args[at..]),
        None => (&test.args, &[]),
    };
    if let Some(flag) = cargo_args.iter().find(|arg| is_ours(arg)) {
        return refused(&format!(
            "{flag} is an option of `cargo selvedge test`: it comes before the arguments for cargo"
        ));
    }
    let nextest = !test.no_nextest && has_nextest();
    // nextest has a bar of its own.
    let watched = !nextest && !test.json && watch::is_watched();
    let mut build = cargo();
    match nextest {
        true => build.args(["nextest", "run", "--no-run"]),
        false => build.args(["test", "--no-run"]),
    };
    let counted = watched && !cargo_args.iter().any(|arg| arg.starts_with("--message-format"));
    let Some(binaries) = built(build.args(cargo_args), counted)? else { return Ok(Code::Build) };
    let summary = Summary::new();
    let mut command = cargo();
    match nextest {
        true => command.args(["nextest", "run"]),
        false => command.arg("test"),
    };
    command.args(cargo_args).args(after).env("SELVEDGE_SUMMARY", &summary.0);
    set(&mut command, &test.flags);
    let status = if watched { watch::run(command, binaries)? } else { command.status()? };
    // To nextest it is a failure if there was nothing to run.
    let passed = status.success() || (nextest && status.code() == Some(NO_TESTS));
    let tests = summary.tests();
    let mut out = io::stdout().lock();
    match test.json {
        true => tests.iter().try_for_each(|line| writeln!(out, "{line}"))?,
        false => write!(out, "{}", told(&tests))?,
    }
    Ok(verdict(&tests, passed))
}

/// Whether an argument for cargo is an option of ours that cargo does not have.
fn is_ours(arg: &str) -> bool {
    let name = arg.split_once('=').map_or(arg, |(name, _)| name);
    OURS.contains(&name)
}

/// Build the tests; how many binaries they are in, if that is asked for. `None` if they cannot be built.
fn built(build: &mut Command, counted: bool) -> io::Result<Option<u64>> {
    if !counted {
        return Ok(build.status()?.success().then_some(0));
    }
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = build.output()?;
    let is_test = |line: &&str| {
        let artifact: Value = serde_json::from_str(line).unwrap_or_default();
        artifact["executable"].is_string() && artifact["profile"]["test"] == true
    };
    let binaries = String::from_utf8_lossy(&output.stdout).lines().filter(is_test).count() as u64;
    Ok(output.status.success().then_some(binaries))
}

pub(crate) fn verdict(tests: &[Value], passed: bool) -> Code {
    let failed = |test: &Value| test["passed"] == false;
    match () {
        () if tests.iter().any(|test| failed(test) && test["budget"] != true) => Code::Findings,
        () if tests.iter().any(|test| test["budget"] == true) => Code::Budget,
        () if !passed => Code::Findings,
        () if tests.is_empty() => Code::Nothing,
        () => Code::Clean,
    }
}

/// A line a test that failed or has something to say, and one for all.
pub(crate) fn told(tests: &[Value]) -> String {
    let string = |test: &Value, field: &str| test[field].as_str().unwrap_or_default().to_owned();
    let (mut executions, mut failed, mut proved) = (0, 0, 0);
    let mut rows: Vec<[String; 4]> = Vec::new();
    for test in tests {
        executions += test["executions"].as_u64().unwrap_or(0);
        proved += u64::from(test["exhausted"] == true && test["passed"] == true);
        let name = string(test, "test");
        if test["passed"] == false {
            failed += 1;
            let [what, token] = match test["budget"] == true {
                true => ["the budget ended before all executions were explored".to_owned(), String::new()],
                false => [string(test, "finding"), string(test, "token")],
            };
            rows.push(["failed".to_owned(), name.clone(), what, token]);
        }
        let warnings = test["warnings"].as_array().map_or(&[][..], Vec::as_slice);
        let warnings: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
        if !warnings.is_empty() {
            rows.push(["warned".to_owned(), name, warnings.join(" "), String::new()]);
        }
    }
    let (all, executions) = (count(tests.len() as u64, "test"), count(executions, "execution"));
    format!("{}selvedge: {all} explored, {failed} failed, {proved} proved; {executions}\n", table(&rows))
}

/// Rows whose columns begin under each other.
fn table(rows: &[[String; 4]]) -> String {
    // A cell that is the last of its row may be long.
    let width = |column: usize| {
        let cells = rows.iter().filter(|row| row[column + 1..].iter().any(|cell| !cell.is_empty()));
        cells.map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..4).map(width).collect();
    let line = |row: &[String; 4]| {
        let cells: String =
            row.iter().zip(&widths).map(|(cell, &width)| format!("  {cell:width$}")).collect();
        format!("{}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

pub(crate) fn replay(replay: &Replay) -> io::Result<Code> {
    let place = Place::here();
    let target = match target::find(&place, &replay.run.what, replay.run.test.as_deref()) {
        Ok(target) => target,
        Err(problem) => return refused(&problem),
    };
    let mut command = cargo();
    command.current_dir(&target.package);
    let variables = [("SELVEDGE_REPLAY", OsStr::new(&target.value)), ("SELVEDGE_REPORT", OsStr::new("full"))];
    let Some(test) = cargo::one(command, &replay.run.args, &target.test, &variables)? else {
        return Ok(none_ran(&target.test));
    };
    if let Some(timeline) = test["timeline"].as_str().filter(|_| replay.open) {
        open(&place.workspace.join(timeline))?;
    }
    Ok(verdict(&[test], true))
}

/// Say that there was no such test.
pub(crate) fn none_ran(test: &str) -> Code {
    eprintln!("error: no test `{test}` ran: did it not build, or is it called otherwise?");
    Code::Nothing
}

/// Show a page in whatever shows pages here.
fn open(page: &Path) -> io::Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = Command::new(opener).arg(page).stdin(Stdio::null()).status();
    if !opened.is_ok_and(|status| status.success()) {
        eprintln!("warning: {opener} did not open {}", page.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_failed_stands_in_columns() {
        let test = |name: &str, finding: Option<&str>, budget: bool, warnings: &[&str]| {
            json!({ "test": name, "passed": finding.is_none() && !budget, "budget": budget, "finding": finding,
                "token": finding.map(|_| "sv1-0"), "warnings": warnings, "executions": 2 })
        };
        let tests = [
            test("a", Some("leaked-goroutine"), false, &[]),
            test("longer", Some("panic"), false, &["lock-order"]),
            test("large", None, true, &[]),
            test("passes", None, false, &[]),
        ];
        let expected = [
            "  failed  a       leaked-goroutine  sv1-0",
            "  failed  longer  panic             sv1-0",
            "  warned  longer  lock-order",
            "  failed  large   the budget ended before all executions were explored",
            "selvedge: 4 tests explored, 3 failed, 0 proved; 8 executions\n",
        ];
        assert_eq!(told(&tests), expected.join("\n"));
    }

    #[test]
    fn options_are_ours_or_cargos() {
        use clap::CommandFactory;
        let command = crate::args::Cli::command();
        let test = command.find_subcommand("test").unwrap();
        let ours = test.get_arguments().filter_map(|argument| argument.get_long());
        let ours: Vec<String> = ours.filter(|name| *name != "help").map(|name| format!("--{name}")).collect();
        let cargos_too = ["--jobs"];
        assert!(ours.iter().all(|name| is_ours(name) != cargos_too.contains(&name.as_str())), "{ours:?}");
        assert!(is_ours("--time=3s") && OURS.len() + cargos_too.len() == ours.len());
    }

    #[test]
    fn the_verdict_is_that_of_the_worst_test() {
        let test = |passed: bool, budget: bool| json!({ "passed": passed, "budget": budget });
        assert_eq!(verdict(&[], true), Code::Nothing);
        assert_eq!(verdict(&[], false), Code::Findings);
        assert_eq!(verdict(&[test(true, false)], true), Code::Clean);
        assert_eq!(verdict(&[test(true, false), test(false, true)], false), Code::Budget);
        assert_eq!(verdict(&[test(false, true), test(false, false)], false), Code::Findings);
    }
}
