//! Encoding a symbol, and choosing the best of the eight masks (ISO/IEC 18004, sections 7.8 and
//! 7.9).
//!
//! This module chooses the same mask as the `qrcode` crate. That crate needs nine tenths of its
//! time for the choice, because it checks the modules one by one. Here a row of modules is one
//! integer, and its modules are checked together.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "no number is larger than 40 points for each of 128 times 128 modules"
)]

use alloc::vec::Vec;
use core::hint::black_box;
use qrcode::canvas::{Canvas, Module};
use qrcode::{Color, EcLevel, bits, ec};
use zeroize::Zeroizing;

/// The error correction level: how much of a symbol may be damaged or covered (ISO/IEC 18004,
/// section 6.5.1).
///
/// A higher level makes the symbol larger, and so harder to scan from a screen. On a screen, no
/// part of a symbol is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QrLevel {
    /// Level L: 7 % of the codewords.
    Low,
    /// Level M: 15 %.
    #[default]
    Medium,
    /// Level Q: 25 %.
    Quartile,
    /// Level H: 30 %.
    High,
}

/// The error for a QR code that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QrError {
    /// No symbol of this level holds a text of this length.
    #[error("a text of {bytes} bytes is too long for a QR code of this level; shorten it")]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The size of a module is not from 1 to 64 pixels.
    #[error("the size of a module is out of bounds; use 1 to 64 pixels")]
    ModuleSize,
}

/// The modules of a symbol, row by row (true is dark), and the number of modules in a row.
pub(super) struct Symbol {
    pub(super) modules: Zeroizing<Vec<bool>>,
    pub(super) width: usize,
}

impl Symbol {
    /// Encodes a text like `qrcode::QrCode`, from parts of that crate, but chooses the mask here
    /// and wipes its buffers.
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
        let modules = best_masked(&canvas, width, level).unwrap_or_else(|| {
            let colors = canvas.apply_best_mask().into_colors();
            Zeroizing::new(colors.iter().map(|color| *color == Color::Dark).collect())
        });
        wipe(&mut canvas, version.width());
        Ok(Self { modules, width })
    }
}

/// Overwrites all modules of a canvas.
fn wipe(canvas: &mut Canvas, width: i16) {
    for y in 0..width {
        for x in 0..width {
            canvas.put(x, y, Color::Light);
        }
    }
    // Without the black box, the compiler removes the writes, because nothing reads them.
    black_box(canvas);
}

/// The modules of a row. The first module is the lowest bit; a set bit is dark.
type Line = u128;

/// Returns the modules with the mask of the lowest penalty, row by row (true is dark).
///
/// Returns `None` if a row is longer than a [`Line`] (above version 27).
fn best_masked(canvas: &Canvas, width: usize, level: QrLevel) -> Option<Zeroizing<Vec<bool>>> {
    if width > Line::BITS as usize {
        return None;
    }
    let (dark, data) = read(canvas, width);
    let masked = (0..).zip(&INVERTED).map(|(mask, inverted)| {
        let rows = dark.iter().zip(data.iter()).zip(inverted.iter().cycle());
        let masked = rows.map(|((dark, data), inverted)| dark ^ (data & inverted));
        let mut rows = Zeroizing::new(Vec::with_capacity(width));
        rows.extend(masked);
        draw_format(&mut rows, level, mask);
        rows
    });
    let best = masked.min_by_key(|rows| penalty(rows))?;
    let mut modules = Zeroizing::new(Vec::with_capacity(width.saturating_mul(width)));
    for row in best.iter() {
        modules.extend((0..width).map(|at| row & (1 << at) != 0));
    }
    Some(modules)
}

/// Returns the rows before masking: their dark modules, and the modules that the mask applies to.
fn read(canvas: &Canvas, width: usize) -> (Zeroizing<Vec<Line>>, Zeroizing<Vec<Line>>) {
    let light = || Zeroizing::new(alloc::vec![0; width]);
    let (mut dark, mut data) = (light(), light());
    for (y, (dark, data)) in (0..).zip(dark.iter_mut().zip(data.iter_mut())) {
        for (x, place) in (0..).zip(0..width) {
            let module = canvas.get(x, y);
            *dark |= Line::from(module.is_dark()) << place;
            // Empty modules after the last codeword are masked too.
            *data |= Line::from(!matches!(module, Module::Masked(_))) << place;
        }
    }
    (dark, data)
}

/// Draws the level and the mask twice: at the upper left corner, and in halves at the two next
/// corners.
fn draw_format(rows: &mut [Line], level: QrLevel, mask: u16) {
    let information = format_information(level, mask);
    let last = rows.len().saturating_sub(1);
    for (at, place) in CORNER.into_iter().enumerate() {
        let from_end = CORNER.len() - 1 - at;
        let corner = if at < 8 { (place, 8) } else { (8, place) };
        let far = if at < 7 {
            (8, last - at)
        } else {
            (last - from_end, 8)
        };
        for (x, y) in [corner, far] {
            if let Some(row) = rows.get_mut(y) {
                *row |= Line::from((information >> from_end) & 1) << x;
            }
        }
    }
}

/// Returns the penalty of a masked symbol (section 7.8.3). A lower penalty is easier to scan.
fn penalty(rows: &[Line]) -> u32 {
    let inside = Line::MAX >> (Line::BITS as usize - rows.len());
    let has_below = |y: usize, lines: usize| y + lines < rows.len();
    let (mut points, mut five_above, mut dark) = (0, 0, 0);
    for (y, row) in rows.iter().copied().enumerate() {
        // The modules this many places to the right of each module, or below it. All modules
        // outside the symbol are light.
        let across = |places: isize| match places {
            ..0 => row << places.unsigned_abs(),
            _ => row >> places,
        };
        let down = |places| {
            let row = y.checked_add_signed(places).and_then(|y| rows.get(y));
            row.copied().unwrap_or_default()
        };

        // `N - 2` points for each run of at least five modules of one colour, where `N` is the
        // length.
        let five = five_alike(across) & (inside >> 4);
        points += five.count_ones() + 2 * (five & !(five << 1)).count_ones();
        let five = if has_below(y, 4) {
            five_alike(down) & inside
        } else {
            0
        };
        points += five.count_ones() + 2 * (five & !five_above).count_ones();
        five_above = five;

        // 3 points for each block of two by two modules of one colour.
        if has_below(y, 1) {
            let (right, below) = (!(row ^ across(1)), !(row ^ down(1)));
            points += 3 * (right & below & (below >> 1) & (inside >> 1)).count_ones();
        }

        points += 40 * (finders(across) + finders(down));
        dark += row.count_ones();
    }
    // One point for each half per cent of dark modules above or below one half.
    let area = rows.len() as u32 * rows.len() as u32;
    points + (200 * dark / area).abs_diff(100)
}

/// Returns the places where five modules in a row have one colour.
fn five_alike(at: impl Fn(isize) -> Line) -> Line {
    let lines = [at(0), at(1), at(2), at(3), at(4)];
    let all_dark = lines.iter().fold(Line::MAX, |all, line| all & line);
    let any_dark = lines.iter().fold(0, |any, line| any | line);
    all_dark | !any_dark
}

/// Counts the patterns `#.###.#` with four light modules before or after them.
fn finders(at: impl Fn(isize) -> Line) -> u32 {
    let found = at(0) & !at(1) & at(2) & at(3) & at(4) & !at(5) & at(6);
    let before = at(-4) | at(-3) | at(-2) | at(-1);
    let after = at(7) | at(8) | at(9) | at(10);
    (found & !(before & after)).count_ones()
}

/// Returns level and mask with their error correction (section 7.9.1).
fn format_information(level: QrLevel, mask: u16) -> u16 {
    let level = match level {
        QrLevel::Low => 0b01,
        QrLevel::Medium => 0b00,
        QrLevel::Quartile => 0b11,
        QrLevel::High => 0b10,
    };
    let data = (level << 13) | (mask << 10);
    let rest = (0..5_u16).rev().fold(data, |rest, bit| {
        let divisor = 0b101_0011_0111 << bit;
        if rest & (1 << (bit + 10)) == 0 {
            rest
        } else {
            rest ^ divisor
        }
    });
    (data | rest) ^ 0b101_0100_0001_0010
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of bounds is an error"
)]
const fn inverted() -> [[Line; 12]; 8] {
    let mut masks = [[0; 12]; 8];
    let mut at = 0;
    while at < 8 * 12 * Line::BITS as usize {
        let (mask, y, x) = (at % 8, at / 8 % 12, at / 8 / 12);
        masks[mask][y] |= (inverts(mask, x, y) as Line) << x;
        at += 1;
    }
    masks
}

/// Whether a mask inverts a module: the conditions of section 7.8.2, table 10.
const fn inverts(mask: usize, x: usize, y: usize) -> bool {
    let condition = match mask {
        0 => (x + y) % 2,
        1 => y % 2,
        2 => x % 3,
        3 => (x + y) % 3,
        4 => (x / 3 + y / 2) % 2,
        5 => x * y % 2 + x * y % 3,
        6 => (x * y % 2 + x * y % 3) % 2,
        _ => ((x + y) % 2 + x * y % 3) % 2,
    };
    condition == 0
}

/// The modules that each mask inverts in each row. The rows repeat after twelve.
static INVERTED: [[Line; 12]; 8] = inverted();

/// The places of the format information around the upper left corner: from the left to the corner,
/// then up.
const CORNER: [usize; 15] = [0, 1, 2, 3, 4, 5, 7, 8, 7, 5, 4, 3, 2, 1, 0];

#[cfg(test)]
mod tests {
    use super::{QrLevel, Symbol};
    use alloc::string::String;
    use alloc::vec::Vec;
    use qrcode::{Color, EcLevel, QrCode};

    const LEVELS: [(QrLevel, EcLevel); 4] = [
        (QrLevel::Low, EcLevel::L),
        (QrLevel::Medium, EcLevel::M),
        (QrLevel::Quartile, EcLevel::Q),
        (QrLevel::High, EcLevel::H),
    ];

    /// Compares texts of these lengths at all levels with the crate. Returns the number of
    /// versions.
    fn compare_with_crate(lengths: impl Iterator<Item = usize>) -> usize {
        let mut random = 1_u64;
        let mut versions = std::collections::BTreeSet::new();
        for length in lengths {
            let text: String = (0..length)
                .map(|_| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    char::from(b'!' + u8::try_from((random >> 33) % 94).unwrap())
                })
                .collect();
            for (level, ec_level) in LEVELS {
                let Ok(theirs) = QrCode::with_error_correction_level(&text, ec_level) else {
                    continue;
                };
                let ours = Symbol::encode(&text, level).unwrap();
                versions.insert(ours.width);
                let modules: Vec<bool> = theirs
                    .to_colors()
                    .iter()
                    .map(|color| *color == Color::Dark)
                    .collect();
                assert!(*ours.modules == modules, "{level:?}: {text}");
            }
        }
        versions.len()
    }

    #[test]
    fn masks_match_the_qrcode_crate_in_every_version() {
        let lengths = (1..60).step_by(6).chain((60..660).step_by(60));
        assert_eq!(
            compare_with_crate(lengths.chain([1000, 1500, 2200, 2953])),
            32
        );
    }

    #[test]
    #[ignore = "10,000 texts: run it by hand, in a release build"]
    fn masks_match_the_qrcode_crate_for_10_000_texts() {
        assert!(compare_with_crate((0..2500).map(|at| 1 + at % 660)) >= 20);
    }
}
