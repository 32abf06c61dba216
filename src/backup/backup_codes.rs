//! Generating backup codes, and the text file with the codes that the user keeps.

use crate::backup::{Alphabet, CodeFormat};
use crate::constant_time::reveal;
use crate::otp::{RandomError, SecretText};
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use rand_core::{CryptoRng, TryCryptoRng};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// A new set of backup codes in clear text, to show once. Wiped on drop.
///
/// Store a [`BackupCodeSet`](crate::backup::BackupCodeSet) of the codes first. Then show the codes,
/// offer [`to_text`](Self::to_text) as a file to download, and drop them.
///
/// ```
/// use countersign::backup::{BackupCodeFile, BackupCodes, CodeFormat};
///
/// # #[cfg(feature = "getrandom")] {
/// let codes = BackupCodes::generate(CodeFormat::default())?;
/// assert_eq!(codes.iter().count(), 10);
/// assert!(codes.iter().all(|code| code.len() == "1234 5678".len()));
///
/// let file = BackupCodeFile::english("Example", "24 November 2026");
/// assert_eq!(file.file_name(), "example-backup-codes.txt");
/// assert!(codes.to_text(&file).expose().starts_with("Example backup codes\r\n"));
/// # }
/// # Ok::<(), countersign::otp::RandomError>(())
/// ```
pub struct BackupCodes {
    format: CodeFormat,
    shown: Box<[SecretText]>,
}

impl BackupCodes {
    /// Generates a set from the operating system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system's random source fails.
    #[cfg(feature = "getrandom")]
    pub fn generate(format: CodeFormat) -> Result<Self, RandomError> {
        Self::try_generate(format, &mut getrandom::SysRng)
    }

    /// Generates a set with your own cryptographically secure generator.
    ///
    /// All codes are equally likely, and no two codes of a set are equal. For the version of `rand`
    /// that fits, see [`Secret::generate_with`](crate::otp::Secret::generate_with).
    ///
    /// # Errors
    /// [`RandomError`] if the generator repeats its output.
    pub fn generate_with<R: CryptoRng + ?Sized>(
        format: CodeFormat,
        rng: &mut R,
    ) -> Result<Self, RandomError> {
        Self::try_generate(format, rng)
    }

    pub(crate) fn try_generate<R: TryCryptoRng + ?Sized>(
        format: CodeFormat,
        rng: &mut R,
    ) -> Result<Self, RandomError> {
        with_wiped_stack::<1024, _>(|| Self::generate_distinct(format, rng))
    }

    fn generate_distinct<R: TryCryptoRng + ?Sized>(
        format: CodeFormat,
        rng: &mut R,
    ) -> Result<Self, RandomError> {
        let count = usize::from(format.count());
        let mut source = SymbolSource::new(format.alphabet(), rng);
        let mut shown: Vec<SecretText> = Vec::with_capacity(count);
        for _ in 0..count {
            let code = (0..MAX_TRIES)
                .map(|_| generate_code(format, &mut source))
                .find(|code| code.as_ref().map_or(true, |code| !is_among(code, &shown)));
            shown.push(code.ok_or_else(RandomError::new)??);
        }
        Ok(Self {
            format,
            shown: shown.into_boxed_slice(),
        })
    }

    /// Returns the codes as you show them, with spaces between groups.
    ///
    /// The file and [`BackupCodeSet::status`](crate::backup::BackupCodeSet::status) have the same
    /// order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shown.iter().map(SecretText::expose)
    }

    /// Returns the format of the codes.
    #[must_use]
    pub const fn format(&self) -> CodeFormat {
        self.format
    }

    /// Returns the number of codes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set has at least one code")]
    pub const fn len(&self) -> usize {
        self.shown.len()
    }

    /// Returns the text of the file to download and print.
    ///
    /// The text is UTF-8. Every line is shorter than 80 columns, and ends with carriage return and
    /// line feed, which editors on all systems understand.
    #[must_use]
    pub fn to_text(&self, file: &BackupCodeFile) -> SecretText {
        file.text(self.iter())
    }

    /// Returns the symbols of all codes, one code after the other, without spaces.
    pub(super) fn symbols(&self) -> Zeroizing<Vec<u8>> {
        let length = usize::from(self.format.length());
        let mut symbols = Zeroizing::new(Vec::with_capacity(length.saturating_mul(self.len())));
        symbols.extend(
            self.iter()
                .flat_map(str::bytes)
                .filter(|byte| *byte != b' '),
        );
        symbols
    }
}

impl fmt::Debug for BackupCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupCodes")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// The text around the codes in the backup-code file, in the user's language.
///
/// ```
/// use countersign::backup::BackupCodeFile;
///
/// let file = BackupCodeFile {
///     heading: "Codes de secours Exemple".into(),
///     date: "Créés le 24 novembre 2026".into(),
///     advice: "Chaque code ne sert qu'une fois. Notez la date à côté du code utilisé.\n\
///              Quand il en reste peu, créez-en de nouveaux."
///         .into(),
/// };
/// assert_eq!(file.file_name(), "codes-de-secours-exemple.txt");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupCodeFile {
    /// The first line. It names the service and says that the file has backup codes.
    pub heading: String,
    /// The date of the codes, as the user writes dates.
    pub date: String,
    /// Instructions: how to use the codes, and what to do when few are left. Each line is a
    /// paragraph.
    pub advice: String,
}

impl BackupCodeFile {
    /// Makes the English text. The date appears as you pass it.
    #[must_use]
    pub fn english(service: &str, date: &str) -> Self {
        Self {
            heading: format!("{service} backup codes"),
            date: format!("Made on {date}"),
            advice: format!(
                "If you cannot use your authenticator app, type one of these codes instead of the \
                 passcode. Each code works once: write the date next to it when you use it.\n\
                 Keep this page where only you can reach it, and not on the phone with the app.\n\
                 When few codes are left, or if somebody else may have seen them, sign in to \
                 {service}, make a new set and save it. The codes on this page then stop working."
            ),
        }
    }

    /// Returns a file name made from the heading: lower-case ASCII letters, digits and hyphens, and
    /// `.txt`.
    ///
    /// If fewer than two words of the heading are ASCII, the name gets the words `backup-codes`. So
    /// the name always says what the file holds, and no system reserves it.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for word in self
            .heading
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && word.is_ascii())
        {
            let length = name.len().saturating_add(word.len());
            if length > FILE_NAME_BYTES {
                break;
            }
            if !name.is_empty() {
                name.push('-');
            }
            name.push_str(&word.to_ascii_lowercase());
        }
        name.push_str(match (name.is_empty(), name.contains('-')) {
            (true, _) => "backup-codes.txt",
            (false, false) => "-backup-codes.txt",
            (false, true) => ".txt",
        });
        name
    }

    /// Returns the text of the file.
    pub(super) fn text<'a>(&self, codes: impl ExactSizeIterator<Item = &'a str>) -> SecretText {
        let mut above = String::new();
        wrap(&self.heading, &mut above);
        wrap(&self.date, &mut above);
        let mut below = String::new();
        for paragraph in self.advice.lines() {
            below.push_str(LINE_END);
            wrap(paragraph, &mut below);
        }
        let row = MAX_COLUMNS.saturating_add(LINE_END.len());
        let rows = codes.len().saturating_mul(row);
        let size = above
            .len()
            .saturating_add(LINE_END.len())
            .saturating_add(rows)
            .saturating_add(below.len());

        let mut text = Zeroizing::new(String::with_capacity(size));
        text.push_str(&above);
        text.push_str(LINE_END);
        for (number, code) in (1_u8..).zip(codes) {
            push_row(number, code, &mut text);
        }
        text.push_str(&below);
        SecretText::new(core::mem::take(&mut text))
    }
}

fn generate_code<R: TryCryptoRng + ?Sized>(
    format: CodeFormat,
    source: &mut SymbolSource<'_, R>,
) -> Result<SecretText, RandomError> {
    let mut code = Zeroizing::new(String::with_capacity(SHOWN_BYTES));
    for place in 0..format.length() {
        if format.space_before(place) {
            code.push(' ');
        }
        code.push(char::from(source.next()?));
    }
    Ok(SecretText::new(core::mem::take(&mut code)))
}

/// Whether a code is equal to one of the others. Compares in constant time.
fn is_among(code: &SecretText, others: &[SecretText]) -> bool {
    let code = code.expose().as_bytes();
    let found = others.iter().fold(Choice::from(0), |found, other| {
        found | other.expose().as_bytes().ct_eq(code)
    });
    reveal(found)
}

/// Uniform symbols from random bytes. Bytes that would favour some symbols are skipped.
struct SymbolSource<'a, R: ?Sized> {
    alphabet: Alphabet,
    rng: &'a mut R,
    bytes: Zeroizing<[u8; 32]>,
    used: usize,
}

impl<'a, R: TryCryptoRng + ?Sized> SymbolSource<'a, R> {
    fn new(alphabet: Alphabet, rng: &'a mut R) -> Self {
        let bytes = Zeroizing::new([0; 32]);
        let used = bytes.len();
        Self {
            alphabet,
            rng,
            bytes,
            used,
        }
    }

    fn next(&mut self) -> Result<u8, RandomError> {
        for _ in 0..MAX_TRIES {
            if let Some(symbol) = self.alphabet.symbol(self.byte()?) {
                return Ok(symbol);
            }
        }
        Err(RandomError::new())
    }

    fn byte(&mut self) -> Result<u8, RandomError> {
        if self.used >= self.bytes.len() {
            self.refill()?;
        }
        let byte = self.bytes.get(self.used).copied();
        self.used = self.used.saturating_add(1);
        byte.ok_or_else(RandomError::new)
    }

    /// Fills the buffer. Fails if the generator repeats the bytes in it, which are zeros at first.
    fn refill(&mut self) -> Result<(), RandomError> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.rng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|_| RandomError::new())?;
        if reveal(bytes.ct_eq(&*self.bytes)) {
            return Err(RandomError::new());
        }
        self.bytes = bytes;
        self.used = 0;
        Ok(())
    }
}

/// Appends the line of one code.
fn push_row(number: u8, code: &str, text: &mut String) {
    let number = format!("{number:>3}.  ");
    let columns = number.len().saturating_add(code.len()).saturating_add(2);
    let rule = RULE
        .get(..MAX_COLUMNS.saturating_sub(columns))
        .unwrap_or(RULE);
    for part in [&number, code, "  ", rule, LINE_END] {
        text.push_str(part);
    }
}

/// Appends the words of one paragraph, in lines. Cuts words longer than a line, and leaves out
/// control characters.
fn wrap(paragraph: &str, text: &mut String) {
    let mut column = 0_usize;
    for word in paragraph.split_whitespace() {
        let visible = || word.chars().filter(|c| !c.is_control());
        let width = visible().map(columns).fold(0, usize::saturating_add);
        if width == 0 {
            continue;
        }
        if column != 0 {
            if column.saturating_add(1).saturating_add(width) > MAX_COLUMNS {
                text.push_str(LINE_END);
                column = 0;
            } else {
                text.push(' ');
                column = column.saturating_add(1);
            }
        }
        for character in visible() {
            let after = column.saturating_add(columns(character));
            if after > MAX_COLUMNS {
                text.push_str(LINE_END);
                column = 0;
            }
            text.push(character);
            column = column.saturating_add(columns(character));
        }
    }
    text.push_str(LINE_END);
}

/// Returns an upper bound of the columns of a character. No character below U+1100 is wide, and
/// none takes more than two columns.
fn columns(character: char) -> usize {
    if character < '\u{1100}' { 1 } else { 2 }
}

/// The most tries for a code or a symbol. After that the generator counts as broken.
///
/// The probability that a good generator needs this many tries is far below 2^-128. Two codes are
/// equal at most once in 10,000 tries, and one byte in 42 is skipped.
const MAX_TRIES: u32 = 64;

/// The length of the longest code with a space after every symbol.
const SHOWN_BYTES: usize = 2 * CodeFormat::MAX_LENGTH as usize;

/// The longest line of the file, for terminals and printed pages of 80 columns.
const MAX_COLUMNS: usize = 79;

/// All systems read this line end. Some editors on Windows show line feeds alone as one line.
const LINE_END: &str = "\r\n";

/// Space to write the date of use, cut at the end of the line.
const RULE: &str = "____________________";

/// The longest file name without its extension. Longer headings are cut.
const FILE_NAME_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "getrandom")]
    #[test]
    fn no_code_is_longer_than_its_buffer() {
        let longest = CodeFormat::new(Alphabet::Unambiguous, CodeFormat::MAX_LENGTH, 1, 1);
        let codes = BackupCodes::generate(longest.unwrap()).unwrap();
        assert!(codes.iter().all(|code| code.len() <= SHOWN_BYTES));
    }

    #[test]
    fn the_buffer_of_symbols_never_grows() {
        let code = || SecretText::new("12345678901234567890123456789012".into());
        let codes = BackupCodes {
            format: CodeFormat::new(Alphabet::Digits, 32, 0, 3).unwrap(),
            shown: Box::new([code(), code(), code()]),
        };
        let symbols = codes.symbols();
        assert_eq!((symbols.len(), symbols.capacity()), (96, 96));
    }
}
