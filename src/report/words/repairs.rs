//! The sentences about repairs.
//!
//! Invariant: what was only sampled is not said to be proved: a sentence names how many executions were
//! explored, and says that there are no others only where that is so.

use crate::report::scene::Scene;
use crate::report::text::{count, list};
use selvedge_checkers::finding::{Finding, Slug};
use selvedge_checkers::ids::Site;
use selvedge_checkers::repair::{NamedLock, Repair, Verified};

/// What would help, and how far that was looked into.
pub(in crate::report) fn repair(v: &Verified, f: &Finding, scene: &Scene<'_>) -> String {
    format!("{} {} disappears {}", change(&v.repair, scene), bug(f.slug), explored(v))
}

fn bug(slug: Slug) -> &'static str {
    match slug {
        Slug::Deadlock | Slug::PartialDeadlock => "the deadlock",
        Slug::LeakedGoroutine => "the leak",
        _ => "the panic",
    }
}

fn explored(v: &Verified) -> String {
    match (v.executions, v.exhausted) {
        (1, true) => "in the one execution there is".to_owned(),
        (n, true) => format!("in all {}; no more exist", count(n, "execution")),
        (n, false) => format!("in all {} explored", count(n, "execution")),
    }
}

fn change(repair: &Repair, scene: &Scene<'_>) -> String {
    match repair {
        Repair::Capacity { channel, capacity } => {
            format!("with capacity {capacity} for {}", made_at(channel, scene))
        }
        Repair::CloseAtEnd { channel, spawned } => {
            format!("if {} closes {} when it is done,", started_at(spawned, scene), made_at(channel, scene))
        }
        Repair::CloseBefore { channel, before } => {
            format!("if main closes {} before {},", made_at(channel, scene), scene.library.brief(before))
        }
        Repair::CloseByLast { channel } => {
            format!("if {} is closed once its last sender is done, and only then,", made_at(channel, scene))
        }
        Repair::CloseOnce { channel } => {
            format!(
                "if only the first of those who close {} does it (`sync::Once`),",
                made_at(channel, scene)
            )
        }
        Repair::Cancel { context } => {
            format!("with the context of {} cancelled (`cancel.defer()`)", scene.library.brief(context))
        }
        Repair::LockOrder { g, sooner, later } => {
            let lock = |lock: &NamedLock| scene.names.object(Some(lock.object));
            format!("if {} takes {} before {},", scene.names.goroutine(*g), lock(sooner), lock(later))
        }
    }
}

/// The name of what was made at a place.
fn made_at(site: &Site, scene: &Scene<'_>) -> String {
    let made = scene.trace.objects.iter().find(|object| object.created == *site);
    made.map_or_else(|| scene.library.brief(site), |object| scene.names.object(Some(object.id)))
}

/// Who was started at a place.
fn started_at(site: &Site, scene: &Scene<'_>) -> String {
    let all = scene.trace.goroutines.iter().filter(|g| g.spawned == *site);
    let names: Vec<String> = all.map(|g| scene.names.goroutine(g.id)).collect();
    if names.is_empty() { scene.library.brief(site) } else { list(&names) }
}
