use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task;

use crate::Error;

/// A call of a store on its connection. Its type is erased: the types of a driver's futures are so
/// deep that a caller's future would exceed the compiler's recursion limit.
pub type UncancellableCall<T, E> = Pin<Box<dyn Future<Output = Result<T, Error<E>>> + Send>>;

/// Runs a call to its end, even if the returned future is dropped. So no statement is cut off, and
/// the connection goes back in a known state.
///
/// Inside a tokio task, the call is polled as part of its caller. If the caller drops the call, the
/// call moves to a task of its own. A task for every call would take 10 % to 20 % more of the
/// client's processor time.
///
/// Outside a task, the call gets its own task from the start. A caller outside a task may outlive
/// the runtime, and tokio's timers panic then. A closure of `spawn_blocking` counts as a task. So
/// shut the runtime down after the last call of such a closure.
///
/// # Errors
/// The error of the call, or [`Error::Interrupted`] if there is no tokio runtime or it was shut
/// down.
pub async fn run_uncancellable<T: Send + 'static, E: Send + Sync + 'static>(
    call: UncancellableCall<T, E>,
) -> Result<T, Error<E>> {
    if task::try_id().is_some() {
        let call = Some(call);
        let runtime = Handle::current();
        return PolledByCaller { call, runtime }.await;
    }
    let Ok(runtime) = Handle::try_current() else {
        return Err(Error::Interrupted);
    };
    match runtime.spawn(call).await {
        Ok(answer) => answer,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Error::Interrupted),
        },
    }
}

/// A call that is polled as part of its caller.
struct PolledByCaller<T: Send + 'static, E: Send + Sync + 'static> {
    /// `None` after the call has ended.
    call: Option<UncancellableCall<T, E>>,
    runtime: Handle,
}

impl<T: Send + 'static, E: Send + Sync + 'static> Future for PolledByCaller<T, E> {
    type Output = Result<T, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
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

impl<T: Send + 'static, E: Send + Sync + 'static> Drop for PolledByCaller<T, E> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.runtime.spawn(call);
        }
    }
}
