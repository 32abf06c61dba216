use super::{QUIET_ZONE, Qr};
use crate::{SecretBytes, SecretText};
use alloc::string::String;
use alloc::vec::Vec;
use core::iter::repeat_n;
use data_encoding::BASE64;
use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter};
use zeroize::Zeroizing;

/// More than a PNG file has beside its pixels.
const FRAME: usize = 1024;

impl Qr {
    /// The QR code as a PNG file, black on white with the quiet zone, one bit a pixel.
    #[must_use]
    pub fn png(&self) -> SecretBytes {
        let pixels = self.pixel_rows();
        // Room for all if nothing could be compressed, so that no copy stays behind in a buffer that grew.
        let mut file = Zeroizing::new(Vec::with_capacity(pixels.len().saturating_add(FRAME)));
        let written = self.write_png(&pixels, &mut file);
        debug_assert!(written.is_ok(), "a Vec takes all that is written to it");
        SecretBytes::new(file.to_vec())
    }

    /// The PNG file as a `data:` address, for the `src` of an `img` element. The page's content security
    /// policy must allow `img-src data:`; [`svg`](Self::svg) needs no such permission.
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

    fn write_png(&self, pixels: &[u8], out: &mut Vec<u8>) -> Result<(), EncodingError> {
        let side = u32::try_from(self.pixels()).unwrap_or(u32::MAX);
        let mut encoder = Encoder::new(out, side, side);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        // All rows of a module but the first equal the one above. The fastest compression makes 1.3 KB of a
        // key URI; the others save half of that and take ten times as long.
        encoder.set_filter(Filter::Up);
        encoder.set_deflate_compression(DeflateCompression::FdeflateUltraFast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    }

    /// The pixels, each row filled up to whole bytes; a set bit is white.
    fn pixel_rows(&self) -> Zeroizing<Vec<u8>> {
        let size = usize::from(self.module_size);
        let bytes = self.pixels().div_ceil(8);
        let mut all = Zeroizing::new(Vec::with_capacity(bytes.saturating_mul(self.pixels())));
        let margin = bytes.saturating_mul(size).saturating_mul(QUIET_ZONE);
        let mut row = Zeroizing::new(Vec::with_capacity(bytes));
        let mut line = Zeroizing::new(Vec::with_capacity(self.pixels()));
        all.extend(repeat_n(0xff, margin));
        for modules in self.rows() {
            line.clear();
            line.extend(repeat_n(true, size.saturating_mul(QUIET_ZONE)));
            line.extend(modules.iter().flat_map(|dark| repeat_n(!dark, size)));
            line.extend(repeat_n(true, size.saturating_mul(QUIET_ZONE)));
            row.clear();
            row.extend(line.chunks(8).map(packed));
            for _ in 0..size {
                all.extend_from_slice(&row);
            }
        }
        all.extend(repeat_n(0xff, margin));
        all
    }
}

/// Up to eight pixels as one byte, the first in its highest bit.
fn packed(pixels: &[bool]) -> u8 {
    let bit = |place: usize| pixels.get(place).is_none_or(|white| *white);
    (0..8).fold(0, |byte, place| (byte << 1) | u8::from(bit(place)))
}
