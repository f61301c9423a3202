//! The shards of sampled tests: the lines that `SELVEDGE_SUMMARY` collected on each machine, as one verdict.
//!
//! Invariants: of each test every shard is there, once, and all ran under the same seed, strategy and budget,
//! so that together they are the run of one machine; of several failures the one that is told the shortest is
//! kept, and of those the first.

use crate::code::Code;
use crate::offline::refused;
use crate::run::{told, verdict};
use selvedge::explore::spec::StrategySpec;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

pub(super) fn run(files: &[PathBuf], json: bool) -> io::Result<Code> {
    let merged = match read(files).and_then(|lines| merge(&lines)) {
        Ok(merged) => merged,
        Err(problem) => return refused(&problem),
    };
    let mut out = io::stdout().lock();
    match json {
        true => merged.iter().try_for_each(|line| writeln!(out, "{line}"))?,
        false => write!(out, "{}", told(&merged))?,
    }
    Ok(verdict(&merged, true))
}

/// The lines of all files that are about tests.
fn read(files: &[PathBuf]) -> Result<Vec<Value>, String> {
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        for (nth, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |why: &dyn std::fmt::Display| format!("{}:{}: {why}", file.display(), nth + 1);
            let expected = "expected a line that SELVEDGE_SUMMARY wrote, with \"version\": 1";
            let value: Value = serde_json::from_str(line).map_err(|_| wrong(&expected))?;
            match (value["version"].as_u64(), value["kind"].as_str()) {
                (Some(1), Some("test")) => lines.push(value),
                (Some(1), Some(_)) => {}
                _ => return Err(wrong(&expected)),
            }
        }
    }
    Ok(lines)
}

/// A line a test, as one machine would have written it.
fn merge(lines: &[Value]) -> Result<Vec<Value>, String> {
    let mut tests: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for line in lines {
        let name = line["path"].as_str().or(line["test"].as_str()).unwrap_or_default();
        tests.entry(name).or_default().push(line);
    }
    tests.into_iter().map(|(name, shards)| one(name, shards)).collect()
}

/// The place of a line among the shards: its number and how many there are.
fn place(line: &Value) -> (u64, u64) {
    let number = |at: usize| line["shard"][at].as_u64().unwrap_or(1);
    (number(0), number(1))
}

fn one(name: &str, mut shards: Vec<&Value>) -> Result<Value, String> {
    shards.sort_by_key(|line| place(line));
    let first = shards[0];
    let (_, all) = place(first);
    for line in &shards {
        for field in ["seed", "strategy", "limit"] {
            if line[field] != first[field] {
                let (k, _) = place(line);
                let [a, b] = [first, line].map(|line| line[field].to_string());
                return Err(format!(
                    "{name}: a mixture: {field} {a} in shard {}, {b} in shard {k}",
                    place(first).0
                ));
            }
        }
        if place(line).1 != all {
            return Err(format!("{name}: a mixture: shards of {all} and of {}", place(line).1));
        }
    }
    for expected in 1..=all {
        let there = shards.iter().filter(|line| place(line).0 == expected).count();
        match there {
            1 => {}
            0 => return Err(format!("{name}: shard {expected} of {all} is missing")),
            n => return Err(format!("{name}: shard {expected} of {all} is there {n} times")),
        }
    }
    Ok(together(&shards, all))
}

fn together(shards: &[&Value], all: u64) -> Value {
    let number = |line: &Value, field: &str| line[field].as_u64().unwrap_or(0);
    let sum = |field: &str| shards.iter().map(|line| number(line, field)).sum::<u64>();
    let most = |field: &str| shards.iter().map(|line| number(line, field)).max().unwrap_or(0);
    // A search without a folder to share is made by every shard alone, and whole.
    let strategy = shards[0]["strategy"].as_str().and_then(StrategySpec::parse);
    let is_repeated = strategy.is_some_and(StrategySpec::is_sequential);
    let count = |field: &str| if is_repeated { most(field) } else { sum(field) };
    let any = |field: &str| shards.iter().any(|line| line[field] == true);
    let seconds: f64 = shards.iter().filter_map(|line| line["seconds"].as_f64()).fold(0.0, f64::max);
    let failures = shards.iter().filter(|line| line["passed"] == false && line["budget"] != true);
    // Without a length it was not shrunk.
    let length = |line: &Value| line["steps"][1].as_u64().unwrap_or(u64::MAX);
    let told = failures.min_by_key(|line| (length(line), number(line, "first"))).unwrap_or(&shards[0]);
    let mut warnings: Vec<&Value> =
        shards.iter().filter_map(|line| line["warnings"].as_array()).flatten().collect();
    warnings.sort_by_key(|name| name.to_string());
    warnings.dedup();
    let passed = shards.iter().all(|line| line["passed"] == true);
    let mut line = (*told).clone();
    let first = shards.iter().filter_map(|line| line["first"].as_u64()).min();
    let changes = [
        ("shard", Value::Null),
        ("shards", json!(all)),
        ("passed", json!(passed)),
        ("budget", json!(any("budget"))),
        ("executions", json!(count("executions"))),
        ("failing", json!(count("failing"))),
        ("first", json!(first)),
        ("exhausted", json!(any("exhausted"))),
        ("warnings", json!(warnings)),
        ("seconds", json!(seconds)),
    ];
    for (field, value) in changes {
        line[field] = value;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(k: u64, n: u64) -> Value {
        json!({
            "version": 1, "kind": "test", "test": "adds_up", "path": "bank::adds_up", "shard": [k, n],
            "seed": "7GQ4K", "strategy": "random", "limit": 1000, "passed": true, "budget": false,
            "executions": 500, "failing": 0, "exhausted": false, "warnings": ["lock-order"], "seconds": 0.5,
        })
    }

    fn refused(lines: &[Value]) -> String {
        merge(lines).unwrap_err()
    }

    #[test]
    fn shards_are_one_run() {
        let all = merge(&[line(2, 2), line(1, 2)]).unwrap();
        let [whole] = &all[..] else { panic!("{all:?}") };
        assert_eq!(
            (&whole["executions"], &whole["passed"], &whole["shards"]),
            (&1000.into(), &true.into(), &2.into())
        );
        assert_eq!(whole["warnings"], json!(["lock-order"]));
        assert_eq!(merge(&[line(1, 1)]).unwrap()[0]["executions"], 500);
    }

    #[test]
    fn the_shortest_failure_is_kept() {
        let fails = |k: u64, steps: u64, token: &str| {
            let mut line = line(k, 3);
            let more = [
                ("passed", json!(false)),
                ("finding", json!("panic")),
                ("steps", json!([90, steps])),
                ("token", json!(token)),
                ("failing", json!(1)),
                ("first", json!(10 * k)),
            ];
            more.into_iter().for_each(|(field, value)| line[field] = value);
            line
        };
        let all = merge(&[fails(1, 9, "sv1-A"), line(2, 3), fails(3, 4, "sv1-B")]).unwrap();
        assert_eq!(
            (&all[0]["token"], &all[0]["failing"], &all[0]["first"]),
            (&"sv1-B".into(), &2.into(), &10.into())
        );
        assert_eq!(verdict(&all, true), Code::Findings);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        assert_eq!(refused(&[line(1, 3), line(3, 3)]), "bank::adds_up: shard 2 of 3 is missing");
        assert_eq!(
            refused(&[line(1, 2), line(2, 2), line(2, 2)]),
            "bank::adds_up: shard 2 of 2 is there 2 times"
        );
        assert_eq!(refused(&[line(1, 2), line(2, 3)]), "bank::adds_up: a mixture: shards of 2 and of 3");
        let mut other = line(2, 2);
        other["seed"] = json!("AAAA");
        let why = "bank::adds_up: a mixture: seed \"7GQ4K\" in shard 1, \"AAAA\" in shard 2";
        assert_eq!(refused(&[line(1, 2), other]), why);
    }
}
