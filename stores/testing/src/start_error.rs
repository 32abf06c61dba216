use std::env;
use std::io::{self, Write};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its programs are not installed.
    #[error("no {0}")]
    Missing(&'static str),
    /// It was started and did not come up.
    #[error("{server} does not start: {reason}")]
    Failed {
        /// Which server.
        server: &'static str,
        /// What went wrong, with the end of the server's log.
        reason: String,
    },
    /// Files or processes could not be handled.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The server, or `None`, which a test takes as leave to skip: then `skipped: no postgres` is printed.
///
/// # Panics
/// If the server is installed and does not start, and if it is not installed and the environment has
/// `COUNTERSIGN_SKIP_NOTHING=1`.
#[expect(clippy::panic, reason = "fails the test that asked")]
pub fn available<S>(started: Result<S, StartError>) -> Option<S> {
    let required = env::var_os("COUNTERSIGN_SKIP_NOTHING").is_some_and(|value| value == "1");
    match started {
        Ok(server) => Some(server),
        Err(StartError::Missing(server)) if !required => {
            // Not `eprintln!`, which the test harness hides. If it cannot be printed, the tests are skipped all the same.
            _ = writeln!(io::stderr(), "skipped: no {server}");
            None
        }
        Err(StartError::Missing(server)) => {
            panic!("COUNTERSIGN_SKIP_NOTHING=1, and {server} is not installed")
        }
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_installed_and_fails_is_never_skipped() {
        let failed = || {
            available::<()>(Err(StartError::Failed {
                server: "postgres",
                reason: "it is ill".into(),
            }))
        };
        assert!(std::panic::catch_unwind(failed).is_err());
        assert_eq!(available(Ok(5)), Some(5));
    }
}
