//! Input is parsed once, so every way to type a code is the same code.

use super::*;

#[test]
fn a_code_is_accepted_as_people_type_it_and_only_once_in_any_writing() {
    let format = CodeFormat::new(Alphabet::Unambiguous, 12, 4, 1).unwrap();
    let codes = (0..)
        .map(|seed| BackupCodes::generate_with(format, &mut SeededRng(seed)).unwrap())
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
                Err(BackupCodeSetError::Used {
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
    assert_eq!(outcome, Err(BackupCodeSetError::Shape));
}
