//! Invariant 7: no secret and no code appears in `Debug`.

use super::*;

#[test]
fn debug_shows_parameters_and_nothing_that_is_secret() {
    assert_eq!(format!("{:?}", typed("755224")), "Code { .. }");
    let passcode = hotp().generate(0);
    assert_eq!(
        format!("{passcode:?}"),
        "Passcode { digits: Digits(6), .. }"
    );
    let shown = format!("{:?}", hotp());
    assert_eq!(shown, "Hotp { algorithm: Sha1, digits: Digits(6), .. }");
    let shown = format!("{:?}", totp());
    assert_eq!(
        shown,
        "Totp { algorithm: Sha1, digits: Digits(6), period: Period(30), t0: Timestamp(0), .. }"
    );
}

#[test]
fn display_shows_parameters_and_times() {
    assert_eq!(Digits::EIGHT.to_string(), "8");
    assert_eq!(Period::THIRTY_SECONDS.to_string(), "30 s");
    assert_eq!(Timestamp::from_unix(59).to_string(), "59");
    assert_eq!(TimeStep::new(1).to_string(), "1");
}

#[cfg(feature = "alloc")]
#[test]
fn debug_of_a_secret_shows_its_length() {
    let secret = countersign::otp::Secret::from_bytes(KEY).unwrap();
    assert_eq!(format!("{secret:?}"), "Secret { bits: 160, .. }");
    assert_eq!(format!("{:?}", secret.to_base32()), "SecretText { .. }");
    assert_eq!(
        format!("{:?}", secret.to_base32_grouped()),
        "SecretText { .. }"
    );
}

#[cfg(feature = "alloc")]
#[test]
fn an_error_does_not_repeat_what_was_typed() {
    let typed = "GEZD GNBV GY3T Q0JQ";
    let error = countersign::otp::Secret::from_typed_base32(typed).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("GEZD") && !shown.contains('Q'), "{shown}");
}
