//! The commands that look at what failing tests left behind, as a user calls them.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder as failing tests leave it: the golden trace of the format, under a test's name.
struct Left(PathBuf);

const GOLDEN: &str = include_str!("../../../checkers/src/record/golden-1.jsonl");

impl Left {
    fn new(name: &str) -> Left {
        let folder = std::env::temp_dir().join(format!("selvedge-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("days_end")).unwrap();
        std::fs::write(folder.join("days_end/trace.jsonl"), GOLDEN).unwrap();
        let mut passing: Vec<&str> = GOLDEN.lines().filter(|line| !line.contains("\"finding\"")).collect();
        // One goroutine does something else.
        let changed = passing.iter().position(|line| line.contains("\"op\":\"lock\"")).unwrap();
        let other = passing[changed].replace("\"lock\"", "\"try-lock\"");
        passing[changed] = &other;
        std::fs::write(folder.join("days_end/passing.jsonl"), passing.join("\n")).unwrap();
        Left(folder)
    }

    fn run(&self, args: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-selvedge"));
        command.arg("selvedge").args(args.split_whitespace());
        command.env("SELVEDGE_OUT", &self.0).env("COLUMNS", "100").output().unwrap()
    }

    fn ok(&self, args: &str) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn failures_are_listed_and_shown_without_running_anything() {
    let left = Left::new("show");
    assert_eq!(left.ok("list"), "shop::days_end  deadlock           sv1-1S1G0-RM8\n");
    let listed: Value = serde_json::from_str(&left.ok("list --json")).unwrap();
    assert_eq!((&listed["version"], &listed["findings"][0]), (&1.into(), &"deadlock".into()));
    let report = left.ok("show");
    assert!(report.starts_with("error[deadlock]: ") && report.contains("SELVEDGE_REPLAY=sv1-1S1G0-RM8"));
    for what in ["days_end", "shop::days_end", "SV1-1S1G0-RM8"] {
        assert_eq!(left.ok(&format!("show {what}")), report, "{what}");
    }
    let file = left.0.join("days_end/trace.jsonl");
    assert_eq!(left.ok(&format!("show {}", file.display())), report);
    assert!(left.ok("show --steps").lines().count() > 60);
    assert!(left.ok("show --json").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let page = left.0.join("page.html");
    left.ok(&format!("show --html {}", page.display()));
    assert!(std::fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
}

#[test]
fn every_form_is_exported() {
    let left = Left::new("export");
    assert_eq!(left.ok("export --as jsonl"), GOLDEN, "the same bytes again");
    let chrome: Value = serde_json::from_str(&left.ok("export days_end --as chrome")).unwrap();
    assert!(chrome["traceEvents"].as_array().unwrap().len() > 60);
    assert!(left.ok("export --as svg").starts_with("<svg "));
    assert!(left.ok("export --as github").starts_with("::error "));
    assert!(left.ok("export --as shiviz").contains("{\""));
    let file = left.0.join("out.json");
    assert_eq!(left.ok(&format!("export --as json -o {}", file.display())), "");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("{\"version\":1,\"kind\":\"finding\""));
}

#[test]
fn the_first_difference_is_shown() {
    let left = Left::new("diff");
    let text = left.ok("diff days_end --lines 1");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("the first 5 steps are the same"), "{text}");
    assert!(lines[1].starts_with("- ") && lines[1].contains(" lock "), "{text}");
    assert!(lines[2].starts_with("+ ") && lines[2].contains("try_lock"), "{text}");
    let data: Value = serde_json::from_str(&left.ok("diff days_end --json")).unwrap();
    assert_eq!((&data["common"], &data["left"]["op"]), (&5.into(), &"lock".into()));
    assert_eq!(left.ok("diff days_end days_end"), format!("the two are the same, {} steps\n", 61));
}

#[test]
fn what_is_wrong_is_named() {
    let left = Left::new("wrong");
    std::fs::write(left.0.join("broken.jsonl"), GOLDEN.replace("\"op\":\"lock\"", "\"op\":\"lokc\""))
        .unwrap();
    let broken = format!("show {}", left.0.join("broken.jsonl").display());
    for (args, expected) in [
        ("show nonsense", "no file, test or token `nonsense`; there are: shop::days_end"),
        (broken.as_str(), "unknown variant `lokc`, expected one of"),
        ("explain dread-lock", "no finding `dread-lock`; there are: deadlock, "),
        ("replay sv1-00000", "is no file and no token: "),
        ("replay sv1-1S1G0-RM9", "is no file and no token: "),
        ("export days_end", "--as <FORM>"),
        ("export days_end --as svg -o /no/such/folder/a.svg", "/no/such/folder/a.svg: "),
        ("show days_end --html /no/such/folder/a.html", "/no/such/folder/a.html: "),
        (
            "test --executions zero",
            "--executions zero: expected a whole number from 1, such as 500 or 10_000",
        ),
        (
            "test --test orders --shard=1/2",
            "--shard=1/2 is an option of `cargo selvedge test`: it comes before",
        ),
        ("test --shard 5/4", "--shard 5/4: expected K/N with K from 1 to N, or `auto`"),
        ("test --report fancy", "--report fancy: expected `short`, `full`, `json`, `github` or `off`"),
        ("estimate days_end --time 5parsecs", "--time 5parsecs: expected a positive duration such as"),
        ("shwo", "unrecognized subcommand 'shwo'"),
    ] {
        let output = left.run(args);
        assert_eq!(output.status.code(), Some(1), "{args}: {output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{args}: {text}");
    }
}

#[test]
fn pages_settings_and_completions_are_printed() {
    let left = Left::new("print");
    assert!(left.ok("explain deadlock").starts_with("# deadlock\n"));
    assert_eq!(left.ok("explain Close_of_Closed"), left.ok("explain close-of-closed"));
    let all = left.ok("explain");
    assert_eq!(all.lines().count(), 25);
    assert!(all.lines().all(|line| !line.contains(';')), "{all}");
    let config: Value = serde_json::from_str(&left.ok("config --json")).unwrap();
    assert_eq!(
        (&config["version"], &config["strategy"], &config["jobs"]),
        (&1.into(), &"mix".into(), &1.into())
    );
    assert!(left.ok("config").contains("\nexecutions   1000\n"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(left.ok(&format!("completions {shell}")).contains("replay"), "{shell}");
    }
}
