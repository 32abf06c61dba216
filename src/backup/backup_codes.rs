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

/// A new set of backup codes, in the clear: to be shown once, right after it was made, and then dropped.
/// Wiped on drop.
///
/// What is kept of it is a [`BackupCodeSet`](crate::backup::BackupCodeSet). Show the codes only when that is stored, and offer
/// [`to_text`](Self::to_text) as a file to download.
///
/// ```
/// use countersign::backup::{BackupCodeFile, BackupCodes, CodeFormat};
///
/// # #[cfg(feature = "getrandom")] {
/// let codes = BackupCodes::generate(CodeFormat::default())?;
/// assert_eq!(codes.iter().count(), 10);
/// assert!(codes.iter().all(|code| code.len() == "1234 5678".len()));
///
/// let sheet = BackupCodeFile::english("Example", "24 November 2026");
/// assert_eq!(sheet.file_name(), "example-backup-codes.txt");
/// assert!(codes.to_text(&sheet).expose().starts_with("Example backup codes\r\n"));
/// # }
/// # Ok::<(), countersign::otp::RandomError>(())
/// ```
pub struct BackupCodes {
    format: CodeFormat,
    shown: Box<[SecretText]>,
}

impl BackupCodes {
    /// A new set from the operating system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if the system has no random source to offer.
    #[cfg(feature = "getrandom")]
    pub fn generate(format: CodeFormat) -> Result<Self, RandomError> {
        Self::try_generate(format, &mut getrandom::SysRng)
    }

    /// A new set from a cryptographically secure generator. All codes are equally likely, and no two of a
    /// set are the same.
    ///
    /// # Errors
    /// [`RandomError`] if the generator repeats itself, so that it never gives a set of different codes.
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
        with_wiped_stack::<1024, _>(|| Self::draw(format, rng))
    }

    fn draw<R: TryCryptoRng + ?Sized>(
        format: CodeFormat,
        rng: &mut R,
    ) -> Result<Self, RandomError> {
        let count = usize::from(format.count());
        let mut source = SymbolSource::new(format.alphabet(), rng);
        let mut shown: Vec<SecretText> = Vec::with_capacity(count);
        for _ in 0..count {
            let code = (0..MOST_DRAWS)
                .map(|_| generate_code(format, &mut source))
                .find(|code| code.as_ref().map_or(true, |code| !is_among(code, &shown)));
            shown.push(code.ok_or_else(RandomError::new)??);
        }
        Ok(Self {
            format,
            shown: shown.into_boxed_slice(),
        })
    }

    /// The codes as they are shown, in groups. The order is that of the file and of
    /// [`BackupCodeSet::status`](crate::backup::BackupCodeSet::status).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shown.iter().map(SecretText::expose)
    }

    /// What the codes look like.
    #[must_use]
    pub const fn format(&self) -> CodeFormat {
        self.format
    }

    /// The number of codes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set has at least one code")]
    pub const fn len(&self) -> usize {
        self.shown.len()
    }

    /// The file to download and print: plain text in UTF-8, every line shorter than 80 columns. Every line ends with
    /// carriage return and line feed, so that the editors of all systems show lines.
    #[must_use]
    pub fn to_text(&self, sheet: &BackupCodeFile) -> SecretText {
        sheet.text(self.iter())
    }

    /// The symbols of all codes in one row, without spaces.
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

/// How often a code or a symbol is drawn before the generator counts as stuck. A good one needs so many with a
/// probability far below 2^-128: two codes are the same once in 10,000 draws at the most, and a byte stands for no symbol
/// once in 42.
const MOST_DRAWS: u32 = 64;

/// Room for the longest code with a space after every symbol.
const SHOWN_BYTES: usize = 2 * CodeFormat::MAX_LENGTH as usize;

fn is_among(code: &SecretText, others: &[SecretText]) -> bool {
    let code = code.expose().as_bytes();
    let found = others.iter().fold(Choice::from(0), |found, other| {
        found | other.expose().as_bytes().ct_eq(code)
    });
    reveal(found)
}

/// Uniform symbols from random bytes, by drawing again where a remainder would favour some.
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
        for _ in 0..MOST_DRAWS {
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

    /// Other bytes than before, which were zeros at first: a generator that gives the same again is stuck.
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

/// The words around the codes in the file that a person keeps, in the person's language.
///
/// ```
/// use countersign::backup::BackupCodeFile;
///
/// let sheet = BackupCodeFile {
///     heading: "Codes de secours Exemple".into(),
///     date: "Créés le 24 novembre 2026".into(),
///     advice: "Chaque code ne sert qu'une fois. Notez la date à côté de celui que vous utilisez.\n\
///              Quand il en reste peu, créez-en de nouveaux."
///         .into(),
/// };
/// assert_eq!(sheet.file_name(), "codes-de-secours-exemple.txt");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupCodeFile {
    /// The first line: what the codes are, and for which service.
    pub heading: String,
    /// When they were made, as the person writes dates.
    pub date: String,
    /// What to do with them, and when few are left. Each line is a paragraph.
    pub advice: String,
}

impl BackupCodeFile {
    /// The words in English. The date stands as it is given.
    #[must_use]
    pub fn english(service: &str, date: &str) -> Self {
        Self {
            heading: format!("{service} backup codes"),
            date: format!("Made on {date}"),
            advice: format!(
                "If you cannot use your authenticator app, type one of these codes instead of the passcode. \
                 Each code works once: write the date beside it when you have used it.\n\
                 Keep this page where only you can get at it, and not on the phone that has the app.\n\
                 When few codes are left, or if somebody else may have seen them, sign in to {service} and \
                 make a new set. A new set ends this one."
            ),
        }
    }

    /// A file name made from the heading: lower-case ASCII letters, digits and hyphens, and `.txt`.
    ///
    /// A heading of fewer than two words that can be written so is made longer, so that the name says what
    /// is in the file and no system has reserved it: `backup-codes.txt` at the least.
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

    /// The file.
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

/// The longest line of the file: it must be shorter than the 80 columns of a terminal or a printed page.
const MAX_COLUMNS: usize = 79;

/// Some editors on Windows show a file with line feeds alone as one line, and every other system reads both.
const LINE_END: &str = "\r\n";

/// Room to write the date of use, as long as it fits into the line.
const RULE: &str = "____________________";

/// Longer headings are cut for the file name.
const FILE_NAME_BYTES: usize = 64;

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

/// Adds the words of one paragraph in lines. A word longer than a line is cut; control characters are left
/// out.
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

/// No more columns than this are needed: no character below U+1100 is wide, and none takes more than two.
fn columns(character: char) -> usize {
    if character < '\u{1100}' { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "getrandom")]
    #[test]
    fn the_longest_code_fits_where_it_is_made() {
        let longest = CodeFormat::new(Alphabet::Unambiguous, CodeFormat::MAX_LENGTH, 1, 1);
        let codes = BackupCodes::generate(longest.unwrap()).unwrap();
        assert!(codes.iter().all(|code| code.len() <= SHOWN_BYTES));
    }

    #[test]
    fn the_row_of_symbols_does_not_grow_and_leave_a_copy_behind() {
        let code = || SecretText::new("12345678901234567890123456789012".into());
        let codes = BackupCodes {
            format: CodeFormat::new(Alphabet::Digits, 32, 0, 3).unwrap(),
            shown: Box::new([code(), code(), code()]),
        };
        let symbols = codes.symbols();
        assert_eq!((symbols.len(), symbols.capacity()), (96, 96));
    }
}
