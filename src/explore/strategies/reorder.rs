//! Follows a list of decisions, but lets some goroutines wait in front of certain operations until
//! others have gone on: how a prediction is put to the test.
//!
//! Stage after stage: whoever is stopped does not go on until what the stage waits for has happened, or
//! nobody else can go on. Everybody else goes in the order of the list, by how far each of them has come
//! in it, so what depends on a stopped goroutine waits with it and all the rest happens as it did. Places
//! are counted by goroutine: its n-th decision is the same operation whatever the others did, unless it
//! learned of it.
//!
//! Lenient: where the program does not do what the list says, it goes on with what comes next in it, and
//! after its end by the lowest id. Nobody is woken without a cause who was not in the list.

use super::tally::Tally;
use crate::model::{Decision, Scene, Strategy};
use selvedge_checkers::ids::Gid;

/// A goroutine is not to go beyond this many decisions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stop {
    pub(crate) g: Gid,
    pub(crate) after: u32,
}

/// What a stage waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// Everybody who is to stop has come to the place.
    AllStopped,
    /// This goroutine has made so many decisions.
    Made(Gid, u32),
    /// Nobody else can go on.
    Quiet,
}

/// Who is stopped, and until when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stage {
    pub(crate) stops: Vec<Stop>,
    pub(crate) until: Until,
}

/// See the module.
pub(crate) struct Reorder {
    decisions: Vec<Decision>,
    /// The places of each goroutine's decisions in the list.
    places: Vec<Vec<u32>>,
    fires: Vec<u32>,
    stages: Vec<Stage>,
    /// The first stage that is not over.
    stage: usize,
    tally: Tally,
}

impl Reorder {
    pub(crate) fn new(decisions: Vec<Decision>, stages: Vec<Stage>) -> Reorder {
        let (mut places, mut fires): (Vec<Vec<u32>>, _) = (Vec::new(), Vec::new());
        for (at, d) in (0..).zip(&decisions) {
            if d.goroutine == Gid::CLOCK {
                fires.push(at);
                continue;
            }
            if places.len() <= d.goroutine.index() {
                places.resize_with(d.goroutine.index() + 1, Vec::new);
            }
            places[d.goroutine.index()].push(at);
        }
        Reorder { decisions, places, fires, stages, stage: 0, tally: Tally::default() }
    }

    /// Whether nobody is stopped any more.
    pub(crate) fn is_over(&self) -> bool {
        self.stage >= self.stages.len()
    }

    /// Where in the list the decision is that `g` makes next.
    fn place(&self, g: Gid) -> u32 {
        let made = self.tally.count(g.0) as usize;
        let places = if g == Gid::CLOCK { Some(&self.fires) } else { self.places.get(g.index()) };
        places.and_then(|places| places.get(made)).copied().unwrap_or(u32::MAX)
    }

    /// Whether what `g` waits for ended without a cause, as far as the list tells.
    fn woke(&self, scene: &Scene<'_>, g: Gid) -> bool {
        let listed = self.decisions.get(self.place(g) as usize);
        listed.is_some_and(|d| d.op == scene.pending[g.index()].op.kind())
    }

    fn is_stopped(&self, g: Gid) -> bool {
        let stops = self.stages.get(self.stage).map_or(&[][..], |stage| &stage.stops);
        stops.iter().any(|stop| stop.g == g && self.tally.count(g.0) >= stop.after)
    }

    fn has_happened(&self, stage: &Stage) -> bool {
        match stage.until {
            Until::AllStopped => stage.stops.iter().all(|stop| self.tally.count(stop.g.0) >= stop.after),
            Until::Made(g, n) => self.tally.count(g.0) >= n,
            Until::Quiet => false,
        }
    }
}

impl Strategy for Reorder {
    fn begin(&mut self, _index: u64) -> bool {
        self.tally.clear();
        self.stage = 0;
        true
    }

    fn pick(&mut self, scene: &Scene<'_>) -> Gid {
        self.tally.catch_up(scene.step);
        while self.stages.get(self.stage).is_some_and(|stage| self.has_happened(stage)) {
            self.stage += 1;
        }
        let has_cause = |g: &Gid| !scene.pending[g.index()].optional;
        loop {
            let may_go = |g: &&Gid| !self.is_stopped(**g) && (has_cause(g) || self.woke(scene, **g));
            let free = scene.enabled.iter().filter(may_go);
            if let Some(&g) = free.min_by_key(|g| (self.place(**g), **g)) {
                self.tally.took(g);
                return g;
            }
            // Beyond the last stage nobody is stopped.
            self.stage += 1;
        }
    }

    fn alternative(&mut self, step: u32, g: Gid, n: u32) -> u32 {
        if g == Gid::CLOCK {
            self.tally.catch_up(step);
        }
        let (_, nth) = self.tally.operation(g);
        let places = if g == Gid::CLOCK { Some(&self.fires) } else { self.places.get(g.index()) };
        let at = places.and_then(|places| places.get(nth as usize));
        let wanted = at.map_or(0, |&at| u32::from(self.decisions[at as usize].alternative));
        if wanted < n { wanted } else { 0 }
    }

    fn fire_early(&mut self, scene: &Scene<'_>) -> bool {
        self.tally.catch_up(scene.step);
        let fires = self.place(Gid::CLOCK);
        fires != u32::MAX && scene.enabled.iter().all(|&g| self.place(g) > fires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategies::Random;
    use crate::explore::strategies::tests::programs::{self, Run};

    fn order(run: &mut Run, body: &crate::explore::plan::Body) -> Vec<u32> {
        run.one(0, body).decisions.iter().map(|d| d.goroutine.0).collect()
    }

    #[test]
    fn without_stages_it_repeats_what_it_follows() {
        for program in programs::all() {
            let mut random = Run::new(Box::new(Random::new(3)));
            for index in 0..20 {
                let wanted = random.one(index, &program.body);
                let reorder = Reorder::new(wanted.decisions.clone(), Vec::new());
                let found = Run::new(Box::new(reorder)).one(0, &program.body);
                assert_eq!(found.fingerprint, wanted.fingerprint, "{} {index}", program.name);
            }
        }
    }

    #[test]
    fn whoever_is_stopped_waits_for_the_stage_or_for_everybody() {
        let body = programs::increments(2, 2);
        let first = order(&mut Run::new(Box::new(Reorder::new(Vec::new(), Vec::new()))), &body);
        assert_eq!(first, [1, 1, 1, 1, 2, 2, 2, 2, 0], "by the lowest id");
        let with = |until| {
            let stages = vec![Stage { stops: vec![Stop { g: Gid(1), after: 1 }], until }];
            order(&mut Run::new(Box::new(Reorder::new(Vec::new(), stages))), &body)
        };
        assert_eq!(with(Until::AllStopped), first, "nobody has to wait");
        assert_eq!(with(Until::Made(Gid(2), 3)), [1, 2, 2, 2, 1, 1, 1, 2, 0]);
        assert_eq!(with(Until::Made(Gid(2), 9)), [1, 2, 2, 2, 2, 1, 1, 1, 0], "it never makes so many");
        assert_eq!(with(Until::Quiet), [1, 2, 2, 2, 2, 1, 1, 1, 0]);
    }
}
