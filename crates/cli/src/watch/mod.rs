//! Tests behind a bar that says how far they are.
//!
//! Invariants: there is one only for whoever watches: not in pipes, not where `CI` is set, not on a terminal that
//! cannot take a line back; the tests then run as if nobody had asked. With it, both of their streams come through
//! one pipe, so that their order stays; the bar is taken away before a line of theirs and never shares one with it.
//! Tests that end soon are over before there is a bar. Colours are the tests' own business, which are told that
//! there is a terminal behind the pipe; those of libtest, which cannot be told, are painted here.

mod count;
mod stream;

use count::{Count, Ended, ended};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use selvedge::harness::terminal;
use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stream::{Item, Splitter};

/// Runs shorter than this have no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often something is printed or drawn.
const TICK: Duration = Duration::from_millis(100);

/// Whether somebody watches.
pub(crate) fn is_watched() -> bool {
    let ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    let off = std::env::var("SELVEDGE_PROGRESS").is_ok_and(|value| value == "off");
    !ci && !off && terminal::is_watched(&io::stderr()) && terminal::is_watched(&io::stdout())
}

/// Run the tests, of so many binaries, behind a bar.
pub(crate) fn run(mut command: Command, binaries: u64) -> io::Result<ExitStatus> {
    let style = terminal::style(&io::stderr());
    command.env("SELVEDGE_PROGRESS", "json");
    let mut unless_set = |name: &str, value: &str| {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    };
    unless_set("COLUMNS", &style.width.to_string());
    if style.color {
        unless_set("CARGO_TERM_COLOR", "always");
        unless_set("CLICOLOR_FORCE", "1");
    }
    let (mut pipe, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // With it goes our end of the pipe, which is over when the tests' end is.
    drop(command);
    let mut screen = Screen::new(binaries, style.color);
    let copied = screen.copy(&mut pipe);
    screen.finish();
    let status = child.wait();
    copied.and(status)
}

/// The bar, and what is printed around it.
struct Screen {
    bar: ProgressBar,
    shown: Arc<Mutex<Shown>>,
    color: bool,
    /// Draws and prints; to drop the first ends the second.
    ticker: (Sender<()>, JoinHandle<()>),
}

/// What there is to be seen.
struct Shown {
    count: Count,
    /// What is not printed yet.
    text: Vec<u8>,
}

impl Screen {
    fn new(binaries: u64, color: bool) -> Screen {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:10} {elapsed} {wide_msg}");
        bar.set_style(style.expect("a template of ours").progress_chars("=> "));
        let shown = Arc::new(Mutex::new(Shown { count: Count::of(binaries), text: Vec::new() }));
        let (stop, stopped) = channel();
        let (its_bar, its_shown) = (bar.clone(), Arc::clone(&shown));
        let thread = std::thread::spawn(move || tick(&its_bar, &its_shown, &stopped));
        Screen { bar, shown, color, ticker: (stop, thread) }
    }

    /// Take what comes, until nothing does.
    fn copy(&mut self, pipe: &mut impl Read) -> io::Result<()> {
        let mut splitter = Splitter::default();
        let mut bytes = vec![0; 1 << 16];
        loop {
            match pipe.read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => self.take(splitter.push(&bytes[..n])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.take(splitter.rest().into_iter().collect());
        Ok(())
    }

    fn take(&self, items: Vec<Item>) {
        let Shown { count, text } = &mut *lock(&self.shown);
        for item in items {
            match item {
                Item::Progress(record) => count.progress(&record),
                Item::Line(line) => {
                    let known = String::from_utf8_lossy(&line);
                    count.line(known.trim_end());
                    match ended(&known).filter(|_| self.color) {
                        Some((ended, at)) => text.extend(painted(&known, ended, at).into_bytes()),
                        None => text.extend(line),
                    }
                }
            }
        }
    }

    fn finish(self) {
        let (stop, thread) = self.ticker;
        drop(stop);
        let _ = thread.join();
        self.bar.finish_and_clear();
        // Whoever does not listen any more has seen enough.
        let _ = io::stderr().write_all(&lock(&self.shown).text);
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints what has come, and from when it is due the bar below it: both some times a second, so that nothing flickers.
fn tick(bar: &ProgressBar, shown: &Mutex<Shown>, stopped: &Receiver<()>) {
    let start = Instant::now();
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        if start.elapsed() >= PATIENCE && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(20));
        }
        let mut shown = lock(shown);
        let text = std::mem::take(&mut shown.text);
        let ((done, all), told) = (shown.count.share(), shown.count.told());
        drop(shown);
        if !text.is_empty() {
            let _ = bar.suspend(|| io::stderr().write_all(&text));
        }
        bar.set_length(all);
        bar.set_position(done);
        bar.set_message(told);
    }
}

/// As libtest paints it.
fn painted(line: &str, ended: Ended, at: std::ops::Range<usize>) -> String {
    let color = match ended {
        Ended::Passed => 32,
        Ended::Failed => 31,
        Ended::Ignored => 33,
    };
    let (before, word, after) = (&line[..at.start], &line[at.clone()], &line[at.end..]);
    format!("{before}\u{1b}[{color}m{word}\u{1b}[0m{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_is_painted() {
        let line = "test ok ... ok\n";
        let (ended, at) = ended(line).unwrap();
        assert_eq!(painted(line, ended, at), "test ok ... \u{1b}[32mok\u{1b}[0m\n");
    }
}
