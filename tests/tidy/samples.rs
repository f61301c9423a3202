//! For each rule: what it must flag, with the line, and what it must accept.
//!
//! Invariants: samples are strings, which the rules about code do not look into; the words that are
//! banned everywhere are put together from halves.

/// Rule, path, text, and the one line that breaks the rule.
type Bad = (&'static str, &'static str, String, usize);
/// Rule, path and text.
type Good = (&'static str, &'static str, String);

/// What must be flagged.
pub(super) fn bad() -> Vec<Bad> {
    let mut list: Vec<Bad> = vec![
        ("file-length", "src/model/long.rs", "x\n".repeat(601), 601),
        ("banned-words", "README.md", format!("fine\nsee {}shared\n", concat!("/wo", "rk/")), 2),
        ("banned-words", ".ci/run", format!("cd {}/x\n", concat!("/tmp/", "wt")), 1),
        ("banned-words", "src/lib.rs", format!("//! x\n// {}: later\n", concat!("TO", "DO")), 2),
        ("banned-words", "src/lib.rs", format!("//! x\n// {}\n", concat!("FIX", "ME")), 2),
        ("banned-words", "docs/a.md", format!("In this {}\n", concat!("Ses", "sion")), 1),
    ];
    let plain: &[(&str, &str, &str, usize)] = &[
        ("import-direction", "src/checked.rs", "use crate::model::Execution;", 1),
        ("import-direction", "src/chan/buffered.rs", "\nuse crate::{port, explore::token};", 2),
        ("import-direction", "src/model/execution.rs", "fn f() { crate::explore::next() }", 1),
        ("import-direction", "src/model/execution.rs", "use super::super::runtime::park;", 1),
        ("import-direction", "src/model/mod.rs", "use super::harness;", 1),
        ("import-direction", "src/explore/dpor.rs", "use crate::{\n    model::Decision,\n    report,\n};", 3),
        ("import-direction", "src/runtime/park.rs", "use crate::model;", 1),
        ("import-direction", "src/report/table.rs", "use crate::model::Trace;", 1),
        ("import-direction", "src/harness/mod.rs", "use crate::runtime::Scheduler;", 1),
        ("import-direction", "src/objects/mutex.rs", "use crate::port::Engine;", 1),
        ("import-direction", "src/objects/park.rs", "use crate::model::Clock;", 1),
        ("import-direction", "src/port.rs", "use crate::model;", 1),
        ("import-direction", "src/model/clock.rs", "use crate::Goroutine;", 1),
        ("pure-modules", "checkers/src/race.rs", "use std::thread;", 1),
        ("pure-modules", "checkers/src/race.rs", "\nfn f() { unsafe {} }", 2),
        ("pure-modules", "src/objects/mutex.rs", "use std::time::Duration;", 1),
        ("stack-switching", "src/port.rs", "use corosensei::Coroutine;", 1),
        ("header", "src/model/a.rs", "use core::fmt;", 1),
        ("header", "fixtures/src/a.rs", "\n//! late", 1),
        ("glob-import", "src/go.rs", "\nuse crate::*;", 2),
        ("random-hashing", "src/model/a.rs", "use std::collections::HashMap;", 1),
        ("random-hashing", "src/explore/a.rs", "type S = RandomState;", 1),
        ("random-hashing", "checkers/src/a.rs", "fn f() { HashSet::new(); }", 1),
        ("wall-clock", "src/explore/a.rs", "use std::time::Instant;", 1),
        ("wall-clock", "src/model/a.rs", "use std::time::{Duration, SystemTime};", 1),
        ("printing", "checkers/src/a.rs", "fn f() { println!(); }", 1),
        ("printing", "src/model/a.rs", "\nfn f() { eprint!(\"x\"); }", 2),
        ("printing", "src/explore/a.rs", "fn f() { dbg!(1); }", 1),
        ("safety-comment", "src/a.rs", "fn f() {\n    unsafe { g() }\n}", 2),
        (
            "safety-comment",
            "src/a.rs",
            "// SAFETY: of another one.\nlet a = 1;\nunsafe impl Send for A {}",
            3,
        ),
    ];
    list.extend(plain.iter().map(|&(rule, path, text, line)| (rule, path, text.to_owned(), line)));
    list
}

/// What must be accepted.
pub(super) fn good() -> Vec<Good> {
    let mut list: Vec<Good> = vec![("file-length", "src/a.rs", "x\n".repeat(600))];
    let plain: &[(&str, &str, &str)] = &[
        ("import-direction", "src/chan/mod.rs", "use crate::port;\nuse super::go;\nuse crate::sync::Mutex;"),
        ("import-direction", "src/harness/a.rs", "use crate::{explore, model, report};\nuse super::config;"),
        (
            "import-direction",
            "src/model/a.rs",
            "//! See [`crate::explore`].\n#[cfg(test)]\nmod tests { use crate::explore; }",
        ),
        ("import-direction", "src/model/a_tests.rs", "use crate::explore::rng::Rng;"),
        ("import-direction", "src/explore/a.rs", "const A: &str = \"crate::report\"; use super::token;"),
        ("import-direction", "src/lib.rs", "pub use crate::runtime::go;"),
        ("import-direction", "benches/src/main.rs", "use crate::runtime::go;"),
        ("pure-modules", "checkers/src/lib.rs", "#![forbid(unsafe_code)]\n// std::thread\n"),
        ("pure-modules", "src/runtime/park.rs", "use std::thread;"),
        ("stack-switching", "src/model/coroutine.rs", "use corosensei::Coroutine;"),
        ("header", "src/a.rs", "//! Holds.\n"),
        ("banned-words", "src/a.rs", "//! Obsessions, sv1-XXXXX, to do.\n"),
        ("glob-import", "src/a.rs", "// use crate::*\nuse crate::go;"),
        ("random-hashing", "src/model/a.rs", "use rustc_hash::FxHashMap;"),
        ("random-hashing", "src/report/a.rs", "use std::collections::HashMap;"),
        ("wall-clock", "src/explore/budget.rs", "use std::time::Instant;"),
        ("wall-clock", "src/model/a.rs", "use std::time::Duration; use crate::model::Instant;"),
        ("printing", "src/report/terminal.rs", "fn f() { eprint!(); }"),
        ("printing", "src/model/a.rs", "// println!\nfn pretty_print() {}"),
        ("safety-comment", "src/a.rs", "// SAFETY: true,\n// and more.\nlet a =\n    unsafe { g() };"),
        ("safety-comment", "src/a.rs", "unsafe fn f() {}\n// unsafe { }\n"),
    ];
    list.extend(plain.iter().map(|&(rule, path, text)| (rule, path, text.to_owned())));
    list
}
