use crate::otp::Code;
use alloc::vec::Vec;
use subtle::ConstantTimeGreater;
use zeroize::Zeroizing;

/// What a set of backup codes looks like: the symbols, how many of them a code has, how they are grouped,
/// and how many codes there are.
///
/// The default, ten codes of eight digits as `1234 5678`, suits look-up secrets that are throttled (NIST
/// SP 800-63B 3.1.2), as `Verifier` does. A saved recovery code that stands in for every other factor needs
/// 64 bits (NIST SP 800-63B 4.2.1.1): [`BITS_64`](Self::BITS_64).
///
/// ```
/// use countersign::backup::{Alphabet, CodeFormat};
///
/// assert_eq!(CodeFormat::default().entropy_bits(), 26);
///
/// let format = CodeFormat::new(Alphabet::Unambiguous, 12, 4, 16)?;
/// assert_eq!(format.entropy_bits(), 60);
/// # Ok::<(), countersign::backup::CodeFormatError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeFormat {
    alphabet: Alphabet,
    length: u8,
    group: u8,
    count: u8,
}

impl CodeFormat {
    /// Ten codes of 13 unambiguous symbols, as `XXXXX XXXXX XXX`: at least 64 bits each, which NIST SP
    /// 800-63B 4.2.1.1 asks of saved recovery codes.
    pub const BITS_64: Self = Self {
        alphabet: Alphabet::Unambiguous,
        length: 13,
        group: 5,
        count: 10,
    };

    /// Ten codes of 23 unambiguous symbols, as `XXXXXX XXXXXX XXXXXX XXXXX`: at least 112 bits each, beyond
    /// any search, whatever the digest (NIST SP 800-63B 3.1.2.2).
    pub const BITS_112: Self = Self {
        alphabet: Alphabet::Unambiguous,
        length: 23,
        group: 6,
        count: 10,
    };

    /// Checks a format.
    ///
    /// `length` is the number of symbols of a code, 6 to 32: six digits, about 20 bits, are the least that
    /// NIST SP 800-63B 3.1.2.1 and OWASP ASVS 6.5.4 allow. `group` is how many symbols are shown before a
    /// space, 0 for no spaces. `count` is the number of codes, 1 to 100.
    ///
    /// # Errors
    /// [`CodeFormatError`] names the field that is out of bounds.
    pub const fn new(
        alphabet: Alphabet,
        length: u8,
        group: u8,
        count: u8,
    ) -> Result<Self, CodeFormatError> {
        if length < 6 || length > Self::MAX_LENGTH {
            return Err(CodeFormatError::Length { length });
        }
        if group > length {
            return Err(CodeFormatError::Group { group, length });
        }
        if count == 0 || count > 100 {
            return Err(CodeFormatError::Count { count });
        }
        Ok(Self {
            alphabet,
            length,
            group,
            count,
        })
    }

    /// The symbols.
    #[must_use]
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// How many symbols a code has, spaces not counted: 6 to 32.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// How many symbols are shown before a space; 0: no spaces.
    #[must_use]
    pub const fn group(&self) -> u8 {
        self.group
    }

    /// How many codes a set has: 1 to 100.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// The entropy of one code in bits, rounded down: 26 for eight digits (26.6).
    #[must_use]
    pub const fn entropy_bits(&self) -> u32 {
        match self.alphabet {
            Alphabet::Digits => self.space().ilog2(),
            Alphabet::Unambiguous => 5_u32.saturating_mul(self.length as u32),
        }
    }

    /// How many codes are possible, at most `u128::MAX`.
    pub(crate) const fn space(&self) -> u128 {
        (self.alphabet.size() as u128).saturating_pow(self.length as u32)
    }

    /// Whether what was typed could be a code of this format.
    pub(crate) fn fits(&self, passcode: &Code) -> bool {
        self.canonical(passcode).is_some()
    }

    /// The symbols that what was typed counts as, if it could be a code of this format.
    pub(super) fn canonical(&self, passcode: &Code) -> Option<Zeroizing<Vec<u8>>> {
        if passcode.symbol_count() != usize::from(self.length) {
            return None;
        }
        let mut symbols = Zeroizing::new(Vec::with_capacity(usize::from(self.length)));
        for typed in passcode.symbols() {
            symbols.push(self.alphabet.canonical(*typed)?);
        }
        Some(symbols)
    }

    /// Whether a space is shown before the symbol at this place, counted from 0.
    pub(super) fn space_before(&self, place: u8) -> bool {
        place != 0 && place.checked_rem(self.group) == Some(0)
    }

    /// The longest code, in symbols.
    pub(super) const MAX_LENGTH: u8 = 32;
}

impl Default for CodeFormat {
    fn default() -> Self {
        Self {
            alphabet: Alphabet::Digits,
            length: 8,
            group: 4,
            count: 10,
        }
    }
}

/// A format that backup codes cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeFormatError {
    /// The length is not 6 to 32.
    #[error("the length is {length} symbols; a code has 6 to 32")]
    Length {
        /// The length asked for.
        length: u8,
    },
    /// A group is longer than the code.
    #[error("the group is {group} symbols; the code has only {length}")]
    Group {
        /// The group asked for.
        group: u8,
        /// The length of the code.
        length: u8,
    },
    /// The count is not 1 to 100.
    #[error("the count is {count}; a set has 1 to 100 codes")]
    Count {
        /// The count asked for.
        count: u8,
    },
}

/// The symbols that backup codes are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alphabet {
    /// The ten decimal digits: easy to type on any keyboard, in any script.
    #[default]
    Digits,
    /// Ten digits and 22 letters, without I, L, O and U (Crockford's base 32): more bits a symbol. A typed
    /// O counts as 0, a typed I or L as 1, and lower case as upper case. In a page, the field for them must not have
    /// `inputmode="numeric"`, because telephones then show no letters.
    Unambiguous,
}

impl Alphabet {
    /// How many symbols there are: 10 or 32.
    pub(super) const fn size(self) -> u8 {
        match self {
            Self::Digits => 10,
            Self::Unambiguous => 32,
        }
    }

    /// The symbol that a random byte stands for, or `None` if the byte has to be drawn again: each symbol
    /// stands for equally many bytes. Neither a branch nor an address depends on a byte that is kept.
    pub(super) fn symbol(self, random: u8) -> Option<u8> {
        match self {
            Self::Digits => (random < 250).then(|| b'0'.wrapping_add(random % 10)),
            Self::Unambiguous => Some(unambiguous(random % 32)),
        }
    }

    /// What a typed symbol (an ASCII digit or upper-case letter) counts as, if it may stand in a code.
    pub(super) fn canonical(self, typed: u8) -> Option<u8> {
        match (self, typed) {
            (_, b'0'..=b'9') => Some(typed),
            (Self::Digits, _) | (Self::Unambiguous, b'U') => None,
            (Self::Unambiguous, b'O') => Some(b'0'),
            (Self::Unambiguous, b'I' | b'L') => Some(b'1'),
            (Self::Unambiguous, _) => typed.is_ascii_uppercase().then_some(typed),
        }
    }
}

/// The symbol with a value below 32, from its place in ASCII: a table would be read at an address that
/// depends on the code.
fn unambiguous(value: u8) -> u8 {
    let over = |limit: u8| value.ct_gt(&limit).unwrap_u8();
    let punctuation = over(9).wrapping_mul(7);
    let left_out = [over(17), over(19), over(21), over(26)]
        .into_iter()
        .fold(0_u8, u8::wrapping_add);
    b'0'.wrapping_add(value)
        .wrapping_add(punctuation)
        .wrapping_add(left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn typed(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    #[test]
    fn the_constants_pass_their_own_checks() {
        for format in [
            CodeFormat::default(),
            CodeFormat::BITS_64,
            CodeFormat::BITS_112,
        ] {
            let checked = CodeFormat::new(
                format.alphabet(),
                format.length(),
                format.group(),
                format.count(),
            );
            assert_eq!(checked, Ok(format));
        }
    }

    #[test]
    fn the_space_is_counted_exactly_as_long_as_it_can_be() {
        let space = |alphabet, length| CodeFormat::new(alphabet, length, 0, 1).unwrap().space();
        assert_eq!(space(Alphabet::Digits, 6), 1_000_000);
        assert_eq!(space(Alphabet::Digits, 8), 100_000_000);
        assert_eq!(space(Alphabet::Digits, 32), 10_u128.pow(32));
        assert_eq!(space(Alphabet::Unambiguous, 13), 1 << 65);
        assert_eq!(space(Alphabet::Unambiguous, 25), 1 << 125);
        assert_eq!(space(Alphabet::Unambiguous, 26), u128::MAX);
    }

    #[test]
    fn a_typed_code_fits_by_its_length_and_its_symbols() {
        let digits = CodeFormat::default();
        assert!(digits.fits(&typed("1234 5678")));
        assert!(digits.fits(&typed("12345678")));
        assert!(!digits.fits(&typed("1234567")));
        assert!(!digits.fits(&typed("123456789")));
        assert!(!digits.fits(&typed("1234567O")));

        let letters = CodeFormat::BITS_64;
        assert!(letters.fits(&typed("abcde-fghjk-mnp")));
        assert!(letters.fits(&typed("1234567890123")));
        assert!(letters.fits(&typed("oiloiloiloilo")));
        assert!(!letters.fits(&typed("ABCDEFGHJKMNU")));
        assert!(!letters.fits(&typed("ABCDEFGHJKMN")));
    }

    #[test]
    fn the_unambiguous_symbols_are_those_of_crockford() {
        let symbols: Vec<u8> = (0..32).map(unambiguous).collect();
        assert_eq!(symbols, b"0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    }

    #[test]
    fn every_symbol_stands_for_equally_many_bytes() {
        for (alphabet, bytes_each) in [(Alphabet::Digits, 25), (Alphabet::Unambiguous, 8)] {
            let mut counts = [0; 256];
            for symbol in (0..=255).filter_map(|random| alphabet.symbol(random)) {
                counts[usize::from(symbol)] += 1;
            }
            let used: Vec<i32> = counts.into_iter().filter(|count| *count > 0).collect();
            assert_eq!(
                used,
                vec![bytes_each; usize::from(alphabet.size())],
                "{alphabet:?}"
            );
        }
    }

    #[test]
    fn what_is_generated_counts_as_itself() {
        for alphabet in [Alphabet::Digits, Alphabet::Unambiguous] {
            for symbol in (0..=255).filter_map(|random| alphabet.symbol(random)) {
                assert_eq!(alphabet.canonical(symbol), Some(symbol));
            }
        }
    }

    #[test]
    fn look_alikes_count_as_the_digit_that_they_look_like() {
        let typed = |symbol| Alphabet::Unambiguous.canonical(symbol);
        assert_eq!(typed(b'O'), Some(b'0'));
        assert_eq!(typed(b'I'), Some(b'1'));
        assert_eq!(typed(b'L'), Some(b'1'));
        assert_eq!(typed(b'U'), None);
        assert_eq!(Alphabet::Digits.canonical(b'O'), None);
        assert_eq!(Alphabet::Digits.canonical(b'A'), None);
    }
}
