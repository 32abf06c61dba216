//! A thread that runs the calls of an async store, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Error;

type Job = Box<dyn FnOnce() + Send>;

/// A handle to the thread. The thread ends after the last handle was dropped.
///
/// A call that the thread has begun runs to its end, even if its caller is gone. So a statement is
/// never cut off.
#[derive(Debug, Clone)]
pub(crate) struct CallThread {
    jobs: Sender<Job>,
}

impl CallThread {
    /// Starts the thread. It drops `resource` when it ends, because closing a database can wait for
    /// the disk. If the operating system starts no thread, each call is an error.
    pub(crate) fn start(resource: impl Send + 'static) -> Self {
        let (jobs, queue) = channel::<Job>();
        let thread = thread::Builder::new().name("countersign-rusqlite".to_owned());
        let started = thread.spawn(move || {
            for job in queue {
                // The caller sees that its answer is gone. The next call finds the connection in a
                // known state.
                _ = catch_unwind(AssertUnwindSafe(job));
            }
            drop(resource);
        });
        drop(started);
        Self { jobs }
    }

    /// Runs a call, and waits for its answer until the time limit ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting::default();
        let begun = Arc::clone(&waiting.0);
        let job = Box::new(move || {
            if !begun.swap(true, Ordering::AcqRel) {
                // A caller that is gone needs no answer.
                _ = answer.send(call());
            }
        });
        self.jobs.send(job).map_err(|_| Error::ThreadFailed)?;
        match timeout(limit, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::ThreadFailed),
            Err(_) if waiting.withdraw() => Err(Error::NoConnection { limit }),
            Err(_) => Err(Error::Timeout { limit }),
        }
    }
}

/// A call that waits for the thread. If the future of its caller is dropped, the thread does not
/// begin it.
#[derive(Default)]
struct Waiting(Arc<AtomicBool>);

impl Waiting {
    /// Returns whether the thread had not begun the call. It never begins the call then.
    fn withdraw(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.withdraw();
    }
}
