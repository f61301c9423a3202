//! What was found in a program, and whether that is what is there.

use selvedge::Outcome;
use selvedge_fixtures::{Fixture, verdict};

/// What came of one program.
pub(super) struct Result {
    pub(super) fixture: &'static Fixture,
    /// The names of all findings, each once, in alphabetical order.
    pub(super) found: Vec<&'static str>,
    pub(super) executions: u64,
    pub(super) seconds: f64,
    pub(super) token: Option<String>,
    /// What is not as the catalogue says: name, place, who is stuck and in what.
    pub(super) objections: Vec<String>,
}

impl Result {
    pub(super) fn new(fixture: &'static Fixture, outcome: &Outcome) -> Result {
        let findings = outcome.findings.iter().chain(&outcome.warnings);
        let mut found: Vec<&str> = findings.map(|finding| finding.slug.text()).collect();
        found.sort_unstable();
        found.dedup();
        Result {
            fixture,
            found,
            // How many it took to find something, where something was found.
            executions: outcome.first.map_or(outcome.executions, |index| index + 1),
            seconds: outcome.seconds,
            token: outcome.token.as_ref().map(ToString::to_string),
            objections: verdict::objections(fixture, outcome),
        }
    }

    /// Whether what was found is what is there.
    pub(super) fn is_right(&self) -> bool {
        self.objections.is_empty()
    }
}

/// All programs together.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) bugs: u32,
    pub(super) bugs_found: u32,
    pub(super) silent: u32,
    pub(super) kept_silent: u32,
    pub(super) executions: u64,
    pub(super) seconds: f64,
}

impl Summary {
    pub(super) fn count(&mut self, result: &Result) {
        let (all, right) = if result.fixture.expected.is_silent() {
            (&mut self.silent, &mut self.kept_silent)
        } else {
            (&mut self.bugs, &mut self.bugs_found)
        };
        *all += 1;
        *right += u32::from(result.is_right());
        self.executions += result.executions;
        self.seconds += result.seconds;
    }

    /// Whether every bug was found and everything else was silent.
    pub(super) fn is_clean(&self) -> bool {
        self.bugs == self.bugs_found && self.silent == self.kept_silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selvedge::Explorer;
    use selvedge_fixtures::{Twin, all};

    fn program(name: &str, twin: Twin) -> &'static Fixture {
        all().find(|fixture| fixture.name == name && fixture.twin == twin).unwrap()
    }

    fn is_right(fixture: &'static Fixture, outcome: &Outcome) -> bool {
        let result = Result::new(fixture, outcome);
        let mut summary = Summary::default();
        summary.count(&result);
        assert_eq!(summary.is_clean(), result.is_right());
        result.is_right()
    }

    #[test]
    fn the_bug_must_be_found_where_it_is_and_nothing_else() {
        let [buggy, fixed] = [Twin::Buggy, Twin::Fixed].map(|twin| program("lo_abba", twin));
        let found = Explorer::new().seed(1).run(buggy.run);
        assert!(is_right(buggy, &found));
        assert!(is_right(fixed, &Outcome::default()));
        assert!(!is_right(buggy, &Outcome::default()), "nothing was found");
        assert!(!is_right(fixed, &found), "there is nothing to find");
        let elsewhere = program("lo_transfer_by_argument", Twin::Buggy);
        assert_eq!(elsewhere.expected.slugs, buggy.expected.slugs);
        assert!(!is_right(elsewhere, &found), "the same name at another line");
    }
}
