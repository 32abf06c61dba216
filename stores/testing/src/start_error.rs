use std::env;
use std::io::{self, Write};

/// The reason why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The programs of the server are not installed.
    #[error("no {0}")]
    Missing(&'static str),
    /// The server was started and did not become ready.
    #[error("{server} does not start: {reason}")]
    Failed {
        /// The kind of server.
        server: &'static str,
        /// What went wrong, with the end of the server's log.
        reason: String,
    },
    /// A file or process operation failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Returns the server, or `None` if it is not installed. In that case the function prints `skipped:
/// no postgres`, and the test must return.
///
/// # Panics
/// If the server is installed and does not start, or if it is not installed and the environment has
/// `COUNTERSIGN_SKIP_NOTHING=1`.
#[expect(clippy::panic, reason = "fails the test that calls it")]
pub fn available<S>(started: Result<S, StartError>) -> Option<S> {
    let required = env::var_os("COUNTERSIGN_SKIP_NOTHING").is_some_and(|value| value == "1");
    match started {
        Ok(server) => Some(server),
        Err(StartError::Missing(server)) if !required => {
            // The test harness hides `eprintln!`. If the line cannot be printed, the tests are
            // skipped anyway.
            _ = writeln!(io::stderr(), "skipped: no {server}");
            None
        }
        Err(StartError::Missing(server)) => {
            panic!("{server} is not installed; install it or unset COUNTERSIGN_SKIP_NOTHING")
        }
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_is_never_skipped() {
        let failed = || {
            available::<()>(Err(StartError::Failed {
                server: "postgres",
                reason: "the log is full of errors".into(),
            }))
        };
        assert!(std::panic::catch_unwind(failed).is_err());
        assert_eq!(available(Ok(5)), Some(5));
    }
}
