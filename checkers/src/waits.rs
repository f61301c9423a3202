//! Who can never be woken again, from one snapshot of who waits for whom.
//!
//! A waiter is doomed when everybody who could wake it has ended or is doomed too. The doomed are
//! the *greatest* set with that property: goroutines that could only wake each other are all
//! doomed, although none of them is doomed "first".
//!
//! Source: the AND-OR wait-for graph of Knapp ("Deadlock detection in distributed databases",
//! ACM Computing Surveys 1987) and the reachability argument of GOLF (Saioc et al., ASPLOS 2025)
//! with handle owners in place of a garbage collector. Deviation: none known.
//!
//! Does not detect: waiters whose wakers the caller calls unknown (a handle that was moved and not
//! used since), wakers that could act and never do, and livelocks.
//!
//! Invariant: the answer is sound as far as the input is; a goroutine that is neither listed as a
//! waiter nor ended counts as running, and running goroutines can wake anybody they are named for.

use crate::ids::Gid;

/// Who can end a wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wakers {
    /// Nobody ever can: a nil channel, a channel with no handle left on the other side.
    Nobody,
    /// Any one of these: the holders of the other side of a channel, the holder of a mutex.
    AnyOf(Vec<Gid>),
    /// All of these are needed: the readers a writer waits for.
    AllOf(Vec<Gid>),
    /// It cannot be told: a timer, a handle nobody can account for.
    Unknown,
}

/// A blocked goroutine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiter {
    /// Who.
    pub g: Gid,
    /// Who can end its wait.
    pub wakers: Wakers,
}

impl Waiter {
    fn named(&self) -> &[Gid] {
        match &self.wakers {
            Wakers::AnyOf(list) | Wakers::AllOf(list) => list,
            Wakers::Nobody | Wakers::Unknown => &[],
        }
    }
}

/// The place of each waiter in the slice, by goroutine.
struct Places(Vec<u32>);

impl Places {
    const NONE: u32 = u32::MAX;

    fn of(waiters: &[Waiter]) -> Places {
        let len = waiters.iter().map(|w| w.g.index() + 1).max().unwrap_or(0);
        let mut places = vec![Places::NONE; len];
        for (at, waiter) in (0u32..).zip(waiters) {
            places[waiter.g.index()] = at;
        }
        Places(places)
    }

    fn get(&self, g: Gid) -> Option<usize> {
        self.0.get(g.index()).filter(|&&at| at != Places::NONE).map(|&at| at as usize)
    }
}

/// The waiters that can never be woken, in the order given. Costs one pass over the graph for each
/// link of the longest chain of rescues, which is one or two in practice.
pub fn doomed(waiters: &[Waiter], exited: impl Fn(Gid) -> bool) -> Vec<Gid> {
    let places = Places::of(waiters);
    let mut dead: Vec<bool> = waiters.iter().map(|w| w.wakers != Wakers::Unknown).collect();
    loop {
        let mut changed = false;
        for (at, waiter) in waiters.iter().enumerate() {
            if !dead[at] {
                continue;
            }
            let can_act = |g: &Gid| match places.get(*g) {
                Some(place) => !dead[place],
                None => !exited(*g),
            };
            let rescued = match &waiter.wakers {
                Wakers::Nobody => false,
                Wakers::AnyOf(list) => list.iter().any(can_act),
                Wakers::AllOf(list) => list.iter().all(can_act),
                Wakers::Unknown => true,
            };
            if rescued {
                dead[at] = false;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    waiters.iter().zip(&dead).filter(|(_, dead)| **dead).map(|(w, _)| w.g).collect()
}

/// A ring of waiters each of whom waits for the next: the shortest one through `from`, otherwise
/// the first one that the waits of `from` lead into; `None` if they lead into none. Each goroutine
/// is listed once; the last waits for the first.
///
/// A ring explains a deadlock, it does not prove one: a member that any one of several can wake
/// may have a way out. Ask for rings among the [`doomed`] only.
pub fn cycle(waiters: &[Waiter], from: Gid) -> Option<Vec<Gid>> {
    let places = Places::of(waiters);
    let start = places.get(from)?;
    let reach = reachable(waiters, &places, start);
    reach.iter().find_map(|&at| ring_through(waiters, &places, at))
}

/// The waiters that can be reached from `start`, nearest first, `start` leading.
fn reachable(waiters: &[Waiter], places: &Places, start: usize) -> Vec<usize> {
    let mut seen = vec![false; waiters.len()];
    let mut queue = vec![start];
    seen[start] = true;
    let mut next = 0;
    while next < queue.len() {
        for place in waiters[queue[next]].named().iter().filter_map(|&g| places.get(g)) {
            if !std::mem::replace(&mut seen[place], true) {
                queue.push(place);
            }
        }
        next += 1;
    }
    queue
}

/// The shortest ring through `start`, by breadth-first search.
fn ring_through(waiters: &[Waiter], places: &Places, start: usize) -> Option<Vec<Gid>> {
    let mut came_from: Vec<Option<usize>> = vec![None; waiters.len()];
    let mut queue = vec![start];
    let mut next = 0;
    while next < queue.len() {
        let at = queue[next];
        for place in waiters[at].named().iter().filter_map(|&g| places.get(g)) {
            if place == start {
                let mut ring = vec![waiters[at].g];
                let mut back = at;
                while let Some(before) = came_from[back] {
                    ring.push(waiters[before].g);
                    back = before;
                }
                ring.reverse();
                return Some(ring);
            }
            if came_from[place].is_none() {
                came_from[place] = Some(at);
                queue.push(place);
            }
        }
        next += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(g: u32, wakers: &[u32]) -> Waiter {
        Waiter { g: Gid(g), wakers: Wakers::AnyOf(wakers.iter().map(|&g| Gid(g)).collect()) }
    }

    fn all(g: u32, wakers: &[u32]) -> Waiter {
        Waiter { g: Gid(g), wakers: Wakers::AllOf(wakers.iter().map(|&g| Gid(g)).collect()) }
    }

    fn nobody_exited(_: Gid) -> bool {
        false
    }

    fn ids(list: &[u32]) -> Vec<Gid> {
        list.iter().map(|&g| Gid(g)).collect()
    }

    #[test]
    fn a_ring_is_doomed_and_so_is_whoever_waits_for_it() {
        let waiters = [any(1, &[2]), any(2, &[1]), any(3, &[1]), any(4, &[9])];
        assert_eq!(doomed(&waiters, nobody_exited), ids(&[1, 2, 3]));
        assert_eq!(cycle(&waiters, Gid(2)), Some(ids(&[2, 1])));
        assert_eq!(cycle(&waiters, Gid(3)), Some(ids(&[1, 2])), "the ring it runs into");
        assert_eq!(cycle(&waiters, Gid(4)), None);
    }

    #[test]
    fn one_way_out_rescues_the_ring() {
        let waiters = [any(1, &[2]), any(2, &[1, 9])];
        assert!(doomed(&waiters, nobody_exited).is_empty());
        assert_eq!(doomed(&waiters, |g| g == Gid(9)), ids(&[1, 2]), "the way out has ended");
    }

    #[test]
    fn a_writer_needs_every_reader() {
        let waiters = [all(1, &[2, 9]), any(2, &[1])];
        assert_eq!(doomed(&waiters, nobody_exited), ids(&[1, 2]));
        let waiters = [all(1, &[8, 9])];
        assert!(doomed(&waiters, nobody_exited).is_empty());
        assert_eq!(doomed(&waiters, |g| g == Gid(8)), ids(&[1]), "an ended reader never unlocks");
    }

    #[test]
    fn an_unknown_waker_rescues_a_chain() {
        let unknown = Waiter { g: Gid(3), wakers: Wakers::Unknown };
        let nobody = Waiter { g: Gid(4), wakers: Wakers::Nobody };
        let waiters = [any(1, &[2]), any(2, &[3]), unknown, nobody];
        assert_eq!(doomed(&waiters, nobody_exited), ids(&[4]));
    }

    #[test]
    fn a_goroutine_that_waits_for_itself_is_a_ring_of_one() {
        let waiters = [any(5, &[5])];
        assert_eq!(doomed(&waiters, nobody_exited), ids(&[5]));
        assert_eq!(cycle(&waiters, Gid(5)), Some(ids(&[5])));
    }

    #[test]
    fn of_several_rings_the_shortest_is_told() {
        let waiters = [any(1, &[2, 3]), any(2, &[4]), any(4, &[1]), any(3, &[5, 1]), any(5, &[5])];
        assert_eq!(cycle(&waiters, Gid(1)), Some(ids(&[1, 3])));
        assert_eq!(cycle(&waiters, Gid(4)), Some(ids(&[4, 1, 2])), "its own, not one that is nearer");
    }

    /// The definition: the union of all sets of waiters none of whom anybody outside can wake.
    fn by_definition(waiters: &[Waiter], exited: impl Fn(Gid) -> bool) -> Vec<Gid> {
        let mut union = 0u32;
        for set in 0..1u32 << waiters.len() {
            let inside = |g: Gid| waiters.iter().position(|w| w.g == g).is_some_and(|at| set >> at & 1 == 1);
            let can_act = |g: &Gid| !inside(*g) && (waiters.iter().any(|w| w.g == *g) || !exited(*g));
            let closed = waiters.iter().filter(|w| inside(w.g)).all(|w| match &w.wakers {
                Wakers::Nobody => true,
                Wakers::AnyOf(list) => !list.iter().any(can_act),
                Wakers::AllOf(list) => !list.iter().all(can_act),
                Wakers::Unknown => false,
            });
            if closed {
                union |= set;
            }
        }
        (0..waiters.len()).filter(|at| union >> at & 1 == 1).map(|at| waiters[at].g).collect()
    }

    #[test]
    fn agrees_with_the_definition_on_random_graphs() {
        // SplitMix64: reproducible, and no dependency for one test.
        let mut state = 1u64;
        let mut random = move |below: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 8) % below
        };
        let mut doomed_seen = 0;
        for _ in 0..4000 {
            // Goroutines 0 to 5 may wait, 6 runs, 7 has ended.
            let count = 1 + random(6) as u32;
            let waiters: Vec<Waiter> = (0..count)
                .map(|g| {
                    let list: Vec<Gid> = (0..random(4)).map(|_| Gid(random(8) as u32)).collect();
                    let wakers = match random(12) {
                        0 => Wakers::Nobody,
                        1 => Wakers::Unknown,
                        2..=4 => Wakers::AllOf(list),
                        _ => Wakers::AnyOf(list),
                    };
                    Waiter { g: Gid(g), wakers }
                })
                .collect();
            let exited = |g: Gid| g == Gid(7);
            let found = doomed(&waiters, exited);
            assert_eq!(found, by_definition(&waiters, exited), "{waiters:?}");
            doomed_seen += found.len();
            check_ring(&waiters, Gid(0));
        }
        assert!(doomed_seen > 1000, "the graphs must not all be trivial");
    }

    fn check_ring(waiters: &[Waiter], from: Gid) {
        let Some(ring) = cycle(waiters, from) else { return };
        for (at, g) in ring.iter().enumerate() {
            let waiter = waiters.iter().find(|w| w.g == *g).expect("members of a ring wait");
            assert!(waiter.named().contains(&ring[(at + 1) % ring.len()]), "{ring:?} in {waiters:?}");
        }
        let mut members = ring.clone();
        members.sort();
        members.dedup();
        assert_eq!(members.len(), ring.len());
    }
}
