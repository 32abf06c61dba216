//! Backup codes and their ledger.
#![cfg(feature = "backup")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod support;

use countersign::{
    Alphabet, BackupCodes, CodeFormat, CodeFormatError, DigestParams, DigestParamsError, Ledger,
    LedgerDecodeError, LedgerError, Passcode, Pepper, PepperId, Redemption, Sheet, Timestamp,
};
use std::collections::HashSet;
use support::SeededRng;

const NOON: Timestamp = Timestamp::from_unix(1_795_521_600);

fn fast() -> DigestParams {
    DigestParams::new(8, 1, 1).unwrap()
}

fn typed(text: &str) -> Passcode {
    Passcode::parse(text).unwrap()
}

fn codes(seed: u64) -> BackupCodes {
    BackupCodes::generate_with(CodeFormat::default(), &mut SeededRng(seed))
}

fn ledger(codes: &BackupCodes) -> Ledger {
    let salt = &mut SeededRng(codes.len() as u64);
    Ledger::issue(codes, NOON, fast(), None, salt).unwrap()
}

fn code(codes: &BackupCodes, index: usize) -> Passcode {
    typed(codes.iter().nth(index).unwrap())
}

mod format {
    use super::*;

    #[test]
    fn the_default_is_ten_codes_of_eight_digits_in_fours() {
        let format = CodeFormat::default();
        assert_eq!(format.alphabet(), Alphabet::Digits);
        assert_eq!(
            (format.length(), format.group(), format.count()),
            (8, 4, 10)
        );
    }

    #[test]
    fn entropy_is_rounded_down() {
        let bits = |alphabet, length| {
            CodeFormat::new(alphabet, length, 0, 1)
                .unwrap()
                .entropy_bits()
        };
        assert_eq!(bits(Alphabet::Digits, 6), 19);
        assert_eq!(bits(Alphabet::Digits, 8), 26);
        assert_eq!(bits(Alphabet::Digits, 32), 106);
        assert_eq!(bits(Alphabet::Unambiguous, 32), 160);
        assert_eq!(CodeFormat::BITS_64.entropy_bits(), 65);
        assert_eq!(CodeFormat::BITS_112.entropy_bits(), 115);
    }

    #[test]
    fn the_field_that_is_out_of_bounds_is_named() {
        let new = |length, group, count| CodeFormat::new(Alphabet::Digits, length, group, count);
        assert_eq!(new(5, 0, 10), Err(CodeFormatError::Length { length: 5 }));
        assert_eq!(new(33, 0, 10), Err(CodeFormatError::Length { length: 33 }));
        let error = CodeFormatError::Group {
            group: 7,
            length: 6,
        };
        assert_eq!(new(6, 7, 10), Err(error));
        assert_eq!(new(6, 0, 0), Err(CodeFormatError::Count { count: 0 }));
        assert_eq!(new(6, 0, 101), Err(CodeFormatError::Count { count: 101 }));
        assert_eq!(
            error.to_string(),
            "the group is 7 symbols; the code has only 6"
        );
        for (length, group, count) in [(6, 0, 1), (6, 6, 100), (32, 1, 1), (32, 32, 100)] {
            assert!(new(length, group, count).is_ok());
        }
    }
}

/// Codes come from a CSPRNG (here: from what the caller hands in), every one equally likely.
mod invariant_6 {
    use super::*;

    /// The chi-square statistic of counts that should be equal.
    fn chi_square(counts: &[u32]) -> f64 {
        let total: u32 = counts.iter().sum();
        let expected = f64::from(total) / counts.len() as f64;
        let squares = counts
            .iter()
            .map(|count| (f64::from(*count) - expected).powi(2) / expected);
        squares.sum()
    }

    #[test]
    fn every_symbol_is_equally_likely_at_every_place() {
        // The limits are those of p = 1e-6, and the seed is fixed.
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
                for code in BackupCodes::generate_with(format, rng).iter() {
                    for (place, symbol) in code.chars().enumerate() {
                        counts[place][symbols.find(symbol).unwrap()] += 1;
                    }
                }
            }
            for (place, counts) in counts.iter().enumerate() {
                let statistic = chi_square(counts);
                assert!(
                    statistic < limit,
                    "{alphabet:?}, place {place}: {statistic}"
                );
            }
        }
    }

    #[test]
    fn no_two_codes_of_a_set_are_the_same() {
        // With 100 of 10^6 codes, one set in 200 has to draw again.
        let format = CodeFormat::new(Alphabet::Digits, 6, 0, 100).unwrap();
        let rng = &mut SeededRng(1);
        let mut drawn = HashSet::new();
        for _ in 0..1_000 {
            let set = BackupCodes::generate_with(format, rng);
            assert_eq!(set.iter().collect::<HashSet<_>>().len(), 100);
            drawn.extend(set.iter().map(String::from));
        }
        assert!(drawn.len() > 90_000, "the sets do not repeat each other");
    }

    #[test]
    fn bytes_that_would_favour_a_symbol_are_drawn_again() {
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

        // 255 to 250 stand for nothing; the first digit is that of 249.
        let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
        let set = BackupCodes::generate_with(format, &mut Bytes(255));
        assert_eq!(set.iter().collect::<Vec<_>>(), ["987654"]);
    }

    #[cfg(feature = "getrandom")]
    #[test]
    fn the_system_makes_a_new_set_each_time() {
        let one = BackupCodes::generate(CodeFormat::BITS_64).unwrap();
        let two = BackupCodes::generate(CodeFormat::BITS_64).unwrap();
        assert!(one.iter().all(|code| two.iter().all(|other| other != code)));
    }
}

mod sheet {
    use super::*;

    #[test]
    fn codes_are_shown_in_groups() {
        let shown = |alphabet, length, group| {
            let format = CodeFormat::new(alphabet, length, group, 1).unwrap();
            let codes = BackupCodes::generate_with(format, &mut SeededRng(5));
            codes.iter().next().unwrap().to_owned()
        };
        assert_eq!(shown(Alphabet::Digits, 8, 4).replace(' ', "").len(), 8);
        let groups = |code: String| code.split(' ').map(str::len).collect::<Vec<_>>();
        assert_eq!(groups(shown(Alphabet::Digits, 8, 4)), [4, 4]);
        assert_eq!(groups(shown(Alphabet::Digits, 8, 0)), [8]);
        assert_eq!(groups(shown(Alphabet::Digits, 8, 8)), [8]);
        assert_eq!(groups(shown(Alphabet::Digits, 6, 1)), [1; 6]);
        assert_eq!(groups(shown(Alphabet::Unambiguous, 13, 5)), [5, 5, 3]);
        assert_eq!(groups(shown(Alphabet::Unambiguous, 23, 6)), [6, 6, 6, 5]);
    }

    #[test]
    fn the_file_reads_as_a_person_needs_it() {
        let codes = codes(2_026);
        let text = codes.to_text(&Sheet::english("Example", "24 November 2026"));
        assert_eq!(text.expose(), include_str!("data/sheet.txt"));
    }

    #[test]
    fn every_line_is_shorter_than_80_columns() {
        let longest = CodeFormat::new(Alphabet::Unambiguous, 32, 1, 100).unwrap();
        let codes = BackupCodes::generate_with(longest, &mut SeededRng(1));
        let sheet = Sheet {
            heading: "word ".repeat(40),
            date: "x".repeat(200),
            advice: format!(
                "{}\n\n{}",
                "バックアップ".repeat(30),
                "and words ".repeat(50)
            ),
        };
        let text = codes.to_text(&sheet);
        let wide = |c: char| if c.is_ascii() { 1 } else { 2 };
        for line in text.expose().lines() {
            let columns: usize = line.chars().map(wide).sum();
            assert!(columns < 80, "{columns}: {line}");
        }
        let last = text
            .expose()
            .lines()
            .find(|line| line.starts_with("100.  "))
            .unwrap();
        assert!(last.ends_with("________"), "room for a date: {last}");
        assert!(
            text.expose().contains(&"x".repeat(79)),
            "a long word is cut, not lost"
        );
        assert_eq!(text.expose().matches('x').count(), 200);
    }

    #[test]
    fn a_tenant_cannot_smuggle_lines_or_control_characters_into_the_file() {
        let sheet = Sheet::english("Evil\n 1.  0000 0000\u{7}\u{1b}[2J", "today\rtomorrow");
        let codes = codes(3);
        let text = codes.to_text(&sheet);
        let mut lines = text.expose().lines();
        assert_eq!(lines.next(), Some("Evil 1. 0000 0000[2J backup codes"));
        assert_eq!(lines.next(), Some("Made on today tomorrow"));
        assert!(text.expose().chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn file_names_are_safe_on_every_system() {
        let name = |heading: &str| {
            let sheet = Sheet {
                heading: heading.into(),
                ..Sheet::english("", "")
            };
            sheet.file_name()
        };
        assert_eq!(
            Sheet::english("Example", "").file_name(),
            "example-backup-codes.txt"
        );
        assert_eq!(Sheet::english("", "").file_name(), "backup-codes.txt");
        assert_eq!(name("../../etc/passwd"), "etc-passwd.txt");
        assert_eq!(name("CON"), "con-backup-codes.txt");
        assert_eq!(name("バックアップコード"), "backup-codes.txt");
        assert_eq!(name("Codes de récupération"), "codes-de.txt");
        assert_eq!(name(""), "backup-codes.txt");
        let long = name(&"word ".repeat(100));
        assert!(long.len() < 80, "{long}");
        assert_eq!(name(&"x".repeat(300)), "backup-codes.txt");
    }
}

/// A backup code is accepted at most once.
mod invariant_2 {
    use super::*;

    #[test]
    fn every_code_of_a_set_is_accepted_once() {
        let codes = codes(4);
        let mut ledger = ledger(&codes);
        for index in (0..10).rev() {
            let at = NOON.saturating_add(index as u64);
            let redeemed = ledger.redeem(&code(&codes, index), at, None).unwrap();
            assert_eq!(redeemed.number(), index + 1);
            assert_eq!(redeemed.remaining(), index);
            assert_eq!(ledger.remaining(), index);
        }
        for index in 0..10 {
            let at = NOON.saturating_add(index as u64);
            let again = ledger.redeem(&code(&codes, index), NOON.saturating_add(99), None);
            assert_eq!(
                again,
                Err(LedgerError::Used {
                    number: index + 1,
                    at
                })
            );
        }
    }

    #[test]
    fn a_used_code_is_told_with_its_date_and_keeps_it() {
        let codes = codes(5);
        let mut ledger = ledger(&codes);
        assert!(ledger.redeem(&code(&codes, 7), NOON, None).is_ok());
        let later = NOON.saturating_add(86_400);
        let error = ledger.redeem(&code(&codes, 7), later, None).unwrap_err();
        assert_eq!(
            error,
            LedgerError::Used {
                number: 8,
                at: NOON
            }
        );
        assert_eq!(error.to_string(), "the backup code was used before");
        let status: Vec<_> = ledger.status().collect();
        assert_eq!(status.len(), 10);
        for (index, status) in status.iter().enumerate() {
            assert_eq!(status.number, index + 1);
            assert_eq!(status.used_at, (index == 7).then_some(NOON));
        }
    }

    #[test]
    fn a_wrong_code_changes_nothing() {
        let codes = codes(6);
        let mut ledger = ledger(&codes);
        let before = ledger.encode();
        let wrong = ["0000 0000", "9999 9999"].map(typed);
        for wrong in &wrong {
            let outcome = ledger.redeem(wrong, NOON, None);
            assert_eq!(outcome, Err(LedgerError::Wrong));
        }
        assert_eq!(ledger.encode(), before);
        assert_eq!(ledger.remaining(), 10);
    }

    #[test]
    fn a_code_that_does_not_fit_costs_no_digest() {
        let slow = DigestParams::new(DigestParams::MAX_MEMORY_KIB, 16, 1).unwrap();
        let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
        let bytes = encoded_with(slow, format);
        let mut ledger = Ledger::decode(&bytes).unwrap();
        for misfit in ["12345", "1234567", "12345A"] {
            let outcome = ledger.redeem(&typed(misfit), NOON, None);
            assert_eq!(outcome, Err(LedgerError::Shape));
        }
    }

    #[test]
    fn the_codes_of_another_set_are_refused() {
        let (old, new) = (codes(7), codes(8));
        let mut ledger = ledger(&new);
        for index in 0..10 {
            let outcome = ledger.redeem(&code(&old, index), NOON, None);
            assert_eq!(outcome, Err(LedgerError::Wrong));
        }
        assert_eq!(ledger.remaining(), 10);
    }

    #[test]
    fn a_set_with_the_same_code_twice_accepts_it_once() {
        // No such set is issued; a ledger that was tampered with can hold one.
        let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
        let one = BackupCodes::generate_with(format, &mut SeededRng(9));
        let single = Ledger::issue(&one, NOON, fast(), None, &mut SeededRng(9)).unwrap();
        let bytes = single.encode();
        let at = bytes.len() - 1 - 16;
        let (head, digest) = (&bytes[..at - 1], &bytes[at..at + 16]);
        let mut doubled = head.to_vec();
        let count = doubled.iter().rposition(|byte| *byte == 1).unwrap();
        doubled[count] = 2;
        doubled.extend([0x58, 32]);
        doubled.extend([digest, digest].concat());
        doubled.push(0xa0);

        let mut ledger = Ledger::decode(&doubled).unwrap();
        assert_eq!(ledger.remaining(), 2);
        assert!(ledger.redeem(&code(&one, 0), NOON, None).is_ok());
        let again = ledger.redeem(&code(&one, 0), NOON, None);
        assert!(matches!(again, Err(LedgerError::Used { .. })), "{again:?}");
    }

    #[test]
    fn the_ledger_as_stored_still_knows_what_was_used() {
        let codes = codes(10);
        let mut ledger = ledger(&codes);
        for index in [3, 0, 9] {
            assert!(ledger.redeem(&code(&codes, index), NOON, None).is_ok());
            ledger = Ledger::decode(&ledger.encode()).unwrap();
        }
        assert_eq!(ledger.remaining(), 7);
        for index in [0, 3, 9] {
            let again = ledger.redeem(&code(&codes, index), NOON, None);
            assert_eq!(
                again,
                Err(LedgerError::Used {
                    number: index + 1,
                    at: NOON
                })
            );
        }
    }
}

/// Input is parsed once, so every way to type a code is the same code.
mod invariant_4 {
    use super::*;

    #[test]
    fn a_code_is_accepted_as_people_type_it_and_only_once_in_any_writing() {
        let format = CodeFormat::new(Alphabet::Unambiguous, 12, 4, 1).unwrap();
        let codes = (0..)
            .map(|seed| BackupCodes::generate_with(format, &mut SeededRng(seed)))
            .find(|codes| {
                let code = codes.iter().next().unwrap();
                code.contains('0') && code.contains('1') && code.contains('Z')
            })
            .unwrap();
        let shown = codes.iter().next().unwrap().to_owned();
        let writings = [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace(' ', ""),
            shown.replace(' ', "-"),
            shown.replace('0', "O"),
            shown.replace('0', "o"),
            shown.replace('1', "I"),
            shown.replace('1', "l"),
            format!(" {shown}\u{200b}\n"),
        ];
        for first in &writings {
            let mut ledger = ledger(&codes);
            assert!(
                ledger.redeem(&typed(first), NOON, None).is_ok(),
                "{first:?}"
            );
            for again in &writings {
                let again = ledger.redeem(&typed(again), NOON, None);
                assert_eq!(
                    again,
                    Err(LedgerError::Used {
                        number: 1,
                        at: NOON
                    })
                );
            }
        }
    }

    #[test]
    fn a_code_of_digits_takes_no_letter_for_a_digit() {
        let mut ledger = ledger(&codes(11));
        let outcome = ledger.redeem(&typed("O2345678"), NOON, None);
        assert_eq!(outcome, Err(LedgerError::Shape));
    }
}

mod pepper {
    use super::*;

    fn pepper(id: u32, byte: u8) -> Pepper {
        Pepper::new(PepperId::new(id), &[byte; 32]).unwrap()
    }

    #[test]
    fn a_set_issued_with_a_pepper_needs_it() {
        let codes = codes(12);
        let (right, other_id, other_key) = (pepper(1, 1), pepper(2, 1), pepper(1, 2));
        let salt = &mut SeededRng(12);
        let mut ledger = Ledger::issue(&codes, NOON, fast(), Some(&right), salt).unwrap();
        let needed = PepperId::new(1);
        assert_eq!(ledger.pepper_id(), Some(needed));

        let misfit = ledger.redeem(&typed("1"), NOON, None);
        assert_eq!(misfit, Err(LedgerError::Shape));
        let mut redeem = |pepper| ledger.redeem(&code(&codes, 0), NOON, pepper);
        assert_eq!(redeem(None), Err(LedgerError::PepperMissing { needed }));
        let given = PepperId::new(2);
        let error = redeem(Some(&other_id)).unwrap_err();
        assert_eq!(error, LedgerError::PepperOther { needed, given });
        assert_eq!(error.to_string(), "the backup codes need pepper 1, not 2");
        assert_eq!(redeem(Some(&other_key)), Err(LedgerError::Wrong));
        assert_eq!(redeem(Some(&right)).map(Redemption::number), Ok(1));
    }

    #[test]
    fn a_set_issued_without_one_ignores_it() {
        let codes = codes(13);
        let mut ledger = ledger(&codes);
        let redeemed = ledger.redeem(&code(&codes, 0), NOON, Some(&pepper(1, 1)));
        assert!(redeemed.is_ok());
        assert_eq!(ledger.pepper_id(), None);
    }

    #[test]
    fn a_pepper_has_16_to_64_bytes() {
        for (bytes, taken) in [(0, false), (15, false), (16, true), (64, true), (65, false)] {
            let pepper = Pepper::new(PepperId::new(0), &vec![7; bytes]);
            assert_eq!(pepper.is_ok(), taken, "{bytes}");
        }
        let error = Pepper::new(PepperId::new(0), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the pepper has 0 bytes; 16 to 64 are possible"
        );
    }
}

mod digest {
    use super::*;

    #[test]
    fn the_parameters_are_bounded() {
        let memory = |memory_kib| DigestParamsError::Memory { memory_kib };
        assert_eq!(DigestParams::new(7, 1, 1), Err(memory(7)));
        assert_eq!(DigestParams::new(31, 1, 4), Err(memory(31)));
        assert_eq!(DigestParams::new(262_145, 1, 1), Err(memory(262_145)));
        assert_eq!(DigestParams::new(u32::MAX, 1, 1), Err(memory(u32::MAX)));
        let passes = |passes| Err(DigestParamsError::Passes { passes });
        assert_eq!(DigestParams::new(64, 0, 1), passes(0));
        assert_eq!(DigestParams::new(64, 17, 1), passes(17));
        let lanes = |lanes| Err(DigestParamsError::Lanes { lanes });
        assert_eq!(DigestParams::new(64, 1, 0), lanes(0));
        assert_eq!(DigestParams::new(64, 1, 5), lanes(5));
        for (memory_kib, passes, lanes) in [(8, 1, 1), (32, 16, 4), (262_144, 16, 1)] {
            assert!(DigestParams::new(memory_kib, passes, lanes).is_ok());
        }
    }

    #[test]
    fn the_default_is_what_owasp_recommends_at_the_least() {
        let params = DigestParams::default();
        assert_eq!(params, DigestParams::OWASP_MINIMUM);
        let fields = (params.memory_kib(), params.passes(), params.lanes());
        assert_eq!(fields, (19_456, 2, 1));
        assert_eq!(DigestParams::new(19_456, 2, 1), Ok(params));
    }

    #[test]
    fn two_sets_never_share_a_salt() {
        let codes = codes(14);
        let rng = &mut SeededRng(14);
        let mut issue = || Ledger::issue(&codes, NOON, fast(), None, rng).unwrap();
        assert_ne!(issue(), issue());
    }
}

/// Ledgers made by the reference implementation of Argon2 and another CBOR library.
mod known_answers {
    use super::*;

    struct Case {
        codes: Vec<String>,
        pepper: Option<Vec<u8>>,
        bytes: Vec<u8>,
    }

    fn case(name: &str) -> Case {
        let line = include_str!("data/ledgers.txt")
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap();
        let fields: Vec<&str> = line.split(' ').collect();
        Case {
            codes: fields[1].split(',').map(String::from).collect(),
            pepper: (fields[2] != "-").then(|| hex(fields[2])),
            bytes: hex(fields[3]),
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// Redeems every code that was not used, and gives back the ledger as it was before.
    fn redeem_all(name: &str) -> Ledger {
        let case = case(name);
        let before = Ledger::decode(&case.bytes).unwrap();
        assert_eq!(before.encode(), case.bytes, "one encoding");
        let pepper = before
            .pepper_id()
            .map(|id| Pepper::new(id, case.pepper.as_ref().unwrap()).unwrap());
        let mut ledger = before.clone();
        let status: Vec<_> = before.status().collect();
        assert_eq!(status.len(), case.codes.len());
        for (status, code) in status.iter().zip(&case.codes) {
            let outcome = ledger.redeem(&typed(code), NOON, pepper.as_ref());
            match status.used_at {
                None => assert_eq!(outcome.map(Redemption::number), Ok(status.number)),
                Some(at) => assert_eq!(
                    outcome,
                    Err(LedgerError::Used {
                        number: status.number,
                        at
                    })
                ),
            }
        }
        before
    }

    #[test]
    fn the_defaults_with_ten_codes_fit_into_200_bytes() {
        let ledger = redeem_all("defaults");
        assert_eq!(ledger.params(), DigestParams::default());
        assert_eq!(ledger.format(), CodeFormat::default());
        assert_eq!(ledger.issued_at(), Timestamp::from_unix(1_795_478_400));
        assert!(ledger.encode().len() <= 200);
    }

    #[test]
    fn letters_and_four_lanes() {
        let ledger = redeem_all("letters");
        assert_eq!(ledger.params(), DigestParams::new(64, 3, 4).unwrap());
        assert_eq!(ledger.format().alphabet(), Alphabet::Unambiguous);
    }

    #[test]
    fn a_pepper_is_the_secret_value_of_argon2() {
        let ledger = redeem_all("peppered");
        assert_eq!(ledger.pepper_id(), Some(PepperId::new(0)));
    }

    #[test]
    fn used_codes_keep_their_time() {
        let ledger = redeem_all("used");
        let used: Vec<_> = ledger.status().map(|code| code.used_at).collect();
        let times = [Some(0), None, Some(1_795_478_401)];
        assert_eq!(used, times.map(|at| at.map(Timestamp::from_unix)));
        assert_eq!(ledger.remaining(), 1);
    }
}

/// The bytes of a ledger with one code whose digest is zeros.
fn encoded_with(params: DigestParams, format: CodeFormat) -> Vec<u8> {
    let codes = BackupCodes::generate_with(format, &mut SeededRng(0));
    let bytes = Ledger::issue(&codes, NOON, fast(), None, &mut SeededRng(0))
        .unwrap()
        .encode();
    // Version and salt; then 8, 1, 1 in one byte each.
    let (head, tail) = (&bytes[..19], &bytes[22..]);
    let numbers = [params.memory_kib(), params.passes(), params.lanes()].map(number);
    [head, &numbers.concat(), tail].concat()
}

/// A number as CBOR writes it.
fn number(value: u32) -> Vec<u8> {
    match value {
        0..=23 => vec![value as u8],
        24..=0xff => vec![0x18, value as u8],
        0x100..=0xffff => [&[0x19][..], &(value as u16).to_be_bytes()].concat(),
        _ => [&[0x1a][..], &value.to_be_bytes()].concat(),
    }
}

/// Ledgers are valid through every door, and no bytes cause a panic.
mod invariant_8 {
    use super::*;
    use proptest::prelude::*;

    fn used_ledger() -> Vec<u8> {
        let codes = codes(15);
        let mut ledger = ledger(&codes);
        for index in [0, 4] {
            assert!(ledger.redeem(&code(&codes, index), NOON, None).is_ok());
        }
        ledger.encode()
    }

    #[test]
    fn a_ledger_that_is_cut_short_or_goes_on_is_refused() {
        let bytes = used_ledger();
        for length in 0..bytes.len() {
            let cut = Ledger::decode(&bytes[..length]);
            assert_eq!(cut, Err(LedgerDecodeError::Malformed), "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Ledger::decode(&longer), Err(LedgerDecodeError::Malformed));
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let mut bytes = used_ledger();
        bytes[1] = 2;
        let error = Ledger::decode(&bytes).unwrap_err();
        assert_eq!(error, LedgerDecodeError::UnknownVersion { version: 2 });
        bytes[0] = 0x8e;
        let error = Ledger::decode(&bytes).unwrap_err();
        assert_eq!(error, LedgerDecodeError::UnknownVersion { version: 2 });
        bytes[1] = 1;
        assert_eq!(Ledger::decode(&bytes), Err(LedgerDecodeError::Malformed));
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let bytes = used_ledger();
        // Version and salt; m, t, p; alphabet, length, group, count.
        let with = |at: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            Ledger::decode(&bytes).unwrap_err()
        };
        let memory_kib = 7;
        let memory = DigestParamsError::Memory { memory_kib };
        assert_eq!(with(19, 7), LedgerDecodeError::Params(memory));
        let passes = DigestParamsError::Passes { passes: 17 };
        assert_eq!(with(20, 17), LedgerDecodeError::Params(passes));
        let lanes = DigestParamsError::Lanes { lanes: 0 };
        assert_eq!(with(21, 0), LedgerDecodeError::Params(lanes));
        assert_eq!(with(22, 2), LedgerDecodeError::Malformed);
        let length = CodeFormatError::Length { length: 5 };
        assert_eq!(with(23, 5), LedgerDecodeError::Format(length));
        let group = CodeFormatError::Group {
            group: 9,
            length: 8,
        };
        assert_eq!(with(24, 9), LedgerDecodeError::Format(group));
        let count = CodeFormatError::Count { count: 0 };
        assert_eq!(with(25, 0), LedgerDecodeError::Format(count));
        assert_eq!(with(25, 9), LedgerDecodeError::Malformed, "ten digests");
    }

    #[test]
    fn there_is_one_encoding_of_a_ledger() {
        let bytes = used_ledger();
        let fields = bytes.len();
        let used = fields - 12;
        assert_eq!(bytes[used - 1], 0xa2, "a map of two");
        let swapped = [&bytes[..used], &bytes[used + 6..], &bytes[used..used + 6]].concat();
        let twice = [
            &bytes[..used],
            &bytes[used..used + 6],
            &bytes[used..used + 6],
        ]
        .concat();
        let long_number = [&bytes[..1], &[0x18, 1], &bytes[2..]].concat();
        let open_end = [&[0x9f], &bytes[1..], &[0xff]].concat();
        let mut open_map = [&bytes[..], &[0xff]].concat();
        open_map[used - 1] = 0xbf;
        let mut beyond = bytes.clone();
        beyond[used + 6] = 10;
        for other in [swapped, twice, long_number, open_end, open_map, beyond] {
            assert_eq!(Ledger::decode(&other), Err(LedgerDecodeError::Malformed));
        }
    }

    #[test]
    fn a_length_that_promises_too_much_is_refused_before_memory_is_taken() {
        let bytes = used_ledger();
        let at = bytes.len() - 12 - 1 - 160 - 2;
        assert_eq!(&bytes[at..at + 2], [0x58, 160]);
        let huge = [&bytes[..at], &[0x5b], &[0xff; 8]].concat();
        assert_eq!(Ledger::decode(&huge), Err(LedgerDecodeError::Malformed));
    }

    #[test]
    fn changing_one_byte_never_gives_the_same_ledger() {
        let bytes = used_ledger();
        let ledger = Ledger::decode(&bytes).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(other) = Ledger::decode(&changed) {
                    assert!(other != ledger, "byte {at}, bit {bit}");
                    assert_eq!(other.encode(), changed);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_decode_to_an_error_or_to_what_encodes_to_them(bytes: Vec<u8>) {
            if let Ok(ledger) = Ledger::decode(&bytes) {
                prop_assert_eq!(ledger.encode(), bytes);
            }
        }

        #[test]
        fn a_damaged_ledger_decodes_to_an_error_or_to_what_encodes_to_it(
            changes in prop::collection::vec((0..210_usize, any::<u8>()), 1..4),
        ) {
            let mut bytes = used_ledger();
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            if let Ok(ledger) = Ledger::decode(&bytes) {
                prop_assert_eq!(ledger.encode(), bytes);
            }
        }

        #[test]
        fn a_ledger_of_any_format_survives_being_stored(
            unambiguous: bool,
            (length, group) in (6..=32_u8).prop_flat_map(|length| (Just(length), 0..=length)),
            count in 1..=100_u8,
            seed: u64,
            issued_at: u64,
            used in prop::collection::vec((0..100_usize, any::<u64>()), 0..4),
            pepper: Option<u32>,
        ) {
            let alphabet = if unambiguous { Alphabet::Unambiguous } else { Alphabet::Digits };
            let format = CodeFormat::new(alphabet, length, group, count).unwrap();
            let rng = &mut SeededRng(seed);
            let codes = BackupCodes::generate_with(format, rng);
            let pepper = pepper.map(|id| Pepper::new(PepperId::new(id), &[0; 16]).unwrap());
            let issued_at = Timestamp::from_unix(issued_at);
            let mut ledger = Ledger::issue(&codes, issued_at, fast(), pepper.as_ref(), rng).unwrap();
            for (index, at) in used {
                let index = index % usize::from(count);
                let at = Timestamp::from_unix(at);
                let passcode = code(&codes, index);
                let _ = ledger.redeem(&passcode, at, pepper.as_ref());
                prop_assert!(ledger.redeem(&passcode, at, pepper.as_ref()).is_err());
            }
            let decoded = Ledger::decode(&ledger.encode()).unwrap();
            prop_assert!(decoded == ledger);
        }
    }
}

/// No code, digest or key appears in `Debug`.
mod invariant_7 {
    use super::*;

    #[test]
    fn debug_shows_the_shape_and_nothing_that_is_secret() {
        let format = CodeFormat::new(Alphabet::Digits, 8, 4, 1).unwrap();
        let codes = BackupCodes::generate_with(format, &mut SeededRng(16));
        let pepper = Pepper::new(PepperId::new(7), &[0xab; 32]).unwrap();
        let rng = &mut SeededRng(16);
        let ledger = Ledger::issue(&codes, NOON, fast(), Some(&pepper), rng).unwrap();
        let shape = "CodeFormat { alphabet: Digits, length: 8, group: 4, count: 1 }";
        assert_eq!(
            format!("{codes:?}"),
            format!("BackupCodes {{ format: {shape}, .. }}")
        );
        assert_eq!(format!("{pepper:?}"), "Pepper { id: PepperId(7), .. }");
        assert_eq!(
            format!("{ledger:?}"),
            format!(
                "Ledger {{ format: {shape}, params: DigestParams {{ memory_kib: 8, passes: 1, lanes: 1 }}, \
                 issued_at: Timestamp(1795521600), pepper: Some(PepperId(7)), remaining: 1, .. }}"
            )
        );
        let text = codes.to_text(&Sheet::english("Example", "today"));
        assert_eq!(format!("{text:?}"), "SecretText { .. }");
    }

    #[test]
    fn they_can_be_sent_to_another_thread() {
        fn send_and_sync<T: Send + Sync + 'static>() {}
        send_and_sync::<BackupCodes>();
        send_and_sync::<Ledger>();
        send_and_sync::<Pepper>();
        send_and_sync::<LedgerError>();
        send_and_sync::<LedgerDecodeError>();
        send_and_sync::<countersign::DigestJob>();
        send_and_sync::<countersign::Digests>();
    }
}
