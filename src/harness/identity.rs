//! Which test runs, where its sources are and how a person would run it again.

use crate::report::Roots;
use selvedge_checkers::ids::SiteRef;
use std::path::{Path, PathBuf};

/// A test as the attribute knows it.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// `crate::module::name`.
    pub path: &'static str,
    /// The file the compiler named.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The folder of the package's `Cargo.toml`.
    pub package_root: &'static str,
}

/// Who runs: a test of the attribute's, or a program under the builder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    pub(super) test: Option<&'a Test>,
    pub(super) site: SiteRef,
    /// A person will read the report: what belongs beside it is kept in files.
    pub(super) kept: bool,
}

impl Identity<'_> {
    /// The name to select the test by: its path without the crate.
    pub(super) fn name(&self) -> String {
        match self.test {
            Some(test) => test.path.split_once("::").map_or(test.path, |(_, rest)| rest).to_owned(),
            // libtest names its threads after their tests.
            None => match std::thread::current().name() {
                Some(name) if name != "main" => name.to_owned(),
                _ => String::new(),
            },
        }
    }

    /// The command that runs it again.
    pub(super) fn command(&self) -> String {
        let name = self.name();
        if name.is_empty() { "cargo run".to_owned() } else { format!("cargo test {name}") }
    }

    /// The package's folder, if it is known and still there.
    pub(super) fn package_root(&self) -> Option<PathBuf> {
        let compiled = self.test.map(|t| PathBuf::from(t.package_root));
        let running = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        compiled.into_iter().chain(running).find(|p| p.is_dir())
    }

    /// The package's folder from the workspace's; empty if it is the same.
    pub(super) fn package(&self) -> String {
        let Roots { workspace, package } = self.roots();
        package.strip_prefix(workspace).map_or_else(|_| String::new(), |path| path.display().to_string())
    }

    /// Where the compiler's paths may begin.
    pub(super) fn roots(&self) -> Roots {
        let package = self.package_root().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        Roots { workspace: workspace_of(&package), package }
    }
}

/// The nearest folder, upwards, that has the lock file of a workspace.
fn workspace_of(package: &Path) -> PathBuf {
    let root = package.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
    root.unwrap_or(package).to_owned()
}
