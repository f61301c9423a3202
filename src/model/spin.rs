//! Loops that only look.
//!
//! A goroutine that looks at the same object in the same place again, having changed nothing, and finds
//! everything it read unchanged, is spinning: running it on cannot tell it anything new. To write what is
//! there already, as `swap(true)` of a lock that is taken does, changes nothing. It is set
//! aside until one of those objects changes. A loop that says so (`spin_loop`, `yield_now`) is
//! believed after one round, another one after three. Because a loop with a fixed number of rounds
//! looks the same for a while, a goroutine set aside gets a bounded number of further rounds when
//! nobody else can go on; only then is it called a livelock.
//!
//! Where the strategy is told everything, it is the optimal search: it runs the executions without such rounds,
//! and a goroutine set aside waits for good. There a loop that yields has to see the same twice, because
//! it may remember what it saw; one that says `spin_loop` remembers nothing (decision 0030).
//! Source: the await rule of SAVer and GenMC, done dynamically. Deviation: the patience above.
//!
//! Approximation: what a loop that gives up after a fixed number of rounds does, when it gives up
//! while others could still go on, is not seen.
//!
//! Does not detect: loops whose rounds change something (they end at the step limit), and loops that spin on
//! memory that is not instrumented (the watchdog reports those).

use crate::objects::{Op, Step};
use selvedge_checkers::access::{Access, Mode, Part};
use selvedge_checkers::ids::{ObjId, SiteRef};

/// How often a place is passed, without a hint, before its goroutine counts as spinning.
const LAPS: u8 = 3;
/// The same if the goroutine yields in between.
const YIELDING_LAPS: u8 = 1;
/// The same where a goroutine that counts as spinning waits for good: what the loop remembers of a round
/// in which it saw something new is not to be lost.
const YIELDING_LAPS_FOR_GOOD: u8 = 2;
/// How many rounds a loop is gone alone, all that counted included, before it is believed to wait for good.
pub(super) const TRIAL: u8 = 16;
/// Rounds granted before virtual time moves on.
pub(super) const EAGER_GRANTS: u16 = 16;
/// Rounds granted in all.
pub(super) const MAX_GRANTS: u16 = 1000;

/// A place in which a goroutine looked, and what it saw there.
struct Place {
    site: (u32, u32),
    object: Option<ObjId>,
    saw: Step,
    /// How often, since anything was new.
    laps: u8,
    /// How often the goroutine had yielded, and said that it waits, by then.
    yields: u32,
    waits: u32,
    /// Which of the goroutine's looks the last one here was, and the one before.
    at: u32,
    before: u32,
}

/// What a goroutine has looked at since it last changed something.
#[derive(Default)]
pub(super) struct Spin {
    places: Vec<Place>,
    yields: u32,
    waits: u32,
    /// Counts the looks.
    looks: u32,
    /// It was set aside since anything was new, and goes on all the same: one round is as good as any.
    goes_on: bool,
    /// It goes on alone, to see whether it leaves its loop.
    pub(super) is_tried: bool,
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
        self.goes_on = false;
    }

    /// Another execution begins.
    pub(super) fn begin(&mut self) {
        self.clear();
        self.is_tried = false;
    }

    /// Whether a step with this footprint only looked.
    pub(super) fn looks(footprint: &[Access]) -> bool {
        footprint.iter().all(|a| a.mode == Mode::Read)
    }

    /// A step only looked: remember the place and the objects; true if there is anything new. Where loads
    /// may read old stores, only what was read tells `by_value`: whether a store that was not read came
    /// before or after is not part of the trace.
    pub(super) fn looked(
        &mut self,
        site: SiteRef,
        footprint: &[Access],
        (saw, by_value): (Step, bool),
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
                    news |= !by_value;
                }
                None => self.seen.push((obj, now)),
            }
        }
        let object = footprint.first().map(|a| ObjId(a.res.owner));
        let site = (site.line(), site.column());
        let known = self.places.iter().position(|place| place.site == site && place.object == object);
        news |= known.is_some_and(|at| self.places[at].saw != saw);
        if news {
            self.places.iter_mut().for_each(|place| place.laps = 0);
            self.grants = 0;
            self.goes_on = false;
        }
        self.looks = self.looks.wrapping_add(1);
        let (yields, waits, at) = (self.yields, self.waits, self.looks);
        match known {
            Some(known) => {
                let place = &mut self.places[known];
                let laps = place.laps.saturating_add(1);
                *place = Place { saw, laps, yields, waits, at, before: place.at, ..*place };
            }
            None => {
                self.places.retain(|place| place.site != site);
                self.places.push(Place { site, object, saw, laps: 1, yields, waits, at, before: at });
            }
        }
        news
    }

    /// Which version of an object the goroutine saw last, if any since it last changed something.
    pub(super) fn saw(&self, object: ObjId) -> Option<u32> {
        self.seen.iter().find(|(seen, _)| *seen == object).map(|&(_, version)| version)
    }

    /// The goroutine lets others go first.
    #[inline]
    pub(super) fn yielded(&mut self) {
        self.yields = self.yields.wrapping_add(1);
    }

    /// The goroutine says that it waits for something, and for nothing else.
    #[inline]
    pub(super) fn waits(&mut self) {
        self.waits = self.waits.wrapping_add(1);
    }

    /// The place in which the goroutine, about to operate on `object` at `site`, looked before.
    fn place(&self, site: SiteRef, object: Option<ObjId>) -> Option<&Place> {
        let here = |place: &&Place| {
            let same = object.is_none() || place.object == object;
            place.site == (site.line(), site.column()) && same
        };
        self.places.iter().find(here).filter(|_| !self.seen.is_empty())
    }

    /// Whether the goroutine, about to operate on `object` at `site` again, goes in circles, and has gone round so
    /// often at least.
    pub(super) fn circles(&self, site: SiteRef, object: Option<ObjId>, least: u8) -> bool {
        self.place(site, object).filter(|place| place.laps >= least).is_some_and(|place| {
            place.laps >= LAPS
                || self.goes_on
                || place.yields != self.yields && place.laps >= YIELDING_LAPS
                || place.waits != self.waits
        })
    }

    /// How many rounds the goroutine, about to do `op` at `site`, has gone in which it saw nothing new, if these
    /// are as many as have to be part of the trace: what else it looks at in a round, it has then looked at as
    /// often.
    pub(super) fn rounds(&self, site: SiteRef, op: &Op) -> Option<u8> {
        let place = match op {
            Op::Yield => self.places.iter().find(|place| place.at == self.looks)?,
            _ => self.place(site, op.object())?,
        };
        let least = match op {
            // A loop that does nothing but wait remembers nothing of a round.
            _ if place.waits != self.waits => 0,
            Op::Yield => YIELDING_LAPS_FOR_GOOD,
            _ if place.yields != self.yields => YIELDING_LAPS_FOR_GOOD,
            _ => LAPS,
        };
        let mut round = self.places.iter().filter(|other| other.at > place.before && other.laps > 0);
        (place.laps >= least && round.all(|other| other.laps >= least)).then_some(place.laps)
    }

    /// One more round although nothing changed.
    pub(super) fn grant(&mut self) {
        self.goes_round(true);
    }

    /// One more round, which counts as the first; where nobody else can go on, as one that was granted.
    pub(super) fn goes_round(&mut self, is_at_rest: bool) {
        self.grants = MAX_GRANTS.min(self.grants + u16::from(is_at_rest));
        self.goes_on = true;
        self.places.clear();
    }
}
