//! Wiping the stack after work with secrets.
//!
//! When a function returns, its local values and saved registers stay in memory until another
//! function uses the same place. So work with secrets runs in a frame of its own. Afterwards this
//! module overwrites as much of the stack as the work can have used. Each size was measured: if it
//! is too small, `cargo test -p countersign-wiped` fails.

use core::hint::black_box;

/// Runs work with secrets in its own frame, and then wipes `BYTES` of the stack from that frame on.
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

/// Writes zeros where `in_own_frame` and the functions that it called had their frames.
///
/// Nothing reads the zeros. Without the black box, the compiler would not write them. `extern "C"`
/// says that this function does not unwind. So the compiler writes the result of the work to its
/// final place at once. A later move would leave a copy.
#[inline(never)]
extern "C" fn wipe<const BYTES: usize>() {
    black_box(&mut [0_u8; BYTES]);
}

/// Polls a future that works with secrets, and wipes `BYTES` of the stack after each poll.
///
/// The future is pinned already: each async function that takes a future by value moves it once
/// more, and makes room for it twice.
#[cfg(feature = "verifier")]
pub(crate) fn poll_with_wiped_stack<const BYTES: usize, F: Future>(
    mut future: core::pin::Pin<&mut F>,
) -> impl Future<Output = F::Output> {
    core::future::poll_fn(move |context| {
        with_wiped_stack::<BYTES, _>(|| future.as_mut().poll(context))
    })
}
