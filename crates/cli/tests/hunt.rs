//! `cargo selvedge hunt` as people and machines call it.

use serde_json::Value;
use std::process::{Command, Output};

fn cargo_selvedge(args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-selvedge"));
    command.args(args.split_whitespace()).output().expect("the command runs")
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_table_with_a_row_a_program_and_a_summary() {
    let output = cargo_selvedge("selvedge hunt shared_counter");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = lines(&output);
    let columns = ["pattern", "twin", "expected", "found", "executions", "seconds", "production", "token"];
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), columns);
    let buggy: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(buggy[..4], ["deep_dive/shared_counter", "buggy", "data-race", "data-race"]);
    assert!(buggy[7].starts_with("sv1-"), "{buggy:?}");
    assert!(lines[2].contains("fixed") && lines[3].contains("control"), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("1 of 1 bugs found, 2 of 2 others silent"), "{lines:?}");
}

#[test]
fn one_object_a_line_for_machines() {
    let output = cargo_selvedge("hunt --json --section seeds --slug deadlock");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "nobody watches, so there is no progress: {output:?}");
    let lines = lines(&output);
    let mut objects: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = objects.pop().unwrap();
    assert_eq!(summary["kind"], "summary");
    assert_eq!(summary["bugs"], summary["bugs_found"]);
    for object in &objects {
        let fields = [
            "pattern",
            "section",
            "twin",
            "expected",
            "found",
            "executions",
            "seconds",
            "production",
            "token",
        ];
        assert!(fields.iter().all(|field| object.get(field).is_some()), "{object}");
        assert_eq!(object["version"], 1);
        let buggy = object["twin"] == "buggy";
        assert_eq!(object["found"], if buggy { object["expected"].clone() } else { Value::Array(vec![]) });
    }
    let twins = |twin| objects.iter().filter(|object| object["twin"] == twin).count();
    assert_eq!(twins("buggy"), twins("fixed"));
    assert_eq!(twins("control"), 0);
}

#[test]
fn a_program_that_is_not_as_expected_is_marked_and_makes_the_hunt_fail() {
    // One execution is not enough for every bug; for which, the strategy knows.
    let output = cargo_selvedge("hunt --executions 1");
    let lines = lines(&output);
    let marked = lines.iter().filter(|line| line.starts_with('!')).count();
    assert_eq!(output.status.code(), Some(if marked == 0 { 0 } else { 100 }), "{lines:?}");
    let summary: Vec<&str> = lines.last().unwrap().split_whitespace().collect();
    let (found, bugs): (usize, usize) = (summary[0].parse().unwrap(), summary[2].parse().unwrap());
    assert_eq!(bugs - found, marked, "{lines:?}");
}

#[test]
fn slips_of_the_pen_are_named() {
    for (args, expected) in [
        ("hunt --slug dead-lock", "deadlock"),
        ("hunt --section sedes", "seeds"),
        ("hunt nonsense", "`nonsense`"),
        ("hunt --slug deadlock shared_counter", "no program fits"),
        ("replai sv1-X", "unrecognized subcommand"),
    ] {
        let output = cargo_selvedge(args);
        assert_eq!(output.status.code(), Some(1), "{args}");
        assert!(output.stdout.is_empty(), "{args}");
        assert!(complaint(&output).contains(expected), "{args}: {}", complaint(&output));
    }
}

#[test]
fn help_says_what_there_is() {
    let output = cargo_selvedge("selvedge --help");
    assert_eq!(output.status.code(), Some(0));
    let help = lines(&output).join("\n");
    assert!(help.contains("hunt") && help.contains("replay"), "{help}");
}
