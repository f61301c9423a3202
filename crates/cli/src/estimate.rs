//! `cargo selvedge estimate`: how much there is to explore in a test.
//!
//! Invariants: a number is called all there is only where the search came to its end, and an estimate is said to be
//! rather too low; a test that fails is
//! said to fail before anything else, because the search ends soon after.

use crate::args::Estimate;
use crate::cargo;
use crate::code::Code;
use crate::config;
use crate::offline::refused;
use crate::progress;
use crate::run::none_ran;
use crate::words::count;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{self, Write};

pub(crate) fn run(estimate: &Estimate) -> io::Result<Code> {
    if let Err(problem) = config::check(&[("SELVEDGE_TIME", &estimate.time)]) {
        return refused(&problem);
    }
    let mut build = cargo::cargo();
    if !build.args(["test", "--no-run"]).args(&estimate.args).status()?.success() {
        return Ok(Code::Build);
    }
    let variables = [
        ("SELVEDGE_STRATEGY", "optimal"),
        ("SELVEDGE_TIME", &estimate.time),
        ("SELVEDGE_REPORT", "off"),
        ("SELVEDGE_REGRESSIONS", "off"),
    ];
    // What an earlier failure left behind stays as it is.
    let out = std::env::temp_dir().join(format!("selvedge-estimate-{}", std::process::id()));
    let mut variables = variables.map(|(name, value)| (name, OsStr::new(value))).to_vec();
    variables.push(("SELVEDGE_OUT", out.as_os_str()));
    let bar = progress::for_a_time(&estimate.time);
    let test = cargo::one(cargo::cargo(), &estimate.args, &estimate.test, &variables);
    bar.finish();
    let _ = std::fs::remove_dir_all(&out);
    let Some(test) = test? else { return Ok(none_ran(&estimate.test)) };
    let mut out = io::stdout().lock();
    match estimate.json {
        true => writeln!(out, "{test}")?,
        false => writeln!(out, "{}", told(&test))?,
    }
    Ok(if fails(&test) { Code::Findings } else { Code::Clean })
}

fn fails(test: &Value) -> bool {
    test["passed"] == false && test["budget"] != true
}

fn told(test: &Value) -> String {
    let number = |field: &str| test[field].as_u64().unwrap_or(0);
    let executions = number("executions");
    let seconds = test["seconds"].as_f64().unwrap_or(0.0);
    let exhausted = test["exhausted"] == true;
    if fails(test) {
        let finding = test["finding"].as_str().unwrap_or_default();
        let (failing, all) = (number("failing"), if exhausted { "all " } else { "" });
        let rest = if exhausted { "" } else { "; how many there are is not known before that is mended" };
        return format!("fails: {finding} in {failing} of {all}{executions} executions{rest}");
    }
    if exhausted {
        return format!("{}, no more exist; {seconds:.1} s", count(executions, "execution"));
    }
    let Some(all) = test["estimate"].as_f64() else {
        return format!("more than {}; no estimate yet, say a longer --time", count(executions, "execution"));
    };
    let whole = all * seconds / executions.max(1) as f64;
    format!(
        "about {all:.0} executions or more, about {whole:.0} s or more on one thread; seen {executions} in {seconds:.1} s"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_known_is_said() {
        let test = json!({ "executions": 100, "seconds": 2.0, "exhausted": false, "estimate": 1000.4, "passed": false, "budget": true });
        assert_eq!(
            told(&test),
            "about 1000 executions or more, about 20 s or more on one thread; seen 100 in 2.0 s"
        );
        let fails = |exhausted: bool| json!({ "executions": 16, "failing": 8, "seconds": 0.1, "exhausted": exhausted, "passed": false, "budget": false, "finding": "deadlock" });
        assert_eq!(told(&fails(true)), "fails: deadlock in 8 of all 16 executions");
        let more =
            "fails: deadlock in 8 of 16 executions; how many there are is not known before that is mended";
        assert_eq!(told(&fails(false)), more);
    }
}
