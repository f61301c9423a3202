//! Random programs: a handful of kinds of objects each, so that threads meet.

use super::language::{Arm, Instr, NIL, Program};
use super::{compare, sample};
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use selvedge::harness::config::StrategySpec;
use std::cell::Cell;

/// The families of instructions; a program draws from two of them.
const FAMILIES: usize = 11;

fn family(n: usize) -> BoxedStrategy<Instr> {
    let var = 0..2u8;
    let ch = prop_oneof![8 => 0..2u8, 1 => Just(NIL)];
    match n {
        0 => prop_oneof![
            var.clone().prop_map(Instr::Load),
            (var.clone(), 1..3u8).prop_map(|(x, v)| Instr::Store(x, v)),
            var.clone().prop_map(Instr::Add),
            (var, 0..2u8, 1..3u8).prop_map(|(x, a, b)| Instr::Cas(x, a, b)),
        ]
        .boxed(),
        1 => prop_oneof![
            3 => var.clone().prop_map(Instr::Lock),
            1 => var.clone().prop_map(Instr::TryLock),
            3 => var.prop_map(Instr::Unlock),
        ]
        .boxed(),
        2 => prop_oneof![
            Just(Instr::Read),
            Just(Instr::TryRead),
            Just(Instr::ReadUnlock),
            Just(Instr::Write),
            Just(Instr::TryWrite),
            Just(Instr::WriteUnlock),
        ]
        .boxed(),
        3 => prop_oneof![
            3 => Just(Instr::Lock(0)),
            1 => Just(Instr::Unlock(0)),
            3 => Just(Instr::CvWait),
            2 => Just(Instr::NotifyOne),
            1 => Just(Instr::NotifyAll),
        ]
        .boxed(),
        4 => channel(ch).boxed(),
        5 => select().boxed(),
        6 => prop_oneof![1 => Just(Instr::WgAdd), 2 => Just(Instr::WgDone), 2 => Just(Instr::WgWait)].boxed(),
        7 => prop_oneof![
            3 => (1..4u8).prop_map(Instr::Acquire),
            1 => (1..3u8).prop_map(Instr::TryAcquire),
            3 => (1..3u8).prop_map(Instr::Release),
        ]
        .boxed(),
        8 => prop_oneof![
            3 => in_once().prop_map(|i| Instr::Once(Box::new(i))),
            1 => Just(Instr::OnceDone),
            2 => Just(Instr::Barrier),
        ]
        .boxed(),
        9 => prop_oneof![2 => Just(Instr::Park), 3 => (0..2u8).prop_map(Instr::Unpark), 1 => Just(Instr::Yield)]
            .boxed(),
        _ => prop_oneof![
            2 => Just(Instr::RawLock),
            1 => Just(Instr::RawTryLock),
            2 => Just(Instr::RawUnlock),
            1 => (2..3u8).prop_map(Instr::Choose),
        ]
        .boxed(),
    }
}

fn channel(ch: impl Strategy<Value = u8> + Clone + 'static) -> impl Strategy<Value = Instr> {
    prop_oneof![
        4 => (ch.clone(), 1..4u8).prop_map(|(c, v)| Instr::Send(c, v)),
        1 => (ch.clone(), 1..4u8).prop_map(|(c, v)| Instr::TrySend(c, v)),
        4 => ch.clone().prop_map(Instr::Recv),
        1 => ch.clone().prop_map(Instr::TryRecv),
        1 => ch.clone().prop_map(Instr::Close),
        1 => (0..2u8).prop_map(Instr::Len),
    ]
}

fn select() -> impl Strategy<Value = Instr> {
    let ch = || prop_oneof![8 => 0..2u8, 1 => Just(NIL)];
    let arm = prop_oneof![ch().prop_map(Arm::Recv), (ch(), 1..4u8).prop_map(|(c, v)| Arm::Send(c, v))];
    (proptest::collection::vec(arm, 0..3), prop::bool::weighted(0.25)).prop_map(|(mut arms, default)| {
        // Which of two equal arms is taken is nobody's business.
        arms.dedup_by_key(|arm| match *arm {
            Arm::Recv(c) => (c, false),
            Arm::Send(c, _) => (c, true),
        });
        Instr::Select(arms, default)
    })
}

fn in_once() -> impl Strategy<Value = Instr> {
    prop_oneof![
        3 => Just(Instr::Add(0)),
        1 => Just(Instr::Yield),
        1 => Just(Instr::Lock(0)),
        1 => Just(Instr::Recv(0)),
        1 => Just(Instr::OnceDone),
    ]
}

fn instruction(families: (usize, usize)) -> BoxedStrategy<Instr> {
    let plain = Union::new_weighted(vec![(3, family(families.0)), (2, family(families.1)), (1, family(0))]);
    let plain = plain.boxed();
    prop_oneof![
        20 => plain.clone(),
        1 => proptest::collection::vec(plain, 1..3).prop_map(Instr::Spawn),
        1 => Just(Instr::Join),
        1 => Just(Instr::Finished),
    ]
    .boxed()
}

/// Programs of two threads of up to four instructions, or three of up to three.
fn program() -> impl Strategy<Value = Program> {
    let sizes = ((0..3u8, 0..3u8), 0..3u8, 1..3u8, 2..4u8);
    ((1..FAMILIES, 1..FAMILIES), any::<bool>(), prop::bool::weighted(0.75), sizes).prop_flat_map(
        |(families, three, joins, ((a, b), wg, permits, barrier))| {
            let (most, threads) = if three { (3, 3) } else { (4, 2) };
            let code = proptest::collection::vec(instruction(families), 1..=most);
            proptest::collection::vec(code, threads).prop_map(move |threads| Program {
                threads,
                joins,
                caps: [a, b],
                wg,
                permits,
                barrier,
            })
        },
    )
}

fn cases(default: u32) -> u32 {
    std::env::var("ORACLE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Programs from a fixed seed, so that a failure is there again tomorrow; `ORACLE_SEED` moves on.
fn runner(cases: u32) -> TestRunner {
    let seed: u64 = std::env::var("ORACLE_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn depth_first_finds_what_there_is() {
    finds_what_there_is(StrategySpec::Dfs);
}

#[test]
fn optimal_finds_what_there_is() {
    finds_what_there_is(StrategySpec::Optimal);
}

fn finds_what_there_is(search: StrategySpec) {
    let (small, large) = (Cell::new(0), Cell::new(0));
    let executions = if std::env::var_os("ORACLE_CASES").is_some() { 20_000 } else { 3_000 };
    let result = runner(cases(300)).run(&program(), |program| {
        if std::env::var_os("ORACLE_PRINT").is_some() {
            eprintln!("{program:?}");
        }
        match compare(&program, search, executions) {
            Ok(true) => small.set(small.get() + 1),
            Ok(false) => large.set(large.get() + 1),
            Err(difference) => return Err(TestCaseError::fail(difference)),
        }
        Ok(())
    });
    println!("{} programs exhausted, {} too large", small.get(), large.get());
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(small.get() > large.get() * 2, "most programs are small enough");
}

#[test]
fn sampling_finds_nothing_else() {
    let result =
        runner(cases(60)).run(&program(), |program| sample(&program, 60).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("{error}");
    }
}
