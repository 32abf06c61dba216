//! The format of backup codes.

use super::*;

#[test]
fn the_default_format_is_ten_eight_digit_codes() {
    let format = CodeFormat::default();
    assert_eq!(format.alphabet(), Alphabet::Digits);
    assert_eq!(
        (format.length(), format.group(), format.count()),
        (8, 4, 10)
    );
}

#[test]
fn the_format_sets_the_number_of_codes() {
    for count in [1, 10, 100] {
        let format = CodeFormat::new(Alphabet::Digits, 8, 4, count).unwrap();
        let codes = BackupCodes::generate_with(format, &mut SeededRng(1)).unwrap();
        assert_eq!(codes.len(), usize::from(count));
        assert_eq!(codes.iter().count(), codes.len());
    }
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
fn errors_name_the_field_out_of_bounds() {
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
