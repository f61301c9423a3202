//! What people type wrong: tokens, files, folders. The test fails, says what is wrong with what and
//! where, and nothing panics or hangs on the way.
//!
//! Each case runs a test of this binary (`subject::…`, ignored otherwise) in a process of its own and
//! looks at its exit code and what it says.

mod degraded;
mod subject;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder for one case, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// What a run came to.
struct Run {
    passed: bool,
    said: String,
}

impl Run {
    #[track_caller]
    fn says(&self, what: &str) {
        assert!(self.said.contains(what), "expected {what:?} in:\n{}", self.said);
    }

    #[track_caller]
    fn fails(self) -> Run {
        assert!(!self.passed, "it passed:\n{}", self.said);
        assert!(!self.said.contains("internal"), "{}", self.said);
        self
    }

    #[track_caller]
    fn passes(self) -> Run {
        assert!(self.passed, "it failed:\n{}", self.said);
        self
    }

    /// The token the report ends with.
    #[track_caller]
    fn token(&self) -> String {
        let at = self.said.find("SELVEDGE_REPLAY=").unwrap_or_else(|| panic!("no token:\n{}", self.said));
        self.said[at..].split_whitespace().next().unwrap().trim_start_matches("SELVEDGE_REPLAY=").to_owned()
    }
}

/// Run `subject::name` in a package at `root`.
#[track_caller]
fn run(name: &str, root: &Path, variables: &[(&str, &str)]) -> Run {
    run_as(name, root, variables, |_| {})
}

/// The same in a process that is made as `prepare` says.
#[track_caller]
fn run_as(name: &str, root: &Path, variables: &[(&str, &str)], prepare: fn(&mut Command)) -> Run {
    let exe = std::env::current_exe().expect("this test runs");
    let mut command = Command::new(exe);
    command.args(["--exact", &format!("subject::{name}"), "--ignored", "--nocapture", "--test-threads=1"]);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("SELVEDGE_") {
            command.env_remove(variable);
        }
    }
    command.env("PACKAGE", root).env("RUST_BACKTRACE", "0").env_remove("CI").env_remove("NEXTEST");
    prepare(&mut command);
    command.env("CARGO_TARGET_DIR", root.join("target"));
    let output = command.envs(variables.iter().copied()).output().expect("the process starts");
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 101)), "exit code {code:?} is no test's: {output:?}");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("running 1 test"), "{said}");
    Run { passed: code == Some(0), said: said.into_owned() }
}

#[track_caller]
fn replay(name: &str, case: &str, what: &str) -> Run {
    run(name, &folder(case), &[("SELVEDGE_REPLAY", what)])
}

#[test]
fn a_token_replays() {
    let failed = run("fails", &folder("a_token"), &[]).fails();
    failed.says("the bug");
    let again = replay("fails", "a_token_again", &failed.token()).fails();
    again.says("the bug");
    assert_eq!(again.token(), failed.token());
}

#[test]
fn garbage_for_a_token() {
    for (i, what) in
        ["sv1-", "sv1-!!!!", "sv1-00000-00000", "sv1", "SV1-ZZZZZ-ZZZZZ-ZZZZZ"].iter().enumerate()
    {
        let run = replay("fails", &format!("garbage{i}"), what).fails();
        run.says("SELVEDGE_REPLAY");
        run.says(what);
        run.says("expected a token or a file");
    }
}

#[test]
fn a_damaged_token() {
    let token = run("fails", &folder("damaged"), &[]).fails().token();
    let mut letters: Vec<char> = token.chars().collect();
    let last = letters.len() - 1;
    letters[last] = if letters[last] == '0' { '1' } else { '0' };
    let damaged: String = letters.into_iter().collect();
    replay("fails", "damaged_again", &damaged).fails().says("SELVEDGE_REPLAY");
}

#[test]
fn the_token_of_another_program() {
    let token = run("fails", &folder("foreign"), &[]).fails().token();
    let run = replay("passes", "foreign_again", &token).fails();
    run.says("not-deterministic");
}

#[test]
fn the_token_of_a_program_that_changed() {
    let token = run("changes", &folder("changed"), &[]).fails().token();
    let changed = folder("changed_again");
    let run = run("changes", &changed, &[("SELVEDGE_REPLAY", &token), ("CHANGED", "1")]).fails();
    run.says("not-deterministic");
}

#[test]
fn no_such_file() {
    let run = replay("fails", "no_such_file", "folder/nothing.txt").fails();
    run.says("SELVEDGE_REPLAY=folder/nothing.txt");
}

#[test]
fn a_folder_for_a_file() {
    let root = folder("a_folder");
    let run = run("fails", &root, &[("SELVEDGE_REPLAY", root.to_str().unwrap())]).fails();
    run.says("cannot read");
}

#[test]
fn a_file_with_garbage_to_replay() {
    let root = folder("garbage_file");
    let file = root.join("replay.txt");
    std::fs::write(&file, b"# fine\n\nthis is no token\n").unwrap();
    let run = run("fails", &root, &[("SELVEDGE_REPLAY", file.to_str().unwrap())]).fails();
    run.says("replay.txt:3:");
}

#[test]
fn a_file_that_is_no_text() {
    let root = folder("no_text");
    let file = root.join("replay.bin");
    std::fs::write(&file, [0xff, 0xfe, 0x00, 0x80]).unwrap();
    let run = run("fails", &root, &[("SELVEDGE_REPLAY", file.to_str().unwrap())]).fails();
    run.says("replay.bin");
}

#[test]
fn regressions_are_kept_and_replayed() {
    let root = folder("kept");
    run("fails", &root, &[]).fails();
    let file = root.join("selvedge-regressions/malformed__subject__fails.txt");
    let text = std::fs::read_to_string(&file).expect("the failure was kept");
    assert!(text.contains("decisions"), "{text}");
    run("fails", &root, &[]).fails().says("the bug");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "it was not added twice");
    let replayed = run("fails", &root, &[("SELVEDGE_REPLAY", file.to_str().unwrap())]).fails();
    replayed.says("the bug");
}

#[test]
fn regressions_with_garbage() {
    for (i, (text, line)) in
        [("what is this\n", 1), ("# a comment\ndecisions 0:0\n", 2), ("\n\nsv1-00000\n", 3)]
            .iter()
            .enumerate()
    {
        let root = folder(&format!("regressions{i}"));
        std::fs::create_dir(root.join("selvedge-regressions")).unwrap();
        std::fs::write(root.join("selvedge-regressions/malformed__subject__passes.txt"), text).unwrap();
        let run = run("passes", &root, &[]).fails();
        run.says(&format!("malformed__subject__passes.txt:{line}:"));
    }
}

#[test]
fn regressions_of_a_bug_that_is_fixed() {
    let root = folder("fixed");
    run("changes", &root, &[]).fails();
    run("changes", &root, &[("CHANGED", "1")]).passes();
}

#[test]
fn a_package_that_cannot_be_written() {
    let root = folder("read_only");
    // A file where the folder should be: nobody, not even root, can write into that.
    std::fs::write(root.join("selvedge-regressions"), "in the way").unwrap();
    std::fs::write(root.join("target"), "in the way").unwrap();
    let run = run("fails", &root, &[]).fails();
    run.says("the bug");
}

#[test]
fn values_that_are_none() {
    for (variable, value) in
        [("SELVEDGE_EXECUTIONS", "many"), ("SELVEDGE_JOBS", "0"), ("SELVEDGE_STRATEGY", "luck")]
    {
        let run = run("passes", &folder(variable), &[(variable, value)]).fails();
        run.says(&format!("{variable}={value}: expected"));
    }
    run("passes", &folder("unknown"), &[("SELVEDGE_EXECUTION", "1")]).passes().says("did you mean");
}

/// The test that fails, in a package with this `selvedge.toml`.
#[track_caller]
fn configured(case: &str, text: &[u8], variables: &[(&str, &str)]) -> Run {
    let root = folder(case);
    std::fs::write(root.join("selvedge.toml"), text).expect("the file can be written");
    run("fails", &root, variables)
}

#[test]
fn a_configuration_file_is_taken_over() {
    let run = configured("toml", b"report = \"short\"\nseed = \"7GQ4K\"\n", &[]).fails();
    run.says("error[panic]");
    assert!(!run.said.contains("executions fail this way"), "{}", run.said);
    let other = configured("toml-env", b"report = \"short\"\n", &[("SELVEDGE_REPORT", "full")]).fails();
    other.says("executions fail this way");
}

#[test]
fn a_configuration_file_with_mistakes() {
    let unknown = configured("toml-key", b"# defaults\nexecution = 5\n", &[]).fails();
    unknown.says("selvedge.toml:2: unknown key `execution`; did you mean `executions`?");
    let value = configured("toml-value", b"strategy = \"best\"\n", &[]).fails();
    value.says("selvedge.toml:1: `strategy` = \"best\": expected");
    configured("toml-syntax", b"strategy = pct:3\n", &[]).fails().says("selvedge.toml:1: no TOML: ");
    configured("toml-binary", &[0xff, 0xfe, 0, 1], &[]).fails().says("selvedge.toml: ");
    configured("toml-empty", b"", &[]).fails().says("the bug");
    let root = folder("toml-folder");
    std::fs::create_dir(root.join("selvedge.toml")).unwrap();
    run("fails", &root, &[]).fails().says("selvedge.toml: ");
}
