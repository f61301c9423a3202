//! How far the tests are, read from what they print.
//!
//! Invariant: libtest's lines are counted and nothing hangs on them: where they look otherwise, the bar knows less.

use serde_json::Value;

/// What is known of a run.
#[derive(Default)]
pub(super) struct Count {
    /// Test binaries in all, if that is known.
    binaries: u64,
    begun: u64,
    /// The tests of the binary that runs.
    all: u64,
    done: u64,
    failed: u64,
    /// Long explorations, and how far each is.
    exploring: Vec<(String, String)>,
}

/// How a test ended, as libtest says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    Passed,
    Failed,
    Ignored,
}

/// Where in a line libtest says how a test ended.
pub(super) fn ended(line: &str) -> Option<(Ended, std::ops::Range<usize>)> {
    let at = line.strip_prefix("test ")?.rfind(" ... ")? + "test  ... ".len();
    let words = [("ok", Ended::Passed), ("FAILED", Ended::Failed), ("ignored", Ended::Ignored)];
    let is_said = |word: &str| {
        line[at..].strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let (word, ended) = words.into_iter().find(|(word, _)| is_said(word))?;
    Some((ended, at..at + word.len()))
}

impl Count {
    /// Nothing yet, of so many binaries.
    pub(super) fn of(binaries: u64) -> Count {
        Count { binaries, ..Count::default() }
    }

    /// A line of a test binary.
    pub(super) fn line(&mut self, line: &str) {
        let running = line.strip_prefix("running ").and_then(|rest| rest.split_once(' '));
        if let Some((number, "test" | "tests")) = running {
            self.begun += 1;
            (self.all, self.done) = (number.parse().unwrap_or(0), 0);
            self.exploring.clear();
        } else if line.starts_with("test result: ") {
            self.done = self.all;
        } else if let Some((ended, _)) = ended(line) {
            self.done = (self.done + 1).min(self.all);
            self.failed += u64::from(ended == Ended::Failed);
        }
    }

    /// A record of an exploration.
    pub(super) fn progress(&mut self, record: &Value) {
        let test = record["test"].as_str().unwrap_or_default();
        let known = self.exploring.iter().position(|(known, _)| known == test);
        // The number of executions says less than what comes after it, and there is one line for all.
        let text = record["text"].as_str().map(|text| text.split_once(", ").map_or(text, |(_, rest)| rest));
        match (known, text) {
            (Some(at), Some(text)) => self.exploring[at].1 = text.to_owned(),
            (Some(at), None) => drop(self.exploring.remove(at)),
            (None, Some(text)) => self.exploring.push((test.to_owned(), text.to_owned())),
            (None, None) => {}
        }
    }

    /// How much of the work is done: out of how much.
    pub(super) fn share(&self) -> (u64, u64) {
        const BINARY: u64 = 1_000;
        let of_this = match self.all {
            0 => 0,
            all => BINARY * self.done / all,
        };
        (self.begun.saturating_sub(1) * BINARY + of_this, self.binaries.max(self.begun).max(1) * BINARY)
    }

    /// The same in words.
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        if self.binaries > 1 {
            text += &format!("binary {} of {}, ", self.begun, self.binaries.max(self.begun));
        }
        text += &format!("{} of {} tests", self.done, self.all);
        if self.failed > 0 {
            text += &format!(", {} failed", self.failed);
        }
        if let Some((test, far)) = self.exploring.first() {
            text += &format!("; {test}: {far}");
        }
        if self.exploring.len() > 1 {
            text += &format!(" (and {} more)", self.exploring.len() - 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tests_are_counted() {
        let mut count = Count::of(2);
        let printed = "     Running tests/a.rs\n\nrunning 2 tests\ntest a ... ok\ntest b::c ... FAILED\n";
        printed.lines().for_each(|line| count.line(line));
        assert_eq!(count.told(), "binary 1 of 2, 2 of 2 tests, 1 failed");
        assert_eq!(count.share(), (1_000, 2_000));
        "test result: FAILED. 1 passed\nrunning 4 tests\ntest d ... ok <0.1s>\ntest e - should panic ... ok"
            .lines()
            .for_each(|line| count.line(line));
        assert_eq!(count.told(), "binary 2 of 2, 2 of 4 tests, 1 failed");
        assert_eq!(count.share(), (1_500, 2_000));
        // Documentation is a binary more than cargo builds.
        count.line("running 1 test");
        assert_eq!(count.told(), "binary 3 of 3, 0 of 1 tests, 1 failed");
        assert_eq!(count.share(), (2_000, 3_000));
    }

    #[test]
    fn long_explorations_are_told_of() {
        let mut count = Count::of(0);
        count.line("running 3 tests");
        for test in ["a", "b"] {
            count.progress(&json!({ "test": test, "text": "7 executions" }));
        }
        assert_eq!(count.told(), "0 of 3 tests; a: 7 executions (and 1 more)");
        count.progress(&json!({ "test": "a", "text": "8 of 16 executions, 50 %, at most about 1 s left" }));
        assert_eq!(count.told(), "0 of 3 tests; a: 50 %, at most about 1 s left (and 1 more)");
        count.progress(&json!({ "test": "a", "text": null }));
        count.progress(&json!({ "test": "b", "text": "8 executions" }));
        assert_eq!(count.told(), "0 of 3 tests; b: 8 executions");
    }

    #[test]
    fn ends_are_found_in_their_lines() {
        assert_eq!(ended("test a ... ok"), Some((Ended::Passed, 11..13)));
        assert_eq!(ended("test a ... b ... ignored, slow"), Some((Ended::Ignored, 17..24)));
        for other in
            ["test a ... okay", "testing", "test result: ok. 1 passed", "test a has been running", ""]
        {
            assert_eq!(ended(other), None, "{other}");
        }
    }
}
