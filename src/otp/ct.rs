//! What every comparison with a secret is built from.

use core::hint::black_box;
use subtle::Choice;

/// Turns the verdict of a constant-time comparison into a `bool`: the one place where the outcome of a
/// comparison with a secret may decide a branch.
#[inline(never)]
pub(crate) fn verdict(choice: Choice) -> bool {
    if black_box(bool::from(choice)) {
        black_box(true)
    } else {
        black_box(false)
    }
}
