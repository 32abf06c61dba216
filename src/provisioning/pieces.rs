use super::escape::escape_into;
use alloc::string::String;
use core::fmt::Write;
use data_encoding::BASE32_NOPAD;

/// Takes the pieces of the text, to measure them or to write them.
pub(super) trait Pieces {
    fn plain(&mut self, text: &str);
    fn escaped(&mut self, text: &str);
    fn base32(&mut self, bytes: &[u8]);
    fn number(&mut self, number: u64);
}

/// How long the text is, if so much is what escaped text has.
pub(super) struct Length<F> {
    sum: usize,
    escaped: F,
}

impl<F> Length<F> {
    pub(super) const fn new(escaped: F) -> Self {
        Self { sum: 0, escaped }
    }

    pub(super) const fn sum(&self) -> usize {
        self.sum
    }

    fn add(&mut self, length: usize) {
        self.sum = self.sum.saturating_add(length);
    }
}

impl<F: Fn(&str) -> usize> Pieces for Length<F> {
    fn plain(&mut self, text: &str) {
        self.add(text.len());
    }

    fn escaped(&mut self, text: &str) {
        self.add((self.escaped)(text));
    }

    fn base32(&mut self, bytes: &[u8]) {
        self.add(bytes.len().saturating_mul(8).div_ceil(5));
    }

    fn number(&mut self, number: u64) {
        self.add(number.checked_ilog10().map_or(1, |power| {
            usize::try_from(power).map_or(20, |power| power.saturating_add(1))
        }));
    }
}

impl Pieces for String {
    fn plain(&mut self, text: &str) {
        self.push_str(text);
    }

    fn escaped(&mut self, text: &str) {
        escape_into(text, self);
    }

    fn base32(&mut self, bytes: &[u8]) {
        BASE32_NOPAD.encode_append(bytes, self);
    }

    fn number(&mut self, number: u64) {
        let written = write!(self, "{number}");
        debug_assert!(written.is_ok(), "a String takes all that is written to it");
    }
}
