use super::{QUIET_ZONE, Qr};
use crate::SecretText;
use alloc::string::String;

/// White on black by their places in the 256-colour cube, which themes leave alone.
const COLORS: &str = "\u{1b}[38;5;231;48;5;16m";
const RESET: &str = "\u{1b}[0m\n";
const UTF8_BLOCK: usize = 3;

impl Qr {
    /// The QR code as terminal text: half blocks, two modules to a character, with the quiet zone and a new
    /// line after each row. Such a symbol of a key URI takes 45 to 53 columns and half as many rows.
    ///
    /// Every line sets both of its colours and resets them, so that dark and light terminals show the same.
    /// The light modules are what is drawn: where colours are not understood or are stripped off, the text
    /// is still right on a dark terminal.
    #[must_use]
    pub fn terminal(&self) -> SecretText {
        let columns = self.full_width();
        let lines = columns.div_ceil(2);
        let line = columns
            .saturating_mul(UTF8_BLOCK)
            .saturating_add(COLORS.len())
            .saturating_add(RESET.len());
        let mut text = String::with_capacity(lines.saturating_mul(line));
        for upper in (0..columns).step_by(2) {
            text.push_str(COLORS);
            text.extend((0..columns).map(|column| {
                let light = |row| !self.is_dark_in_frame(column, row);
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

    /// As [`is_dark`](Self::is_dark), with the quiet zone counted in.
    fn is_dark_in_frame(&self, column: usize, row: usize) -> bool {
        let (Some(column), Some(row)) =
            (column.checked_sub(QUIET_ZONE), row.checked_sub(QUIET_ZONE))
        else {
            return false;
        };
        self.is_dark(column, row)
    }
}
