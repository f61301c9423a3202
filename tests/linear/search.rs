//! The search for an order.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// An operation with its answer, and when it was called and had returned.
#[derive(Clone, Debug)]
pub(crate) struct Entry<O> {
    pub(crate) op: O,
    pub(crate) called: u64,
    pub(crate) returned: u64,
}

/// A sequential object: a state, and which answers are right.
pub(crate) trait Spec: Clone + Eq + Hash {
    type Op: Clone + Debug;

    /// The state after the operation, if its answer is right. `waits` tells whether another operation that
    /// may be waiting at this moment is of a kind.
    fn step(&self, op: &Self::Op, waits: &dyn Fn(fn(&Self::Op) -> bool) -> bool) -> Option<Self>;

    /// The state after two that happen at one moment, if they can.
    fn meet(&self, a: &Self::Op, b: &Self::Op) -> Option<Self>;
}

/// Whether some order of the history, of at most 64 operations, gives all its answers.
pub(crate) fn explains<S: Spec>(spec: S, history: &[Entry<S::Op>]) -> bool {
    assert!(history.len() <= 64, "a history of {} operations", history.len());
    let all = if history.len() == 64 { u64::MAX } else { (1 << history.len()) - 1 };
    let mut seen = HashSet::new();
    let mut open = vec![(0_u64, spec)];
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        if !seen.insert((done, state.clone())) {
            continue;
        }
        let left = || (0..history.len()).filter(move |i| done & (1 << i) == 0);
        // Whoever returned first was over before anybody that was called later.
        let first_return = left().map(|i| history[i].returned).min().expect("not all are done");
        let next: Vec<usize> = left().filter(|&i| history[i].called < first_return).collect();
        for &i in &next {
            let others = |kind: fn(&S::Op) -> bool| next.iter().any(|&k| k != i && kind(&history[k].op));
            if let Some(after) = state.step(&history[i].op, &others) {
                open.push((done | 1 << i, after));
            }
            for &k in next.iter().filter(|&&k| k != i) {
                if let Some(after) = state.meet(&history[i].op, &history[k].op) {
                    open.push((done | 1 << i | 1 << k, after));
                }
            }
        }
    }
    false
}
