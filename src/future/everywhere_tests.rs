//! Running a program of tasks in all worlds.
//!
//! Invariant: what both engines promise is checked on both, by the same program.

/// On a plain thread, on a goroutine, and where there are models in many executions, in which nothing must be
/// found.
pub(crate) fn everywhere_and_in_models(program: impl Fn() + Send + Sync + Clone + 'static) {
    program();
    crate::go(program.clone()).join().unwrap();
    #[cfg(feature = "check")]
    crate::trial_tests::silent(program);
}
