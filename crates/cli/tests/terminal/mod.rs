//! A terminal for a command: what it writes to, and what would be left on the screen.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};

/// Run a command on a terminal of so many columns: its exit code, and every byte that it wrote.
pub(crate) fn run(mut command: Command, columns: u16) -> (Option<i32>, String) {
    let (terminal, theirs) = open(columns);
    let copy = || Stdio::from(theirs.try_clone().unwrap());
    let mut child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn().unwrap();
    // The last end that is open says when all is written.
    drop((command, theirs));
    let mut seen = Vec::new();
    // A terminal that nobody has open any more is an error to read.
    let _ = File::from(terminal).read_to_end(&mut seen);
    (child.wait().unwrap().code(), String::from_utf8_lossy(&seen).replace("\r\n", "\n"))
}

/// Both ends of a terminal.
fn open(columns: u16) -> (OwnedFd, OwnedFd) {
    let size = libc::winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut ours, mut theirs) = (-1, -1);
    let (name, settings) = (std::ptr::null_mut(), std::ptr::null());
    // SAFETY: the two descriptors are written; null asks for neither name nor settings; the size is read.
    let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, settings, &raw const size) };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were opened just now, and nobody else has them.
    unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// What is left on the screen, without colours: lines that were taken back are not there.
pub(crate) fn screen(seen: &str) -> String {
    let mut lines = vec![String::new()];
    let mut rest = seen;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => lines.push(String::new()),
            // To go back to the beginning and to write over it, or to erase what follows, is the same here.
            '\r' => lines.last_mut().unwrap().clear(),
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("escapes have an end");
                if rest[..=end].ends_with('K') {
                    lines.last_mut().unwrap().clear();
                }
                rest = &rest[end + 1..];
            }
            c => lines.last_mut().unwrap().push(c),
        }
    }
    lines.join("\n")
}
