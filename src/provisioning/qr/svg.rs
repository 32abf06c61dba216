use super::{QUIET_ZONE, Qr};
use crate::SecretText;
use alloc::string::String;
use core::fmt::{self, Write};

impl Qr {
    /// The QR code as an SVG element, to put into a page as it is or to serve as a file.
    ///
    /// It brings a white background and the quiet zone of four modules, so that it can be scanned on a dark
    /// page too, and has no `style`, script or link, so that it passes any content security policy. It
    /// keeps its proportions when the page scales it. Its label for screen readers is "QR code"; the text
    /// alternative, the key to type, is for the page to show.
    #[must_use]
    pub fn svg(&self) -> SecretText {
        // An overestimate, so that no copy of the secret stays behind in a buffer that grew.
        let runs = self.rows().map(|row| runs(row).count()).sum::<usize>();
        let mut text =
            String::with_capacity(runs.saturating_mul(LONGEST_RUN).saturating_add(FRAME));
        let written = self.write_svg(&mut text);
        debug_assert!(written.is_ok(), "a String takes all that is written to it");
        SecretText::new(text)
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
        // Each run of dark modules is a stroke along the middle of its row, relative to the end of the one
        // before: a third shorter than a rectangle.
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
}

/// `m-177 177h177`.
const LONGEST_RUN: usize = 13;
/// More than all that is not a run.
const FRAME: usize = 400;

/// Appends a number of at most three digits. `write!` takes half of the time of the whole picture for them.
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

/// The runs of dark modules in a row: where each begins, and how long it is.
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
