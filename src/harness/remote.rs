//! One execution whose decisions somebody makes at the other end of a socket, in lines of JSON.
//!
//! For each decision a line goes out with what can happen, `{"version":1,"kind":"choice","choices":[…]}`, and
//! a line comes back with the index of what does. Invariants: an index out of range, a line that is no
//! number, and the end of the connection stand for the default, the first; nobody is hurried. With
//! `SELVEDGE_REPLAY` the first is what that schedule says, until something else is chosen.

use super::by_hand::{self, Choice};
use super::config::Config;
use super::identity::Identity;
use super::outcome::Outcome;
use super::trial;
use crate::explore::plan::{Body, Plan};
use std::path::Path;

#[cfg(unix)]
pub(super) fn run(
    config: &Config,
    plan: Plan,
    body: &Body,
    identity: &Identity<'_>,
    socket: &Path,
) -> Outcome {
    use crate::explore::minimise;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    let connected = UnixStream::connect(socket).and_then(|there| Ok((there.try_clone()?, there)));
    let (reader, mut writer) = connected.unwrap_or_else(|error| {
        trial::refuse(&format!("SELVEDGE_STEP={}: {error}", socket.display()));
    });
    let mut answers = BufReader::new(reader);
    let choose = move |choices: &[Choice]| {
        let mut answer = String::new();
        let sent = writer.write_all(format!("{}\n", told(choices)).as_bytes());
        let heard = sent.and_then(|()| answers.read_line(&mut answer));
        heard.ok().and_then(|_| answer.trim().parse().ok()).unwrap_or(0)
    };
    // A person thinks longer than a goroutine may take.
    let plan = Plan { watchdog: Duration::from_secs(24 * 3600), ..plan };
    let along = config.replay.as_deref().map(|what| trial::decisions(&plan, body, identity, what));
    let along = along.unwrap_or_default();
    let minimal = minimise::under(&plan, body, identity.site, move || by_hand::stepper(choose, along));
    trial::finish_replay(config, &plan, body, identity, minimal, None)
}

#[cfg(not(unix))]
pub(super) fn run(_: &Config, _: Plan, _: &Body, _: &Identity<'_>, socket: &Path) -> Outcome {
    let why = "stepping needs Unix sockets, which this system has not";
    trial::refuse(&format!("SELVEDGE_STEP={}: {why}", socket.display()))
}

fn told(choices: &[Choice]) -> serde_json::Value {
    let choice = |c: &Choice| {
        serde_json::json!({
            "goroutine": c.goroutine,
            "operation": c.operation,
            "site": c.site.as_ref().map(ToString::to_string),
            "alternative": c.alternative,
        })
    };
    let choices: Vec<_> = choices.iter().map(choice).collect();
    serde_json::json!({ "version": 1, "kind": "choice", "choices": choices })
}
