//! A QR code as SVG and as terminal text.

use super::{QUIET_ZONE, Qr};
use crate::otp::SecretText;
use alloc::string::String;
use core::fmt::{self, Write};

impl Qr {
    /// Returns the QR code as an SVG element, to put into a page or to serve as a file.
    ///
    /// - It has a white background and the quiet zone of four modules, so apps can scan it on a
    ///   dark page too.
    /// - It has no `style`, script or link, so any content security policy allows it.
    /// - It keeps its proportions when the page scales it.
    /// - Its label for screen readers is "QR code". Show the setup key in the page as the text
    ///   alternative.
    #[must_use]
    pub fn svg(&self) -> SecretText {
        // With this capacity, the buffer never grows. A buffer that grows leaves a copy of the
        // secret.
        let runs = self.rows().map(|row| runs(row).count()).sum::<usize>();
        let mut text =
            String::with_capacity(runs.saturating_mul(LONGEST_RUN).saturating_add(FRAME));
        let written = self.write_svg(&mut text);
        debug_assert!(written.is_ok(), "writing to a String never fails");
        SecretText::new(text)
    }

    /// Returns the QR code as terminal text in half blocks: one module per column, two per row.
    ///
    /// The text has the quiet zone and a new line after each row. A key URI takes 45 to 53 columns
    /// and half as many rows. Make the code with
    /// [`KeyUri::qr_for_terminal`](crate::uri::KeyUri::qr_for_terminal). Print nothing after it
    /// that scrolls its first row away: scanners cannot read a code without its border.
    ///
    /// Half blocks must touch. If the font or the line spacing leaves a gap between rows, scanners
    /// fail (zxing-cpp: with a gap of one pixel in 16). So do not put it into an HTML `<pre>`
    /// element: use [`svg`](Self::svg) there. If there is room,
    /// [`terminal_in_color`](Self::terminal_in_color) is more robust.
    ///
    /// Each line sets both colours and resets them, so dark and light terminals show the same. The
    /// blocks draw the light modules. So the text is still correct on a dark terminal that ignores
    /// colours.
    #[must_use]
    pub fn terminal(&self) -> SecretText {
        let columns = self.full_width();
        let line = columns
            .saturating_mul(UTF8_BLOCK)
            .saturating_add(WHITE_ON_BLACK.len())
            .saturating_add(RESET.len());
        let mut text = String::with_capacity(self.half_rows().saturating_mul(line));
        for upper in (0..columns).step_by(2) {
            text.push_str(WHITE_ON_BLACK);
            text.extend((0..columns).map(|column| {
                let light = |row| !self.is_dark_with_quiet_zone(column, row);
                match (light(upper), light(upper.saturating_add(1))) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            }));
            text.push_str(RESET);
        }
        SecretText::new(text)
    }

    /// Returns the QR code as terminal text in coloured spaces: two columns and one row per module.
    ///
    /// The text has the quiet zone and a new line after each row. A key URI takes 90 to 106 columns
    /// and half as many rows.
    ///
    /// The text consists of spaces, so it depends on no font. Apps can scan the text even with a
    /// thin gap between rows. With a gap of one pixel in 16, zxing-cpp reads it on dark and light
    /// terminals, and zbar on dark ones. A terminal that ignores colours shows nothing.
    #[must_use]
    pub fn terminal_in_color(&self) -> SecretText {
        let rows = self.full_width();
        let module = MODULE.len().saturating_add(ON_WHITE.len());
        let line = rows.saturating_mul(module).saturating_add(RESET.len());
        let mut text = String::with_capacity(rows.saturating_mul(line));
        for row in 0..rows {
            let mut before = None;
            for column in 0..rows {
                let dark = self.is_dark_with_quiet_zone(column, row);
                if before != Some(dark) {
                    text.push_str(if dark { ON_BLACK } else { ON_WHITE });
                    before = Some(dark);
                }
                text.push_str(MODULE);
            }
            text.push_str(RESET);
        }
        SecretText::new(text)
    }

    /// Returns the terminal text that fits this many columns and rows.
    ///
    /// The result is [`terminal_in_color`](Self::terminal_in_color) if it fits, otherwise
    /// [`terminal`](Self::terminal) if it fits, otherwise `None`: scanners cannot read a code that
    /// is cut off. Subtract the rows of your prompt below the code from `rows`.
    #[must_use]
    pub fn terminal_that_fits(&self, columns: usize, rows: usize) -> Option<SecretText> {
        let width = self.full_width();
        if width.saturating_mul(MODULE.len()) <= columns && width <= rows {
            Some(self.terminal_in_color())
        } else if width <= columns && self.half_rows() <= rows {
            Some(self.terminal())
        } else {
            None
        }
    }

    fn write_svg(&self, out: &mut String) -> fmt::Result {
        let pixels = self.pixels();
        let modules = self.full_width();
        write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" \
             viewBox=\"0 0 {modules} {modules}\" role=\"img\" aria-label=\"QR code\" \
             shape-rendering=\"crispEdges\"><rect width=\"{modules}\" height=\"{modules}\" \
             fill=\"#fff\"/><path fill=\"none\" stroke=\"#000\" d=\"M{QUIET_ZONE} {QUIET_ZONE}.5",
        )?;
        // Each run of dark modules is a stroke along the middle of its row, relative to the end of
        // the previous run. The text of a stroke is a third shorter than the text of a rectangle.
        let (mut x, mut y) = (0_i64, 0_i64);
        for (row_at, row) in (0_i64..).zip(self.rows()) {
            for (start, length) in runs(row) {
                let (right, down) = (start.saturating_sub(x), row_at.saturating_sub(y));
                if (right, down) != (0, 0) {
                    push_number(out, 'm', right);
                    push_number(out, ' ', down);
                }
                push_number(out, 'h', length);
                (x, y) = (start.saturating_add(length), row_at);
            }
        }
        out.write_str("\"/></svg>")
    }

    /// Returns the number of terminal rows with two modules each.
    fn half_rows(&self) -> usize {
        self.full_width().div_ceil(2)
    }

    /// Like [`is_dark`](Self::is_dark), but columns and rows include the quiet zone.
    fn is_dark_with_quiet_zone(&self, column: usize, row: usize) -> bool {
        let (Some(column), Some(row)) =
            (column.checked_sub(QUIET_ZONE), row.checked_sub(QUIET_ZONE))
        else {
            return false;
        };
        self.is_dark(column, row)
    }
}

/// Appends a number of at most three digits. With `write!`, the numbers would take half of the time
/// of the whole image.
#[inline]
fn push_number(out: &mut String, before: char, number: i64) {
    out.push(before);
    if number < 0 {
        out.push('-');
    }
    let number = number.unsigned_abs();
    for power in [100, 10, 1] {
        if number >= power || power == 1 {
            let digit = number.checked_div(power).unwrap_or_default() % 10;
            let digit = u8::try_from(digit).unwrap_or_default();
            out.push(char::from(b'0'.saturating_add(digit)));
        }
    }
}

/// Returns the runs of dark modules in a row, each with its start and length.
fn runs(row: &[bool]) -> impl Iterator<Item = (i64, i64)> {
    let mut start = 0_i64;
    row.chunk_by(|one, next| one == next)
        .filter_map(move |run| {
            let length = i64::try_from(run.len()).unwrap_or_default();
            let at = start;
            start = start.saturating_add(length);
            (run.first() == Some(&true)).then_some((at, length))
        })
}

/// The length of the longest run: `m-177 177h177`.
const LONGEST_RUN: usize = 13;
/// An upper bound of the length of everything else.
const FRAME: usize = 400;

/// White on black, by their places in the 256-colour cube, which themes do not change.
const WHITE_ON_BLACK: &str = "\u{1b}[38;5;231;48;5;16m";
const ON_WHITE: &str = "\u{1b}[48;5;231m";
const ON_BLACK: &str = "\u{1b}[48;5;16m";
const RESET: &str = "\u{1b}[0m\n";
const UTF8_BLOCK: usize = 3;
/// One module. A character of a terminal is about twice as high as it is wide.
const MODULE: &str = "  ";
