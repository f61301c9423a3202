//! `cargo selvedge shrink`: from a failing execution to the shortest schedule that shows the same.
//!
//! Invariants: what is printed first is what was asked about, then what became of it; the report of the
//! short one goes to standard error. Nothing is kept: the regressions file stays as it is.

use crate::args::Shrink;
use crate::cargo::{self, cargo};
use crate::code::Code;
use crate::offline::refused;
use crate::place::Place;
use crate::progress;
use crate::run::none_ran;
use crate::target;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::{self, Write};

pub(crate) fn run(shrink: &Shrink) -> io::Result<Code> {
    let place = Place::here();
    let target = match target::find(&place, &shrink.run.what, shrink.run.test.as_deref()) {
        Ok(target) => target,
        Err(problem) => return refused(&problem),
    };
    let mut command = cargo();
    command.current_dir(&target.package);
    let report = if shrink.json { "short" } else { "full" };
    let variables = [
        ("SELVEDGE_REPLAY", target.value.as_str()),
        ("SELVEDGE_SHRINK", "true"),
        ("SELVEDGE_REPORT", report),
    ];
    let variables = variables.map(|(name, value)| (name, OsStr::new(value)));
    let bar = progress::of_unknown_length("shrinking");
    let test = cargo::one(command, &shrink.run.args, &target.test, &variables);
    bar.finish();
    let Some(test) = test? else { return Ok(none_ran(&target.test)) };
    if test["steps"].is_null() {
        let why = match test["passed"] == true {
            true => "it does not fail",
            false => "the program does not do any more what it says",
        };
        eprintln!("error: {}: nothing to shrink: {why}", shrink.run.what);
        return Ok(Code::Nothing);
    }
    let mut out = io::stdout().lock();
    match shrink.json {
        true => writeln!(out, "{}", line(&shrink.run.what, &test))?,
        false => write!(out, "{}", told(&shrink.run.what, &test))?,
    }
    Ok(Code::Clean)
}

/// One object, for programs.
fn line(what: &str, test: &Value) -> Value {
    let side = |at: usize| json!({ "steps": test["steps"][at], "switches": test["switches"][at] });
    json!({
        "version": 1, "kind": "shrink", "test": test["test"], "finding": test["finding"], "what": what,
        "before": side(0), "after": side(1), "token": test["token"], "timeline": test["timeline"],
    })
}

/// Two lines, for people.
fn told(what: &str, test: &Value) -> String {
    let row = |name: &str, at: usize, what: &str| {
        let number = |field: &str| test[field][at].as_u64().unwrap_or(0);
        format!("{name:6}  {:5} steps  {:5} switches  {what}\n", number("steps"), number("switches"))
    };
    row("before", 0, what) + &row("after", 1, test["token"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_are_said() {
        let test = json!({ "steps": [23, 9], "switches": [5, 2], "token": "sv1-1S1G0-RM8", "finding": "deadlock", "test": "shop::orders" });
        let text = "before     23 steps      5 switches  trace.jsonl\nafter       9 steps      2 switches  sv1-1S1G0-RM8\n";
        assert_eq!(told("trace.jsonl", &test), text);
        assert_eq!(line("trace.jsonl", &test)["after"], json!({ "steps": 9, "switches": 2 }));
    }
}
