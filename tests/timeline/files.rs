//! The files beside a report.

use selvedge::report::{Replay, Report, Roots};
use selvedge_checkers::finding::Slug;
use selvedge_checkers::record;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(out: &Path) -> String {
    run_test("small", out)
}

/// Run a failing example with its files in `out`; what it prints on standard error.
fn run_test(name: &str, out: &Path) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command.env("SELVEDGE_OUT", out).env("SELVEDGE_REGRESSIONS", "off").env("NO_COLOR", "1");
    let output = command.output().expect("it runs");
    assert!(!output.status.success(), "the example has lost its bug");
    String::from_utf8(output.stderr).expect("reports are UTF-8")
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("selvedge-{name}-{}", std::process::id()))
}

#[test]
fn a_failing_test_leaves_its_execution_behind() {
    let out = folder("files");
    let printed = run(&out);
    let read = |name: &str| {
        let path = out.join("small").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert!(printed.contains(&format!("timeline  {}/small/timeline.html", out.display())), "{printed}");
    assert!(read("report.txt").starts_with("error[deadlock]: "));
    let failing = record::read(&read("trace.jsonl")).unwrap();
    assert_eq!((failing.test.as_str(), failing.command.as_str()), ("small", "cargo test small"));
    assert_eq!(failing.findings[0].slug, Slug::Deadlock);
    assert!(printed.contains(&format!("SELVEDGE_REPLAY={} cargo test small", failing.token)), "{printed}");
    assert!(!failing.decisions.is_empty() && failing.statistics.executions > 0);
    let passing = record::read(&read("passing.jsonl")).unwrap();
    assert!(passing.findings.is_empty());
    assert!(passing.trace.goroutines.iter().all(|g| g.exited), "it passes");
    assert_ne!(passing.trace.events, failing.trace.events);
    assert!(read("timeline.html").starts_with("<!doctype html>"));
    // The same bytes again.
    let before = [read("trace.jsonl"), read("passing.jsonl")];
    run(&out);
    let timeless = |text: &str| {
        let mut record = record::read(text).unwrap();
        record.statistics.seconds = 0.0;
        record::write(&record)
    };
    assert_eq!(
        before.map(|t| timeless(&t)),
        [read("trace.jsonl"), read("passing.jsonl")].map(|t| timeless(&t))
    );
    std::fs::remove_dir_all(&out).unwrap();
}

#[test]
fn where_nothing_can_be_written_the_report_is_printed_all_the_same() {
    let file = folder("no-folder");
    std::fs::write(&file, "in the way").unwrap();
    let printed = run(&file);
    std::fs::remove_file(&file).unwrap();
    assert!(
        printed.contains("error[deadlock]: ") && printed.contains("replay    SELVEDGE_REPLAY="),
        "{printed}"
    );
    assert!(!printed.contains("timeline  ") && !printed.contains("full table in"), "{printed}");
    assert_eq!(printed.matches("selvedge: cannot write ").count(), 1, "it is said once:\n{printed}");
}

/// Not compared with anything here: `tests/browser/run` reads them with a browser's own parsers.
#[test]
#[ignore = "writes what is read in a browser"]
fn exports() {
    let out = PathBuf::from(std::env::var_os("SELVEDGE_OUT").expect("where to write"));
    run_test("exported", &out);
    let folder = out.join("exported");
    let text = std::fs::read_to_string(folder.join("trace.jsonl")).unwrap();
    let record = record::read(&text).unwrap();
    let replay = Replay::of_record(&record);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let roots = Roots { workspace: root.clone(), package: root };
    let report = Report::of_record(&record, &replay, &roots);
    let events = record.trace.events.len().to_string();
    let files = [
        ("chrome.json", report.chrome()),
        ("shiviz.log", report.shiviz()),
        ("picture.svg", report.svg()),
        ("events", events),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
