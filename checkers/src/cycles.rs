//! Livelock: the tail of an execution that repeats the same round of steps.
//!
//! The step limit alone says that an execution was long; an exact repetition at its end says that
//! it was going nowhere. The smallest period with at least three whole repetitions is the round a
//! report shows.
//!
//! Source: the Z function (Gusfield, "Algorithms on Strings", 1997, §1.4), run backwards over the
//! tail, linear in its length; fairness as in CHESS (Musuvathi & Qadeer, PLDI 2008): a round in
//! which some enabled goroutine never ran may be the scheduler's fault and not the program's.
//!
//! Does not detect: rounds longer than a third of the ring, rounds whose interleaving differs each
//! time (a random scheduler rarely repeats exactly: look at [`repetition_of`] one goroutine), and
//! progress that shows only in values outside sites and outcomes.

use crate::ids::Gid;

/// Repetitions below which a period may be chance.
pub const ENOUGH: u32 = 3;

/// One step of the tail: what has to be equal for two steps to be "the same".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Who.
    pub g: Gid,
    /// The interned place in the source.
    pub site: u32,
    /// What came of it, as the engine numbers outcomes.
    pub outcome: u32,
}

/// A round that repeats to the end of the tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Round {
    /// Where in the tail the first whole repetition begins.
    pub start: usize,
    /// The number of steps of one round.
    pub len: usize,
    /// How often it repeats, the last one ending where the tail ends.
    pub repeats: u32,
}

/// The smallest round that fills the end of the tail at least [`ENOUGH`] times.
pub fn repetition(tail: &[Entry]) -> Option<Round> {
    let n = tail.len();
    let at = |i: usize| tail[n - 1 - i];
    // z[i]: how many steps, counted backwards, agree with those `i` steps earlier.
    let mut z = vec![0usize; n];
    let (mut left, mut right) = (0, 0);
    for i in 1..n {
        let mut same = if i < right { z[i - left].min(right - i) } else { 0 };
        while i + same < n && at(same) == at(i + same) {
            same += 1;
        }
        z[i] = same;
        if i + same > right {
            (left, right) = (i, i + same);
        }
        let repeats = 1 + same / i;
        if repeats >= ENOUGH as usize {
            return Some(Round {
                start: n - i * repeats,
                len: i,
                repeats: u32::try_from(repeats).unwrap_or(u32::MAX),
            });
        }
    }
    None
}

/// The round of one goroutine alone, whatever the others do in between: indices refer to its own
/// steps within the tail.
pub fn repetition_of(tail: &[Entry], g: Gid) -> Option<Round> {
    let own: Vec<Entry> = tail.iter().filter(|e| e.g == g).copied().collect();
    repetition(&own)
}

/// Whether every enabled goroutine has a step in the round: only then is the repetition the
/// program's own doing.
pub fn is_fair(tail: &[Entry], round: Round, enabled: &[Gid]) -> bool {
    let steps = &tail[round.start..round.start + round.len];
    enabled.iter().all(|g| steps.iter().any(|e| e.g == *g))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(text: &str) -> Vec<Entry> {
        text.bytes().map(|b| Entry { g: Gid(u32::from(b) % 2), site: u32::from(b), outcome: 0 }).collect()
    }

    /// The definition: the smallest `len` for which the last three rounds are equal.
    fn by_definition(tail: &[Entry]) -> Option<Round> {
        let n = tail.len();
        (1..=n / ENOUGH as usize).find_map(|len| {
            let round = &tail[n - len..];
            let repeats = tail.rchunks_exact(len).take_while(|chunk| *chunk == round).count();
            (repeats >= ENOUGH as usize).then(|| Round {
                start: n - len * repeats,
                len,
                repeats: repeats as u32,
            })
        })
    }

    #[test]
    fn finds_the_smallest_round_at_the_end() {
        assert_eq!(repetition(&tail("xyabcabcabc")), Some(Round { start: 2, len: 3, repeats: 3 }));
        assert_eq!(repetition(&tail("xaaaa")), Some(Round { start: 1, len: 1, repeats: 4 }));
        assert_eq!(repetition(&tail("cabcabcabc")), Some(Round { start: 1, len: 3, repeats: 3 }));
    }

    #[test]
    fn twice_is_not_enough_and_an_interrupted_round_is_none() {
        assert_eq!(repetition(&tail("abcabc")), None);
        assert_eq!(repetition(&tail("abababx")), None);
        assert_eq!(repetition(&[]), None);
    }

    #[test]
    fn another_outcome_is_progress() {
        let mut steps = tail("ababab");
        steps[2].outcome = 1;
        assert_eq!(repetition(&steps), None);
    }

    #[test]
    fn agrees_with_the_definition_on_all_short_words() {
        for len in 0..=13u32 {
            for word in 0..1u32 << len {
                let steps: Vec<Entry> =
                    (0..len).map(|i| Entry { g: Gid(0), site: word >> i & 1, outcome: 0 }).collect();
                assert_eq!(repetition(&steps), by_definition(&steps), "{word:b} of length {len}");
            }
        }
    }

    /// The shortest word of two letters in which what is known of the places before must not be mixed up.
    #[test]
    fn what_looks_alike_further_on_is_not_a_round() {
        assert_eq!(repetition(&tail("aababaababaabaa")), None);
    }

    #[test]
    fn a_round_without_an_enabled_goroutine_is_unfair() {
        let steps = tail("xababab");
        let round = repetition(&steps).expect("ab repeats");
        assert!(is_fair(&steps, round, &[Gid(0), Gid(1)]));
        assert!(!is_fair(&steps, round, &[Gid(0), Gid(1), Gid(2)]));
    }

    #[test]
    fn one_goroutine_may_repeat_under_an_irregular_schedule() {
        let (a, b) = (tail("a")[0], tail("b")[0]);
        let steps = [a, b, a, a, b, b, b, a, b];
        assert_eq!(repetition(&steps), None);
        assert_eq!(repetition_of(&steps, a.g), Some(Round { start: 0, len: 1, repeats: 4 }));
    }
}
