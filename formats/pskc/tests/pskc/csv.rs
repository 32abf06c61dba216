//! The CSV of vendors.

use countersign::otp::{Algorithm, Digits};
use countersign_pskc::limits::MAX_ROW_BYTES;
use countersign_pskc::{
    FileError, MovingFactor, Note, Place, Problem, Token, TokenError, read_csv,
};

const HEX: &str = "3132333435363738393031323334353637383930";

fn rows(file: &str) -> Vec<Result<Token, TokenError>> {
    read_csv(file.as_bytes()).unwrap().into_tokens()
}

#[test]
fn rows_are_read_by_position() {
    let tokens = rows(&format!(
        "A1,{HEX},8,60\r\n\r\n\"A2\", {HEX}\nA3,{},,\n",
        HEX.to_uppercase()
    ));
    let tokens: Vec<_> = tokens.into_iter().map(Result::unwrap).collect();
    assert_eq!(tokens.len(), 3);
    assert_eq!(tokens[0].serial(), Some("A1"));
    assert_eq!(tokens[0].digits(), Digits::EIGHT);
    let MovingFactor::Time { period, .. } = tokens[0].moving_factor() else {
        panic!("TOTP");
    };
    assert_eq!(period.as_secs(), 60);
    assert_eq!(tokens[0].notes(), [Note::DefaultHash]);
    for token in &tokens {
        assert_eq!(token.secret().expose(), b"12345678901234567890");
    }
    for token in &tokens[1..] {
        assert_eq!(
            token.notes(),
            [Note::DefaultDigits, Note::DefaultHash, Note::DefaultPeriod]
        );
    }
    assert!(matches!(tokens[2].place(), Place::Row { line: 4, .. }));
}

#[test]
fn rows_are_read_by_header() {
    let file = format!("Type,Serial,User,Secret,Algorithm,Counter\nhotp,A1,dana,{HEX},SHA-256,7\n");
    let tokens = rows(&file);
    let token = tokens[0].as_ref().unwrap();
    assert_eq!(
        (token.serial(), token.user_id()),
        (Some("A1"), Some("dana"))
    );
    assert_eq!(token.algorithm(), Algorithm::Sha256);
    assert!(matches!(
        token.moving_factor(),
        MovingFactor::Counter { next: Some(7), .. }
    ));
    let error = |header: &str| read_csv(header.as_bytes()).unwrap_err();
    assert_eq!(error("serial,seed"), FileError::UnknownColumn { column: 2 });
    assert_eq!(
        error("serial,secret,Serial"),
        FileError::DuplicateColumn { column: 3 }
    );
    assert_eq!(error("serial"), FileError::MissingColumn { name: "secret" });
    assert_eq!(error("serial,secret\n"), FileError::Empty);
    assert_eq!(error(" \n"), FileError::Empty);
}

#[test]
fn bad_rows_are_refused_alone() {
    let long = format!("A1,{}", "a".repeat(MAX_ROW_BYTES));
    for (row, field, problem) in [
        (
            "A1,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,6,30",
            "secret",
            Problem::Base32InHex,
        ),
        ("A1,31323334353", "secret", Problem::NotHex),
        ("A1,3132333435zz", "secret", Problem::NotHex),
        ("A1", "secret", Problem::Missing),
        (",3132", "serial", Problem::Missing),
        ("A1,3132,5", "digits", Problem::Digits),
        ("A1,3132,6,0", "period", Problem::Number),
        ("A1,3132,6,thirty", "period", Problem::Number),
        ("A1,3132,6,30,x", "row", Problem::Row),
        ("A1,\"3132,6,30", "row", Problem::Quote),
        (&long, "row", Problem::Row),
        (&",".repeat(100), "row", Problem::Row),
    ] {
        let tokens = rows(&format!("G1,{HEX}\n{row}\nG2,{HEX}\n"));
        assert_eq!(tokens.len(), 3, "{field}");
        assert!(tokens[0].is_ok() && tokens[2].is_ok(), "{field}");
        let error = tokens[1].as_ref().unwrap_err();
        assert_eq!((error.field(), error.problem()), (field, &problem));
        assert!(matches!(error.place(), Place::Row { line: 2, .. }));
    }
    let tokens = read_csv(b"A1,31\xff32\nA2,3132333435363738\n").unwrap();
    assert_eq!(
        tokens.tokens()[0].as_ref().unwrap_err().problem(),
        &Problem::NotUtf8
    );
    assert!(tokens.tokens()[1].is_ok());
}

#[test]
fn errors_show_no_secret() {
    let tokens = rows("A1,GEZDGNBVGY3TQOJQ\n");
    let error = tokens[0].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1 (serial A1): secret: the text is base32; the column must be hexadecimal"
    );
    assert!(!format!("{error:?}").contains("GEZD"));
}
