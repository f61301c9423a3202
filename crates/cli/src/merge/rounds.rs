//! The end of a round of an exhaustive search.
//!
//! Invariants: a line for each test says what is known of it now; nothing of the user's is run.

use crate::code::Code;
use crate::words::count;
use selvedge::harness::{self, Merged};
use selvedge::report::{Exhausted, proof};
use std::io::{self, Write};
use std::path::Path;

/// Merge and print.
pub(super) fn run(folder: &Path) -> io::Result<Code> {
    let merged = match harness::merge(folder) {
        Ok(merged) => merged,
        Err(problem) => {
            eprintln!("error: {problem}");
            return Ok(Code::Usage);
        }
    };
    let mut out = io::stdout().lock();
    for test in &merged {
        writeln!(out, "{}", line(test))?;
    }
    let failed = merged.iter().any(|test| test.failure.is_some());
    Ok(if failed { Code::Findings } else { Code::Clean })
}

fn line(test: &Merged) -> String {
    let Merged { executions, leaves, .. } = test;
    let ran = count(*executions, "execution");
    let mut line = match &test.failure {
        Some((number, name)) => {
            format!(
                "{}: fails: {name} in execution {number}; the shard that ran it has the report",
                test.test
            )
        }
        None if test.exhausted => {
            let (exhausted, all) = match test.preemptions {
                None => (Exhausted::All, "all "),
                preemptions => (Exhausted::Within { preemptions, delays: None }, ""),
            };
            format!("{}: {}: {all}{ran} explored", test.test, proof(exhausted, test.spurious))
        }
        None if test.outgrown => format!(
            "{}: not proved: the tree outgrew its memory after {ran}; go on with a greater SELVEDGE_NODES",
            test.test
        ),
        None if *leaves == 0 => format!("{}: not proved: {ran} explored, and no more are known", test.test),
        None => {
            let about = test.estimate.map_or(String::new(), |all| format!(" of about {all:.0} or more"));
            let next = count(*leaves, "schedule");
            format!("{}: {ran}{about} explored; next round: {next} to share out", test.test)
        }
    };
    for warning in &test.warnings {
        line += &format!("; warning: {warning}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged() -> Merged {
        Merged {
            test: "bank::adds_up".into(),
            executions: 54,
            estimate: Some(117.3),
            redundant: 0,
            steps: 500,
            exhausted: false,
            failure: None,
            warnings: Vec::new(),
            outgrown: false,
            preemptions: None,
            spurious: None,
            leaves: 3,
        }
    }

    #[test]
    fn a_line_says_what_is_known() {
        let text = "bank::adds_up: 54 executions of about 117 or more explored; next round: 3 schedules to share out";
        assert_eq!(line(&merged()), text);
        let proved = Merged { exhausted: true, leaves: 0, warnings: vec!["lock-order".into()], ..merged() };
        assert_eq!(line(&proved), "bank::adds_up: proved: all 54 executions explored; warning: lock-order");
        let within = Merged { exhausted: true, preemptions: Some(2), ..merged() };
        assert_eq!(line(&within), "bank::adds_up: proved within 2 preemptions: 54 executions explored");
        let woken = Merged { exhausted: true, spurious: Some(1), ..merged() };
        assert_eq!(
            line(&woken),
            "bank::adds_up: proved, with up to 1 spurious wake-up per goroutine: all 54 executions explored"
        );
        let outgrown = Merged { outgrown: true, ..merged() };
        assert!(line(&outgrown).contains("not proved: the tree outgrew its memory after 54 executions"));
        let failure = Some((12, "panic".to_owned()));
        assert_eq!(
            line(&Merged { failure, ..merged() }),
            "bank::adds_up: fails: panic in execution 12; the shard that ran it has the report"
        );
    }
}
