//! The commands that run the user's tests, as processes: their exit codes and what they print.
//!
//! Cargo is played by a few lines of shell that have built everything already: they run this very binary,
//! whose tests under `subjects` are the user's. So nothing is built a second time, and what is tested is what
//! the command makes of a run.

#![cfg(unix)]

#[path = "../../../tests/book/shown.rs"]
#[allow(dead_code, reason = "the library's tests use the rest")]
mod shown;
mod subjects;
mod terminal;

use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const CARGO: &str = r#"#!/bin/sh
case "$1 $2" in
    "nextest --version") exit "${NEXTEST_VERSION:-1}" ;;
    "nextest run") [ "$3" = --no-run ] && exit 0; exit "${NEXTEST_RUN:-0}" ;;
    "test --no-run") exit "${BUILD:-0}" ;;
esac
shift
for argument; do
    shift
    [ "$argument" = -- ] || set -- "$@" "$argument"
done
exec "$SUBJECT" --test-threads=1 "$@"
"#;

/// A workspace of its own, gone at the end.
struct Workspace(PathBuf);

impl Workspace {
    fn new(name: &str) -> Workspace {
        let root = std::env::temp_dir().join(format!("selvedge-process-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("Cargo.lock"), "").unwrap();
        let cargo = root.join("cargo");
        std::fs::write(&cargo, CARGO).unwrap();
        std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        Workspace(root)
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-selvedge"));
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SELVEDGE_") {
                command.env_remove(variable);
            }
        }
        command.arg("selvedge").args(args.split_whitespace()).current_dir(&self.0);
        command.env("CARGO", self.0.join("cargo")).env("SUBJECT", std::env::current_exe().unwrap());
        command.env("PACKAGE", &self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
        command.env("SELVEDGE_REGRESSIONS", "off").env("RUST_BACKTRACE", "0").env_remove("CI");
        command
    }

    fn run(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    /// What it prints, if it ends like this.
    #[track_caller]
    fn ends(&self, code: i32, args: &str) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args}: {output:#?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The line of JSON it prints.
    #[track_caller]
    fn json(&self, code: i32, args: &str) -> Value {
        let text = self.ends(code, args);
        let line = text.lines().find(|line| line.starts_with('{'));
        serde_json::from_str(line.unwrap_or_else(|| panic!("{args}: {text}"))).unwrap()
    }

    /// The token of a subject that fails, which leaves its files.
    fn token(&self, subject: &str) -> String {
        let test = self.json(100, &format!("test --json subjects::{subject} -- --ignored"));
        test["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_run_ends_as_its_worst_test() {
    let here = Workspace::new("test");
    let passes = here.ends(0, "test subjects::passes -- --ignored");
    assert!(passes.ends_with("selvedge: 1 test explored, 0 failed, 1 proved; 2 executions\n"), "{passes}");
    let failing = here.ends(100, "test subjects::long -- --ignored");
    assert!(failing.contains("  failed  subjects::long  panic  sv1-"), "{failing}");
    let budget = here.ends(5, "test subjects::large -- --ignored");
    assert!(budget.contains("the budget ended before all executions were explored"), "{budget}");
    here.ends(4, "test nothing_of_this_name");
    let broken = here.command("test subjects::passes").env("BUILD", "101").output().unwrap();
    assert_eq!(broken.status.code(), Some(101));
    let options =
        here.json(100, "test --json --seed 7 --strategy random --executions 500 subjects::long -- --ignored");
    assert_eq!((&options["version"], &options["strategy"]), (&1.into(), &"random".into()));
}

/// Its exit codes are documented: 4 for no tests to run, 100 for a failure.
#[test]
fn nextest_ends_in_its_own_ways() {
    let here = Workspace::new("nextest");
    for (ends, code) in [("0", 4), ("4", 4), ("100", 100)] {
        let mut command = here.command("test nothing_of_this_name");
        let output = command.env("NEXTEST_VERSION", "0").env("NEXTEST_RUN", ends).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{ends}: {output:#?}");
    }
}

#[test]
fn a_failure_is_replayed_by_its_token_and_by_its_trace() {
    let here = Workspace::new("replay");
    let token = here.token("long");
    let trace = here.0.join("target/selvedge/subjects__long/trace.jsonl");
    assert!(trace.is_file());
    for what in [token.as_str(), trace.to_str().unwrap()] {
        let output = here.run(&format!("replay {what}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(100), "{said}");
        assert!(said.contains("error[panic]: main panicked: "), "{said}");
        assert!(said.contains("replayed from a token: "), "{said}");
    }
    // As a person would without the command.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "subjects::long"])
        .env("SELVEDGE_REPLAY", &trace)
        .env("PACKAGE", &here.0)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[panic]: "), "{output:?}");
    let output = here.run("replay sv1-1S1G0-RM8");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no test has left `sv1-1S1G0-RM8`") && said.contains("say --test NAME"), "{said}");
    here.ends(4, "replay sv1-1S1G0-RM8 --test nothing_of_this_name");
}

#[test]
fn a_schedule_is_shrunk() {
    let here = Workspace::new("shrink");
    let token = here.token("long");
    let trace = std::fs::read_to_string(here.0.join("target/selvedge/subjects__long/trace.jsonl")).unwrap();
    let longer = here.0.join("longer.jsonl");
    std::fs::write(&longer, subjects::by_turns(&trace)).unwrap();
    let shrunk = here.json(0, &format!("shrink --json {}", longer.display()));
    assert_eq!((&shrunk["kind"], &shrunk["finding"]), (&"shrink".into(), &"panic".into()));
    let number = |side: &str, field: &str| shrunk[side][field].as_u64().unwrap();
    assert!(number("before", "switches") > 10, "{shrunk}");
    assert_eq!(number("after", "switches"), 2, "{shrunk}");
    assert_eq!(shrunk["token"], token.as_str(), "as short as what the test itself prints");
    // The book shows it.
    let told = here.ends(0, "shrink longer.jsonl");
    shown::Document::open("docs/replaying.md").shows("shrink", "text", &told).check();
    let again = here.ends(0, &format!("shrink {token}"));
    let lines: Vec<&str> = again.lines().collect();
    assert!(lines[0].starts_with("before ") && lines[1].starts_with("after  "), "{again}");
    assert!(lines.iter().all(|line| line.ends_with(&token)), "{again}");
    let unknown = here.0.join("unknown.jsonl");
    std::fs::write(&unknown, subjects::by_turns(&trace).replace("[1,0,1]", "[7,0,1]")).unwrap();
    let unknown = here.run(&format!("shrink {}", unknown.display()));
    assert_eq!(unknown.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("does not do any more"), "{unknown:?}");
    let passes = here.run("shrink sv1-1S1G0-RM8 --test subjects::passes");
    assert_eq!(passes.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&passes.stderr).contains("nothing to shrink"), "{passes:?}");
}

#[test]
fn an_estimate_says_what_is_known() {
    let here = Workspace::new("estimate");
    let all = here.ends(0, "estimate subjects::passes --time 2s");
    assert!(all.starts_with("1 execution, no more exist; "), "{all}");
    let fails = here.ends(100, "estimate subjects::long --time 2s");
    assert!(!here.0.join("target/selvedge").exists(), "it leaves nothing behind");
    assert!(fails.starts_with("fails: panic in "), "{fails}");
    let large = here.ends(0, "estimate subjects::large --time 1s");
    assert!(large.starts_with("about "), "{large}");
    assert_eq!(here.json(0, "estimate subjects::passes --json")["exhausted"], true);
    here.ends(4, "estimate nothing_of_this_name --time 1s");
}

#[test]
fn every_decision_is_made_by_hand_or_follows_a_schedule() {
    let here = Workspace::new("step");
    let step = |args: &str, answers: &str| {
        let mut command = here.command(&format!("step --json {args}"));
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let default = step("subjects::long", "");
    assert_eq!(default.status.code(), Some(0), "{default:#?}");
    let asked = String::from_utf8(default.stdout).unwrap();
    let question: Value = serde_json::from_str(asked.lines().next().unwrap()).unwrap();
    assert_eq!((&question["version"], &question["kind"]), (&1.into(), &"choice".into()));
    assert!(question["choices"][0]["site"].as_str().unwrap().contains("subjects/mod.rs:"), "{question}");
    // The same answers, along a schedule that fails.
    let token = here.token("long");
    let along = step(&token, &"0\n".repeat(200));
    assert_eq!(along.status.code(), Some(100), "{along:#?}");
    assert_eq!(step("nothing_of_this_name", "").status.code(), Some(4));
    assert_eq!(step("--test subjects::long nonsense", "").status.code(), Some(1));
}

#[test]
fn whoever_watches_sees_how_far_it_is() {
    let here = Workspace::new("watch");
    let on_a_terminal = &|variables: &[(&str, &str)]| {
        let mut command = here.command("test --time 2s --strategy random subjects::passes -- --ignored");
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
        terminal::run(command, 120)
    };
    let bar = "0 of 1 tests; subjects::passes: ";
    std::thread::scope(|scope| {
        for quiet in [("TERM", "dumb"), ("CI", "true"), ("SELVEDGE_PROGRESS", "off")] {
            scope.spawn(move || {
                let (code, seen) = on_a_terminal(&[quiet]);
                assert_eq!(code, Some(0), "{quiet:?}: {seen}");
                assert!(!seen.contains(" of 1 tests"), "{quiet:?}: {seen:?}");
            });
        }
        let (_, plain) = on_a_terminal(&[("NO_COLOR", "1")]);
        assert!(plain.contains(bar) && !plain.contains("\u{1b}[32m"), "{plain:?}");
    });
    let (code, seen) = on_a_terminal(&[]);
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains(bar) && seen.contains(" s left"), "{seen:?}");
    assert!(!seen.contains('\u{1e}') && !seen.contains("\"progress\""), "records are for programs: {seen:?}");
    assert!(seen.contains("test subjects::passes ... \u{1b}[32mok\u{1b}[0m"), "{seen:?}");
    // What is left on the screen is what there is without a bar.
    let left = terminal::screen(&seen);
    assert!(left.contains("running 1 test\ntest subjects::passes ... ok\n"), "{left}");
    assert!(left.ends_with(" executions\n") && !left.contains(" left") && !left.contains("=>"), "{left}");
    let piped = here.run("test --time 2s --strategy random subjects::passes -- --ignored");
    let all = [piped.stdout, piped.stderr].concat();
    assert!(!all.contains(&0x1b) && !all.contains(&0x1e), "{}", String::from_utf8_lossy(&all));
}
