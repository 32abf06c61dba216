//! Invariant 4: input is parsed once, so every spelling of a code is the same code.

use super::*;

#[test]
fn a_code_is_accepted_once_in_any_spelling() {
    let format = CodeFormat::new(Alphabet::Unambiguous, 12, 4, 1).unwrap();
    let codes = (0..)
        .map(|seed| BackupCodes::generate_with(format, &mut SeededRng(seed)).unwrap())
        .find(|codes| {
            let code = codes.iter().next().unwrap();
            code.contains('0') && code.contains('1') && code.contains('Z')
        })
        .unwrap();
    let shown = codes.iter().next().unwrap().to_owned();
    let spellings = [
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
    for first in &spellings {
        let mut set = issued(&codes);
        assert!(set.redeem(&typed(first), NOON, None).is_ok(), "{first:?}");
        for again in &spellings {
            let again = set.redeem(&typed(again), NOON, None);
            assert_eq!(
                again,
                Err(BackupCodeSetError::Used {
                    number: 1,
                    at: NOON
                })
            );
        }
    }
}

#[test]
fn digit_codes_accept_no_letters() {
    let mut set = issued(&codes(11));
    let outcome = set.redeem(&typed("O2345678"), NOON, None);
    assert_eq!(outcome, Err(BackupCodeSetError::Shape));
}
