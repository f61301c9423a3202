//! How to see a failure again, as whoever ran it knows.
//!
//! Invariant: what is not known is `None` or empty, and the report leaves it out.

use selvedge_checkers::record::Record;

/// How to see a failure again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replay {
    /// The value of `SELVEDGE_REPLAY`; empty where there is no execution to replay.
    pub token: String,
    /// The user's own command (`cargo test orders_are_billed`).
    pub command: String,
    /// The directory that holds `trace.txt`, if it was written.
    pub out_dir: Option<String>,
    /// The path of the HTML timeline, if it was written.
    pub timeline: Option<String>,
}

impl Replay {
    /// As it was told when the execution was written.
    pub fn of_record(record: &Record) -> Replay {
        Replay { token: record.token.clone(), command: record.command.clone(), ..Replay::default() }
    }
}
