//! What the attributes refuse, and in which words: one program a mistake, its errors beside it.
//!
//! `TRYBUILD=overwrite cargo test -p selvedge-macros` rewrites the expected errors.

#[test]
fn mistakes_are_named() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
