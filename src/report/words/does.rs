//! What operations are called in a sentence.
//!
//! Invariant: every operation has a phrase for "goroutine … object" and a noun for "the … by".

use selvedge_checkers::op::OpKind;

/// The third person with its preposition: `sends on`, `locks`.
pub(in crate::report) fn does(op: OpKind) -> &'static str {
    use OpKind::*;
    match op {
        Start => "starts",
        Exit => "ends",
        Spawn => "spawns a goroutine",
        Yield => "yields",
        Choose => "chooses",
        Lock => "locks",
        TryLock => "tries to lock",
        Unlock => "unlocks",
        ReadLock => "read-locks",
        TryReadLock => "tries to read-lock",
        ReadUnlock => "read-unlocks",
        WriteLock => "write-locks",
        TryWriteLock => "tries to write-lock",
        WriteUnlock => "write-unlocks",
        CondWait | WaitGroupWait => "waits on",
        CondWoken => "wakes up on",
        NotifyOne | NotifyAll => "notifies",
        Send => "sends on",
        TrySend => "tries to send on",
        Receive => "receives from",
        TryReceive => "tries to receive from",
        Close => "closes",
        Len => "asks for the length of",
        Select => "selects",
        HandleDrop => "drops",
        WaitGroupAdd => "adds to",
        Acquire => "acquires",
        TryAcquire => "tries to acquire",
        Release => "releases",
        OnceBegin => "enters",
        OnceComplete => "completes",
        BarrierWait => "waits at",
        Park => "parks",
        Unpark => "unparks",
        Join => "joins",
        Load => "loads",
        Store => "stores to",
        Update => "updates",
        CompareExchange => "compares and exchanges",
        Fence => "fences",
        Sleep => "sleeps",
        Fire => "fires",
        TimerStart => "starts",
        TimerStop => "stops",
        Await => "spins on",
        TaskWait => "awaits a wake of",
        TaskWake => "wakes",
        Read => "reads",
        Write => "writes",
    }
}

/// The same without an object to follow: `receives`.
pub(in crate::report) fn does_alone(op: OpKind) -> &'static str {
    let phrase = does(op);
    let ends = [" on", " from", " to", " at", " of"];
    ends.iter().find_map(|end| phrase.strip_suffix(end)).unwrap_or(phrase)
}

/// The noun for what was done: `the write by g2`.
pub(in crate::report) fn noun(op: OpKind) -> &'static str {
    match op {
        OpKind::Receive | OpKind::TryReceive => "receive",
        OpKind::TrySend => "send",
        OpKind::CompareExchange => "compare-exchange",
        OpKind::Update => "update",
        other => other.verb(),
    }
}
