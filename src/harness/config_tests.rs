//! Tests of the configuration: precedence, every name, every error.

use super::super::grammar::{self, parse_count};
use super::*;
use crate::explore::base32;

const PATH: &str = "billing::orders";

fn with(attribute: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
    let owned = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    resolve(PATH, None, attribute, owned)
}

fn config(attribute: &[(&str, &str)], environment: &[(&str, &str)]) -> Config {
    with(attribute, environment).expect("valid settings").config
}

fn error(attribute: &[(&str, &str)], environment: &[(&str, &str)]) -> String {
    with(attribute, environment).expect_err("an invalid setting").to_string()
}

#[test]
fn nothing_said_gives_the_defaults_and_the_tests_own_seed() {
    let resolved = with(&[], &[("PATH", "/bin"), ("HOME", "/root")]).unwrap();
    assert_eq!(resolved.notices, []);
    assert_eq!(resolved.config, Config { seed: seed::of_path(PATH), ..Config::default() });
    assert_eq!((resolved.config.executions, resolved.config.steps), (1_000, 100_000));
    assert_ne!(resolved.config.seed, Config::of_test("billing::other").seed);
}

#[test]
fn every_argument_is_taken_over() {
    let config = config(
        &[
            ("executions", "10000"),
            ("time", "30s"),
            ("strategy", "dfs"),
            ("preemptions", "2"),
            ("delays", "3"),
            ("leaks", "allow"),
            ("seed", "7GQ4K"),
            ("jobs", "4"),
            ("steps", "500"),
            ("spurious", "0"),
            ("memory", "sc"),
            ("timers", "racy:2"),
            ("stack", "1m"),
            ("production", "true"),
        ],
        &[],
    );
    assert_eq!(
        config,
        Config {
            executions: 10_000,
            time: Some(Duration::from_secs(30)),
            strategy: StrategySpec::Dfs,
            preemptions: Some(2),
            delays: Some(3),
            leaks: LeakPolicy::Allow,
            seed: base32::decode("7GQ4K").unwrap(),
            jobs: 4,
            steps: 500,
            spurious: 0,
            memory: MemoryModel::Sc,
            timers: TimerPolicy::Racy(2),
            stack: 1 << 20,
            production: true,
            ..Config::default()
        }
    );
}

#[test]
fn every_variable_is_taken_over_and_beats_the_attribute() {
    let config = config(
        &[("executions", "5"), ("strategy", "random"), ("leaks", "deny"), ("seed", "A"), ("steps", "9")],
        &[
            ("SELVEDGE_EXECUTIONS", "1_000_000"),
            ("SELVEDGE_TIME", "500ms"),
            ("SELVEDGE_STRATEGY", "dfs"),
            ("SELVEDGE_PREEMPTIONS", "3"),
            ("SELVEDGE_DELAYS", "4"),
            ("SELVEDGE_LEAKS", "warn"),
            ("SELVEDGE_SEED", "zz"),
            ("SELVEDGE_JOBS", "2"),
            ("SELVEDGE_STEPS", "77"),
            ("SELVEDGE_WATCHDOG", "2m"),
            ("SELVEDGE_REPORT", "json"),
            ("SELVEDGE_OUT", "some/where"),
            ("SELVEDGE_CHECKPOINT", "else/where"),
            ("SELVEDGE_NODES", "1_000"),
            ("SELVEDGE_REGRESSIONS", "off"),
            ("SELVEDGE_SHARD", "2/4"),
        ],
    );
    assert_eq!(
        config,
        Config {
            executions: 1_000_000,
            time: Some(Duration::from_millis(500)),
            strategy: StrategySpec::Dfs,
            preemptions: Some(3),
            delays: Some(4),
            nodes: 1_000,
            checkpoint: Some("else/where".into()),
            leaks: LeakPolicy::Warn,
            seed: 31 * 32 + 31,
            jobs: 2,
            steps: 77,
            watchdog: Duration::from_secs(120),
            report: ReportMode::Json,
            out: Some(PathBuf::from("some/where")),
            regressions: RegressionMode::Off,
            shard: Some((1, 4)),
            ..Config::default()
        }
    );
}

#[test]
fn exhaustive_goes_with_dfs_alone() {
    assert!(config(&[("exhaustive", "true")], &[]).exhaustive);
    assert!(config(&[("exhaustive", "true"), ("strategy", "dfs")], &[]).exhaustive);
    assert!(!config(&[("exhaustive", "true")], &[("SELVEDGE_STRATEGY", "pct:3")]).exhaustive);
}

#[test]
fn a_bound_asks_for_a_search_that_keeps_to_it() {
    let strategy = |attribute: &[(&str, &str)], environment: &[(&str, &str)]| {
        let config = config(attribute, environment);
        (config.strategy, config.preemptions, config.delays)
    };
    let (exhaustive, one) = (("exhaustive", "true"), ("delays", "1"));
    assert_eq!(strategy(&[one], &[]), (StrategySpec::Dfs, None, Some(1)));
    assert_eq!(strategy(&[exhaustive, one], &[]), (StrategySpec::Dfs, None, Some(1)));
    assert_eq!(strategy(&[exhaustive], &[("SELVEDGE_DELAYS", "1")]), (StrategySpec::Dfs, None, Some(1)));
    assert_eq!(strategy(&[one, ("preemptions", "0")], &[]), (StrategySpec::Dfs, Some(0), Some(1)));
    assert_eq!(strategy(&[("preemptions", "2")], &[]), (StrategySpec::Optimal, Some(2), None));
    // A strategy from the environment beats the bounds of an attribute, unless it keeps to them.
    let both = [one, ("preemptions", "2")];
    assert_eq!(strategy(&both, &[("SELVEDGE_STRATEGY", "pos")]), (StrategySpec::Pos, None, None));
    assert_eq!(strategy(&both, &[("SELVEDGE_STRATEGY", "optimal")]), (StrategySpec::Optimal, Some(2), None));
    let file = crate::harness::file::parse("selvedge.toml", "preemptions = 1").unwrap();
    let of_file = resolve(PATH, Some(&file), &[("strategy", "pos")], []).unwrap().config;
    assert_eq!((of_file.strategy, of_file.preemptions), (StrategySpec::Pos, None));
    let refused = |attribute: &[(&str, &str)], environment: &[(&str, &str)]| {
        let pairs = environment.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
        resolve(PATH, None, attribute, pairs).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[one, exhaustive, ("strategy", "optimal")], &[]),
        "`delays` = 1 with the strategy `optimal`, which keeps to no such bound: expected `dfs`"
    );
    assert_eq!(
        refused(&[("strategy", "pct:3")], &[("SELVEDGE_PREEMPTIONS", "2")]),
        "`preemptions` = 2 with the strategy `pct:3`, which keeps to no such bound: expected `optimal`, `frontier` \
         or `dfs`"
    );
}

#[test]
fn another_budget_lifts_the_default_number_of_executions_alone() {
    fn executions(attribute: &[(&str, &str)], environment: &[(&str, &str)]) -> u64 {
        config(attribute, environment).executions
    }
    let exhaustive = ("exhaustive", "true");
    assert_eq!(executions(&[("time", "1s")], &[]), u64::MAX);
    assert_eq!(executions(&[exhaustive], &[]), u64::MAX);
    assert_eq!(executions(&[], &[("SELVEDGE_TIME", "1s")]), u64::MAX);
    assert_eq!(executions(&[("executions", "1000"), ("time", "1s")], &[]), 1_000);
    assert_eq!(executions(&[("executions", "500")], &[("SELVEDGE_TIME", "1s")]), 500);
    assert_eq!(executions(&[exhaustive], &[("SELVEDGE_EXECUTIONS", "9")]), 9);
    assert_eq!(executions(&[exhaustive], &[("SELVEDGE_STRATEGY", "pos")]), 1_000);
    assert_eq!(executions(&[("exhaustive", "false")], &[]), 1_000);
}

#[test]
fn a_replay_beats_everything() {
    let token = Token::seeded(1, StrategySpec::Pos, 2, 3).encode();
    let replay = config(
        &[("executions", "10000"), ("exhaustive", "true"), ("preemptions", "1"), ("jobs", "8")],
        &[("SELVEDGE_REPLAY", &token), ("SELVEDGE_TIME", "1s"), ("SELVEDGE_SHARD", "1/2")],
    );
    assert_eq!(
        replay,
        Config {
            replay: Some(token),
            executions: 1,
            regressions: RegressionMode::Off,
            seed: seed::of_path(PATH),
            ..Config::default()
        }
    );
    let file = config(&[], &[("SELVEDGE_REPLAY", "target/selvedge/t/sv1.txt")]);
    assert_eq!(file.replay.as_deref(), Some("target/selvedge/t/sv1.txt"));
}

#[test]
fn regressions_are_written_locally_only() {
    let mode = |environment| config(&[], environment).regressions;
    assert_eq!(mode(&[]), RegressionMode::Write);
    assert_eq!(mode(&[("CI", "true")]), RegressionMode::Replay);
    assert_eq!(mode(&[("CI", "")]), RegressionMode::Write);
    assert_eq!(mode(&[("CI", "false")]), RegressionMode::Write);
    assert_eq!(mode(&[("CI", "1"), ("SELVEDGE_REGRESSIONS", "write")]), RegressionMode::Write);
}

#[test]
fn shards_are_read_from_the_scheduler_and_said() {
    let auto = [("SELVEDGE_SHARD", "auto"), ("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")];
    let resolved = with(&[], &auto).unwrap();
    assert_eq!(resolved.config.shard, Some((1, 3)));
    assert!(matches!(&resolved.notices[..], [Notice::Shard(source)] if source.read.contains("GitLab")));
    // Without `auto` nobody's variables count.
    assert_eq!(config(&[], &auto[1..]).shard, None);
    assert_eq!(with(&[], &auto[..1]).unwrap().config.shard, None);
}

#[test]
fn errors_name_the_setting_the_value_and_what_was_expected() {
    assert_eq!(
        error(&[], &[("SELVEDGE_TIME", "30")]),
        "SELVEDGE_TIME=30: expected a positive duration such as \"500ms\", \"30s\" or \"2m\""
    );
    assert_eq!(
        error(&[("leaks", "no")], &[]),
        "argument `leaks` = \"no\": expected \"deny\", \"warn\" or \"allow\""
    );
    assert_eq!(
        error(&[], &[("SELVEDGE_SHARD", "0/4")]),
        "SELVEDGE_SHARD=0/4: expected K/N with K from 1 to N, or `auto`"
    );
    assert_eq!(
        error(&[], &[("SELVEDGE_REPLAY", "sv1-00000")]),
        "SELVEDGE_REPLAY=sv1-00000: expected a token or a file; the token ends too early; copy it whole"
    );
    let half = error(&[], &[("SELVEDGE_SHARD", "auto"), ("TEST_SHARD_INDEX", "1")]);
    assert!(half.starts_with("SELVEDGE_SHARD=auto: Bazel sets TEST_SHARD_INDEX=1"), "{half}");
    assert!(error(&[("colour", "red")], &[]).contains("`colour`"));
}

#[test]
fn every_setting_refuses_nonsense() {
    for setting in SETTINGS {
        if let Some(name) = setting.argument {
            assert!(error(&[(name, "§")], &[]).contains(setting.expected), "{name}");
        }
        if let Some(name) = setting.variable.filter(|_| !matches!(setting.expected, "a directory" | "a file"))
        {
            assert!(error(&[], &[(name, "§")]).contains(setting.expected), "{name}");
        }
    }
    for (name, zero) in [("executions", "0"), ("jobs", "0"), ("steps", "0"), ("time", "0s")] {
        assert!(error(&[(name, zero)], &[]).contains(name));
    }
}

#[test]
fn unknown_variables_get_one_notice_with_the_closest_known_ones() {
    let resolved =
        with(&[], &[("SELVEDGE_STRATGEY", "x"), ("SELVEDGE_EXECUTION", "9"), ("OTHER", "1")]).unwrap();
    let [notice] = &resolved.notices[..] else { panic!("{:?}", resolved.notices) };
    assert_eq!(
        notice.to_string(),
        "unknown variable SELVEDGE_EXECUTION is ignored; did you mean SELVEDGE_EXECUTIONS?; \
         unknown variable SELVEDGE_STRATGEY is ignored; did you mean SELVEDGE_STRATEGY?"
    );
    assert_eq!(with(&[], &[("SELVEDGE_SHARDS", "4")]).unwrap().notices, []);
}

#[test]
fn values_of_the_grammar() {
    use grammar::{parse_duration, parse_stack, parse_timers};
    assert_eq!(parse_count("10_000"), Some(10_000));
    assert_eq!(parse_count("18446744073709551615"), Some(u64::MAX));
    for bad in ["", "_1", "-1", "1.5", "18446744073709551616", "1 "] {
        assert_eq!(parse_count(bad), None, "{bad}");
    }
    assert_eq!(parse_duration("2h"), Some(Duration::from_secs(7200)));
    for bad in ["", "30", "s", "1d", "-1s", "0s", "99999999999999999999s", "9999999999999999999h", "é"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
    assert_eq!(parse_stack("256k"), Some(256 << 10));
    for bad in ["", "256", "15k", "2000m", "k", "1é"] {
        assert_eq!(parse_stack(bad), None, "{bad}");
    }
    assert_eq!(parse_timers("quiescent"), Some(TimerPolicy::Quiescent));
    for bad in ["racy", "racy:0", "racy:x", "Quiescent"] {
        assert_eq!(parse_timers(bad), None, "{bad}");
    }
    for text in ["mix", "random", "pct:1", "pct:100", "pos", "surw", "round-robin", "dfs"] {
        assert_eq!(StrategySpec::parse(text).map(|spec| spec.to_string()).as_deref(), Some(text));
    }
    assert_eq!(StrategySpec::parse("pct"), Some(StrategySpec::Pct(3)));
    for bad in ["", "pct:0", "pct:101", "pct:+3", "pct:", "Random", "best"] {
        assert_eq!(StrategySpec::parse(bad), None, "{bad}");
    }
}
