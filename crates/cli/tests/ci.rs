//! The examples for CI services, really run: each as so many processes of this machine, with the variables that
//! the service gives them, and then the merge.
//!
//! Cargo is played by a few lines of shell: for `cargo test` they run a test of this binary, and for
//! `cargo selvedge` the command. Not tested: that the services read their files as we think.

#![cfg(unix)]

mod subjects;

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SHARDS: u64 = 4;

const CARGO: &str = r#"#!/bin/sh
case "$1 ${2:-}" in
    "test --no-run") exit 0 ;;
    "test "*) exec "$SUBJECT" --test-threads=1 --exact --ignored "subjects::${WHICH:-sampled}" ;;
    "selvedge "*) exec "$COMMAND" "$@" ;;
    *) exit 1 ;;
esac
"#;

/// A checkout, with the examples in it.
struct Checkout(PathBuf);

impl Checkout {
    fn new(name: &str) -> Checkout {
        let root = std::env::temp_dir().join(format!("selvedge-ci-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::create_dir_all(root.join("shards")).unwrap();
        std::fs::write(root.join("Cargo.lock"), "").unwrap();
        let cargo = root.join("bin/cargo");
        std::fs::write(&cargo, CARGO).unwrap();
        std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        Checkout(root)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.0.join("bin").display())).current_dir(&self.0);
        command.env("SUBJECT", std::env::current_exe().unwrap());
        command.env("COMMAND", env!("CARGO_BIN_EXE_cargo-selvedge"));
        command.env("PACKAGE", &self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
        command.env("SELVEDGE_REGRESSIONS", "off").env("RUST_BACKTRACE", "0");
        command
    }

    /// Run a line of a script as shard `k`, with these variables.
    fn shell(&self, line: &str, variables: &[(String, String)]) {
        let line = line.replace("/shards/", &format!("{}/shards/", self.0.display()));
        let mut shell = self.command("sh");
        let output = shell.args(["-c", &line]).envs(variables.iter().cloned()).output().unwrap();
        assert!(output.status.success(), "{line}: {output:#?}");
    }

    fn merge(&self, args: &str) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_cargo-selvedge"));
        command.args(["selvedge", "merge"]).args(args.split_whitespace()).output().unwrap()
    }

    /// All shards together are the run of one machine.
    #[track_caller]
    fn is_whole(&self, folder: &str) {
        let output = self.merge(&format!("--json {folder}"));
        assert_eq!(output.status.code(), Some(0), "{output:#?}");
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&line["executions"], &line["shards"]), (&60.into(), &SHARDS.into()), "{line}");
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ci").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

/// The one line that runs the tests, without what YAML has around it.
fn line(text: &str) -> &str {
    let mut lines = text.lines().filter(|line| line.contains("cargo test"));
    let line = lines.next().unwrap().trim().trim_start_matches("- ").trim_start_matches("run: ");
    assert_eq!(lines.next(), None);
    line
}

/// The variables of ours that a file sets.
fn variables(text: &str) -> Vec<(String, String)> {
    let set = |line: &str| {
        let line = line.trim().trim_start_matches("- { name: ").trim_end_matches(" }");
        let (name, value) = line.split_once(", value: ").or_else(|| line.split_once(": "))?;
        name.starts_with("SELVEDGE_").then(|| (name.to_owned(), value.trim_matches('"').to_owned()))
    };
    text.lines().filter_map(set).collect()
}

fn more(mut variables: Vec<(String, String)>, of_the_service: &[(&str, String)]) -> Vec<(String, String)> {
    variables.extend(of_the_service.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    variables
}

#[test]
fn processes_of_one_machine() {
    let here = Checkout::new("local");
    let output = here.command("sh").arg(example("local.sh")).arg(SHARDS.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:#?}");
    assert_eq!(said, "selvedge: 1 test explored, 0 failed, 0 proved; 60 executions\n");
    let fails = here.command("sh").arg(example("local.sh")).arg("3").env("WHICH", "long").output().unwrap();
    assert_eq!(fails.status.code(), Some(100), "{fails:#?}");
    assert!(
        String::from_utf8_lossy(&fails.stdout).contains("  failed  subjects::long  panic  sv1-"),
        "{fails:#?}"
    );
}

#[test]
fn slurm() {
    let here = Checkout::new("slurm");
    for task in 1..=SHARDS {
        let mut script = here.command("bash");
        script.arg(example("slurm.sh")).env("SLURM_ARRAY_TASK_ID", task.to_string());
        script.env("SLURM_ARRAY_TASK_MIN", "1").env("SLURM_ARRAY_TASK_COUNT", SHARDS.to_string());
        assert!(script.env("SLURM_ARRAY_TASK_STEP", "1").status().unwrap().success());
    }
    here.is_whole("selvedge-shards");
}

#[test]
fn bazel() {
    let here = Checkout::new("bazel");
    assert!(text("BUILD.bazel").contains("srcs = [\"bazel.sh\"]"));
    for shard in 0..SHARDS {
        let outputs = here.0.join(format!("shards/{shard}"));
        std::fs::create_dir_all(&outputs).unwrap();
        let mut script = here.command("sh");
        script.arg(example("bazel.sh")).args(["cargo", "test", "all"]);
        script.env("TEST_SHARD_INDEX", shard.to_string()).env("TEST_TOTAL_SHARDS", SHARDS.to_string());
        script
            .env("TEST_SHARD_STATUS_FILE", outputs.join("status"))
            .env("TEST_UNDECLARED_OUTPUTS_DIR", &outputs);
        assert!(script.status().unwrap().success());
        assert!(outputs.join("status").is_file());
    }
    let files: Vec<String> = (0..SHARDS).map(|shard| format!("shards/{shard}/shard.jsonl")).collect();
    here.is_whole(&files.join(" "));
}

#[test]
fn github() {
    let here = Checkout::new("github");
    let text = text("github.yml");
    for shard in 1..=SHARDS {
        let workspace = here.0.join("shards").display().to_string();
        let text = text.replace("${{ matrix.shard }}", &shard.to_string());
        let text = text.replace("${{ github.workspace }}", &workspace);
        here.shell(line(&text), &variables(&text));
    }
    assert!(text.contains("run: cargo selvedge merge shards"));
    here.is_whole("shards");
}

#[test]
fn gitlab() {
    let here = Checkout::new("gitlab");
    let text = text("gitlab.yml");
    for node in 1..=SHARDS {
        let service = [
            ("CI_NODE_INDEX", node.to_string()),
            ("CI_NODE_TOTAL", SHARDS.to_string()),
            ("CI_PROJECT_DIR", here.0.display().to_string()),
        ];
        // The project's folder is there already.
        let line = line(&text).replace("$CI_PROJECT_DIR/shards", "/shards");
        here.shell(&line, &more(variables(&text), &service));
    }
    assert!(text.contains("- cargo selvedge merge shards"));
    here.is_whole("shards");
}

#[test]
fn kubernetes() {
    let here = Checkout::new("kubernetes");
    let text = text("kubernetes.yml");
    for index in 0..SHARDS {
        let service = [("JOB_COMPLETION_INDEX", index.to_string())];
        here.shell(line(&text), &more(variables(&text), &service));
    }
    here.is_whole("shards");
}

#[test]
fn what_is_missing_is_said() {
    let here = Checkout::new("missing");
    for k in [1, 3] {
        let file = format!("/shards/{k}.jsonl");
        here.shell(&format!("SELVEDGE_SHARD={k}/3 SELVEDGE_SUMMARY={file} cargo test"), &[]);
    }
    let output = here.merge("shards");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "error: process::subjects::sampled: shard 2 of 3 is missing\n");
}
