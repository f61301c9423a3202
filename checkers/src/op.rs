//! The vocabulary of operations and of what a goroutine waits for.
//!
//! Invariant: one enum serves the engine, the checkers and the renderers; names are the field's
//! (Go's words for Go's things, std's words for std's things).

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident $all:literal { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            #[doc = $all]
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
        }
    };
}

kinds! {
    /// What kind of visible operation a step was.
    #[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    #[repr(u8)]
    #[allow(missing_docs, reason = "the names are the operations' own")]
    OpKind "Every kind of operation." {
        Start,
        Exit,
        Spawn,
        Yield,
        Choose,
        Lock,
        TryLock,
        Unlock,
        ReadLock,
        TryReadLock,
        ReadUnlock,
        WriteLock,
        TryWriteLock,
        WriteUnlock,
        CondWait,
        CondWoken,
        NotifyOne,
        NotifyAll,
        Send,
        TrySend,
        Receive,
        TryReceive,
        Close,
        Len,
        Select,
        HandleDrop,
        WaitGroupAdd,
        WaitGroupWait,
        Acquire,
        TryAcquire,
        Release,
        OnceBegin,
        OnceComplete,
        BarrierWait,
        Park,
        Unpark,
        Join,
        Load,
        Store,
        Update,
        CompareExchange,
        Fence,
        Sleep,
        Fire,
        TimerStart,
        TimerStop,
        Await,
        TaskWait,
        TaskWake,
        Read,
        Write,
    }
}

impl OpKind {
    /// The verb a report prints.
    pub fn verb(self) -> &'static str {
        use OpKind::*;
        match self {
            Start => "start",
            Exit => "exit",
            Spawn => "go",
            Yield => "yield",
            Choose => "choose",
            Lock => "lock",
            TryLock => "try_lock",
            Unlock => "unlock",
            ReadLock => "read",
            TryReadLock => "try_read",
            ReadUnlock => "read-unlock",
            WriteLock => "write",
            TryWriteLock => "try_write",
            WriteUnlock => "write-unlock",
            CondWait => "wait",
            CondWoken => "woken",
            NotifyOne => "notify_one",
            NotifyAll => "notify_all",
            Send => "send",
            TrySend => "try_send",
            Receive => "recv",
            TryReceive => "try_recv",
            Close => "close",
            Len => "len",
            Select => "select",
            HandleDrop => "drop",
            WaitGroupAdd => "add",
            WaitGroupWait => "wait",
            Acquire => "acquire",
            TryAcquire => "try_acquire",
            Release => "release",
            OnceBegin => "once",
            OnceComplete => "once-done",
            BarrierWait => "barrier",
            Park => "park",
            Unpark => "unpark",
            Join => "join",
            Load => "load",
            Store => "store",
            Update => "rmw",
            CompareExchange => "cas",
            Fence => "fence",
            Sleep => "sleep",
            Fire => "fire",
            TimerStart => "timer",
            TimerStop => "timer-stop",
            Await => "spin",
            TaskWait => "await",
            TaskWake => "wake",
            Read => "read",
            Write => "write",
        }
    }
}

/// Why a goroutine is blocked, in Go's words where Go has them.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "each variant is spelled out in `text`")]
pub enum WaitReason {
    ChanSend,
    ChanReceive,
    ChanSendNil,
    ChanReceiveNil,
    Select,
    SelectNoCases,
    Lock,
    ReadLock,
    WriteLock,
    WaitGroup,
    Cond,
    Semaphore,
    Once,
    Barrier,
    Park,
    Join,
    Sleep,
    Spin,
    /// A socket.
    Io,
    /// An async task, or who blocks on a future: a wake of its waker.
    Task,
}

impl WaitReason {
    /// The text between the brackets of a goroutine dump.
    pub fn text(self) -> &'static str {
        match self {
            WaitReason::ChanSend => "chan send",
            WaitReason::ChanReceive => "chan receive",
            WaitReason::ChanSendNil => "chan send (nil chan)",
            WaitReason::ChanReceiveNil => "chan receive (nil chan)",
            WaitReason::Select => "select",
            WaitReason::SelectNoCases => "select (no cases)",
            WaitReason::Lock => "sync.Mutex.Lock",
            WaitReason::ReadLock => "sync.RWMutex.RLock",
            WaitReason::WriteLock => "sync.RWMutex.Lock",
            WaitReason::WaitGroup => "sync.WaitGroup.Wait",
            WaitReason::Cond => "sync.Cond.Wait",
            WaitReason::Semaphore => "semacquire",
            WaitReason::Once => "sync.Once.Do",
            WaitReason::Barrier => "barrier",
            WaitReason::Park => "park",
            WaitReason::Join => "join",
            WaitReason::Sleep => "sleep",
            WaitReason::Spin => "spinning",
            WaitReason::Io => "IO wait",
            WaitReason::Task => "await",
        }
    }
}

kinds! {
    /// What kind of object an id names.
    #[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    #[allow(missing_docs, reason = "the names are the types' own")]
    ObjKind "Every kind of object." {
        Mutex,
        RwLock,
        Condvar,
        Chan,
        Timer,
        WaitGroup,
        Semaphore,
        Once,
        Barrier,
        Atomic,
        Cell,
        Task,
    }
}

impl ObjKind {
    /// The noun a report prints.
    pub fn noun(self) -> &'static str {
        match self {
            ObjKind::Mutex => "mutex",
            ObjKind::RwLock => "rwlock",
            ObjKind::Condvar => "condvar",
            ObjKind::Chan => "channel",
            ObjKind::Timer => "timer",
            ObjKind::WaitGroup => "wait group",
            ObjKind::Semaphore => "semaphore",
            ObjKind::Once => "once",
            ObjKind::Barrier => "barrier",
            ObjKind::Atomic => "atomic",
            ObjKind::Cell => "variable",
            ObjKind::Task => "task",
        }
    }
}

#[test]
fn things_have_the_names_that_reports_print() {
    assert_eq!((OpKind::Send.verb(), OpKind::Spawn.verb()), ("send", "go"));
    assert_eq!((ObjKind::Chan.noun(), ObjKind::Cell.noun()), ("channel", "variable"));
    assert_eq!(WaitReason::ChanSend.text(), "chan send");
    assert_eq!(WaitReason::WriteLock.text(), "sync.RWMutex.Lock");
}
