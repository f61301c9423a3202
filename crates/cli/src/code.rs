//! How the command ends.

use std::process::ExitCode;

/// Why the command ended; the numbers are part of its interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    /// Everything is as it should be.
    Clean = 0,
    /// The command was not understood, or names something that does not exist.
    Usage = 1,
    /// No test was explored.
    Nothing = 4,
    /// A budget ended before the exhaustion that a test asks for.
    Budget = 5,
    /// The command itself failed.
    Internal = 70,
    /// Something is not as it should be.
    Findings = 100,
    /// The tests could not be built.
    Build = 101,
}

impl Code {
    /// Print what clap has to say; help and version are no errors.
    pub(crate) fn of_clap(error: &clap::Error) -> Code {
        // Nothing can be done if even that fails.
        let _ = error.print();
        if error.use_stderr() { Code::Usage } else { Code::Clean }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(code as u8)
    }
}
