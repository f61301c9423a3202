//! The sentences about the search itself.
//!
//! Invariant: they are honest about what was not explored: a share is given with its base, an
//! exhausted space only where it was, an estimate only as one, of what is more likely more than less. Unbreakable blanks hold together what
//! is read as one; the layout turns them into plain ones.

use crate::report::text::count;
use selvedge_checkers::statistics::{Beyond, Chosen, Exhausted, Statistics};

/// How often the finding shows, and what shrinking did to it.
pub(in crate::report) fn figures(s: &Statistics) -> String {
    if s.production {
        return "one run on threads, in real time: another run may go otherwise".to_owned();
    }
    if s.executions == 0 {
        return "no execution was explored".to_owned();
    }
    if s.replaying {
        return match (shrunk(s), s.chosen) {
            (Some(how), _) => format!("replayed and shrunk {how}"),
            (None, None) => format!("replayed from a token: {}", length(s)),
            (None, Some(Chosen::Remembered)) => {
                format!("fails as before, replayed from selvedge-regressions: {}", length(s))
            }
            (None, Some(Chosen::ByHand)) => format!("every decision made by hand: {}", length(s)),
        };
    }
    if s.failing == 0 && s.executions == 1 {
        return "the one execution does not fail".to_owned();
    }
    if s.failing == 0 {
        let tried = match s.tried {
            0 => String::new(),
            1 => ", not even the one that was made to show it".to_owned(),
            n => format!(", not even the {n} that were made to show it"),
        };
        return format!("none of {} fails{tried}", count(s.executions, "execution"));
    }
    let mut line = format!(
        "{} of {} {} this way ({})",
        s.failing,
        count(s.executions, "execution"),
        if s.failing == 1 { "fails" } else { "fail" },
        percent(s.failing, s.executions)
    );
    if s.steered {
        line.push_str(&format!(", first in one made to show what #{} predicted", s.first_failing));
    } else if s.first_failing > 0 {
        line.push_str(&format!(", first at #{}", s.first_failing));
    }
    match shrunk(s) {
        Some(how) => line.push_str(&format!("; shrunk {how}")),
        None if s.steps_after > 0 => line.push_str(&format!("; {}", length(s))),
        None => {}
    }
    if let Some(Beyond { preemptions, bound }) = s.beyond {
        let shown = count(preemptions.into(), "preemption");
        line.push_str(&format!("; shown with {shown}, more than the {bound} asked for"));
    }
    line
}

/// What became shorter, if anything did.
fn shrunk(s: &Statistics) -> Option<String> {
    let steps = (s.steps_before > s.steps_after)
        .then(|| format!("{}\u{a0}→\u{a0}{}", s.steps_before, count(u64::from(s.steps_after), "step")));
    let switches = (s.switches_before > s.switches_after)
        .then(|| format!("{}\u{a0}→\u{a0}{}", s.switches_before, count_switches(s.switches_after)));
    let shrunk: Vec<String> = steps.into_iter().chain(switches).collect();
    (!shrunk.is_empty()).then(|| shrunk.join(", "))
}

fn length(s: &Statistics) -> String {
    format!("{}, {}", count(u64::from(s.steps_after), "step"), count_switches(s.switches_after))
}

/// How it was searched, and how much of the space was seen.
pub(in crate::report) fn search(s: &Statistics) -> String {
    let replayed = match s.replayed {
        0 => "not replayed".to_owned(),
        1 => "replayed once, identical".to_owned(),
        2 => "replayed twice, identical".to_owned(),
        n => format!("replayed {n} times, identical"),
    };
    let seed = if s.seed.is_empty() { String::new() } else { format!(", base seed {}", s.seed) };
    format!("strategy {}{seed}; {replayed}; {}", s.strategy, space(s))
}

/// `2 preemptions and 1 delay`, of bounds that are given.
fn bounds(preemptions: Option<u32>, delays: Option<u32>) -> String {
    let preemptions = preemptions.map(|most| count(most.into(), "preemption"));
    let delays = delays.map(|most| count(most.into(), "delay"));
    preemptions.into_iter().chain(delays).collect::<Vec<_>>().join(" and ")
}

/// What is known of the whole space.
fn space(s: &Statistics) -> String {
    match (s.exhausted, s.estimate, s.limit) {
        (Some(Exhausted::All), ..) => "exhaustive: no more exist".to_owned(),
        (Some(Exhausted::Within { preemptions, delays }), ..) => {
            format!("exhaustive within {}", bounds(preemptions, delays))
        }
        (None, Some(all), _) if all.is_finite() && all >= 1.0 => {
            format!("not exhaustive: about {} or more exist", rounded(all))
        }
        (None, _, Some(limit)) if s.executions >= limit => {
            format!("not exhaustive: budget of {limit} used up")
        }
        (None, ..) => "not exhaustive".to_owned(),
    }
}

/// What was proved: `proved within 2 preemptions, with up to 1 spurious wake-up per goroutine`.
pub(in crate::report) fn proof(exhausted: Exhausted, spurious: Option<u32>) -> String {
    let within = match exhausted {
        Exhausted::All => String::new(),
        Exhausted::Within { preemptions, delays } => format!(" within {}", bounds(preemptions, delays)),
    };
    let with = spurious.map_or_else(String::new, |n| {
        format!(", with up to {} per goroutine", count(u64::from(n), "spurious wake-up"))
    });
    format!("proved{within}{with}")
}

/// What a test that passed has shown.
fn verdict(s: &Statistics) -> String {
    match (s.exhausted, s.estimate, s.limit) {
        (Some(exhausted @ Exhausted::All), ..) => format!("{}: no more exist", proof(exhausted, s.spurious)),
        (Some(exhausted), ..) => proof(exhausted, s.spurious),
        (None, Some(all), _) if all.is_finite() && all >= 1.0 => {
            let why = if s.outgrown { "the tree outgrew its memory; " } else { "" };
            format!("sampled: {why}about {} or more exist", rounded(all))
        }
        (None, ..) if s.outgrown => "sampled: the tree outgrew its memory".to_owned(),
        (None, _, Some(limit)) if s.executions >= limit => format!("sampled: budget of {limit} used up"),
        (None, ..) => "sampled".to_owned(),
    }
}

/// The one line of a passing test.
pub(in crate::report) fn passed(s: &Statistics, findings: usize) -> String {
    let mut parts = vec![format!("explored {} ({})", count(s.executions, "execution"), verdict(s))];
    if let Some(patterns) = s.patterns {
        parts.push(count(patterns, "distinct hand-off pattern"));
    }
    parts.push(count(findings as u64, "finding"));
    parts.push(format!("{:.2} s", s.seconds));
    parts.join(", ")
}

/// The row that stands for steps that are not shown.
pub(in crate::report) fn folded(steps: usize, out_dir: Option<&str>) -> String {
    let table = out_dir.map_or_else(String::new, |dir| format!("; full table in {dir}/trace.txt"));
    format!("… {} folded{table}", count(steps as u64, "step"))
}

/// The line that stands for findings that are not shown.
pub(in crate::report) fn more_findings(n: usize) -> String {
    format!("… and {}", if n == 1 { "1 more".to_owned() } else { format!("{n} more") })
}

fn count_switches(n: u32) -> String {
    if n == 1 { "1 switch".to_owned() } else { format!("{n} switches") }
}

/// A share, never rounded to nothing or to everything.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole as f64;
    match part {
        0 => "0 %".to_owned(),
        p if p == whole => "100 %".to_owned(),
        _ if share < 0.1 => "under 0.1 %".to_owned(),
        _ if share > 99.9 => "over 99.9 %".to_owned(),
        _ => format!("{share:.1}\u{a0}%"),
    }
}

/// Two significant digits: an estimate must not look like a count.
fn rounded(n: f64) -> String {
    if n >= 1e9 {
        return format!("{n:.1e}");
    }
    let scale = 10f64.powi((n.log10().floor() as i32 - 1).max(0));
    format!("{}", ((n / scale).round() * scale) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_not_rounded_away() {
        assert_eq!(percent(31, 1000), "3.1\u{a0}%");
        assert_eq!(percent(1, 1_000_000), "under 0.1 %");
        assert_eq!(percent(999_999, 1_000_000), "over 99.9 %");
        assert_eq!(percent(5, 5), "100 %");
        assert_eq!(rounded(12_345.0), "12000");
        assert_eq!(rounded(7.4), "7");
    }

    #[test]
    fn shrinking_is_mentioned_where_it_shrank() {
        let s = Statistics {
            executions: 10,
            failing: 10,
            steps_before: 4,
            steps_after: 4,
            switches_before: 2,
            switches_after: 3,
            ..Statistics::default()
        };
        assert_eq!(figures(&s), "10 of 10 executions fail this way (100 %); 4 steps, 3 switches");
        assert_eq!(
            figures(&Statistics { switches_before: 5, ..s.clone() }).split("; ").nth(1),
            Some("shrunk 5\u{a0}→\u{a0}3 switches")
        );
        assert_eq!(
            figures(&Statistics { replaying: true, ..s.clone() }),
            "replayed from a token: 4 steps, 3 switches"
        );
        let chosen = |chosen| figures(&Statistics { replaying: true, chosen: Some(chosen), ..s.clone() });
        assert_eq!(
            chosen(Chosen::Remembered),
            "fails as before, replayed from selvedge-regressions: 4 steps, 3 switches"
        );
        assert_eq!(chosen(Chosen::ByHand), "every decision made by hand: 4 steps, 3 switches");
        assert_eq!(
            figures(&Statistics { replaying: true, steps_before: 9, ..s.clone() }),
            "replayed and shrunk 9\u{a0}→\u{a0}4 steps"
        );
        let beyond = Some(Beyond { preemptions: 2, bound: 1 });
        assert_eq!(
            figures(&Statistics { beyond, ..s.clone() }),
            "10 of 10 executions fail this way (100 %); 4 steps, 3 switches; shown with 2 preemptions, more than the \
             1 asked for"
        );
        let clean = Statistics { failing: 0, ..s.clone() };
        assert_eq!(figures(&clean), "none of 10 executions fails");
        assert_eq!(
            figures(&Statistics { tried: 2, ..clean }),
            "none of 10 executions fails, not even the 2 that were made to show it"
        );
        assert_eq!(
            figures(&Statistics { failing: 1, first_failing: 3, steered: true, ..s }),
            "1 of 10 executions fails this way (10.0\u{a0}%), first in one made to show what #3 predicted; \
             4 steps, 3 switches"
        );
    }

    #[test]
    fn a_passing_test_has_one_line() {
        let s = Statistics {
            executions: 1000,
            exhausted: Some(Exhausted::All),
            patterns: Some(412),
            seconds: 0.84,
            ..Statistics::default()
        };
        let line = "explored 1000 executions (proved: no more exist), 412 distinct hand-off patterns, 0 \
                    findings, 0.84 s";
        assert_eq!(passed(&s, 0), line);
    }

    #[test]
    fn a_verdict_is_a_proof_only_if_it_is_one() {
        let within = |most| Some(Exhausted::Within { preemptions: Some(most), delays: None });
        let s = Statistics { executions: 50, ..Statistics::default() };
        assert_eq!(verdict(&s), "sampled");
        assert_eq!(verdict(&Statistics { limit: Some(50), ..s.clone() }), "sampled: budget of 50 used up");
        assert_eq!(
            verdict(&Statistics { estimate: Some(5618.3), ..s.clone() }),
            "sampled: about 5600 or more exist"
        );
        assert_eq!(verdict(&Statistics { exhausted: within(1), ..s.clone() }), "proved within 1 preemption");
        let delayed = |preemptions| Some(Exhausted::Within { preemptions, delays: Some(2) });
        assert_eq!(verdict(&Statistics { exhausted: delayed(None), ..s.clone() }), "proved within 2 delays");
        assert_eq!(
            verdict(&Statistics { exhausted: delayed(Some(1)), ..s.clone() }),
            "proved within 1 preemption and 2 delays"
        );
        let all = Statistics { exhausted: Some(Exhausted::All), spurious: Some(1), ..s.clone() };
        assert_eq!(verdict(&all), "proved, with up to 1 spurious wake-up per goroutine: no more exist");
        let some = Statistics { exhausted: within(2), spurious: Some(2), ..s.clone() };
        assert_eq!(
            verdict(&some),
            "proved within 2 preemptions, with up to 2 spurious wake-ups per goroutine"
        );
        let outgrown = Statistics { outgrown: true, ..s };
        assert_eq!(verdict(&outgrown), "sampled: the tree outgrew its memory");
        assert_eq!(
            verdict(&Statistics { estimate: Some(120.0), ..outgrown }),
            "sampled: the tree outgrew its memory; about 120 or more exist"
        );
    }
}
