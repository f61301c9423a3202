//! The line on a terminal that says how far an exhaustive search is.
//!
//! Invariants: nobody is told anything who does not sit at a terminal; the line is gone when the search
//! is over; an estimate is called one.

use super::config::{Config, ReportMode};
use crate::explore::progress::{Progress, Tell};
use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Searches shorter than this need no line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Erases the line when the search is over.
struct Line(Cell<bool>);

impl Drop for Line {
    fn drop(&mut self) {
        if self.0.get() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Who tells the terminal, if there is one.
pub(super) fn teller(config: &Config) -> Option<Box<Tell>> {
    let quiet = matches!(config.report, ReportMode::Json | ReportMode::Off);
    if quiet || !config.strategy.is_exhaustive() || !io::stderr().is_terminal() {
        return None;
    }
    let line = Line(Cell::new(false));
    Some(Box::new(move |progress| {
        if progress.elapsed >= PATIENCE {
            line.0.set(true);
            // Not by `eprint`, which a test harness captures.
            let _ = write!(io::stderr(), "\r\x1b[K{}", text(progress));
        }
    }))
}

/// `1234 executions of about 5600, 22 %, about 3 min left`.
fn text(progress: &Progress) -> String {
    let Progress { executions, fresh, elapsed, .. } = *progress;
    let Some(all) = progress.estimate.filter(|all| all.is_finite() && *all >= 1.0) else {
        return format!("{executions} executions");
    };
    // Before the end it is never all of them.
    let percent = (100.0 * executions as f64 / all).min(99.0);
    let mut text = format!("{executions} executions of about {}, {percent:.0} %", rounded(all));
    let rate = fresh as f64 / elapsed.as_secs_f64();
    if rate > 0.0 {
        text += &format!(", about {} left", span((all - executions as f64).max(0.0) / rate));
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
        text(&Progress { executions, estimate, fresh, elapsed: Duration::from_secs(seconds) })
    }

    #[test]
    fn a_line_says_what_is_known() {
        assert_eq!(line(7, None, 7, 2), "7 executions");
        assert_eq!(
            line(1_234, Some(5_618.3), 1_234, 2),
            "1234 executions of about 5600, 22 %, about 7 s left"
        );
        assert_eq!(line(900, Some(90_000.0), 300, 100), "900 executions of about 90000, 1 %, about 8 h left");
        assert!(line(10, Some(1e9), 10, 1).ends_with("about 1200 days left"));
    }

    #[test]
    fn it_is_not_over_before_it_is() {
        assert_eq!(line(100, Some(100.0), 100, 10), "100 executions of about 100, 99 %, about 1 s left");
        assert_eq!(line(100, Some(90.0), 100, 10), "100 executions of about 90, 99 %, about 1 s left");
        assert_eq!(line(100, Some(f64::INFINITY), 100, 10), "100 executions");
    }
}
