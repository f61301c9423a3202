//! What is to be run again: the value of `SELVEDGE_REPLAY`.
//!
//! Invariant: what is neither a token nor a file is refused with the reason why it is no token, a file with
//! what is wrong in it.

use super::regressions;
use crate::explore::token::Token;
use selvedge_checkers::record;
use std::path::Path;

/// One execution, said in one of two ways.
pub(super) enum Schedule {
    /// By a token.
    Token(Token),
    /// Decision by decision, as (goroutine, alternative).
    Decisions(Vec<(u32, u32)>),
}

impl Schedule {
    /// What a token says; or a trace; or the first entry of a regressions file.
    pub(super) fn read(what: &str) -> Result<Schedule, String> {
        let no_token = match Token::decode(what) {
            Ok(token) => return Ok(Schedule::Token(token)),
            Err(error) => error,
        };
        let file = Path::new(what);
        let text = regressions::text_of(file).map_err(|error| error.to_string())?;
        decisions(file, &text.ok_or_else(|| no_token.to_string())?).map(Schedule::Decisions)
    }
}

fn decisions(file: &Path, text: &str) -> Result<Vec<(u32, u32)>, String> {
    if text.starts_with('{') {
        let decisions = record::read(text).map_err(|error| error.to_string())?.decisions;
        let none = "the trace has no decisions to follow";
        return if decisions.is_empty() { Err(none.to_owned()) } else { Ok(decisions) };
    }
    let entries = regressions::parse(file, text).map_err(|error| error.to_string())?;
    let first = entries.into_iter().next().map(|entry| entry.decisions);
    first.ok_or_else(|| "expected a token, a trace, or a regressions file with an entry".to_owned())
}
