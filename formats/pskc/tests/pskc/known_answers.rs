//! The figures of RFC 6030, and files that python-pskc wrote.

use countersign::otp::{Algorithm, Digits, Period, TimeStep};
use countersign_pskc::{Credential, MovingFactor, Note, Problem, Token, read};

use crate::{file, plain};

fn figure(number: u8, credential: &Credential) -> Token {
    let tokens = read(&file(&format!("rfc6030_figure{number}")), credential).unwrap();
    assert_eq!((tokens.packages(), tokens.tokens().len()), (1, 1));
    tokens.into_tokens().remove(0).unwrap()
}

fn next_counter(token: &Token) -> Option<u64> {
    match token.moving_factor() {
        MovingFactor::Counter { next, .. } => next,
        other => panic!("{other:?}"),
    }
}

#[test]
fn figure_2_has_a_plain_secret() {
    let token = figure(2, &Credential::none());
    assert_eq!(token.secret().expose(), b"1234");
    assert_eq!((token.serial(), token.key_id()), (None, Some("12345678")));
    assert_eq!((token.digits(), next_counter(&token)), (Digits::SIX, None));
    assert_eq!(token.notes(), [Note::DefaultHash, Note::DefaultDigits]);
    let error = token.to_authenticator().unwrap_err();
    assert_eq!(error.problem(), &Problem::CounterMissing);
}

#[test]
fn figure_3_names_device_and_user() {
    let token = figure(3, &Credential::none());
    assert_eq!(token.secret().expose(), b"12345678901234567890");
    assert_eq!(token.serial(), Some("987654321"));
    assert_eq!(token.manufacturer(), Some("Manufacturer"));
    assert_eq!(token.user_id(), Some("UID=jsmith,DC=example-bank,DC=net"));
    assert_eq!(
        (token.digits(), next_counter(&token)),
        (Digits::EIGHT, Some(0))
    );
    let others = token.other_fields();
    let others: Vec<_> = others.map(|field| (field.path(), field.value())).collect();
    assert_eq!(
        others,
        [("CryptoModuleInfo/Id", "CM_ID_001"), ("Issuer", "Issuer")]
    );
    assert!(token.to_authenticator().is_ok());
}

#[test]
fn figure_4_has_no_secret() {
    let tokens = plain(&file("rfc6030_figure4"));
    let error = tokens.tokens()[0].as_ref().unwrap_err();
    assert_eq!(error.problem(), &Problem::SecretElsewhere);
    assert_eq!(error.field(), "Data/Secret");
    assert_eq!(error.serial(), Some("987654321"));
}

#[test]
fn figure_5_has_a_key_for_a_pin() {
    let tokens = plain(&file("rfc6030_figure5"));
    assert_eq!(tokens.packages(), 2);
    assert!(tokens.tokens()[0].is_ok());
    let error = tokens.tokens()[1].as_ref().unwrap_err();
    assert_eq!(error.problem(), &Problem::Algorithm);
    assert_eq!(
        error.to_string(),
        "package 2, key 1, line 45 (serial 987654321): @Algorithm: the algorithm is neither HOTP \
         nor TOTP"
    );
}

#[test]
fn figure_6_is_encrypted_with_a_key() {
    let key = 0x1234_5678_9012_3456_7890_1234_5678_9012_u128.to_be_bytes();
    let token = figure(6, &Credential::key(&key));
    assert_eq!(token.secret().expose(), b"12345678901234567890");
    assert_eq!(
        (token.digits(), next_counter(&token)),
        (Digits::EIGHT, Some(0))
    );
}

#[test]
fn figure_7_is_encrypted_with_a_password() {
    let token = figure(7, &Credential::password("qwerty"));
    assert_eq!(token.secret().expose(), b"12345678901234567890");
    assert_eq!(token.serial(), Some("987654321"));
}

/// The tokens of `tests/data/make.py`.
fn assert_made(name: &str, credential: &Credential) {
    let tokens = read(&file(name), credential).unwrap();
    assert_eq!(tokens.packages(), 3);
    let tokens = tokens.into_tokens();
    let [first, second, third] = &*tokens.into_iter().collect::<Result<Vec<_>, _>>().unwrap()
    else {
        panic!("{name} has three tokens");
    };
    assert_eq!(first.secret().expose(), b"12345678901234567890");
    assert_eq!(
        (first.serial(), first.user_id()),
        (Some("TOTP1"), Some("dana"))
    );
    assert_eq!(first.manufacturer(), Some("Sample Tokens"));
    assert_eq!(
        (first.algorithm(), first.digits()),
        (Algorithm::Sha1, Digits::EIGHT)
    );
    assert_eq!(first.notes(), [Note::DefaultHash]);
    assert_eq!(
        first.other_fields().next().unwrap().path(),
        "DeviceInfo/Model"
    );
    let MovingFactor::Time {
        period,
        step,
        drift,
        ..
    } = first.moving_factor()
    else {
        panic!("TOTP1 is for TOTP");
    };
    assert_eq!((period.as_secs(), step, drift), (60, None, None));

    assert_eq!(
        second.secret().expose(),
        b"12345678901234567890123456789012"
    );
    assert_eq!(
        (second.algorithm(), second.digits()),
        (Algorithm::Sha256, Digits::SIX)
    );
    assert_eq!(second.name().unwrap().as_str(), "The grey one");
    let MovingFactor::Time {
        period,
        step,
        drift,
        ..
    } = second.moving_factor()
    else {
        panic!("TOTP2 is for TOTP");
    };
    let expected = TimeStep::new(59_849_000);
    assert_eq!(
        (period, step, drift),
        (Period::THIRTY_SECONDS, Some(expected), Some(-2))
    );
    assert_eq!(
        second.notes(),
        [Note::Step(expected), Note::Drift { steps: -2 }]
    );

    assert_eq!(third.secret().expose(), b"98765432109876543210");
    assert_eq!(
        (third.serial(), next_counter(third)),
        (Some("HOTP1"), Some(1000))
    );
    assert_eq!(third.name().unwrap().as_str(), "HOTP1");
}

#[test]
fn plain_files_of_python_pskc_are_read() {
    assert_made("plain", &Credential::none());
    // A key that is not needed does no harm.
    assert_made("plain", &Credential::key(&[0; 16]));
}

#[test]
fn encrypted_files_of_python_pskc_are_read() {
    let bytes: Vec<u8> = (0..32).collect();
    assert_made("key128", &Credential::key(&bytes[..16]));
    assert_made("key192", &Credential::key(&bytes[..24]));
    assert_made("key256", &Credential::key(&bytes));
    assert_made("password", &Credential::password("correct horse"));
    assert_made("password_sha256", &Credential::password("correct horse"));
}

#[test]
fn numbers_with_two_meanings_are_refused() {
    // The counter is 53, which is the byte of the digit 5.
    let bytes: Vec<u8> = (0..16).collect();
    let tokens = read(&file("counter53"), &Credential::key(&bytes)).unwrap();
    let error = tokens.tokens()[0].as_ref().unwrap_err();
    assert_eq!(
        (error.field(), error.problem()),
        ("Data/Counter", &Problem::AmbiguousNumber)
    );
}
