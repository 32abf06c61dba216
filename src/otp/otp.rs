use crate::Digits;
use core::fmt;
use zeroize::Zeroize;

/// A generated one-time password: decimal digits, with leading zeros. Wiped on drop.
///
/// It has no `Display` and no `==`: it is shown with [`expose`](Self::expose), and compared by
/// [`Hotp::verify`](crate::Hotp::verify) and [`Totp::verify`](crate::Totp::verify).
#[derive(Clone)]
pub struct Otp {
    ascii: [u8; 8],
    digits: Digits,
}

impl Otp {
    pub(super) fn new(mut value: u32, digits: Digits) -> Self {
        let mut ascii = [b'0'; 8];
        for place in ascii.iter_mut().take(usize::from(digits.get())).rev() {
            let digit = u8::try_from(value % 10).unwrap_or_default();
            *place = b'0'.wrapping_add(digit);
            value /= 10;
        }
        Self { ascii, digits }
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.ascii
            .get(..usize::from(self.digits.get()))
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
