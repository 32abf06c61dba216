//! The driver alone: the two statements of a login, on a connection in a mutex or on a thread.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use countersign_store_testing::bench::Error;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// Runs a closure on a connection.
pub(crate) trait Bare: Clone + Send + Sync + 'static {
    fn new(connection: Connection) -> Self;

    fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send;
}

#[derive(Clone)]
pub(crate) struct InMutex(Arc<Mutex<Connection>>);

impl Bare for InMutex {
    fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = self.0.lock().map_err(|_| "the mutex is poisoned")?;
        Ok(call(&connection)?)
    }
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

#[derive(Clone)]
pub(crate) struct OnOneThread(Sender<Job>);

impl Bare for OnOneThread {
    fn new(connection: Connection) -> Self {
        let (jobs, queue) = channel::<Job>();
        thread::spawn(move || {
            for job in queue {
                job(&connection);
            }
        });
        Self(jobs)
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| _ = answer.send(call(connection)));
        self.0.send(job).map_err(|_| "the thread has ended")?;
        Ok(answered.await??)
    }
}
