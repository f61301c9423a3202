//! What `#[selvedge::test]` and `#[selvedge::main]` expand to, seen through a stand-in library.

// The expansions name the library by its absolute path; here this file plays its part.
extern crate self as selvedge;

use selvedge_macros::{main, test};

/// Stands in for the harness: checks what it is handed, then runs the body.
mod harness {
    pub(crate) struct Test {
        pub(crate) path: &'static str,
        pub(crate) file: &'static str,
        pub(crate) line: u32,
        pub(crate) package_root: &'static str,
    }

    pub(crate) fn run_attribute<T>(test: &Test, arguments: &[(&str, &str)], body: fn() -> T) -> T {
        assert!(test.path.starts_with("expansion::"), "{}", test.path);
        assert!(test.file.ends_with("expansion.rs"), "{}", test.file);
        assert!(test.package_root.ends_with("macros") && test.line > 1);
        SEEN.with(|seen| *seen.borrow_mut() = describe(test, arguments));
        body()
    }

    fn describe(test: &Test, arguments: &[(&str, &str)]) -> String {
        let arguments: Vec<String> =
            arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", test.path, arguments.join(" "))
    }

    thread_local! {
        static SEEN: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
    }

    /// What the current test's attribute handed over.
    pub(crate) fn seen() -> String {
        SEEN.with(|seen| seen.borrow().clone())
    }
}

mod runtime {
    pub(crate) fn main<T>(body: fn() -> T) -> T {
        body()
    }

    /// # Safety
    /// None is needed here.
    pub(crate) unsafe fn main_migrating<T>(body: fn() -> T) -> T {
        body()
    }
}

// A bare `#[test]` is ours here: the expansion must not meet itself again.
#[test]
fn a_bare_attribute_is_enough() {
    assert_eq!(harness::seen(), "expansion::a_bare_attribute_is_enough ");
}

#[test(
    executions = 10_000,
    time = "30s",
    strategy = "dfs",
    preemptions = 2,
    delays = 3,
    leaks = "allow",
    seed = "7GQ4K",
    jobs = 2,
    steps = 50_000,
    spurious = 0,
    memory = "sc",
    timers = "racy:2",
    stack = "256k"
)]
fn every_argument_arrives() {
    assert_eq!(
        harness::seen(),
        "expansion::every_argument_arrives executions=10000 time=30s strategy=dfs preemptions=2 \
         delays=3 leaks=allow seed=7GQ4K jobs=2 steps=50000 spurious=0 memory=sc timers=racy:2 stack=256k"
    );
}

#[selvedge_macros::test(exhaustive, preemptions = 2)]
fn flags_arrive() {
    assert_eq!(harness::seen(), "expansion::flags_arrive exhaustive=true preemptions=2");
}

#[test(production)]
/// Documentation stays.
fn production_arrives() {
    assert_eq!(harness::seen(), "expansion::production_arrives production=true");
}

#[should_panic(expected = "as it should")]
#[test]
fn a_panic_can_be_expected() {
    panic!("as it should");
}

#[test]
#[should_panic(expected = "below the attribute")]
fn a_panic_can_be_expected_from_below() {
    panic!("below the attribute");
}

#[test]
#[ignore = "to see that it is kept"]
fn ignoring_works() {
    panic!("this test is ignored");
}

#[test]
#[cfg(any())]
fn conditions_work() {
    a_function_that_does_not_exist();
}

#[test]
fn results_work() -> Result<(), std::num::ParseIntError> {
    let number: i32 = "7".parse()?;
    assert_eq!(number, 7);
    Ok(())
}

mod nested {
    #[selvedge_macros::test]
    fn r#match() {
        assert_eq!(super::harness::seen(), "expansion::nested::match ");
    }
}

mod entry {
    use super::main;

    #[main]
    pub(crate) fn main() -> Result<u8, String> {
        Ok(7)
    }

    pub(crate) mod migrating {
        #[selvedge_macros::main(unsafe(migrate))]
        pub(crate) fn main() {}
    }
}

#[core::prelude::v1::test]
fn main_keeps_its_type() {
    assert_eq!(entry::main(), Ok(7));
    entry::migrating::main();
}
