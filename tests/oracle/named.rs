//! Programs that once told the two apart, and the smallest of each kind.

use super::compare;
use super::language::Arm::{Recv as Recv_, Send as Send_};
use super::language::Instr::*;
use super::language::Program;
use selvedge::harness::config::StrategySpec;

fn agree(program: &Program) {
    for search in [StrategySpec::Dfs, StrategySpec::Optimal] {
        assert!(compare(program, search, 100_000).unwrap(), "the program is too large");
    }
}

#[test]
fn store_buffering() {
    agree(&Program::new(&[&[Store(0, 1), Load(1)], &[Store(1, 1), Load(0)]]));
}

/// Asking whether a thread has ended depends on what it does until then.
#[test]
fn finished_or_not() {
    agree(&Program::new(&[&[Spawn(vec![Add(0)]), Finished, Load(0)]]));
}

/// A counter below zero holds back a wait that was about to find it at zero.
#[test]
fn wait_after_a_negative_counter() {
    agree(&Program::new(&[&[WgWait], &[WgDone]]));
}

/// Whether a waiter that sees a counter above zero again was there before the zero, nobody knows.
#[test]
fn wait_group_reused() {
    agree(&Program { wg: 1, joins: false, ..Program::new(&[&[WgDone, WgAdd], &[WgWait]]) });
    agree(&Program::new(&[&[Spawn(vec![WgWait]), WgAdd], &[WgAdd, WgDone]]));
}

/// A buffered message ends a waiting select: nobody can meet it on another channel afterwards.
#[test]
fn select_over_buffered_and_unbuffered() {
    let first = Select(vec![Recv_(0)], true);
    let second = Select(vec![Recv_(1), Send_(0, 1)], false);
    let (first, second) = (&[Send(1, 1), first][..], &[second][..]);
    agree(&Program { caps: [0, 1], ..Program::new(&[first, second]) });
    agree(&Program { caps: [0, 1], ..Program::new(&[first, second, &[Recv(1)]]) });
}

/// Both a goroutine and the child it leaves behind die of the same misuse.
#[test]
fn parent_and_child_panic() {
    let parent = [Spawn(vec![WgDone]), WgDone, Recv(0)];
    agree(&Program { wg: 1, ..Program::new(&[&[Send(0, 3), Recv(1)], &[Recv(1)], &parent]) });
}
