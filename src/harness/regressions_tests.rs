//! Tests of the regressions file: round trips, errors by line, and an unwilling file system.

use super::*;
use crate::explore::spec::StrategySpec;
use proptest::prelude::*;

const TEST: &str = "billing::orders::are_billed";

fn entry(number: u64) -> Entry {
    Entry {
        token: Token::seeded(7, StrategySpec::Pct(3), 99, number),
        slug: "deadlock".to_owned(),
        note: "all goroutines are asleep".to_owned(),
        decisions: vec![(0, 0), (0, 0), (0, 0), (1, 0), (2, 1), (0, 0)],
    }
}

/// A folder of its own for each test, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("selvedge-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_file_of_a_test_is_named_after_it() {
    let file = file_of(Path::new("/p"), TEST);
    assert_eq!(file, Path::new("/p/selvedge-regressions/billing__orders__are_billed.txt"));
    assert!(file_of(Path::new("/p"), "a::r#match").ends_with("a__r-match.txt"));
    assert!(file_of(Path::new("/p"), "../x").ends_with("selvedge-regressions/---x.txt"));
}

#[test]
fn entries_are_appended_once_and_read_back() {
    let folder = Folder::new("append");
    let file = file_of(&folder.0, TEST);
    assert_eq!(load(&file).unwrap(), []);
    assert_eq!(append(&file, TEST, &entry(1)).unwrap(), Appended::Added);
    assert_eq!(append(&file, TEST, &entry(2)).unwrap(), Appended::Added);
    assert_eq!(append(&file, TEST, &entry(1)).unwrap(), Appended::Known);
    assert_eq!(load(&file).unwrap(), [entry(1), entry(2)]);
    let names: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "no draft is left: {names:?}");
}

#[test]
fn the_format_is_what_the_documentation_shows() {
    let folder = Folder::new("format");
    let file = file_of(&folder.0, TEST);
    append(&file, TEST, &entry(1)).unwrap();
    let expected = format!(
        "# Schedules on which billing::orders::are_billed once failed; they are replayed before anything else.\n\
         # Keep this file under version control. Delete an entry once its bug is of no interest.\n\
         # To see one fail: SELVEDGE_REPLAY=<token> cargo test orders::are_billed\n\
         \n\
         {}  # deadlock  all goroutines are asleep\n\
         decisions 0:0*3 1:0 2:1 0:0\n",
        entry(1).token
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
}

#[test]
fn hand_written_lines_stay() {
    let folder = Folder::new("by-hand");
    let file = folder.0.join("t.txt");
    let by_hand = format!("# mine\n{}#data-race", entry(5).token);
    std::fs::write(&file, &by_hand).unwrap();
    append(&file, TEST, &entry(6)).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with(&format!("{by_hand}\n\nsv1-")));
    let slugs: Vec<String> = load(&file).unwrap().into_iter().map(|entry| entry.slug).collect();
    assert_eq!(slugs, ["data-race", "deadlock"]);
}

#[test]
fn errors_name_the_file_the_line_and_what_was_expected() {
    let token = entry(1).token;
    let error = |text: &str| parse(Path::new("t.txt"), text).unwrap_err().to_string();
    assert_eq!(
        error("# fine\n\nnonsense # deadlock"),
        "t.txt:3: expected a token, `decisions` or a comment; the token does not begin with `sv1-`; \
         correct the line or delete the entry"
    );
    assert!(error("decisions 0:0").starts_with("t.txt:1: expected a token before its decisions"));
    assert!(error(&token.encode()).contains("t.txt:1: expected `# `"));
    for bad in ["0", "0:", ":0", "0:0*", "0:0*0", "0:0*x", "a:0", "0:-1", "1:2:3"] {
        let text = format!("{token} # deadlock\ndecisions 0:0 {bad} 0:0");
        assert!(error(&text).starts_with(&format!("t.txt:2: `{bad}` is no decision")), "{}", error(&text));
    }
    let huge = format!("{token} # deadlock\ndecisions 0:0*999999999999");
    assert!(error(&huge).contains("at most 1000000"), "{}", error(&huge));
}

#[test]
fn an_unwilling_file_system_is_an_error_value() {
    let folder = Folder::new("unwilling");
    // A file where the folder should be: refused for every user, also where the tests run as root.
    std::fs::write(folder.0.join(FOLDER), "").unwrap();
    let file = file_of(&folder.0, TEST);
    let error = append(&file, TEST, &entry(1)).unwrap_err();
    assert!(matches!(error, RegressionError::Io { .. }), "{error}");
    assert!(error.to_string().starts_with("cannot "), "{error}");
    // A folder where the file should be: the rename fails, and the draft is removed again.
    let file = folder.0.join("busy.txt");
    std::fs::create_dir(&file).unwrap();
    assert!(append(&file, TEST, &entry(1)).is_err());
    assert!(load(&file).is_err());
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 2);
}

proptest! {
    #[test]
    fn what_is_written_parses_back(
        decisions in prop::collection::vec((0..4u32, prop_oneof![Just(0), 0..3u32, any::<u32>()]), 0..200),
        note in "[ -~\n]{0,40}",
        number in any::<u64>(),
    ) {
        let written = Entry { decisions, note, ..entry(number) };
        let text = format!("{}{}", header(TEST), render(&written));
        prop_assert!(text.lines().all(|line| line.len() <= 120));
        let note = written.note.split_whitespace().collect::<Vec<_>>().join(" ");
        let read = parse(Path::new("t.txt"), &text).unwrap();
        prop_assert_eq!(read, [Entry { note, ..written }]);
    }
}
