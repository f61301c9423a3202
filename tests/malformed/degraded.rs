//! Where less is there than one is used to: no sources, another checkout, several processes at once.

use super::{Run, folder, run, run_as};
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
    let again = run("fails", &root, &[]).fails();
    again.says("fails as before, replayed from selvedge-regressions: ");
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

/// As `cargo nextest` needs it, for the message of a failure in its JUnit file.
#[test]
fn nextest_is_told_of_the_panic() {
    let said = run("fails", &package("nextest"), &[("NEXTEST", "1")]).fails().said;
    let at = said.find("thread 'subject::fails' panicked at tests/malformed/subject.rs:").expect(&said);
    assert!(said[at..].lines().nth(1).unwrap().starts_with("error[panic]: main panicked: "), "{said}");
    let json = run("fails", &package("nextest"), &[("NEXTEST", "1"), ("SELVEDGE_REPORT", "json")]).fails();
    assert!(!json.said.contains("panicked at tests/"), "{}", json.said);
}

/// A workspace that nobody may write to, also not root, in four processes at once.
#[test]
#[cfg(target_os = "linux")]
fn where_nothing_can_be_written_everything_else_is_there() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let root = checkout("read_only");
    let allow = |mode| std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let with_everything = run("fails", &checkout("writable"), &[]).fails();
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let start = |_| {
            scope.spawn(|| {
                run_as("fails", &root, &[], |command| {
                    // SAFETY: between fork and exec only a system call is made. Where it is refused permissions hold.
                    unsafe {
                        command.pre_exec(|| {
                            const DAC_OVERRIDE: libc::c_ulong = 1;
                            libc::prctl(libc::PR_CAPBSET_DROP, DAC_OVERRIDE, 0, 0, 0);
                            Ok(())
                        })
                    };
                })
            })
        };
        let all: Vec<_> = (0..4).map(start).collect();
        all.into_iter().map(|one| one.join().unwrap().fails()).collect()
    });
    let left: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    allow(0o755);
    assert_eq!(left.len(), 2, "it could be written to: {left:?}");
    for run in runs {
        assert_eq!(run.token(), with_everything.token());
        run.says("assert_eq!(count.load(Ordering::SeqCst), 2");
        for (what, times) in [("selvedge: cannot write ", 1), ("the failure could not be kept: ", 1)] {
            assert_eq!(run.said.matches(what).count(), times, "{what}: {}", run.said);
        }
        for lie in ["timeline  ", "full table in", "selvedge-regressions/subject"] {
            assert!(!run.said.contains(lie), "{lie}: {}", run.said);
        }
    }
}
