//! The scheduler in processes of its own: each program runs as the `main` of one, in both modes and
//! with several numbers of processors, and what it printed and how it ended is looked at.
//!
//! Invariants: a program that does not end within a bound so generous that only one that hangs
//! exceeds it has failed; nothing depends on how long anything takes. Arguments choose programs by
//! part of their name, as in other tests.

mod hazards;
mod inside;
mod outside;
mod programs;

use programs::Program;
use selvedge::runtime::{OnLeak, OnPanic, Runtime};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take.
const BOUND: Duration = Duration::from_secs(60);
const INSIDE: &str = "SELVEDGE_TEST_PROGRAM";

/// How a program ended.
struct Ended {
    /// None if it was killed by a signal.
    code: Option<i32>,
    errors: String,
}

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(INSIDE) {
        let program = all().find(|program| program.name == name).expect("a program's name");
        return be(program);
    }
    // As of the usual harness, as far as anybody asks.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        all().for_each(|program| println!("{}: test", program.name));
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    for program in all() {
        let chosen =
            filters.is_empty() || filters.iter().any(|filter| program.name.contains(filter.as_str()));
        if !chosen {
            continue;
        }
        for procs in program.procs {
            for mode in ["bound", "migrating"] {
                let result = judge(program, *procs, mode);
                let shown = if result.is_ok() { "ok" } else { "FAILED" };
                println!("test {} ({mode}, {procs} processors) ... {shown}", program.name);
                if let Err(why) = result {
                    println!("{why}");
                    failed = true;
                }
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn all() -> impl Iterator<Item = &'static Program> {
    programs::PROGRAMS.iter().chain(inside::PROGRAMS).chain(hazards::PROGRAMS).chain(outside::PROGRAMS)
}

/// Be the program.
fn be(program: &Program) -> ExitCode {
    let run = || (program.run)();
    if program.name.starts_with("strict") {
        let builder = Runtime::builder().on_leak(OnLeak::EndProgram);
        let migrates = std::env::var("MODE").as_deref() == Ok("migrating");
        // SAFETY: as below.
        let builder = if migrates { unsafe { builder.migrate() } } else { builder };
        builder.run(run).expect("these settings can be");
        return ExitCode::SUCCESS;
    }
    if program.name.starts_with("isolated") {
        let builder = Runtime::builder().on_panic(OnPanic::Isolate).thread_name("worker").pin_threads();
        let migrates = std::env::var("MODE").as_deref() == Ok("migrating");
        // SAFETY: as below.
        let builder = if migrates { unsafe { builder.migrate() } } else { builder };
        builder.run(run).expect("these settings can be");
        return ExitCode::SUCCESS;
    }
    if std::env::var("MODE").as_deref() == Ok("migrating") {
        // SAFETY: the programs keep nothing of their threads across a wait.
        unsafe { selvedge::runtime::main_migrating(run) };
    } else {
        selvedge::runtime::main(run);
    }
    ExitCode::SUCCESS
}

fn judge(program: &Program, procs: usize, mode: &str) -> Result<(), String> {
    if mode == "bound" && !program.bound || mode == "migrating" && !program.migrating {
        return Ok(());
    }
    let ended = run(program, procs, mode)?;
    if ended.code != program.code {
        return Err(format!("exit code {:?}, expected {:?}\n{}", ended.code, program.code, ended.errors));
    }
    let accused = ["goroutine leak", "thread-local"].iter().any(|text| ended.errors.contains(text));
    if program.name.starts_with("innocent") && accused {
        return Err(format!("it is accused:\n{}", ended.errors));
    }
    let missing = program.says.iter().find(|text| !ended.errors.contains(**text));
    missing.map_or(Ok(()), |text| Err(format!("it does not say {text:?}:\n{}", ended.errors)))
}

fn run(program: &Program, procs: usize, mode: &str) -> Result<Ended, String> {
    let mut command = Command::new(std::env::current_exe().expect("this program's path"));
    command.env(INSIDE, program.name).env("MODE", mode).env("GOMAXPROCS", procs.to_string());
    if program.name == "schedtrace" {
        command.env("SELVEDGE_SCHEDTRACE", "20,scheddetail=1");
    }
    if let Some(guards) = program.name.strip_prefix("guards_") {
        command.env("SELVEDGE_STACK_GUARDS", guards.split("__").next().unwrap_or_default().replace('_', "+"));
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    hear_quit(&mut command);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let start = Instant::now();
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if start.elapsed() > BOUND {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("still running after {BOUND:?}"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    Ok(Ended { code: output.status.code(), errors: String::from_utf8_lossy(&output.stderr).into_owned() })
}

/// The program gets SIGQUIT, even if whoever runs these tests ignores it, as a shell does for what runs behind it.
fn hear_quit(command: &mut Command) {
    #[cfg(unix)]
    // SAFETY: `signal` may be called between fork and exec, and touches no memory of ours.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(command, || {
            libc::signal(libc::SIGQUIT, libc::SIG_DFL);
            Ok(())
        });
    }
    #[cfg(not(unix))]
    let _ = command;
}
