//! The timeline as a file: what is in it, how large it is, and that no text of the program's is markup.

use selvedge_checkers::finding::{Evidence, Slug};
use selvedge_checkers::ids::Site;
use selvedge_checkers::op::OpKind;
use selvedge_checkers::trace::Outcome;

use super::cases::case;
use super::world::{FILE, World};

/// The JSON that the page carries.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_page_is_small_and_whole() {
    let world = case(Slug::Deadlock);
    let page = world.report().html("shop::orders_are_billed", None);
    let data = data(&page);
    let ours = page.len() - data.to_string().len();
    assert!(ours < 60_000, "{ours} bytes of ours");
    assert!(!page.contains("{{"), "every placeholder is filled");
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}: the page asks nobody for anything");
    }
    assert_eq!(data["runs"].as_array().unwrap().len(), 1);
    assert_eq!(data["files"][0]["name"], FILE);
}

#[test]
fn hostile_text_stays_text() {
    let evil = "</script><script>alert(1)</script><!-- {{data}} {{script}} \u{2028}";
    let mut world = World::new(Slug::Panic, Evidence::None);
    let site = Site { file: format!("a{evil}.rs"), line: 1, col: 1 };
    world.sources.0.insert(site.file.clone(), evil.to_owned());
    world.go(Some(evil), site.clone());
    world.step(1, OpKind::Yield, None, site, Outcome::Done);
    world.replay.command = evil.to_owned();
    let page = world.report().html(evil, Some(&world.trace));
    assert_eq!(page.matches("<script").count(), 2, "ours");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<!--"));
    assert_eq!(data(&page)["files"][0]["text"], evil);
}

#[test]
fn every_finding_has_a_page() {
    for slug in Slug::ALL {
        let world = case(*slug);
        let page = world.report().html("shop", Some(&world.trace));
        let data = data(&page);
        assert_eq!(data["slug"], slug.text());
        assert_eq!(data["runs"][0]["differs"], serde_json::Value::Null, "it is compared with itself");
        let events = data["runs"][0]["events"].as_array().unwrap();
        assert_eq!(events.len(), world.trace.events.len());
    }
}
