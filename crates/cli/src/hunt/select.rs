//! Which programs are asked for.

use crate::args::Hunt;
use selvedge_fixtures::{Fixture, all};

/// The programs asked for, or why there are none.
pub(super) fn fixtures(hunt: &Hunt) -> Result<Vec<&'static Fixture>, String> {
    check(hunt)?;
    let wanted: Vec<_> = all().filter(|fixture| is_wanted(hunt, fixture)).collect();
    if wanted.is_empty() { Err("no program fits all of that".into()) } else { Ok(wanted) }
}

fn is_wanted(hunt: &Hunt, fixture: &Fixture) -> bool {
    let named = hunt.names.is_empty() || hunt.names.iter().any(|name| fixture.name.contains(name.as_str()));
    let in_section = hunt.section.as_deref().is_none_or(|section| fixture.section == section);
    let shows = hunt.slug.as_deref().is_none_or(|slug| shows(fixture.name, slug));
    named && in_section && shows
}

/// Everything that may be found in a program.
fn names(fixture: &Fixture) -> Vec<&'static str> {
    [fixture.expected.slugs, fixture.expected.also].concat()
}

/// Whether the bug of a pattern is found under this name.
fn shows(pattern: &str, slug: &str) -> bool {
    all().any(|fixture| fixture.name == pattern && names(fixture).contains(&slug))
}

/// A name that fits nothing is a slip of the pen, not an empty wish.
fn check(hunt: &Hunt) -> Result<(), String> {
    for name in &hunt.names {
        if !all().any(|fixture| fixture.name.contains(name.as_str())) {
            return Err(format!("no pattern has `{name}` in its name"));
        }
    }
    if let Some(section) = &hunt.section
        && !all().any(|fixture| fixture.section == section)
    {
        return Err(format!("no section `{section}`; there are: {}", list(|fixture| vec![fixture.section])));
    }
    if let Some(slug) = &hunt.slug
        && !all().any(|fixture| names(fixture).contains(&slug.as_str()))
    {
        return Err(format!("no pattern shows `{slug}`; there are: {}", list(names)));
    }
    Ok(())
}

fn list(values: impl Fn(&'static Fixture) -> Vec<&'static str>) -> String {
    let mut all: Vec<&str> = all().flat_map(values).collect();
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}
