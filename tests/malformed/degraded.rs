//! Where less is there than one is used to: no sources, another checkout, several processes at once.

use super::{Run, folder, run};
use selvedge_checkers::record;
use std::path::{Path, PathBuf};

/// An empty package that is its own workspace.
fn package(name: &str) -> PathBuf {
    let root = folder(name);
    std::fs::write(root.join("Cargo.lock"), "").unwrap();
    root
}

/// The same with the sources of the failing test.
fn checkout(name: &str) -> PathBuf {
    let root = package(name);
    std::fs::create_dir_all(root.join("tests/malformed")).unwrap();
    std::fs::write(root.join("tests/malformed/subject.rs"), include_str!("subject.rs")).unwrap();
    root
}

/// The report, without the wall time it took.
#[track_caller]
fn report(root: &Path) -> String {
    let run = run("fails", root, &[("SELVEDGE_REGRESSIONS", "off")]).fails();
    let start = run.said.find("error[").unwrap_or_else(|| panic!("no report:\n{}", run.said));
    let end = run.said[start..].find("explain ").expect("the last line");
    run.said[start..start + end].to_owned()
}

#[test]
fn another_checkout_tells_the_same() {
    let here = report(&checkout("checkout"));
    assert_eq!(here, report(&checkout("another/checkout/of another name")));
    assert!(here.contains("assert_eq!(count.load(Ordering::SeqCst), 2"), "the source is shown:\n{here}");
}

#[test]
fn without_sources_the_place_is_named_and_nothing_else_differs() {
    let (with, without) = (report(&checkout("sources")), report(&package("no_sources")));
    assert!(!without.contains("assert_eq!("), "{without}");
    let names_place = |text: &str| text.contains("tests/malformed/subject.rs:");
    assert!(names_place(&with) && names_place(&without), "{without}");
    let token = |text: &str| text.split("SELVEDGE_REPLAY=").nth(1).map(str::to_owned);
    assert_eq!(token(&with), token(&without));
    assert!(without.contains("store atomic #0 1"), "what was done is still said:\n{without}");
}

/// As `cargo nextest` does, when the same test is in two binaries.
#[test]
fn processes_at_once_leave_whole_files() {
    let root = package("at_once");
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| run("fails", &root, &[]).fails());
        let all: Vec<_> = (0..4).map(start).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let token = runs[0].token();
    assert!(runs.iter().all(|run| run.token() == token));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let kept = root.join("target/selvedge/subject__fails");
    assert_eq!(record::read(&read(&kept.join("trace.jsonl"))).unwrap().token, token);
    assert!(read(&kept.join("timeline.html")).ends_with("</html>\n"));
    let drafts = |folder: &Path| {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    };
    let regressions = root.join("selvedge-regressions");
    assert_eq!((drafts(&kept), drafts(&regressions)), (0, 0));
    let files: Vec<PathBuf> = std::fs::read_dir(&regressions).unwrap().map(|e| e.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!(read(file).lines().filter(|line| line.starts_with(&token)).count(), 1);
}
