//! Each kind of finding as it is printed, at the widths people have.

use selvedge_checkers::finding::Slug;

use super::cases::case;
use crate::report::Style;

fn golden(name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn terminal() {
    for slug in Slug::ALL {
        let world = case(*slug);
        let mut all = String::new();
        for (width, unicode) in
            [(72, true), (100, true), (200, true), (72, false), (100, false), (200, false)]
        {
            let letters = if unicode { "Unicode" } else { "ASCII" };
            all.push_str(&format!("=== {width} columns, {letters}\n{}\n", world.render(width, unicode)));
        }
        golden(&format!("terminal-{}", slug.text()), &all);
    }
}

#[test]
fn short_github_and_json() {
    let each = |form: fn(&crate::report::Report<'_>) -> String| {
        Slug::ALL.iter().map(|slug| form(&case(*slug).report())).collect::<String>()
    };
    golden("short", &each(|r| r.short()));
    golden("github", &each(|r| r.github()));
    golden("json", &each(|r| r.json()));
}

#[test]
fn exports() {
    let world = case(Slug::Deadlock);
    let report = world.report();
    golden("export-chrome", &report.chrome().replace("},{", "},\n{"));
    golden("export-shiviz", &report.shiviz());
    golden("export-svg", &report.svg());
    for slug in Slug::ALL {
        let world = case(*slug);
        let chrome: serde_json::Value = serde_json::from_str(&world.report().chrome()).unwrap();
        assert!(chrome["traceEvents"].is_array());
        assert_eq!(world.report().shiviz().lines().count(), 2 * world.trace.events.len());
    }
}

#[test]
fn every_step() {
    golden("steps", &case(Slug::Deadlock).report().steps(&Style::default()));
}

#[test]
fn colour() {
    let style = Style { color: true, ..Style::default() };
    let text = case(Slug::Deadlock).report().render(&style);
    golden("terminal-colour", &text.replace('\x1b', "␛"));
}
