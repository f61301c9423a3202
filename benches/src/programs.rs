//! The programs every engine runs. This is the only file that names them: an engine matches on
//! [`Program`] without a wildcard, so a program added here does not compile until each engine has
//! either written it or said that it cannot.
//!
//! Every program is correct under every schedule. A failing execution is a broken benchmark and
//! ends the run.

/// One program, with the sizes it is measured at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// 50 tasks that yield 20 times each: the cost of a switch.
    Yield50,
    /// 1 000 tasks that yield 20 times each: the cost of a switch among many tasks.
    Yield1000,
    /// 3 threads, 2 `fetch_add` each, on one atomic.
    Rmw,
    /// 1 thread stores to an atomic while 3 threads load it.
    Readers,
    /// 2 threads lock and unlock one mutex once each.
    Mutex1,
    /// 2 threads lock and unlock one mutex twice each.
    Mutex2,
    /// 2 threads lock and unlock one mutex four times each.
    Mutex4,
    /// 1 item through a queue of capacity 1 made of a mutex and two condition variables.
    Condvar1,
    /// 2 items through the same queue.
    Condvar2,
    /// 3 items through the same queue.
    Condvar3,
    /// 3 items from a producer through a stage to a consumer, over two channels.
    Pipeline3,
    /// 100 items through the same pipeline.
    Pipeline100,
    /// 1 thread that does nothing, spawned and joined.
    Spawn1,
    /// 4 such threads.
    Spawn4,
    /// 16 such threads.
    Spawn16,
}

impl Program {
    /// Whether a plain depth-first search of it comes to an end.
    pub(crate) fn is_small(self) -> bool {
        !matches!(self, Program::Yield50 | Program::Yield1000 | Program::Pipeline100 | Program::Spawn16)
    }

    /// Every program, in the order of the report.
    pub(crate) const ALL: [Program; 15] = [
        Program::Yield50,
        Program::Yield1000,
        Program::Rmw,
        Program::Readers,
        Program::Mutex1,
        Program::Mutex2,
        Program::Mutex4,
        Program::Condvar1,
        Program::Condvar2,
        Program::Condvar3,
        Program::Pipeline3,
        Program::Pipeline100,
        Program::Spawn1,
        Program::Spawn4,
        Program::Spawn16,
    ];

    /// The name used on the command line and in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Program::Yield50 => "yield-50x20",
            Program::Yield1000 => "yield-1000x20",
            Program::Rmw => "rmw-3x2",
            Program::Readers => "readers-1+3",
            Program::Mutex1 => "mutex-2x1",
            Program::Mutex2 => "mutex-2x2",
            Program::Mutex4 => "mutex-2x4",
            Program::Condvar1 => "condvar-queue-1",
            Program::Condvar2 => "condvar-queue-2",
            Program::Condvar3 => "condvar-queue-3",
            Program::Pipeline3 => "pipeline-3",
            Program::Pipeline100 => "pipeline-100",
            Program::Spawn1 => "spawn-join-1",
            Program::Spawn4 => "spawn-join-4",
            Program::Spawn16 => "spawn-join-16",
        }
    }

    /// Threads or tasks alive in one execution at most, the main one included.
    pub(crate) const fn threads(self) -> usize {
        match self {
            Program::Yield50 => 51,
            Program::Yield1000 => 1001,
            Program::Rmw => 4,
            Program::Readers => 5,
            Program::Mutex1 | Program::Mutex2 | Program::Mutex4 => 3,
            Program::Condvar1 | Program::Condvar2 | Program::Condvar3 => 3,
            Program::Pipeline3 | Program::Pipeline100 => 3,
            Program::Spawn1 => 2,
            Program::Spawn4 => 5,
            Program::Spawn16 => 17,
        }
    }
}
