use subtle::ConstantTimeGreater;

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
