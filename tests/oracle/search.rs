//! Every interleaving of a program, by plain search over states.

use super::language::{Outcome, Program};
use super::machine::State;
use std::collections::{BTreeSet, HashSet};

/// Every outcome the program has; `None` if it has more than `limit` states.
pub(super) fn outcomes(program: &Program, limit: usize) -> Option<BTreeSet<Outcome>> {
    let start = State::new(program);
    let mut known = HashSet::from([start.clone()]);
    let mut todo = vec![start];
    let mut found = BTreeSet::new();
    while let Some(state) = todo.pop() {
        let successors = state.successors();
        if successors.is_empty() {
            found.insert(Outcome { seen: state.seen().clone(), verdict: state.verdict() }.normal());
        }
        for next in successors {
            if known.insert(next.clone()) {
                todo.push(next);
            }
        }
        if known.len() > limit {
            return None;
        }
    }
    Some(found)
}
