//! Functions that cannot be a test.

fn main() {}

#[selvedge_macros::test]
async fn asynchronous() {}

#[selvedge_macros::test]
const fn constant() {}

#[selvedge_macros::test]
unsafe fn dangerous() {}

#[selvedge_macros::test]
extern "C" fn foreign() {}

#[selvedge_macros::test]
fn generic<T>() {}

#[selvedge_macros::test]
fn parameters(n: u32, m: u32) {}
