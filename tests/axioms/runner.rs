//! Runs a program of atomics under the library.

use super::language::{Op, Outcome, Program};
use selvedge::sync::atomic::{AtomicU64, fence};
use selvedge::{Explorer, thread};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

/// What an exploration came to.
pub(crate) struct Found {
    pub(crate) outcomes: BTreeSet<Outcome>,
    pub(crate) exhausted: bool,
}

pub(crate) fn explore(program: &Program, explorer: &Explorer) -> Found {
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let (program, all) = (Arc::new(program.clone()), Arc::clone(&outcomes));
    let outcome = explorer.run(move || {
        let result = run(&program);
        all.lock().unwrap().insert(result);
    });
    assert!(outcome.findings.is_empty(), "{outcome}");
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap());
    Found { outcomes, exhausted: outcome.exhausted }
}

fn run(program: &Arc<Program>) -> Outcome {
    let variables: Arc<Vec<AtomicU64>> =
        Arc::new((0..program.variables).map(|_| AtomicU64::new(0)).collect());
    let start = |t: usize| {
        let (program, variables) = (Arc::clone(program), Arc::clone(&variables));
        thread::spawn(move || program.threads[t].iter().filter_map(|op| operate(op, &variables)).collect())
    };
    let all: Vec<_> = (0..program.threads.len()).map(start).collect();
    let reads = all.into_iter().map(|t| t.join().unwrap()).collect();
    (reads, variables.iter().map(|x| x.load(SeqCst)).collect())
}

/// Do one operation; gives what it read.
fn operate(op: &Op, variables: &[AtomicU64]) -> Option<u64> {
    match *op {
        Op::Load { x, order } => Some(variables[x].load(order)),
        Op::Store { x, value, order } => {
            variables[x].store(value, order);
            None
        }
        Op::Swap { x, value, order } => Some(variables[x].swap(value, order)),
        Op::Add { x, value, order } => Some(variables[x].fetch_add(value, order)),
        Op::Exchange { x, expected, value, success, failure } => {
            let (Ok(read) | Err(read)) = variables[x].compare_exchange(expected, value, success, failure);
            Some(read)
        }
        Op::Fence(order) => {
            fence(order);
            None
        }
    }
}
