//! The README shows this example and its report as they are.

#[path = "../book/shown.rs"]
mod shown;

use shown::{Document, code, report};

const EXAMPLE: &str = include_str!("../billing.rs");

fn run(variables: &[(&str, &str)]) -> String {
    report("orders_are_billed", "error[", variables)
}

#[test]
fn the_readme_shows_the_example_and_its_report() {
    let readme = Document::open("README.md").shows("code", "rust", &code(EXAMPLE, "\n#[path"));
    readme.shows("report", "text", &run(&[])).check();
}

#[test]
fn the_printed_token_replays_the_bug() {
    let report = run(&[]);
    let token = report.split("SELVEDGE_REPLAY=").nth(1).and_then(|rest| rest.split(' ').next());
    let token = token.expect("a token");
    let replayed = run(&[("SELVEDGE_REPLAY", token)]);
    assert_eq!(replayed.lines().next(), report.lines().next());
    // The book speaks of this failure too.
    for page in [include_str!("../../docs/replaying.md"), include_str!("../../docs/trace-format.md")] {
        assert!(page.contains(token), "{token}");
    }
}
