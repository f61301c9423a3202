//! How far a long exploration is: a line on the terminal, or records for a program that draws its own.
//!
//! Invariants: nobody is told anything who neither sits at a terminal nor asked for it; the line is gone when the
//! exploration is over, and before anything of ours is printed; an estimate is called one, and said to be rather too low. The tests of a process
//! share the terminal and so the line: it is of whoever drew last. When a test ends the test runner says so, from
//! where the cursor stands: for a moment nobody draws. A record is a line of JSON after the character U+001E
//! (RFC 7464), written in one call; the last one of a test has no `text`.

use super::config::{Config, ProgressMode, ReportMode};
use super::identity::Identity;
use super::terminal;
use crate::explore::progress::{Progress, Tell};
use serde_json::json;
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Explorations shorter than this need no line.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long nobody draws when a test has ended.
const PAUSE: Duration = Duration::from_millis(300);

/// The terminal's line.
struct Line {
    is_drawn: bool,
    cleared: Option<Instant>,
}

static LINE: Mutex<Line> = Mutex::new(Line { is_drawn: false, cleared: None });

impl Line {
    fn get() -> MutexGuard<'static, Line> {
        LINE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Not by `eprint`, which a test harness captures. Who cannot be told is not told.
    fn draw(&mut self, text: &str) {
        if self.cleared.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.is_drawn = true;
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        self.cleared = Some(Instant::now());
    }
}

/// Something else is to be printed.
pub(super) fn clear() {
    Line::get().clear();
}

/// Clears the line when the exploration is over.
struct Clears;

impl Drop for Clears {
    fn drop(&mut self) {
        clear();
    }
}

/// Who tells of an exploration, if anybody is to be told.
pub(super) fn teller(config: &Config, identity: &Identity<'_>) -> Option<Box<Tell>> {
    let quiet = matches!(config.report, ReportMode::Json | ReportMode::Off);
    let budget = Budget::of(config);
    match config.progress {
        ProgressMode::Json => {
            let records = Records { test: identity.name(), told: Cell::new(None) };
            Some(Box::new(move |progress| records.tell(progress, &budget)))
        }
        ProgressMode::Line if !quiet && terminal::is_watched(&io::stderr()) => {
            let clears = Clears;
            Some(Box::new(move |progress| {
                let _until_then = &clears;
                if progress.elapsed >= PATIENCE {
                    Line::get().draw(&text(progress, &budget));
                }
            }))
        }
        ProgressMode::Line | ProgressMode::Off => None,
    }
}

/// Tells a program of one exploration, and in the end that it is over.
struct Records {
    test: String,
    told: Cell<Option<Duration>>,
}

impl Records {
    fn tell(&self, progress: &Progress, budget: &Budget) {
        let due = self.told.get().map_or(PATIENCE, |told| told + PAUSE);
        if progress.elapsed >= due {
            self.told.set(Some(progress.elapsed));
            self.write(Some(&text(progress, budget)));
        }
    }

    // Past the test harness, as the line. Who cannot be told is not told.
    fn write(&self, text: Option<&str>) {
        let record = json!({ "version": 1, "kind": "progress", "test": self.test, "text": text });
        let _ = io::stderr().write_all(format!("\u{1e}{record}\n").as_bytes());
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        if self.told.get().is_some() {
            self.write(None);
        }
    }
}

/// When a sampled exploration ends.
struct Budget {
    executions: Option<u64>,
    time: Option<Duration>,
}

impl Budget {
    fn of(config: &Config) -> Budget {
        if config.strategy.is_exhaustive() {
            return Budget { executions: None, time: None };
        }
        // Where there is a limit of time, that of executions is mostly lifted.
        let executions = config.time.is_none().then_some(config.executions);
        Budget { executions, time: config.time }
    }
}

/// How far it is, and how long it may still take.
fn text(progress: &Progress, budget: &Budget) -> String {
    let Progress { executions, fresh, elapsed, .. } = *progress;
    match *budget {
        Budget { time: Some(time), .. } => {
            let left = time.saturating_sub(elapsed).as_secs_f64();
            format!("{executions} executions, {} left", span(left))
        }
        Budget { executions: Some(all), .. } if all > 0 => {
            let percent = (100 * executions / all).min(99);
            let left = all.saturating_sub(executions) as f64 * elapsed.as_secs_f64() / fresh.max(1) as f64;
            format!("{executions} of {all} executions, {percent} %, at most about {} left", span(left))
        }
        _ => searched(progress),
    }
}

/// `1234 executions of about 5600 or more, at most 22 %, about 3 min or more left`.
fn searched(progress: &Progress) -> String {
    let Progress { executions, fresh, elapsed, .. } = *progress;
    let Some(all) = progress.estimate.filter(|all| all.is_finite() && *all >= 1.0) else {
        return format!("{executions} executions");
    };
    // Before the end it is never all of them.
    let percent = (100.0 * executions as f64 / all).min(99.0);
    let mut text =
        format!("{executions} executions of about {} or more, at most {percent:.0} %", rounded(all));
    let rate = fresh as f64 / elapsed.as_secs_f64();
    if rate > 0.0 {
        text += &format!(", about {} or more left", span((all - executions as f64).max(0.0) / rate));
    }
    text
}

/// Two digits, since it is an estimate.
fn rounded(n: f64) -> String {
    let digits = 10_f64.powf((n.log10().floor() - 1.0).max(0.0));
    format!("{:.0}", (n / digits).round() * digits)
}

fn span(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{} days", rounded(s / 86_400.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(executions: u64, estimate: Option<f64>, fresh: u64, seconds: u64) -> String {
        searched(&Progress { executions, estimate, fresh, elapsed: Duration::from_secs(seconds) })
    }

    #[test]
    fn a_line_says_what_is_known() {
        assert_eq!(line(7, None, 7, 2), "7 executions");
        assert_eq!(
            line(1_234, Some(5_618.3), 1_234, 2),
            "1234 executions of about 5600 or more, at most 22 %, about 7 s or more left"
        );
        assert_eq!(
            line(900, Some(90_000.0), 300, 100),
            "900 executions of about 90000 or more, at most 1 %, about 8 h or more left"
        );
        assert!(line(10, Some(1e9), 10, 1).ends_with("about 1200 days or more left"));
    }

    #[test]
    fn it_is_not_over_before_it_is() {
        assert_eq!(
            line(100, Some(100.0), 100, 10),
            "100 executions of about 100 or more, at most 99 %, about 1 s or more left"
        );
        assert_eq!(
            line(100, Some(90.0), 100, 10),
            "100 executions of about 90 or more, at most 99 %, about 1 s or more left"
        );
        assert_eq!(line(100, Some(f64::INFINITY), 100, 10), "100 executions");
    }

    #[test]
    fn a_budget_says_how_long_it_may_still_take() {
        let progress = |executions| Progress {
            executions,
            estimate: None,
            fresh: executions,
            elapsed: Duration::from_secs(10),
        };
        let executions = Budget { executions: Some(1_000), time: None };
        assert_eq!(
            text(&progress(250), &executions),
            "250 of 1000 executions, 25 %, at most about 30 s left"
        );
        assert_eq!(
            text(&progress(1_000), &executions),
            "1000 of 1000 executions, 99 %, at most about 1 s left"
        );
        let time = Budget { executions: None, time: Some(Duration::from_secs(40)) };
        assert_eq!(text(&progress(250), &time), "250 executions, 30 s left");
        let all = Budget { executions: None, time: None };
        assert_eq!(text(&progress(250), &all), "250 executions");
    }

    #[test]
    fn whoever_is_told_of_a_test_finds_the_line_empty() {
        let mut line = Line { is_drawn: true, cleared: None };
        line.clear();
        assert!(!line.is_drawn);
        line.draw("too soon");
        assert!(!line.is_drawn, "the test runner is about to speak");
    }
}
