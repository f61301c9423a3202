//! `test`, `replay` and `estimate`: what runs the user's tests.
//!
//! Invariants: the tests are run by cargo, or by nextest where it is installed, and print what they print;
//! what is said at the end comes from the lines that the tests themselves wrote (`SELVEDGE_SUMMARY`).

use crate::args::{Estimate, Flags, Replay, Test};
use crate::code::Code;
use crate::offline::refused;
use crate::place::Place;
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file that tests write a line each into; gone when it is dropped.
struct Summary(PathBuf);

impl Summary {
    fn new() -> Summary {
        let name = format!("selvedge-summary-{}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        Summary(path)
    }

    fn tests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn has_nextest() -> bool {
    let mut command = cargo();
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Our options as the variables that the tests read.
fn set(command: &mut Command, flags: &Flags) {
    for (name, value) in flags.variables() {
        command.env(name, value);
    }
}

pub(crate) fn test(test: &Test) -> io::Result<Code> {
    let (cargo_args, after): (&[String], &[String]) = match test.args.iter().position(|arg| arg == "--") {
        Some(at) => (&test.args[..at], &test.args[at..]),
        None => (&test.args, &[]),
    };
    let nextest = !test.no_nextest && has_nextest();
    let mut build = cargo();
    match nextest {
        true => build.args(["nextest", "run", "--no-run"]),
        false => build.args(["test", "--no-run"]),
    };
    if !build.args(cargo_args).status()?.success() {
        return Ok(Code::Build);
    }
    let summary = Summary::new();
    let mut command = cargo();
    match nextest {
        true => command.args(["nextest", "run"]),
        false => command.arg("test"),
    };
    command.args(cargo_args).args(after).env("SELVEDGE_SUMMARY", &summary.0);
    set(&mut command, &test.flags);
    let passed = command.status()?.success();
    let tests = summary.tests();
    let mut out = io::stdout().lock();
    match test.json {
        true => tests.iter().try_for_each(|line| writeln!(out, "{line}"))?,
        false => write!(out, "{}", told(&tests))?,
    }
    Ok(verdict(&tests, passed))
}

fn verdict(tests: &[Value], passed: bool) -> Code {
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
fn told(tests: &[Value]) -> String {
    let mut text = String::new();
    let string = |test: &Value, field: &str| test[field].as_str().unwrap_or_default().to_owned();
    let (mut executions, mut failed, mut proved) = (0, 0, 0);
    for test in tests {
        executions += test["executions"].as_u64().unwrap_or(0);
        proved += u64::from(test["exhausted"] == true && test["passed"] == true);
        if test["passed"] == false {
            failed += 1;
            let what = match test["budget"] == true {
                true => "the budget ended before all executions were explored".to_owned(),
                false => format!("{}  {}", string(test, "finding"), string(test, "token")),
            };
            text += &format!("  failed  {}  {what}\n", string(test, "test"));
        }
        let warnings = test["warnings"].as_array().map_or(&[][..], Vec::as_slice);
        let warnings: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
        if !warnings.is_empty() {
            text += &format!("  warned  {}  {}\n", string(test, "test"), warnings.join(" "));
        }
    }
    let all = tests.len();
    format!(
        "{text}selvedge: {all} {} explored, {failed} failed, {proved} proved; {executions} executions\n",
        if all == 1 { "test" } else { "tests" }
    )
}

/// What is to be replayed, in which folder and of which test.
struct Target {
    value: String,
    test: String,
    package: PathBuf,
}

pub(crate) fn replay(replay: &Replay) -> io::Result<Code> {
    let place = Place::here();
    let target = match target(&place, &replay.what, replay.test.as_deref()) {
        Ok(target) => target,
        Err(problem) => return refused(&problem),
    };
    let summary = Summary::new();
    let mut command = cargo();
    command.current_dir(&target.package).arg("test").args(&replay.args).arg(&target.test);
    command.args(["--", "--exact", "--include-ignored", "--nocapture"]);
    command.env("SELVEDGE_REPLAY", &target.value).env("SELVEDGE_SUMMARY", &summary.0);
    command.env("SELVEDGE_REPORT", "full").stdout(Stdio::null());
    command.status()?;
    let tests = summary.tests();
    let Some(test) = tests.first() else {
        eprintln!("error: no test `{}` ran: did it not build, or is it gone?", target.test);
        return Ok(Code::Nothing);
    };
    if let Some(timeline) = test["timeline"].as_str().filter(|_| replay.open) {
        open(&place.workspace.join(timeline))?;
    }
    Ok(verdict(&tests, true))
}

/// Find the test that a token or a file belongs to.
fn target(place: &Place, what: &str, test: Option<&str>) -> Result<Target, String> {
    let path = Path::new(what);
    let root = || place.workspace.clone();
    if path.is_file() {
        let value = std::fs::canonicalize(path).map_err(|error| format!("{what}: {error}"))?;
        let value = value.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{what}: {error}"))?;
        if text.starts_with('{') {
            let record = place.find(Some(what))?.record;
            let test = test.map_or(record.test, str::to_owned);
            return Ok(Target { value, test, package: place.workspace.join(record.package) });
        }
        let test = test.map(str::to_owned).or_else(|| test_of(path));
        let test = test.ok_or_else(|| format!("{what}: its name tells no test; say --test NAME"))?;
        let package = path.parent().and_then(Path::parent).map_or_else(root, Path::to_owned);
        let package = if package.as_os_str().is_empty() { PathBuf::from(".") } else { package };
        return Ok(Target { value, test, package });
    }
    let value = what.to_owned();
    if let Err(error) = selvedge::explore::token::Token::decode(what) {
        return Err(format!("`{what}` is no file and no token: {error}"));
    }
    if let Some(test) = test {
        return Ok(Target { value, test: test.to_owned(), package: root() });
    }
    let kept = place.all().into_iter().find(|kept| is_token(&kept.record.token, what));
    if let Some(kept) = kept {
        return Ok(Target {
            value,
            test: kept.record.test,
            package: place.workspace.join(kept.record.package),
        });
    }
    let files = regressions(&place.workspace, 4);
    let holds = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| is_token(line.split_whitespace().next().unwrap_or_default(), what))
    };
    let file = files.into_iter().find(holds);
    let found = file.and_then(|file| Some((test_of(&file)?, file.parent()?.parent()?.to_owned())));
    let (test, package) = found.ok_or_else(|| {
        format!(
            "no test has left `{what}` in {} or in a regressions file; say --test NAME",
            place.out.display()
        )
    })?;
    Ok(Target { value, test, package })
}

/// Whether both are the same token: case and dashes do not matter.
fn is_token(a: &str, b: &str) -> bool {
    use selvedge::explore::token::Token;
    matches!((Token::decode(a), Token::decode(b)), (Ok(a), Ok(b)) if a == b)
}

/// The test of a regressions file: `crate__module__name.txt`.
fn test_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    Some(stem.split_once("__")?.1.replace("__", "::"))
}

/// The regressions files of a workspace, at most `deep` folders down.
fn regressions(folder: &Path, deep: u32) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let inside = folder.file_name().is_some_and(|name| name == "selvedge-regressions");
        if inside && name.ends_with(".txt") {
            files.push(path);
        } else if path.is_dir() && deep > 0 && name != "target" && !name.starts_with('.') {
            files.extend(regressions(&path, deep - 1));
        }
    }
    files.sort();
    files
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

pub(crate) fn estimate(estimate: &Estimate) -> io::Result<Code> {
    let summary = Summary::new();
    let mut command = cargo();
    command.arg("test").args(&estimate.args).arg(&estimate.test);
    command.args(["--", "--exact", "--include-ignored"]).stdout(Stdio::null());
    command.env("SELVEDGE_SUMMARY", &summary.0).env("SELVEDGE_STRATEGY", "optimal");
    command.env("SELVEDGE_TIME", &estimate.time).env("SELVEDGE_REPORT", "off");
    command.env("SELVEDGE_REGRESSIONS", "off");
    command.status()?;
    let tests = summary.tests();
    let Some(test) = tests.first() else {
        eprintln!("error: no test is called `{}`, or it did not build", estimate.test);
        return Ok(Code::Nothing);
    };
    let mut out = io::stdout().lock();
    match estimate.json {
        true => writeln!(out, "{test}")?,
        false => writeln!(out, "{}", estimated(test))?,
    }
    Ok(Code::Clean)
}

fn estimated(test: &Value) -> String {
    let executions = test["executions"].as_u64().unwrap_or(0);
    let seconds = test["seconds"].as_f64().unwrap_or(0.0);
    if test["exhausted"] == true {
        return format!("{executions} executions, no more exist; {seconds:.1} s");
    }
    if test["passed"] == false && test["budget"] != true {
        let finding = test["finding"].as_str().unwrap_or_default();
        return format!("fails ({finding}) after {executions} executions: mend that first");
    }
    let Some(all) = test["estimate"].as_f64() else {
        return format!("more than {executions} executions; no estimate yet, say a longer --time");
    };
    let whole = all * seconds / executions.max(1) as f64;
    format!(
        "about {all:.0} executions, about {whole:.0} s on one thread; seen {executions} in {seconds:.1} s"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_verdict_is_that_of_the_worst_test() {
        let test = |passed: bool, budget: bool| json!({ "passed": passed, "budget": budget });
        assert_eq!(verdict(&[], true), Code::Nothing);
        assert_eq!(verdict(&[], false), Code::Findings);
        assert_eq!(verdict(&[test(true, false)], true), Code::Clean);
        assert_eq!(verdict(&[test(true, false), test(false, true)], false), Code::Budget);
        assert_eq!(verdict(&[test(false, true), test(false, false)], false), Code::Findings);
    }

    #[test]
    fn files_of_regressions_name_their_test() {
        assert_eq!(test_of(Path::new("a/bank__tests__adds_up.txt")).as_deref(), Some("tests::adds_up"));
        assert_eq!(test_of(Path::new("a/bank.txt")), None);
    }

    #[test]
    fn an_estimate_says_what_is_known() {
        let test = json!({ "executions": 100, "seconds": 2.0, "exhausted": false, "estimate": 1000.4, "passed": false, "budget": true });
        assert_eq!(estimated(&test), "about 1000 executions, about 20 s on one thread; seen 100 in 2.0 s");
    }
}
