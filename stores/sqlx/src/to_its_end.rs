//! Calls that are not cut off when their caller is.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task;

use crate::Error;

/// Runs a call to its end, whether or not somebody waits for it.
///
/// In a task, the call is part of its caller, and goes on in a task of its own if it is dropped. (A task for each from the
/// beginning takes a tenth to a fifth more of the client's processor time.) Who calls from outside of a task may still be
/// there when the runtime has ended, and timers panic then: there it is a task from the beginning.
pub(crate) async fn to_its_end<T: Send + 'static>(
    call: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    if task::try_id().is_some() {
        let call = Some(Box::pin(call));
        let runtime = Handle::current();
        return Inline { call, runtime }.await;
    }
    match tokio::spawn(call).await {
        Ok(answer) => answer,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Error::Interrupted),
        },
    }
}

/// A call as a part of its caller.
struct Inline<F: Future<Output: Send> + Send + 'static> {
    /// Unless it has ended.
    call: Option<Pin<Box<F>>>,
    runtime: Handle,
}

impl<F: Future<Output: Send> + Send + 'static> Future for Inline<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // One that panics does not come back.
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

impl<F: Future<Output: Send> + Send + 'static> Drop for Inline<F> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.runtime.spawn(call);
        }
    }
}
