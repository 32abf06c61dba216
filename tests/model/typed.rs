//! The text of a code: how the verifier must read the text, and ways to type a code.

/// The symbols of a typed code in upper case, or `None` if the text cannot be a code.
pub(crate) fn read(text: &str) -> Option<String> {
    read_in_case(text).map(|symbols| symbols.to_ascii_uppercase())
}

/// Like [`read`]. Letters keep their case.
pub(crate) fn read_in_case(text: &str) -> Option<String> {
    if text.len() > 256 {
        return None;
    }
    let mut symbols = String::new();
    for character in text.chars() {
        if is_dropped(character) {
            continue;
        }
        symbols.push(symbol(character)?);
    }
    (1..=64).contains(&symbols.len()).then_some(symbols)
}

/// White space, format characters, hyphens.
fn is_dropped(character: char) -> bool {
    let dropped = [
        0x200B..=0x200F,
        0x202A..=0x202E,
        0x2060..=0x2060,
        0x2066..=0x2069,
        0xFEFF..=0xFEFF,
        0x002D..=0x002D,
        0x2010..=0x2015,
        0x2212..=0x2212,
        0xFE63..=0xFE63,
        0xFF0D..=0xFF0D,
    ];
    character.is_whitespace()
        || dropped
            .iter()
            .any(|range| range.contains(&u32::from(character)))
}

/// Digits of the scripts that [`Spelling`] writes, and ASCII letters.
fn symbol(character: char) -> Option<char> {
    for zero in ['0', FULL_WIDTH_ZERO, ARABIC_ZERO, DEVANAGARI_ZERO] {
        let value = u32::from(character).wrapping_sub(u32::from(zero));
        if value < 10 {
            return char::from_digit(value, 10);
        }
    }
    character.is_ascii_alphabetic().then_some(character)
}

pub(crate) fn are_digits(symbols: &str, length: u8) -> bool {
    symbols.len() == usize::from(length) && symbols.bytes().all(|byte| byte.is_ascii_digit())
}

/// The symbols in the form of a backup code with letters. U is not allowed, O is read as 0, and I
/// and L are read as 1.
pub(crate) fn as_letters(symbols: &str, length: u8) -> Option<String> {
    let fits = symbols.len() == usize::from(length) && !symbols.contains('U');
    fits.then(|| symbols.replace('O', "0").replace(['I', 'L'], "1"))
}

const FULL_WIDTH_ZERO: char = '\u{FF10}';
const ARABIC_ZERO: char = '\u{0660}';
const DEVANAGARI_ZERO: char = '\u{0966}';

/// A way to type a code.
#[derive(Clone, Copy, Debug, arbitrary::Arbitrary)]
pub(crate) enum Spelling {
    Plain,
    Spaced,
    Hyphened,
    LowerCase,
    FullWidth,
    Arabic,
    Devanagari,
    Pasted,
}

impl Spelling {
    pub(crate) fn of(self, code: &str) -> String {
        let digits = |zero: char| {
            let digit = |symbol: char| match symbol.to_digit(10) {
                Some(value) => char::from_u32(u32::from(zero) + value).unwrap(),
                None => symbol,
            };
            code.chars().map(digit).collect()
        };
        let joined = |between: &str| {
            let symbols: Vec<String> = code.chars().map(String::from).collect();
            symbols.join(between)
        };
        match self {
            Self::Plain => code.to_owned(),
            Self::Spaced => format!(" {} ", joined(" ")),
            Self::Hyphened => joined("-"),
            Self::LowerCase => code.to_ascii_lowercase(),
            Self::FullWidth => digits(FULL_WIDTH_ZERO),
            Self::Arabic => digits(ARABIC_ZERO),
            Self::Devanagari => digits(DEVANAGARI_ZERO),
            Self::Pasted => format!("\u{202A}{}\u{202C}\u{FEFF}\r\n", joined("\u{2011}\u{200B}")),
        }
    }
}

/// Texts that are no code under any policy of these tests.
pub(crate) const MISSHAPEN: [&str; 10] = [
    "",
    " - ",
    "12345",
    "123456789",
    "\u{25CF}\u{25CF}\u{25CF}\u{25CF}\u{25CF}\u{25CF}",
    "12345.6",
    "u2345678",
    "uuuuuu",
    "uuuuuuu",
    "1234567 8 9 0 1234567890 1234567890 1234567890 1234567890 1234567890 12345",
];
