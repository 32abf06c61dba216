//! Invariant 6: codes come from a CSPRNG (here the caller's), and every code is equally likely.

use super::*;

/// The chi-square statistic of counts whose expected values are equal.
fn chi_square(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / counts.len() as f64;
    let squares = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected);
    squares.sum()
}

#[test]
fn every_symbol_is_equally_likely_at_every_position() {
    // The limits are for p = 1e-6, and the seed is fixed.
    for (alphabet, symbols, limit) in [
        (Alphabet::Digits, "0123456789", 45.1),
        (
            Alphabet::Unambiguous,
            "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
            88.5,
        ),
    ] {
        let format = CodeFormat::new(alphabet, 8, 0, 100).unwrap();
        let rng = &mut SeededRng(64);
        let mut counts = vec![vec![0_u32; symbols.len()]; 8];
        for _ in 0..200 {
            for code in BackupCodes::generate_with(format, rng).unwrap().iter() {
                for (position, symbol) in code.chars().enumerate() {
                    counts[position][symbols.find(symbol).unwrap()] += 1;
                }
            }
        }
        for (position, counts) in counts.iter().enumerate() {
            let statistic = chi_square(counts);
            assert!(
                statistic < limit,
                "{alphabet:?}, position {position}: {statistic}"
            );
        }
    }
}

#[test]
fn a_set_has_no_duplicate_codes() {
    // If a set draws 100 of 10^6 codes, one set in 200 draws a duplicate. The library then draws
    // another code.
    let format = CodeFormat::new(Alphabet::Digits, 6, 0, 100).unwrap();
    let rng = &mut SeededRng(1);
    let mut seen = HashSet::new();
    for _ in 0..1_000 {
        let set = BackupCodes::generate_with(format, rng).unwrap();
        assert_eq!(set.iter().collect::<HashSet<_>>().len(), 100);
        seen.extend(set.iter().map(String::from));
    }
    assert!(seen.len() > 90_000, "the sets do not repeat each other");
}

#[test]
fn biased_random_bytes_are_rejected() {
    struct Bytes(u8);
    impl rand_core::TryRng for Bytes {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unreachable!("codes are made from bytes")
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unreachable!("codes are made from bytes")
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_sub(1);
            }
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Bytes {}

    // Bytes from 255 to 250 are rejected; 249 gives the first digit.
    let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
    let set = BackupCodes::generate_with(format, &mut Bytes(255)).unwrap();
    assert_eq!(set.iter().collect::<Vec<_>>(), ["987654"]);
}

#[test]
fn a_repeating_generator_is_an_error() {
    /// Repeats the same bytes forever.
    struct Repeating(Vec<u8>, usize);
    impl rand_core::TryRng for Repeating {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unreachable!("codes are made from bytes")
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unreachable!("codes are made from bytes")
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            for byte in bytes {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Repeating {}

    let generated = |format, bytes: Vec<u8>| {
        let codes = BackupCodes::generate_with(format, &mut Repeating(bytes, 0));
        codes.map(|codes| codes.len())
    };
    for format in [CodeFormat::default(), CodeFormat::BITS_64] {
        for byte in [0, 7, 249, 255] {
            assert!(
                generated(format, vec![byte]).is_err(),
                "{format:?} of {byte}"
            );
        }
        let one_call = generated(format, (0..32).collect());
        assert!(
            one_call.is_err(),
            "{format:?}, the same bytes in every call"
        );
    }
    // With a period of 72 bytes, the generator repeats after nine codes of eight digits. Codes of
    // 13 letters start at 72 different offsets, so ten of them differ.
    let period = || (0..72).collect();
    assert!(generated(CodeFormat::default(), period()).is_err());
    assert_eq!(generated(CodeFormat::BITS_64, period()), Ok(10));
}

#[cfg(feature = "getrandom")]
#[test]
fn each_generated_set_is_new() {
    let one = BackupCodes::generate(CodeFormat::BITS_64).unwrap();
    let two = BackupCodes::generate(CodeFormat::BITS_64).unwrap();
    assert!(one.iter().all(|code| two.iter().all(|other| other != code)));
}
