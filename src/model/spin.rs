//! Loops that only look.
//!
//! A goroutine that comes by the same place for the third time, having read only, and finds every
//! object it read unchanged, is spinning: running it on cannot tell it anything new. It is set
//! aside until one of those objects changes. Because a loop with a fixed number of rounds looks
//! the same for a while, a goroutine set aside gets a bounded number of further rounds when nobody
//! else can go on; only then is it called a livelock.
//! Source: the await rule of SAVer and GenMC, done dynamically. Deviation: the patience above.
//!
//! Does not detect: loops whose rounds write (they end at the step limit), and loops that spin on
//! memory that is not instrumented (the watchdog reports those).

use selvedge_checkers::access::{Access, Mode, Part};
use selvedge_checkers::ids::{ObjId, SiteRef};

/// How often a place is passed before its goroutine counts as spinning.
const LAPS: u8 = 3;
/// Rounds granted before virtual time moves on.
pub(super) const EAGER_GRANTS: u16 = 16;
/// Rounds granted in all.
pub(super) const MAX_GRANTS: u16 = 1000;

/// What a goroutine has looked at since it last changed something.
#[derive(Default)]
pub(super) struct Spin {
    places: Vec<(u32, u32, u8)>,
    pub(super) seen: Vec<(ObjId, u32)>,
    pub(super) grants: u16,
}

impl Spin {
    pub(super) fn clear(&mut self) {
        if !self.places.is_empty() {
            self.places.clear();
            self.seen.clear();
        }
        self.grants = 0;
    }

    /// Whether a step with this footprint only looked.
    pub(super) fn looks(footprint: &[Access]) -> bool {
        footprint.iter().all(|a| a.mode == Mode::Read)
    }

    /// A step only looked: remember the place and the objects; true if one of them has changed.
    pub(super) fn looked(
        &mut self,
        site: SiteRef,
        footprint: &[Access],
        version: impl Fn(ObjId) -> u32,
    ) -> bool {
        let mut news = false;
        for a in footprint {
            if matches!(a.res.part, Part::Token | Part::Life | Part::Clock | Part::Fence) {
                continue;
            }
            let obj = ObjId(a.res.owner);
            let now = version(obj);
            match self.seen.iter_mut().find(|(o, _)| *o == obj) {
                Some((_, seen)) if *seen == now => {}
                Some((_, seen)) => {
                    *seen = now;
                    news = true;
                    self.places.clear();
                    self.grants = 0;
                }
                None => self.seen.push((obj, now)),
            }
        }
        match self.places.iter_mut().find(|p| (p.0, p.1) == (site.line(), site.column())) {
            Some(place) => place.2 = place.2.saturating_add(1),
            None => self.places.push((site.line(), site.column(), 1)),
        }
        news
    }

    /// Whether the goroutine, about to operate at `site` again, goes in circles.
    pub(super) fn circles(&self, site: SiteRef) -> bool {
        let here = |p: &&(u32, u32, u8)| (p.0, p.1) == (site.line(), site.column());
        !self.seen.is_empty() && self.places.iter().find(here).is_some_and(|p| p.2 >= LAPS)
    }

    /// One more round although nothing changed.
    pub(super) fn grant(&mut self) {
        self.grants += 1;
        self.places.clear();
    }
}
