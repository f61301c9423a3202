//! The attributes `#[selvedge::test]` and `#[selvedge::main]`.
//!
//! Invariants: an expansion is a plain function that keeps every other attribute, so editors and
//! test runners see what they know; every argument is checked here, with an error on the argument
//! itself that names it, its value and what was expected; generated paths are absolute, so an
//! attribute works under any name it is imported as.

use proc_macro::TokenStream;

mod args;
mod entry;
mod testing;

// Copies of files of the main crate, which uses more of them than an attribute does.
#[allow(dead_code, unreachable_pub)]
mod base32;
#[allow(dead_code, unreachable_pub)]
mod grammar;
#[allow(dead_code, unreachable_pub)]
mod spec;

/// Runs a function as a model-checked test.
///
/// ```ignore
/// #[selvedge::test]
/// #[selvedge::test(executions = 10_000, strategy = "pct:3", time = "30s", leaks = "allow")]
/// #[selvedge::test(exhaustive, preemptions = 2)]
/// #[selvedge::test(production)]
/// ```
///
/// The function takes no parameters and returns nothing or a `Result<(), E>`. It becomes a plain
/// `#[test]`: `#[should_panic]`, `#[ignore]` and every test runner work as usual.
///
/// | argument | meaning |
/// |---|---|
/// | `executions = 10_000` | at most so many executions |
/// | `time = "30s"` | at most so long |
/// | `strategy = "pct:3"` | `mix`, `random`, `pct:D`, `pos`, `surw`, `round-robin`, `dfs`, `optimal`, `frontier` or `flip` |
/// | `exhaustive` | until no other execution exists |
/// | `preemptions = 2` | only behaviour that takes at most so many preemptions, by an optimal search |
/// | `delays = 2` | only executions with at most so many delays, by `dfs` |
/// | `leaks = "deny"` | goroutines left blocked: `deny`, `warn` or `allow` |
/// | `seed = "7GQ4K"` | the base seed |
/// | `jobs = 4` | worker processes |
/// | `steps = 100_000` | the step limit of one execution; beyond it is a livelock |
/// | `spurious = 1` | spurious wake-ups of each goroutine |
/// | `memory = "sc"` | what atomic loads may read: `c11`, or `sc` for the newest store only |
/// | `timers = "racy:2"` | `quiescent`, or let timers fire early so many times for each goroutine |
/// | `stack = "256k"` | the stack of each goroutine |
/// | `production` | run on the real scheduler instead of the model |
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    testing::expand(arguments.into(), item.into()).into()
}

/// What `#[selvedge::test]` is where the library was built without its feature `check`: an error
/// that says how to switch it on.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn test_without_check(_arguments: TokenStream, _item: TokenStream) -> TokenStream {
    let message = "selvedge::test needs the feature `check`; in Cargo.toml:\n\n    \
                   [dev-dependencies]\n    selvedge = { version = \"…\", features = [\"check\"] }";
    quote::quote!(::core::compile_error!(#message);).into()
}

/// Runs `main` as the main goroutine: when it returns, the program ends.
///
/// `#[selvedge::main(unsafe(migrate))]` lets started goroutines change threads, which is faster and
/// lets none hold back others; it is `unsafe` because code that keeps what belongs to its thread (a
/// reference into thread-local storage, a guard) across a wait would then use another thread's.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(arguments.into(), item.into()).into()
}
