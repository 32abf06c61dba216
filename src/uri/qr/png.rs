//! A QR code as a PNG file (PNG, third edition).

use super::{QUIET_ZONE, Qr};
use crate::otp::SecretText;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::iter::repeat_n;
use core::mem;
use crc32fast::Hasher;
use data_encoding::BASE64;
use fdeflate::Compressor;
use zeroize::{Zeroizing, optimization_barrier};

impl Qr {
    /// Returns the QR code as a PNG file: black on white, with the quiet zone, one bit per pixel.
    #[must_use]
    pub fn png(&self) -> SecretBytes {
        let data = deflated(&self.filtered_rows());
        // Every buffer here has room for its whole content, so no buffer grows. A buffer that grows
        // leaves a copy.
        let length = [data.len(), SIGNATURE.len(), HEADER, 3 * CHUNK_FRAME];
        let mut file = Vec::with_capacity(length.iter().sum());
        file.extend_from_slice(&SIGNATURE);
        write_chunk(&mut file, *b"IHDR", &self.header());
        write_chunk(&mut file, *b"IDAT", &data);
        write_chunk(&mut file, *b"IEND", &[]);
        SecretBytes::new(file)
    }

    /// Returns the PNG file as a `data:` address, for the `src` of an `img` element.
    ///
    /// The content security policy of the page must allow `img-src data:`. [`svg`](Self::svg) needs
    /// no such permission. Do not use this method for mail, because many readers block `data:`
    /// addresses: attach [`png`](Self::png) and refer to it by a `cid:` address.
    #[must_use]
    pub fn data_uri(&self) -> SecretText {
        let png = self.png();
        let head = "data:image/png;base64,";
        let length = head
            .len()
            .saturating_add(BASE64.encode_len(png.expose().len()));
        let mut text = String::with_capacity(length);
        text.push_str(head);
        BASE64.encode_append(png.expose(), &mut text);
        SecretText::new(text)
    }

    /// Returns the data of the chunk `IHDR`: width, height, one bit of grey per pixel, default
    /// methods (section 11.2.1).
    fn header(&self) -> [u8; HEADER] {
        let [a, b, c, d] = be_u32(self.pixels());
        [a, b, c, d, a, b, c, d, 1, 0, 0, 0, 0]
    }

    /// Returns the rows of pixels after the filter. A set bit is white. Each row is padded to whole
    /// bytes.
    ///
    /// Each pixel row of a module except the first is equal to the row above, so the filter turns
    /// the row into zeros.
    fn filtered_rows(&self) -> Zeroizing<Vec<u8>> {
        let size = usize::from(self.module_size);
        let margin = size.saturating_mul(QUIET_ZONE);
        let bytes = self.pixels().div_ceil(8);
        let length = bytes.saturating_add(1).saturating_mul(self.pixels());
        let mut filtered = Zeroizing::new(Vec::with_capacity(length));
        let mut line = Zeroizing::new(Vec::with_capacity(self.pixels()));
        let mut row = Zeroizing::new(Vec::with_capacity(bytes));
        let mut above = Zeroizing::new(alloc::vec![0; bytes]);
        let quiet = || repeat_n(&[] as &[bool], QUIET_ZONE);
        for modules in quiet().chain(self.rows()).chain(quiet()) {
            line.clear();
            line.extend(repeat_n(true, margin));
            line.extend(modules.iter().flat_map(|dark| repeat_n(!dark, size)));
            line.resize(self.pixels(), true);
            row.clear();
            row.extend(line.chunks(8).map(packed));
            filtered.push(UP);
            filtered.extend(
                row.iter()
                    .zip(above.iter())
                    .map(|(at, above)| at.wrapping_sub(*above)),
            );
            for _ in 1..size {
                filtered.push(UP);
                filtered.extend(repeat_n(0, bytes));
            }
            mem::swap(&mut row, &mut above);
        }
        filtered
    }
}

/// Bytes that hold a secret, such as the image of a QR code. Wiped on drop.
#[derive(Clone)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretBytes").finish_non_exhaustive()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        optimization_barrier(self.0.as_slice());
    }
}

/// Returns the bytes as a zlib stream (RFC 1950). Better compression would halve the file, but take
/// ten times as long.
fn deflated(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    // A byte becomes at most twelve bits, after 54 bytes of tables.
    let longest = bytes.len().saturating_mul(3).div_ceil(2).saturating_add(64);
    let mut out = Zeroizing::new(Vec::with_capacity(longest));
    let written = Compressor::new(&mut *out).and_then(|mut compressor| {
        compressor.write_data(bytes)?;
        compressor.finish().map(|_| ())
    });
    debug_assert!(written.is_ok(), "writing to a Vec never fails");
    out
}

/// Appends a chunk with its length and checksum.
fn write_chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut checksum = Hasher::new();
    checksum.update(&kind);
    checksum.update(data);
    file.extend_from_slice(&be_u32(data.len()));
    file.extend_from_slice(&kind);
    file.extend_from_slice(data);
    file.extend_from_slice(&checksum.finalize().to_be_bytes());
}

fn be_u32(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

/// Packs up to eight pixels into one byte. The first pixel is the highest bit.
fn packed(pixels: &[bool]) -> u8 {
    let bit = |place: usize| pixels.get(place).is_none_or(|white| *white);
    (0..8).fold(0, |byte, place| (byte << 1) | u8::from(bit(place)))
}

/// The signature of a PNG file (section 5.2).
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The length, the type and the checksum of a chunk, without its data (section 5.3).
const CHUNK_FRAME: usize = 12;
/// The length of the data of the chunk `IHDR` (section 11.2.1).
const HEADER: usize = 13;
/// The filter "up" (section 9.2): each byte is the difference from the byte above.
const UP: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incompressible_bytes_fit_the_buffer() {
        for byte in 0..=u8::MAX {
            let bytes = [byte, byte ^ 0x55].repeat(1000);
            let empty = deflated(&[]).capacity();
            let room = bytes.len().saturating_mul(3) / 2;
            assert_eq!(deflated(&bytes).capacity(), empty.saturating_add(room));
        }
    }
}
