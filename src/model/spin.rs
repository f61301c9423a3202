//! Loops that only look.
//!
//! A goroutine that looks at the same object in the same place again, having changed nothing, and finds
//! everything it read unchanged, is spinning: running it on cannot tell it anything new. To write what is
//! there already, as `swap(true)` of a lock that is taken does, changes nothing. It is set
//! aside until one of those objects changes. A loop that says so (`spin_loop`, `yield_now`) is
//! believed after one round, another one after three. Because a loop with a fixed number of rounds
//! looks the same for a while, a goroutine set aside gets a bounded number of further rounds when
//! nobody else can go on; only then is it called a livelock.
//! Source: the await rule of SAVer and GenMC, done dynamically. Deviation: the patience above.
//!
//! Approximation: what a loop that gives up after a fixed number of rounds does, when it gives up
//! while others could still go on, is not seen.
//!
//! Does not detect: loops whose rounds change something (they end at the step limit), and loops that spin on
//! memory that is not instrumented (the watchdog reports those).

use selvedge_checkers::access::{Access, Mode, Part};
use selvedge_checkers::ids::{ObjId, SiteRef};

/// How often a place is passed, without a hint, before its goroutine counts as spinning.
const LAPS: u8 = 3;
/// Rounds granted before virtual time moves on.
pub(super) const EAGER_GRANTS: u16 = 16;
/// Rounds granted in all.
pub(super) const MAX_GRANTS: u16 = 1000;

/// A place in which a goroutine looked, and what it saw there.
struct Place {
    site: (u32, u32),
    object: Option<ObjId>,
    version: u32,
    laps: u8,
    /// How many hints had been given by then.
    hints: u32,
}

/// What a goroutine has looked at since it last changed something.
#[derive(Default)]
pub(super) struct Spin {
    places: Vec<Place>,
    hints: u32,
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
        let object = footprint.first().map(|a| ObjId(a.res.owner));
        let saw = Place {
            site: (site.line(), site.column()),
            object,
            version: object.map_or(0, &version),
            laps: 1,
            hints: self.hints,
        };
        match self.places.iter_mut().find(|place| place.site == saw.site) {
            Some(place) if place.object == object && place.version == saw.version => {
                place.laps = place.laps.saturating_add(1);
                place.hints = saw.hints;
            }
            Some(place) => *place = saw,
            None => self.places.push(saw),
        }
        news
    }

    /// The goroutine says that it waits for something.
    #[inline]
    pub(super) fn hinted(&mut self) {
        self.hints = self.hints.wrapping_add(1);
    }

    /// Whether the goroutine, about to operate on `object` at `site` again, goes in circles.
    pub(super) fn circles(&self, site: SiteRef, object: Option<ObjId>) -> bool {
        let here = |place: &&Place| {
            let same = object.is_none() || place.object == object;
            place.site == (site.line(), site.column()) && same
        };
        let circles = |place: &Place| place.laps >= LAPS || place.hints != self.hints;
        !self.seen.is_empty() && self.places.iter().find(here).is_some_and(circles)
    }

    /// One more round although nothing changed.
    pub(super) fn grant(&mut self) {
        self.grants += 1;
        self.places.clear();
    }
}
