use crate::Digits;
use core::fmt;
use zeroize::Zeroize;

/// A generated one-time password: decimal digits, with leading zeros. Wiped on drop.
///
/// It has no `Display` and no `==`: it is shown with [`expose`](Self::expose), and compared by
/// [`Hotp::verify`](crate::Hotp::verify) and [`Totp::verify`](crate::Totp::verify).
#[derive(Clone)]
pub struct Otp {
    /// Eight digits, the first of them zeros where fewer are shown.
    ascii: [u8; 8],
    digits: Digits,
}

impl Otp {
    pub(super) fn new(value: u32, digits: Digits) -> Self {
        let mut ascii = [b'0'; 8];
        // The halves do not wait for each other.
        let halves = [value / 10_000, value % 10_000];
        for (mut rest, places) in halves.into_iter().zip(ascii.as_chunks_mut::<4>().0) {
            for place in places.iter_mut().rev() {
                *place = b'0' | (rest % 10) as u8;
                rest /= 10;
            }
        }
        Self { ascii, digits }
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        let zeros = self.ascii.len().saturating_sub(self.digits.get().into());
        self.ascii
            .get(zeros..)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Otp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otp")
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

impl Drop for Otp {
    fn drop(&mut self) {
        self.ascii.zeroize();
    }
}
