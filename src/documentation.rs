//! The README and the book as documentation tests: every Rust block in them compiles and runs.
//!
//! Invariant: this module exists for `cargo test --doc` alone; nothing of it is in the library.

macro_rules! pages {
    ($($name:ident $path:literal,)*) => { $(#[doc = include_str!($path)] mod $name {})* };
}

pages! {
    readme "../README.md",
    async_tasks "../docs/async.md",
    channels "../docs/channels.md",
    first_bug "../docs/first-bug.md",
    from_go "../docs/from-go.md",
    from_std "../docs/from-std.md",
    leaks "../docs/leaks.md",
    memory_model "../docs/memory-model.md",
    models "../docs/models.md",
    production "../docs/production.md",
    network "../docs/network.md",
    races "../docs/races.md",
    replaying "../docs/replaying.md",
    reports "../docs/reports.md",
    strategies "../docs/strategies.md",
    time "../docs/time.md",
    finding_add_races_wait "../docs/findings/add-races-wait.md",
    finding_borrowed_thread_local "../docs/findings/borrowed-thread-local.md",
    finding_close_of_closed "../docs/findings/close-of-closed.md",
    finding_close_of_nil "../docs/findings/close-of-nil.md",
    finding_closed_by_receiver "../docs/findings/closed-by-receiver.md",
    finding_data_race "../docs/findings/data-race.md",
    finding_deadlock "../docs/findings/deadlock.md",
    finding_leaked_goroutine "../docs/findings/leaked-goroutine.md",
    finding_leaked_timer "../docs/findings/leaked-timer.md",
    finding_livelock "../docs/findings/livelock.md",
    finding_lock_order "../docs/findings/lock-order.md",
    finding_lost_cancel "../docs/findings/lost-cancel.md",
    finding_lost_wake_up "../docs/findings/lost-wake-up.md",
    finding_negative_wait_group "../docs/findings/negative-wait-group.md",
    finding_not_deterministic "../docs/findings/not-deterministic.md",
    finding_nothing_explored "../docs/findings/nothing-explored.md",
    finding_panic "../docs/findings/panic.md",
    finding_partial_deadlock "../docs/findings/partial-deadlock.md",
    finding_premature_exit "../docs/findings/premature-exit.md",
    finding_send_on_closed "../docs/findings/send-on-closed.md",
    finding_send_races_close "../docs/findings/send-races-close.md",
    finding_stuck "../docs/findings/stuck.md",
    finding_uncontrolled_thread "../docs/findings/uncontrolled-thread.md",
    finding_unlock_of_unlocked "../docs/findings/unlock-of-unlocked.md",
    finding_wait_group_misuse "../docs/findings/wait-group-misuse.md",
}
