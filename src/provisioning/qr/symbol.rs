use super::{QrError, QrLevel, mask};
use alloc::vec::Vec;
use core::hint::black_box;
use qrcode::canvas::Canvas;
use qrcode::{Color, EcLevel, bits, ec};
use zeroize::Zeroizing;

/// The modules of a symbol, row by row, true for dark; and how many there are in a row.
pub(super) struct Symbol {
    pub(super) modules: Zeroizing<Vec<bool>>,
    pub(super) width: usize,
}

impl Symbol {
    /// Encodes a text as `qrcode::QrCode` does, whose parts these are, but chooses the mask itself, and wipes what it
    /// has had in its hands.
    pub(super) fn encode(text: &str, level: QrLevel) -> Result<Self, QrError> {
        let too_long = |_| QrError::TooLong { bytes: text.len() };
        let ec_level = match level {
            QrLevel::Low => EcLevel::L,
            QrLevel::Medium => EcLevel::M,
            QrLevel::Quartile => EcLevel::Q,
            QrLevel::High => EcLevel::H,
        };
        let bits = bits::encode_auto(text.as_bytes(), ec_level).map_err(too_long)?;
        let version = bits.version();
        let bytes = Zeroizing::new(bits.into_bytes());
        let (data, correction) =
            ec::construct_codewords(&bytes, version, ec_level).map_err(too_long)?;
        let (data, correction) = (Zeroizing::new(data), Zeroizing::new(correction));
        let mut canvas = Canvas::new(version, ec_level);
        canvas.draw_all_functional_patterns();
        canvas.draw_data(&data, &correction);
        let width = usize::from(version.width().unsigned_abs());
        let modules = mask::best(&canvas, width, level).unwrap_or_else(|| {
            let colors = canvas.apply_best_mask().into_colors();
            Zeroizing::new(colors.iter().map(|color| *color == Color::Dark).collect())
        });
        wipe(&mut canvas, version.width());
        Ok(Self { modules, width })
    }
}

fn wipe(canvas: &mut Canvas, width: i16) {
    for y in 0..width {
        for x in 0..width {
            canvas.put(x, y, Color::Light);
        }
    }
    // Or else it is clear to the compiler that nobody reads what was put there.
    black_box(canvas);
}
