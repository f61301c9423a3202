//! Why a context ended.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What a context ended with: Go's `context.Canceled` and `context.DeadlineExceeded`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[doc(alias = "Canceled")]
#[doc(alias = "DeadlineExceeded")]
pub enum ContextError {
    /// Somebody cancelled it, or one of its ancestors.
    Canceled,
    /// Its deadline passed, or that of one of its ancestors.
    DeadlineExceeded,
}

impl ContextError {
    /// Whether it was the deadline: Go's `Timeout()`.
    pub fn is_timeout(self) -> bool {
        self == ContextError::DeadlineExceeded
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ContextError::Canceled => "context canceled",
            ContextError::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl Error for ContextError {}

/// The reason a context was ended for: any error, shared by all who ask.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// How a context ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) err: ContextError,
    pub(super) cause: Cause,
}

impl Ended {
    /// Cancelled; the cause is the error itself unless there is another.
    pub(super) fn canceled(cause: Option<Cause>) -> Ended {
        Ended::new(ContextError::Canceled, cause)
    }

    /// The deadline passed.
    pub(super) fn late(cause: Option<Cause>) -> Ended {
        Ended::new(ContextError::DeadlineExceeded, cause)
    }

    pub(super) fn new(err: ContextError, cause: Option<Cause>) -> Ended {
        Ended { err, cause: cause.unwrap_or_else(|| Arc::new(err)) }
    }
}
