//! Calls that continue when the future of their caller is dropped.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task;

use crate::Error;

/// A call. Its type is erased, so that the future of the caller stays small.
pub(crate) type Call<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Runs a call to its end, even if the returned future is dropped.
///
/// Inside a tokio task, the call is polled as part of its caller. If the caller drops the call, the
/// call moves to a task of its own.
///
/// Outside a task, the call gets its own task from the start. A caller outside a task may outlive
/// the runtime, and tokio's timers panic then.
pub(crate) async fn run_uncancellable<T: Send + 'static>(call: Call<T>) -> Result<T, Error> {
    if task::try_id().is_some() {
        let call = Some(call);
        let runtime = Handle::current();
        return PolledByCaller { call, runtime }.await;
    }
    match tokio::spawn(call).await {
        Ok(answer) => answer,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Error::Interrupted),
        },
    }
}

/// A call that is polled as part of its caller.
struct PolledByCaller<T: Send + 'static> {
    /// `None` after the call has ended.
    call: Option<Call<T>>,
    runtime: Handle,
}

impl<T: Send + 'static> Future for PolledByCaller<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Error>> {
        // A call that panicked is not polled again.
        let Some(mut call) = self.call.take() else {
            return Poll::Pending;
        };
        let answer = call.as_mut().poll(context);
        if answer.is_pending() {
            self.call = Some(call);
        }
        answer
    }
}

impl<T: Send + 'static> Drop for PolledByCaller<T> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.runtime.spawn(call);
        }
    }
}
