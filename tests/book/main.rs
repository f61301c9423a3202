//! The book shows these programs and their reports as they are.

mod answers;
mod bank;
mod shown;

use shown::{Document, code, report};

#[test]
fn the_first_bug_is_shown_as_it_is_found() {
    let page =
        Document::open("docs/first-bug.md").shows("code", "rust", &code(include_str!("bank.rs"), "\n#[path"));
    page.shows("report", "text", &report("bank::money_is_kept", "error[", &[])).check();
}

#[test]
fn what_would_help_is_shown_as_it_is_told() {
    let page = Document::open("docs/reports.md");
    let page = page.shows("code", "rust", &code(include_str!("answers.rs"), "\n#[path"));
    let page = page.shows("report", "text", &report("answers::the_first_answer_counts", "error[", &[]));
    let passes = report("bank::in_order::money_is_kept", "explored ", &[("SELVEDGE_REPORT", "full")]);
    // How long it took is nobody's business here.
    let (passes, _) = passes.rsplit_once(", ").expect("the time comes last");
    page.shows("passes", "text", &format!("{passes}, 0.01 s\n")).check();
}

#[test]
fn a_replay_knows_what_would_help_as_well() {
    let helps = |variables: &[(&str, &str)]| {
        let told = report("answers::the_first_answer_counts", "error[", variables);
        told.lines().filter(|line| line.contains("help: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = report("answers::the_first_answer_counts", "error[", &[]);
    let token = told.split("SELVEDGE_REPLAY=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let again = helps(&[("SELVEDGE_REPLAY", token.expect("a token"))]);
    assert!(again.len() > 1, "{told}");
    assert_eq!(again, helps(&[]));
}
