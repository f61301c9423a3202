//! Which part of the work this machine does: `SELVEDGE_SHARD=2/4`, or `auto` where the machine's
//! own scheduler already says so.
//!
//! Invariants: the result is always a part `(index, count)` with `index < count`, counted from zero;
//! people write parts counted from one, as nextest does; nothing here reads the process environment.

use core::fmt;

/// What `SELVEDGE_SHARD=auto` found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardSource {
    /// Who said it, with the variables read, such as `Slurm (SLURM_ARRAY_TASK_ID=3, …)`.
    pub read: String,
    /// This machine's part, counted from zero, of how many; `None` where nobody said anything.
    pub shard: Option<(u32, u32)>,
}

impl fmt::Display for ShardSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard {
            Some((index, count)) => write!(f, "shard {} of {count}, read from {}", index + 1, self.read),
            None => write!(f, "no shard: {}; this machine does all the work", self.read),
        }
    }
}

/// A scheduler that runs one job on many machines.
struct Engine {
    name: &'static str,
    index: &'static str,
    count: &'static str,
    /// The variables that hold the smallest index and the step between two, or the smallest itself.
    first: First,
}

enum First {
    Number(u32),
    Variables { least: &'static str, step: &'static str },
}

const ENGINES: &[Engine] = &[
    Engine { name: "Bazel", index: "TEST_SHARD_INDEX", count: "TEST_TOTAL_SHARDS", first: First::Number(0) },
    Engine { name: "GitLab", index: "CI_NODE_INDEX", count: "CI_NODE_TOTAL", first: First::Number(1) },
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        count: "SLURM_ARRAY_TASK_COUNT",
        // A Slurm array may be `--array=10-40:10`.
        first: First::Variables { least: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP" },
    },
    // Last, and with a variable of our own: an Indexed Job does not tell its pods how many they are.
    Engine {
        name: "a Kubernetes Indexed Job",
        index: "JOB_COMPLETION_INDEX",
        count: "SELVEDGE_SHARDS",
        first: First::Number(0),
    },
];

/// What a shard looks like, for messages.
pub(super) const EXPECTED: &str = "K/N with K from 1 to N, or `auto`";

/// A part as people write it: `2/4` is the second of four.
pub fn parse(text: &str) -> Option<(u32, u32)> {
    let (part, count) = text.split_once('/')?;
    let (part, count): (u32, u32) = (part.trim().parse().ok()?, count.trim().parse().ok()?);
    (1..=count).contains(&part).then(|| (part - 1, count))
}

/// Asks each known scheduler's variables in turn. An error says which variable is missing or wrong.
pub fn detect(get: &dyn Fn(&str) -> Option<String>) -> Result<ShardSource, String> {
    for engine in ENGINES {
        let (Some(index), count) = (get(engine.index), get(engine.count)) else { continue };
        let Some(count) = count else {
            return Err(format!(
                "{} sets {}={index} and {} says nothing about how many parts there are; set it",
                engine.name, engine.index, engine.count
            ));
        };
        let read = format!("{} ({}={index}, {}={count})", engine.name, engine.index, engine.count);
        let shard = engine.shard(&index, &count, get);
        let Some(shard) = shard else {
            return Err(format!("{read} is no part of a whole; expected an index and a larger count"));
        };
        return Ok(ShardSource { read, shard: Some(shard) });
    }
    let names: Vec<&str> = ENGINES.iter().map(|engine| engine.index).collect();
    Ok(ShardSource { read: format!("none of {} is set", names.join(", ")), shard: None })
}

impl Engine {
    fn shard(&self, index: &str, count: &str, get: &dyn Fn(&str) -> Option<String>) -> Option<(u32, u32)> {
        let number = |name| get(name).map(|text| text.trim().parse::<u32>().ok());
        let (least, step) = match self.first {
            First::Number(least) => (least, 1),
            First::Variables { least, step } => {
                (number(least).unwrap_or(Some(0))?, number(step).unwrap_or(Some(1))?)
            }
        };
        let index: u32 = index.trim().parse().ok()?;
        let count: u32 = count.trim().parse().ok()?;
        let offset = index.checked_sub(least)?;
        let part = offset.checked_div(step).filter(|part| part * step == offset)?;
        (part < count).then_some((part, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect_in(variables: &[(&str, &str)]) -> Result<ShardSource, String> {
        detect(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn part_in(variables: &[(&str, &str)]) -> Option<(u32, u32)> {
        detect_in(variables).expect("consistent variables").shard
    }

    #[test]
    fn written_parts_count_from_one() {
        assert_eq!(parse("1/4"), Some((0, 4)));
        assert_eq!(parse("4/4"), Some((3, 4)));
        for bad in ["0/4", "5/4", "1/0", "1", "/", "a/b", "-1/4", "1/4/2"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_scheduler_is_read_in_its_own_counting() {
        assert_eq!(part_in(&[("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "3")]), Some((0, 3)));
        assert_eq!(part_in(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")]), Some((0, 3)));
        assert_eq!(part_in(&[("JOB_COMPLETION_INDEX", "2"), ("SELVEDGE_SHARDS", "3")]), Some((2, 3)));
        let slurm = [("SLURM_ARRAY_TASK_ID", "30"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        let range = [("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_STEP", "10")];
        assert_eq!(part_in(&[slurm, range].concat()), Some((2, 4)));
        assert_eq!(part_in(&[("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "4")]), Some((3, 4)));
    }

    #[test]
    fn what_was_read_is_said() {
        let source = detect_in(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]).unwrap();
        assert_eq!(source.to_string(), "shard 2 of 3, read from GitLab (CI_NODE_INDEX=2, CI_NODE_TOTAL=3)");
        let nobody = detect_in(&[]).unwrap();
        assert_eq!(nobody.shard, None);
        assert!(nobody.to_string().contains("TEST_SHARD_INDEX"), "{nobody}");
    }

    #[test]
    fn half_an_answer_is_an_error() {
        let error = detect_in(&[("JOB_COMPLETION_INDEX", "2")]).unwrap_err();
        assert!(error.contains("SELVEDGE_SHARDS"), "{error}");
        for bad in [("3", "3"), ("x", "3"), ("1", "y"), ("-1", "3")] {
            let variables = [("TEST_SHARD_INDEX", bad.0), ("TEST_TOTAL_SHARDS", bad.1)];
            assert!(detect_in(&variables).is_err(), "{bad:?}");
        }
    }
}
