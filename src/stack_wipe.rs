//! Wipes the stack that work with secrets has used.
//!
//! What a function held by value, or in registers that it saved, stays in memory when it returns, until
//! another function happens to use the same place. So such work is done in a frame of its own, and then as
//! much of the stack is overwritten as it can have used. How much that is was measured: `cargo test --test
//! wiped` fails when it is too little.

use core::hint::black_box;

/// Does work with secrets in a frame of its own, and then wipes `BYTES` of the stack from there on.
#[inline]
pub(crate) fn with_wiped_stack<const BYTES: usize, T>(work: impl FnOnce() -> T) -> T {
    let result = in_own_frame(work);
    wipe::<BYTES>();
    result
}

#[inline(never)]
fn in_own_frame<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The zeros stand where `in_own_frame` and all that it called had their frames. Nothing reads them, so it takes
/// the black box to have them written. `extern "C"` says that it does not unwind: so the result of the work is
/// made where it is wanted, and not moved there afterwards, which would leave a copy.
#[inline(never)]
extern "C" fn wipe<const BYTES: usize>() {
    black_box(&mut [0_u8; BYTES]);
}

/// Polls a future with secrets, and wipes `BYTES` of the stack after each poll.
#[cfg(feature = "verifier")]
pub(crate) async fn poll_with_wiped_stack<const BYTES: usize, F: Future>(future: F) -> F::Output {
    let mut future = core::pin::pin!(future);
    core::future::poll_fn(|context| with_wiped_stack::<BYTES, _>(|| future.as_mut().poll(context)))
        .await
}
