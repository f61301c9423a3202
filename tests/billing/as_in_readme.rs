//! The README shows this example and its report as they are.
//!
//! `UPDATE_README=1` writes both into the README instead of comparing them.

use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = include_str!("../billing.rs");

/// The example without what only a test suite needs: the attribute that keeps it from failing, and
/// what follows the function.
fn example() -> String {
    let (code, _) = EXAMPLE.split_once("\n#[path").expect("the module comes last");
    let (_, code) = code.split_once("\n\n").expect("a header");
    let lines = code.lines().filter(|line| !line.starts_with("#[ignore"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Run the example as a user would; what it prints on standard error.
fn run(replay: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args(["--exact", "orders_are_billed", "--ignored", "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SELVEDGE_") {
            command.env_remove(name);
        }
    }
    command.env("SELVEDGE_REGRESSIONS", "off");
    command.env("COLUMNS", "100").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    if let Some(token) = replay {
        command.env("SELVEDGE_REPLAY", token);
    }
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "the example has lost its bug");
    let text = String::from_utf8(output.stderr).expect("reports are UTF-8");
    let report = text.find("error[").map(|start| text[start..].trim_end());
    format!("{}\n", report.unwrap_or_else(|| panic!("no report in:\n{text}")))
}

/// The README with the block after `marker` replaced.
fn with_block(readme: &str, marker: &str, language: &str, content: &str) -> String {
    let start = format!("<!-- example: {marker} -->\n");
    let (before, rest) = readme.split_once(&start).expect("the README has the marker");
    let (_, after) = rest.split_once("<!-- example: end -->").expect("the block ends");
    format!("{before}{start}```{language}\n{content}```\n<!-- example: end -->{after}")
}

#[test]
fn the_readme_shows_the_example_and_its_report() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("there is a README");
    let wanted = with_block(&readme, "code", "rust", &example());
    let wanted = with_block(&wanted, "report", "text", &run(None));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, wanted).expect("the README can be written");
    } else {
        assert!(wanted == readme, "run `UPDATE_README=1 cargo test --test billing`; it should be:\n{wanted}");
    }
}

#[test]
fn the_printed_token_replays_the_bug() {
    let report = run(None);
    let token = report.split("SELVEDGE_REPLAY=").nth(1).and_then(|rest| rest.split(' ').next());
    let replayed = run(Some(token.expect("a token")));
    assert_eq!(replayed.lines().next(), report.lines().next());
}
