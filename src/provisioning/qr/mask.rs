//! Which of the eight masks makes the best symbol (ISO/IEC 18004, sections 7.8 and 7.9).
//!
//! The choice is that of the `qrcode` crate, which takes nine tenths of its time for it: it looks at one module after the
//! other. Here a line of modules is a word, and all lines beside it are looked at together, a bit each.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "no number is larger than 40 points for each of 128 times 128 modules"
)]

use super::QrLevel;
use alloc::vec::Vec;
use qrcode::canvas::{Canvas, Module};
use zeroize::Zeroizing;

/// The modules of a line, the first in the lowest bit; dark ones are set.
type Line = u128;

/// What each mask inverts in rows and in columns. All repeat themselves after twelve modules.
static INVERTED: [[[Line; 12]; 2]; 8] = inverted();

/// The places of the format information around the upper left corner: from the left to the corner, and up.
const CORNER: [usize; 15] = [0, 1, 2, 3, 4, 5, 7, 8, 7, 5, 4, 3, 2, 1, 0];

/// Masks a symbol so that its penalty is the lowest. Its modules, row by row, true for dark; none if a line is longer than
/// a word (above version 27).
pub(super) fn best(canvas: &Canvas, width: usize, level: QrLevel) -> Option<Zeroizing<Vec<bool>>> {
    if width > Line::BITS as usize {
        return None;
    }
    let (dark, data) = Modules::read(canvas, width);
    let masked = (0..).zip(&INVERTED).map(|(mask, [rows, columns])| {
        let mut masked = Modules {
            width,
            rows: inverted_where(&dark.rows, &data.rows, rows),
            columns: inverted_where(&dark.columns, &data.columns, columns),
        };
        masked.draw_format(level, mask);
        masked
    });
    let best = masked.min_by_key(Modules::penalty)?;
    let row = |row: &Line| {
        (0..width).map({
            let row = *row;
            move |at| row & (1 << at) != 0
        })
    };
    let mut modules = Zeroizing::new(Vec::with_capacity(width.saturating_mul(width)));
    modules.extend(best.rows.iter().flat_map(row));
    Some(modules)
}

/// A symbol, row by row and column by column.
struct Modules {
    width: usize,
    rows: Zeroizing<Vec<Line>>,
    columns: Zeroizing<Vec<Line>>,
}

impl Modules {
    /// Which modules are dark before they are masked; and which are to be masked.
    fn read(canvas: &Canvas, width: usize) -> (Self, Self) {
        let light = || Self {
            width,
            rows: Zeroizing::new(alloc::vec![0; width]),
            columns: Zeroizing::new(alloc::vec![0; width]),
        };
        let (mut dark, mut data) = (light(), light());
        for (row, y) in (0..width).zip(0..) {
            for (column, x) in (0..width).zip(0..) {
                let module = canvas.get(x, y);
                if module.is_dark() {
                    dark.darken(column, row);
                }
                // Bits that remain after the last codeword are empty, and masked too.
                if !matches!(module, Module::Masked(_)) {
                    data.darken(column, row);
                }
            }
        }
        (dark, data)
    }

    fn darken(&mut self, column: usize, row: usize) {
        if let (Some(across), Some(down)) = (self.rows.get_mut(row), self.columns.get_mut(column)) {
            *across |= 1 << column;
            *down |= 1 << row;
        }
    }

    /// Draws the level and the mask twice: around the upper left corner, and in halves at the two next to it.
    fn draw_format(&mut self, level: QrLevel, mask: u16) {
        let information = format_information(level, mask);
        for (at, place) in CORNER.into_iter().enumerate() {
            let from_end = 14_usize.saturating_sub(at);
            if information & (1 << from_end) != 0 {
                let far = |from_end| self.width.saturating_sub(1).saturating_sub(from_end);
                let places = match at {
                    0..7 => [(place, 8), (8, far(at))],
                    7 => [(place, 8), (far(from_end), 8)],
                    _ => [(8, place), (far(from_end), 8)],
                };
                for (column, row) in places {
                    self.darken(column, row);
                }
            }
        }
    }

    /// The lower, the easier to scan (section 7.8.3).
    fn penalty(&self) -> u32 {
        let points = [
            runs(&self.rows),
            runs(&self.columns),
            finders(&self.rows),
            finders(&self.columns),
            blocks(&self.rows),
            balance(&self.rows),
        ];
        points.into_iter().sum()
    }
}

fn inverted_where(lines: &[Line], data: &[Line], mask: &[Line; 12]) -> Zeroizing<Vec<Line>> {
    let lines = lines.iter().zip(data).zip(mask.iter().cycle());
    Zeroizing::new(
        lines
            .map(|((line, data), mask)| line ^ (data & mask))
            .collect(),
    )
}

/// `N - 2` points for each run of `N` modules of one colour across the lines, from five on.
fn runs(lines: &[Line]) -> u32 {
    let used = used(lines.len());
    let mut before = 0;
    let points = lines.windows(5).map(|lines| {
        let dark = lines.iter().fold(Line::MAX, |all, line| all & line);
        let light = lines.iter().fold(Line::MAX, |all, line| all & !line);
        let five = (dark | light) & used;
        let first = five & !before;
        before = five;
        five.count_ones() + 2 * first.count_ones()
    });
    points.sum()
}

/// 3 points for each block of two by two modules of one colour.
fn blocks(lines: &[Line]) -> u32 {
    let used = used(lines.len()) >> 1;
    let points = lines.windows(2).map(|lines| match *lines {
        [one, next] => {
            let (along, across) = (!(one ^ (one >> 1)), !(one ^ next));
            3 * (along & across & (across >> 1) & used).count_ones()
        }
        _ => 0,
    });
    points.sum()
}

/// 40 points for each `#.###.#` across the lines that has four light modules before or after it.
fn finders(lines: &[Line]) -> u32 {
    let any = |lines: Option<&[Line]>| lines.into_iter().flatten().fold(0, |any, line| any | line);
    let points = lines
        .windows(7)
        .enumerate()
        .map(|(at, window)| match *window {
            [a, b, c, d, e, f, g] => {
                let found = a & !b & c & d & e & !f & g;
                let before = any(lines.get(at.saturating_sub(4)..at));
                let after = any(lines.get(at + 7..lines.len().min(at + 11)));
                40 * (found & !(before & after)).count_ones()
            }
            _ => 0,
        });
    points.sum()
}

/// A point for each half of a per cent of dark modules, more or less than one half.
fn balance(lines: &[Line]) -> u32 {
    let dark: usize = lines.iter().map(|line| line.count_ones() as usize).sum();
    (200 * dark / (lines.len() * lines.len())).abs_diff(100) as u32
}

/// The places of a line of a symbol with so many lines.
const fn used(lines: usize) -> Line {
    Line::MAX >> (Line::BITS as usize - lines)
}

/// Level and mask with their error correction (section 7.9.1).
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
    reason = "the compiler does it, and would say so"
)]
const fn inverted() -> [[[Line; 12]; 2]; 8] {
    let mut masks = [[[0; 12]; 2]; 8];
    let mut at = 0;
    while at < 8 * 12 * Line::BITS as usize {
        let (mask, line, place) = (at % 8, at / 8 % 12, at / 8 / 12);
        masks[mask][0][line] |= (inverts(mask, place, line) as Line) << place;
        masks[mask][1][line] |= (inverts(mask, line, place) as Line) << place;
        at += 1;
    }
    masks
}

/// The conditions of section 7.8.2, table 10.
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

#[cfg(test)]
mod tests {
    use super::super::symbol::Symbol;
    use super::QrLevel;
    use alloc::string::String;
    use alloc::vec::Vec;
    use qrcode::{Color, EcLevel, QrCode};

    const LEVELS: [(QrLevel, EcLevel); 4] = [
        (QrLevel::Low, EcLevel::L),
        (QrLevel::Medium, EcLevel::M),
        (QrLevel::Quartile, EcLevel::Q),
        (QrLevel::High, EcLevel::H),
    ];

    /// Texts of so many lengths at all levels, and how many versions there were.
    fn equal_to_the_crate(lengths: impl Iterator<Item = usize>) -> usize {
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
    fn the_mask_is_that_of_the_qrcode_crate_at_every_level_and_in_every_version() {
        let lengths = (1..60).step_by(6).chain((60..660).step_by(60));
        assert_eq!(
            equal_to_the_crate(lengths.chain([1000, 1500, 2200, 2953])),
            32
        );
    }

    #[test]
    #[ignore = "10,000 texts: by hand, in a release build"]
    fn the_mask_is_that_of_the_qrcode_crate_for_10_000_texts() {
        assert!(equal_to_the_crate((0..2500).map(|at| 1 + at % 660)) >= 20);
    }
}
