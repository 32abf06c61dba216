use std::io::{self, Write};
use std::process::ExitCode;

/// Why the tool does not exit with 0.
pub(crate) enum Failure {
    /// A passcode or a line was refused, and the output says so already.
    Refused,
    /// The arguments are wrong.
    Usage(String),
    /// Input or output failed.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }

    /// Prints the error, and returns the exit status.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Refused => ExitCode::from(1),
            Self::Usage(message) => {
                note(&format!("error: {message}"));
                ExitCode::from(2)
            }
            // The reader closed the pipe.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(1),
            Self::Io(error) => {
                note(&format!("error: {error}"));
                ExitCode::from(1)
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Prints a note on standard error.
pub(crate) fn note(message: &str) {
    // A closed standard error is no failure.
    let _ = writeln!(io::stderr(), "{message}");
}
