//! `cargo selvedge explain`: the page of a finding.
//!
//! Invariant: every name a report prints has its page in here, which a test sees to.

use crate::args::Explain;
use crate::code::Code;
use crate::offline::refused;
use std::io::{self, Write};

macro_rules! pages {
    ($($slug:literal)*) => {
        /// Name and text of each page.
        const PAGES: &[(&str, &str)] = &[
            $(($slug, include_str!(concat!("../../../docs/findings/", $slug, ".md"))),)*
        ];
    };
}

pages! {
    "deadlock" "partial-deadlock" "leaked-goroutine" "data-race" "panic" "send-on-closed" "close-of-closed"
    "close-of-nil" "unlock-of-unlocked" "negative-wait-group" "wait-group-misuse" "lost-wake-up" "livelock"
    "not-deterministic" "nothing-explored" "stuck" "lock-order" "send-races-close" "add-races-wait"
    "closed-by-receiver" "lost-cancel" "leaked-timer" "premature-exit" "uncontrolled-thread"
    "borrowed-thread-local"
}

pub(crate) fn run(explain: &Explain) -> io::Result<Code> {
    let mut out = io::stdout().lock();
    let Some(wanted) = &explain.finding else {
        for (slug, page) in PAGES {
            writeln!(out, "{slug:22} {}", summary(page))?;
        }
        return Ok(Code::Clean);
    };
    match PAGES.iter().find(|(slug, _)| letters(slug) == letters(wanted)) {
        Some((_, page)) => out.write_all(page.as_bytes()).map(|()| Code::Clean),
        None => refused(&format!("no finding `{wanted}`; there are: {}", names())),
    }
}

/// A name as whoever types it may remember it.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// The line under the title, without its marks and what it goes on to say.
fn summary(page: &str) -> String {
    let line = page.lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.split(';').next().unwrap_or_default().replace(['*', '`'], "")
}

fn names() -> String {
    PAGES.iter().map(|(slug, _)| *slug).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_its_page() {
        let mut known: Vec<&str> = selvedge::Slug::ALL.iter().map(|slug| slug.text()).collect();
        let mut pages: Vec<&str> = PAGES.iter().map(|(slug, _)| *slug).collect();
        known.sort_unstable();
        pages.sort_unstable();
        assert_eq!(pages, known);
        for (slug, page) in PAGES {
            assert!(page.starts_with(&format!("# {slug}\n")), "{slug}");
            assert!(summary(page).len() > 10, "{slug}: {}", summary(page));
        }
    }
}
