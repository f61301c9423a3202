//! `cargo selvedge merge` as a user calls it.

use selvedge::sync::atomic::{AtomicU64, Ordering::SeqCst};
use selvedge::{Explorer, go};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

fn merge(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-selvedge"))
        .args(["selvedge", "merge"])
        .arg(folder)
        .output()
        .unwrap()
}

fn race() {
    let n = Arc::new(AtomicU64::new(0));
    let add = |n: Arc<AtomicU64>| go(move || n.store(n.load(SeqCst) + 1, SeqCst));
    let all: Vec<_> = (0..3).map(|_| add(Arc::clone(&n))).collect();
    all.into_iter().for_each(|h| h.join().unwrap());
}

#[test]
fn round_by_round_to_a_proof() {
    let folder = std::env::temp_dir().join(format!("selvedge-merge-{}", std::process::id()));
    let whole = Explorer::new().exhaustive().run(race);
    let search = || Explorer::new().exhaustive().checkpoint(&folder).executions(3);
    for round in 1.. {
        for k in 1..=2 {
            assert!(search().shard(k, 2).run(race).is_clean());
        }
        let output = merge(&folder);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let proved =
            format!("round_by_round_to_a_proof: proved: all {} executions explored\n", whole.executions);
        if text == proved {
            assert!(round > 2, "{round}");
            break;
        }
        assert!(text.contains("next round: "), "{text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let output = merge(&folder);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with(&format!("error: {}: ", folder.display())), "{text}");
}
