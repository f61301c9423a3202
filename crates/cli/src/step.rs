//! `cargo selvedge step`: one execution of a test, every decision made by a person or by a program.
//!
//! Invariants: the test runs in its own process and asks over a socket; standard output has the questions
//! and nothing else, the report goes to standard error. Where the answers end, the rest runs by itself.

use crate::args::Step;
use crate::cargo::cargo;
use crate::code::Code;
use crate::offline::refused;
use crate::place::Place;
use crate::run::none_ran;
use crate::target;
use selvedge::explore::token::Token;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
pub(crate) fn run(_: &Step) -> io::Result<Code> {
    refused("stepping needs Unix sockets, which this system has not")
}

#[cfg(unix)]
pub(crate) fn run(step: &Step) -> io::Result<Code> {
    use std::os::unix::net::UnixListener;
    use std::process::Stdio;

    let scheduled =
        Path::new(&step.what).is_file() || Token::decode(&step.what).is_ok() || step.test.is_some();
    let target = match scheduled.then(|| target::find(&Place::here(), &step.what, step.test.as_deref())) {
        Some(Err(problem)) => return refused(&problem),
        Some(Ok(target)) => Some(target),
        None => None,
    };
    let test = target.as_ref().map_or(&step.what, |target| &target.test);
    let socket = std::env::temp_dir().join(format!("selvedge-step-{}", std::process::id()));
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket)?;
    let mut command = cargo();
    if let Some(target) = &target {
        command.current_dir(&target.package).env("SELVEDGE_REPLAY", &target.value);
    }
    command.arg("test").args(&step.args).arg(test);
    command.args(["--", "--exact", "--include-ignored", "--nocapture"]);
    command.env("SELVEDGE_STEP", &socket).env("SELVEDGE_REPORT", "full").env("SELVEDGE_REGRESSIONS", "off");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let connection = accept(&listener, &mut child)?;
    let _ = std::fs::remove_file(&socket);
    let Some(connection) = connection else {
        return Ok(none_ran(test));
    };
    converse(connection, step.json)?;
    Ok(if child.wait()?.success() { Code::Clean } else { Code::Findings })
}

/// The test's connection; `None` if the process ends without one.
#[cfg(unix)]
fn accept(
    listener: &std::os::unix::net::UnixListener,
    child: &mut std::process::Child,
) -> io::Result<Option<std::os::unix::net::UnixStream>> {
    listener.set_nonblocking(true)?;
    loop {
        match listener.accept() {
            Ok((connection, _)) => {
                connection.set_nonblocking(false)?;
                return Ok(Some(connection));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Questions to standard output, answers from standard input.
#[cfg(unix)]
fn converse(connection: std::os::unix::net::UnixStream, json: bool) -> io::Result<()> {
    use std::io::{BufRead, BufReader, Write};

    let mut answers = io::stdin().lock();
    let mut writer = connection.try_clone()?;
    let (mut nth, mut over) = (0, false);
    for question in BufReader::new(connection).lines() {
        let question = question?;
        nth += 1;
        let mut answer = String::new();
        if !over {
            let mut out = io::stdout().lock();
            match json {
                true => writeln!(out, "{question}")?,
                false => write!(out, "{}", menu(nth, &question))?,
            }
            out.flush()?;
            over = answers.read_line(&mut answer)? == 0 || answer.trim() == "q";
        }
        let index: usize = answer.trim().parse().unwrap_or(0);
        // A test that is over does not listen.
        if writer.write_all(format!("{index}\n").as_bytes()).is_err() {
            break;
        }
    }
    Ok(())
}

/// A question for a person.
#[cfg(unix)]
fn menu(nth: usize, question: &str) -> String {
    let question: serde_json::Value = serde_json::from_str(question).unwrap_or_default();
    let choices = question["choices"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = format!("decision {nth}\n");
    for (index, choice) in choices.iter().enumerate() {
        let who = match choice["goroutine"].as_u64() {
            Some(0) => "main".to_owned(),
            Some(g) => format!("g{g}"),
            None => "timer".to_owned(),
        };
        let way = choice["alternative"].as_u64().map_or(String::new(), |n| format!(" {n}"));
        let operation = choice["operation"].as_str().unwrap_or_default();
        let site = choice["site"].as_str().unwrap_or_default();
        text += format!("  {index}  {who:6} {operation}{way}  {site}").trim_end();
        text.push('\n');
    }
    text + "which one? [0, q lets the rest run] "
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_menu() {
        let question = r#"{"choices":[{"goroutine":0,"operation":"lock","site":"a.rs:1:2","alternative":null},
            {"goroutine":null,"operation":"fire","site":null,"alternative":null}]}"#;
        let text =
            "decision 3\n  0  main   lock  a.rs:1:2\n  1  timer  fire\nwhich one? [0, q lets the rest run] ";
        assert_eq!(menu(3, question), text);
    }
}
