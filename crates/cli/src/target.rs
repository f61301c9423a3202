//! Which test a token, a trace or a regressions file belongs to.
//!
//! Invariant: nothing is run; where nothing tells, the problem says what to add.

use crate::place::Place;
use selvedge::explore::token::Token;
use std::path::{Path, PathBuf};

/// What is to be replayed, in which folder and of which test.
pub(crate) struct Target {
    /// The value of `SELVEDGE_REPLAY`.
    pub(crate) value: String,
    pub(crate) test: String,
    pub(crate) package: PathBuf,
}

/// Find the test that a token or a file belongs to.
pub(crate) fn find(place: &Place, what: &str, test: Option<&str>) -> Result<Target, String> {
    let path = Path::new(what);
    let root = || place.workspace.clone();
    if path.is_file() {
        let value = std::fs::canonicalize(path).map_err(|error| format!("{what}: {error}"))?;
        let value = value.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{what}: {error}"))?;
        if text.starts_with('{') {
            let record = place.find(Some(what))?.record;
            let test = test.map_or(record.test, str::to_owned);
            return Ok(Target { value, test, package: place.workspace.join(record.package) });
        }
        let test = test.map(str::to_owned).or_else(|| test_of(path));
        let test = test.ok_or_else(|| format!("{what}: its name tells no test; say --test NAME"))?;
        let package = path.parent().and_then(Path::parent).map_or_else(root, Path::to_owned);
        let package = if package.as_os_str().is_empty() { PathBuf::from(".") } else { package };
        return Ok(Target { value, test, package });
    }
    let value = what.to_owned();
    if let Err(error) = Token::decode(what) {
        return Err(format!("`{what}` is no file and no token: {error}"));
    }
    if let Some(test) = test {
        return Ok(Target { value, test: test.to_owned(), package: root() });
    }
    let kept = place.all().into_iter().find(|kept| is_token(&kept.record.token, what));
    if let Some(kept) = kept {
        return Ok(Target {
            value,
            test: kept.record.test,
            package: place.workspace.join(kept.record.package),
        });
    }
    // Outside of a workspace there is no end to where they might be.
    let inside = place.workspace.join("Cargo.lock").is_file();
    let files = if inside { regressions(&place.workspace, 4) } else { Vec::new() };
    let holds = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| is_token(line.split_whitespace().next().unwrap_or_default(), what))
    };
    let file = files.into_iter().find(holds);
    let found = file.and_then(|file| Some((test_of(&file)?, file.parent()?.parent()?.to_owned())));
    let (test, package) = found.ok_or_else(|| {
        format!(
            "no test has left `{what}` in {} or in a regressions file; say --test NAME",
            place.out.display()
        )
    })?;
    Ok(Target { value, test, package })
}

/// Whether both are the same token: case and dashes do not matter.
fn is_token(a: &str, b: &str) -> bool {
    matches!((Token::decode(a), Token::decode(b)), (Ok(a), Ok(b)) if a == b)
}

/// The test of a regressions file: `crate__module__name.txt`.
fn test_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    Some(stem.split_once("__")?.1.replace("__", "::"))
}

/// The regressions files of a workspace, at most `deep` folders down.
fn regressions(folder: &Path, deep: u32) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let inside = folder.file_name().is_some_and(|name| name == "selvedge-regressions");
        if inside && name.ends_with(".txt") {
            files.push(path);
        } else if path.is_dir() && deep > 0 && name != "target" && !name.starts_with('.') {
            files.extend(regressions(&path, deep - 1));
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_regressions_name_their_test() {
        assert_eq!(test_of(Path::new("a/bank__tests__adds_up.txt")).as_deref(), Some("tests::adds_up"));
        assert_eq!(test_of(Path::new("a/bank.txt")), None);
    }
}
