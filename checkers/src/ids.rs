//! Names of the things an execution consists of.
//!
//! Invariants: ids are dense, given in order of creation within one execution, and never derived
//! from addresses, so equal decisions give equal ids on every machine.

use std::fmt;
use std::panic::Location;

/// A goroutine of the execution; main is 0, the others count up in spawn order.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Gid(pub u32);

impl Gid {
    /// The goroutine that runs the test body.
    pub const MAIN: Gid = Gid(0);
    /// The pseudo goroutine that fires timers.
    pub const CLOCK: Gid = Gid(u32::MAX);

    /// The id as an index into per-goroutine tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Gid::MAIN => f.write_str("main"),
            Gid::CLOCK => f.write_str("clock"),
            Gid(n) => write!(f, "g{n}"),
        }
    }
}

/// An object (channel, lock, atomic, cell …) of the execution.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjId(pub u32);

impl ObjId {
    /// The nil object: the channel that `chan::nil` gives.
    pub const NIL: ObjId = ObjId(u32::MAX);

    /// The id as an index into per-object tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A place in the user's source as the compiler knows it: what the hot path carries.
pub type SiteRef = &'static Location<'static>;

/// A place in the user's source, owned: what findings and traces carry.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(into = "String", try_from = "String"))]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Site {
    /// The file as the compiler printed it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub col: u32,
}

impl From<&Location<'_>> for Site {
    fn from(l: &Location<'_>) -> Site {
        Site { file: l.file().to_owned(), line: l.line(), col: l.column() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.col)
    }
}

impl From<Site> for String {
    fn from(site: Site) -> String {
        site.to_string()
    }
}

impl TryFrom<String> for Site {
    type Error = String;

    /// Reads what `Display` writes; a file's name may hold colons.
    fn try_from(text: String) -> Result<Site, String> {
        let wrong = || format!("`{text}` is no place; expected FILE:LINE:COLUMN");
        let mut parts = text.rsplitn(3, ':');
        let mut number = || parts.next()?.parse::<u32>().ok();
        let (col, line) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
        let file = parts.next().ok_or_else(wrong)?.to_owned();
        Ok(Site { file, line, col })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reports() {
        assert_eq!([Gid::MAIN, Gid(7), Gid::CLOCK].map(|g| g.to_string()), ["main", "g7", "clock"]);
    }

    #[test]
    fn a_place_is_where_the_compiler_says_and_reads_back() {
        let (site, line) = (Site::from(Location::caller()), line!());
        assert_eq!((site.file.as_str(), site.line), (file!(), line));
        assert_eq!(Site::try_from(String::from(site.clone())), Ok(site));
        assert!(Site::try_from("lib.rs:7".to_owned()).is_err());
    }
}
