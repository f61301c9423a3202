//! The compiler's own places: that they point where names and spans are looked for.
//!
//! Invariant: these tests read this very file, so the texts they expect stand in it once, in the
//! statement under test.

use std::panic::Location;
use std::path::PathBuf;

use selvedge_checkers::ids::{ObjId, Site};
use selvedge_checkers::op::ObjKind;
use selvedge_checkers::trace::{ObjectInfo, Trace};

use crate::report::names::Names;
use crate::report::source::{Library, Roots};
use crate::report::span::highlight;

/// Something that knows where it was created and used.
struct Probe {
    created: Site,
}

impl Probe {
    #[track_caller]
    fn new(_: u32) -> Probe {
        Probe { created: Location::caller().into() }
    }

    #[track_caller]
    fn touch(&self) -> Site {
        Location::caller().into()
    }
}

#[track_caller]
fn ends() -> (Probe, Probe) {
    let site = Site::from(Location::caller());
    (Probe { created: site.clone() }, Probe { created: site })
}

struct Shop {
    shelf: std::sync::Arc<Probe>,
}

fn roots() -> Roots {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Roots { workspace: root.clone(), package: root }
}

fn name(probe: &Probe) -> String {
    let (roots, id) = (roots(), ObjId(3));
    let object = ObjectInfo {
        id,
        kind: ObjKind::Chan,
        created: probe.created.clone(),
        state: String::new(),
        holders: Vec::new(),
    };
    let trace = Trace { objects: vec![object], ..Trace::default() };
    Names::new(&trace, &Library::new(&roots)).object(Some(id))
}

fn span(site: &Site) -> String {
    let roots = roots();
    let src = Library::new(&roots).get(&site.file).expect("this file is there");
    let range = highlight(&src, site, false).expect("the line is not blank");
    src.text[range].to_owned()
}

#[test]
fn objects_have_the_names_of_their_variables() {
    let (left, _right) = ends();
    let Shop { shelf } = Shop { shelf: std::sync::Arc::new(Probe::new(1)) };
    let shop = Shop { shelf: std::sync::Arc::new(Probe::new(2)) };
    let many: Vec<Probe> = (0..2).map(|n| Probe::new(n + 1)).collect();
    assert_eq!(name(&left), "`left`");
    assert_eq!(name(&shelf), "`shelf`");
    assert_eq!(name(&shop.shelf), "`shop.shelf`");
    assert_eq!(name(&many[1]), "`many`");
    fn made() -> Probe {
        Probe::new(4)
    }
    let place = format!("channel #3 (src/report/tests/real.rs:{})", made().created.line);
    assert_eq!(name(&made()), place, "a constructor's own body gives no name");
}

#[test]
fn calls_are_shown_whole() {
    let (left, _) = ends();
    let shop = Shop { shelf: std::sync::Arc::new(left) };
    assert_eq!(span(&shop.shelf.touch()), "shop.shelf.touch()");
    assert_eq!(span(&Probe::new(7).touch()), "Probe::new(7).touch()");
    assert_eq!(span(&ends().1.created), "ends()");
    let chained = shop
        .shelf // A comment keeps the chain on three lines.
        .touch();
    assert_eq!(span(&chained), "touch()");
}
