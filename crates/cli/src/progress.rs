//! How far long work is, for whoever watches.
//!
//! Invariant: nothing is drawn where standard error is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// A bar that is cleared when the work is over.
pub(crate) struct Bar {
    bar: ProgressBar,
    ticker: Option<(std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Bar {
    pub(crate) fn finish(self) {
        if let Some((stop, thread)) = self.ticker {
            drop(stop);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template of ours")
}

/// A bar over a time limit such as `5s`.
pub(crate) fn for_a_time(limit: &str) -> Bar {
    let limit = selvedge::harness::config::parse_duration(limit).unwrap_or(Duration::from_secs(5));
    let target = ProgressDrawTarget::stderr_with_hz(5);
    let bar = ProgressBar::with_draw_target(Some(limit.as_millis() as u64), target);
    bar.set_style(style("exploring {wide_bar} {eta} left"));
    if bar.is_hidden() {
        return Bar { bar, ticker: None };
    }
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (start, ours) = (Instant::now(), bar.clone());
    let thread = std::thread::spawn(move || {
        let tick = Duration::from_millis(200);
        while stopped.recv_timeout(tick) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            ours.set_position(start.elapsed().min(limit).as_millis() as u64);
        }
    });
    Bar { bar, ticker: Some((stop, thread)) }
}

/// Work of which nobody knows how long it takes.
pub(crate) fn of_unknown_length(what: &'static str) -> Bar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    Bar { bar, ticker: None }
}
