//! What was found in a program, and whether that is what is there.

use selvedge::Outcome;
use selvedge_fixtures::Fixture;

/// What came of one program.
pub(super) struct Result {
    pub(super) fixture: &'static Fixture,
    /// The names of all findings, each once, in alphabetical order.
    pub(super) found: Vec<&'static str>,
    pub(super) executions: u64,
    pub(super) seconds: f64,
    pub(super) token: Option<String>,
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
        }
    }

    /// Whether what was found is what is there.
    pub(super) fn is_right(&self) -> bool {
        self.fixture.expected.fits(&self.found)
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
    use selvedge_fixtures::{Twin, all};

    fn result(name: &str, twin: Twin, found: &[&'static str]) -> Result {
        let fixture = all().find(|fixture| fixture.name == name && fixture.twin == twin).unwrap();
        Result { fixture, found: found.to_vec(), executions: 1, seconds: 0.0, token: None }
    }

    #[test]
    fn the_bug_must_be_found_and_nothing_else() {
        let close = "concurrency/close_from_the_sender";
        for (twin, found, right) in [
            (Twin::Buggy, &["send-on-closed"][..], true),
            (Twin::Buggy, &["closed-by-receiver", "send-on-closed"], true),
            (Twin::Buggy, &["closed-by-receiver"], false),
            (Twin::Buggy, &["send-on-closed", "deadlock"], false),
            (Twin::Buggy, &[], false),
            (Twin::Fixed, &[], true),
            (Twin::Fixed, &["closed-by-receiver"], false),
        ] {
            let result = result(close, twin, found);
            assert_eq!(result.is_right(), right, "{twin:?} {found:?}");
            let mut summary = Summary::default();
            summary.count(&result);
            assert_eq!(summary.is_clean(), right);
        }
    }
}
