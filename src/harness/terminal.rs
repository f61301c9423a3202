//! What the terminal can show, if there is one.
//!
//! Invariants: colours go to a terminal that did not ask for none, or to where `CLICOLOR_FORCE` wants them;
//! `NO_COLOR` comes before both. The width is the one that was asked for (`COLUMNS`), else the terminal's.

use crate::report::Style;
use std::io::IsTerminal;

/// How wide a report is where nobody knows better.
const WIDTH: usize = 100;

/// How to print to this stream.
#[cfg(unix)]
pub fn style(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Style {
    styled(stream.is_terminal(), || columns(stream.as_fd()))
}

/// How to print to this stream.
#[cfg(not(unix))]
pub fn style(stream: &impl IsTerminal) -> Style {
    styled(stream.is_terminal(), || None)
}

fn styled(is_terminal: bool, columns: impl Fn() -> Option<usize>) -> Style {
    let width = variable("COLUMNS").and_then(|c| c.trim().parse().ok());
    let width = width.or_else(|| is_terminal.then(columns).flatten()).unwrap_or(WIDTH);
    let forced = variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let color = (forced || is_terminal && !is_dumb()) && variable("NO_COLOR").is_none();
    Style { width, color, unicode: unicode() }
}

/// Whether somebody watches this stream on a terminal whose lines can be written over.
pub fn is_watched(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    variable("TERM").is_some_and(|name| name == "dumb")
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// Whether the locale, if there is one, has characters beyond ASCII.
fn unicode() -> bool {
    let Some(locale) = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable) else { return true };
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// How many columns the terminal has that is open here.
#[cfg(unix)]
fn columns(terminal: std::os::fd::BorrowedFd<'_>) -> Option<usize> {
    use std::os::fd::AsRawFd;
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is borrowed and so open; TIOCGWINSZ writes one `winsize`, which is what it is given.
    let done = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0).then_some(size.ws_col.into())
}
