//! `selvedge.toml`: what all tests of a package, or of a workspace, start from.
//!
//! The keys are the arguments of the attribute, and the environment variables without their prefix and
//! in lower case; the values mean what they mean there. `production`, `shard` and `replay` are about one
//! test or one run and no keys. Invariants: a file is taken over whole or not at all; an error names the
//! file and the line; a file that is there and cannot be read is an error.

use super::config::Config;
use super::notice::{ConfigError, Source};
use super::settings::{SETTINGS, Setting, closest};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The name of the file.
pub const NAME: &str = "selvedge.toml";

/// A file that was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct File {
    /// As messages call it.
    path: String,
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    key: String,
    value: String,
    line: usize,
}

/// What a file calls a setting, if it may hold it.
fn key(setting: &Setting) -> Option<String> {
    match (setting.argument, setting.variable) {
        (Some("production"), _) | (None, None | Some("SELVEDGE_STEP" | "SELVEDGE_SUMMARY")) => None,
        (Some(name), _) => Some(name.to_owned()),
        (None, Some(variable)) => variable.strip_prefix("SELVEDGE_").map(str::to_lowercase),
    }
}

/// The file that concerns a package: its own, or else the one of its workspace.
pub fn find(package: &Path, workspace: &Path) -> Option<PathBuf> {
    [package, workspace].map(|folder| folder.join(NAME)).into_iter().find(|path| path.exists())
}

/// Read a file, which messages name from the root of the workspace.
///
/// # Errors
/// If it is no text, no TOML, or says something that is no setting.
pub fn read(path: &Path, workspace: &Path) -> Result<File, ConfigError> {
    let shown = path.strip_prefix(workspace).unwrap_or(path).display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
        path: shown.clone(),
        line: 0,
        problem: error.to_string(),
    })?;
    parse(&shown, &text)
}

/// What a file of this name says.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &str, text: &str) -> Result<File, ConfigError> {
    let line_of = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
    let fail =
        |at: usize, problem: String| ConfigError::File { path: path.to_owned(), line: line_of(at), problem };
    let table = DeTable::parse(text).map_err(|error| {
        fail(error.span().map_or(0, |span| span.start), format!("no TOML: {}", error.message()))
    })?;
    let mut entries = Vec::new();
    for (name, value) in table.get_ref() {
        let (at, name) = (name.span().start, name.get_ref().to_string());
        let Some(setting) = SETTINGS.iter().find(|s| key(s).as_deref() == Some(&name)) else {
            if SETTINGS.iter().any(|setting| setting.argument == Some(&name)) {
                return Err(fail(at, format!("`{name}` is no default: it goes into a test's attribute")));
            }
            let known = SETTINGS.iter().filter_map(key);
            let closest = closest(&name, known).unwrap_or_default();
            return Err(fail(at, format!("unknown key `{name}`; did you mean `{closest}`?")));
        };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(yes) => yes.to_string(),
            _ => {
                let written = text.get(value.span()).unwrap_or_default();
                return Err(fail(at, format!("`{name}` = {written}: expected {}", setting.expected)));
            }
        };
        // Whether it is a value of the setting is seen here already, where the line is known.
        let problem = |_| format!("`{name}` = {text:?}: expected {}", setting.expected);
        let tried = setting.apply(&mut Config::default(), Source::Argument, &name, &text);
        tried.map_err(|error| fail(at, problem(error)))?;
        entries.push(Entry { key: name, value: text, line: line_of(at) });
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(File { path: path.to_owned(), entries })
}

impl Config {
    /// Takes over a file.
    pub(super) fn apply_file(&mut self, file: &File) -> Result<(), ConfigError> {
        // In the order of the settings, as an attribute's arguments.
        for setting in SETTINGS {
            let Some(key) = key(setting) else { continue };
            if let Some(entry) = file.entries.iter().find(|entry| entry.key == key) {
                setting.apply(self, Source::Argument, &key, &entry.value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{LeakPolicy, ReportMode, StrategySpec, resolve};
    use super::*;
    use std::time::Duration;

    fn config(file: &str, attribute: &[(&str, &str)], environment: &[(&str, &str)]) -> Config {
        let file = parse("selvedge.toml", file).unwrap();
        let owned = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        resolve("billing::orders", Some(&file), attribute, owned).unwrap().config
    }

    fn error(file: &str) -> String {
        parse("selvedge.toml", file).unwrap_err().to_string()
    }

    #[test]
    fn a_file_says_what_an_attribute_and_the_environment_can() {
        let file = "# ours\nexecutions = 10_000\nstrategy = \"pct:3\"\nleaks = 'warn'\n\n\
                    watchdog = \"2m\"\nreport = \"full\"\nspurious = 0\n";
        let config = config(file, &[], &[]);
        assert_eq!((config.executions, config.strategy), (10_000, StrategySpec::Pct(3)));
        assert_eq!((config.leaks, config.report), (LeakPolicy::Warn, ReportMode::Full));
        assert_eq!((config.watchdog, config.spurious), (Duration::from_secs(120), 0));
    }

    #[test]
    fn the_attribute_and_the_environment_come_first() {
        let file = "executions = 10\njobs = 2\nsteps = 30\n";
        let config = config(file, &[("executions", "20"), ("jobs", "3")], &[("SELVEDGE_JOBS", "4")]);
        assert_eq!((config.executions, config.jobs, config.steps), (20, 4, 30));
    }

    #[test]
    fn exhaustive_by_default_leaves_a_tests_own_strategy_alone() {
        let exhaustive = config("exhaustive = true", &[], &[]);
        assert!(exhaustive.exhaustive && exhaustive.executions == u64::MAX);
        let own = config("exhaustive = true", &[("strategy", "pos")], &[]);
        assert!(!own.exhaustive && own.strategy == StrategySpec::Pos);
        assert!(!config("exhaustive = false", &[], &[]).exhaustive);
    }

    #[test]
    fn errors_name_the_line_the_key_the_value_and_what_was_expected() {
        assert_eq!(
            error("jobs = 2\nleaks = \"never\""),
            "selvedge.toml:2: `leaks` = \"never\": expected \"deny\", \"warn\" or \"allow\""
        );
        assert_eq!(
            error("\n\nexecutions = -5"),
            "selvedge.toml:3: `executions` = \"-5\": expected a whole number from 1, such as 500 or 10_000"
        );
        assert_eq!(
            error("time = 30"),
            "selvedge.toml:1: `time` = \"30\": expected a positive duration such as \"500ms\", \"30s\" or \"2m\""
        );
        assert_eq!(
            error("jobs = [1, 2]"),
            "selvedge.toml:1: `jobs` = [1, 2]: expected a whole number from 1, such as 500 or 10_000"
        );
        assert_eq!(
            error("execution = 5"),
            "selvedge.toml:1: unknown key `execution`; did you mean `executions`?"
        );
        assert!(error("[profile.ci]\njobs = 2").starts_with("selvedge.toml:1: unknown key `profile`"));
        assert!(
            error("production = true")
                .ends_with(":1: `production` is no default: it goes into a test's attribute")
        );
        assert!(error("jobs = 1\njobs = 2").starts_with("selvedge.toml:2: no TOML: "));
        assert!(error("jobs 2").starts_with("selvedge.toml:1: no TOML: "));
    }
}
