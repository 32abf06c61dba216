use std::io::{self, Write};
use std::process::ExitCode;

/// Why the tool does not exit with 0.
pub(crate) enum Failure {
    /// The answer is no; it was given already.
    No,
    /// What was asked for makes no sense.
    Usage(String),
    /// Input or output failed.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }

    /// Says what is wrong, and by which status.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::No => ExitCode::from(1),
            Self::Usage(message) => {
                note(&format!("error: {message}"));
                ExitCode::from(2)
            }
            // Whoever reads has seen enough.
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

/// Says something beside the answer.
pub(crate) fn note(message: &str) {
    // If standard error is closed, nobody wants to know.
    let _ = writeln!(io::stderr(), "{message}");
}
