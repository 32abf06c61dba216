//! Key URIs found in practice, as test cases for any implementation, and the advice about apps
//! that misread key URIs of this library.

#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use countersign::otp::{Algorithm, Digits, Period, Secret};
use countersign::uri::{AppEffect, KeyUri, KeyUriKind, KeyUriPart};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const RFC_4226_SECRET: &[u8] = b"12345678901234567890";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the reader with a case of the data file. The error describes the difference.
fn check_case(case: &Value) -> Result<(), String> {
    let mut case = case.clone();
    if let (true, Some(other)) = (cfg!(feature = "steam"), case.get("with_steam").cloned()) {
        let case = case.as_object_mut().ok_or("no object")?;
        case.extend(other.as_object().ok_or("no object")?.clone());
    }
    let uri = case["uri"].as_str().ok_or("no URI")?;
    let read = if case["mode"] == "lenient" {
        KeyUri::parse_lenient(uri).map(|lenient| (lenient.uri, lenient.repairs))
    } else {
        KeyUri::parse_with_minimum(uri, 8).map(|uri| (uri, Vec::new()))
    };
    if case["expect"] == "reject" {
        return match read {
            Err(_) => Ok(()),
            Ok((uri, repairs)) => Err(format!("{uri:?} {repairs:?}")),
        };
    }
    let (uri, repairs) = read.map_err(|error| error.to_string())?;
    let digits = uri.digits().get();
    let (kind, digits, period, counter) = match uri.kind() {
        KeyUriKind::Totp { period } => ("totp", digits, Some(period.as_secs()), None),
        KeyUriKind::Hotp { counter } => ("hotp", digits, None, Some(counter)),
        #[cfg(feature = "steam")]
        KeyUriKind::Steam => ("steam", 5, Some(30), None),
        _ => ("other", digits, None, None),
    };
    let found = json!({
        "type": kind,
        "issuer": uri.issuer(),
        "prefix": uri.issuer_prefix(),
        "account": uri.account(),
        "secret_hex": hexadecimal(uri.secret().expose()),
        "algorithm": uri.algorithm().name(),
        "digits": digits,
        "period": period,
        "counter": counter,
        "repaired": !repairs.is_empty(),
    });
    for (name, value) in case.as_object().ok_or("no object")? {
        if found.get(name).is_some_and(|found| found != value) {
            return Err(format!("{name}: {}, {repairs:?}", found[name]));
        }
    }
    Ok(())
}

#[test]
fn every_case_is_read_as_listed() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/key_uris_cases.json")).unwrap();
    let ids: BTreeSet<_> = cases.iter().map(|case| case["id"].as_str()).collect();
    assert_eq!(ids.len(), cases.len(), "ids are unique");
    let mismatches: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let mismatch = check_case(case).err()?;
            Some(format!("{}: {mismatch}", case["id"]))
        })
        .collect();
    assert!(mismatches.is_empty(), "\n{}", mismatches.join("\n"));
}

#[test]
fn default_parameters_of_totp_give_no_advice() {
    for bytes in [16, 20, 32, 64, 1024] {
        let secret = Secret::from_bytes(&vec![7; bytes]).unwrap();
        let longest = "n".repeat(30);
        for uri in [
            KeyUri::totp(&secret, "alice@example.com"),
            KeyUri::totp(&secret, &longest).issuer(&longest),
        ] {
            assert_eq!(uri.build().unwrap().advice().next(), None);
        }
        let hotp = KeyUri::hotp(&secret, "alice", 7).issuer("Søhne");
        let expected = [("KeePassXC 2.7.4", AppEffect::Misreads)];
        assert_eq!(
            advised(&hotp.build().unwrap(), KeyUriPart::Counter),
            expected
        );
    }
}

/// The apps and effects in the advice on a key URI. All advice must be about this part.
fn advised(uri: &KeyUri, part: KeyUriPart) -> Vec<(&'static str, AppEffect)> {
    assert!(uri.advice().all(|advice| advice.part == part));
    uri.advice()
        .map(|advice| (advice.app, advice.effect))
        .collect()
}

#[test]
fn each_nondefault_parameter_gives_its_own_advice() {
    use AppEffect::{Cuts, Misreads, Refuses, Uncertain, Warns};
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let plain = KeyUri::totp(&secret, "alice").issuer("Example");
    let google = "Google Authenticator, Android";
    let microsoft = "Microsoft Authenticator";

    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let uri = plain.clone().algorithm(algorithm).build().unwrap();
        let expected = [
            (google, Uncertain),
            (microsoft, Misreads),
            ("Authy", Misreads),
            ("Duo Mobile", Misreads),
            ("1Password", Uncertain),
            ("Apple Passwords", Uncertain),
        ];
        assert_eq!(advised(&uri, KeyUriPart::Algorithm), expected);
    }
    let uri = plain.clone().digits(Digits::EIGHT).build().unwrap();
    let expected = [
        (google, Uncertain),
        (microsoft, Uncertain),
        ("Duo Mobile", Refuses),
        ("1Password", Uncertain),
        ("Apple Passwords", Uncertain),
    ];
    assert_eq!(advised(&uri, KeyUriPart::Digits), expected);

    let period = |seconds| {
        let period = Period::from_secs(seconds).unwrap();
        advised(
            &plain.clone().period(period).build().unwrap(),
            KeyUriPart::Period,
        )
    };
    let always = [
        (google, Uncertain),
        (microsoft, Uncertain),
        ("Authy", Misreads),
        ("Duo Mobile", Misreads),
        ("1Password", Uncertain),
        ("Apple Passwords", Uncertain),
    ];
    assert_eq!(period(60), always);
    assert!(period(45).contains(&("2FAS", Uncertain)));
    assert!(period(121).contains(&("pyotp 2.12", Refuses)));
    assert!(period(4).contains(&("FreeOTP, Android", Uncertain)));
    assert!(period(301).contains(&("Google Authenticator, iOS", Uncertain)));

    let short = Secret::from_bytes_with_minimum(&[7; 9], 72).unwrap();
    let expected = [
        (google, Refuses),
        ("FreeOTP, Android", Warns),
        ("FreeOTP, iOS", Warns),
        ("pyotp 2.12", Refuses),
    ];
    let uri = KeyUri::totp(&short, "alice").build().unwrap();
    assert_eq!(advised(&uri, KeyUriPart::Secret), expected);

    let account = |name| KeyUri::totp(&secret, name).build().unwrap();
    let long = "ä".repeat(51);
    let expected = [("Stratum", Cuts), ("2FAS", Cuts)];
    assert_eq!(advised(&account(&long), KeyUriPart::Account), expected);
    let expected = [("Stratum", Misreads), ("2FAS, Android", Misreads)];
    for name in ["a&b", "a=b", "a?", "#a", "100%"] {
        assert_eq!(advised(&account(name), KeyUriPart::Account), expected);
    }
    let issuer = KeyUri::totp(&secret, "a").issuer(&long).build().unwrap();
    let expected = [("Stratum", Cuts), ("2FAS", Cuts)];
    assert_eq!(advised(&issuer, KeyUriPart::Issuer), expected);

    let other_prefix = plain.issuer_prefix("example.com").build().unwrap();
    let apps: Vec<_> = other_prefix.advice().map(|advice| advice.app).collect();
    let readers = [
        "Google Authenticator, iOS",
        "FreeOTP, iOS",
        "FreeOTP+",
        "pyotp 2.12",
    ];
    assert_eq!(apps, readers);

    let colon =
        KeyUri::parse_lenient("otpauth://totp/a:b:c?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY").unwrap();
    let expected = [("FreeOTP, Android", Refuses)];
    assert_eq!(advised(&colon.uri, KeyUriPart::Account), expected);
}

#[test]
fn advice_is_a_sentence_with_its_source() {
    let secret = Secret::from_bytes_with_minimum(&[7; 9], 72).unwrap();
    let uri = KeyUri::totp(&secret, &"a&".repeat(30))
        .digits(Digits::SEVEN)
        .period(Period::from_secs(400).unwrap())
        .build()
        .unwrap();
    let all: Vec<_> = uri.advice().map(ToString::to_string).collect();
    for sentence in [
        "Google Authenticator, Android may misread or refuse the number of digits: it takes 6 (tests, 2019-2025)",
        "Google Authenticator, Android refuses the secret: it takes at least 10 bytes (source code, 2020)",
        "Authy may misread or refuse the number of digits: it takes 6 or 8 (tests, 2019-2025)",
        "Duo Mobile misreads the period and does not say so: it takes 30 seconds (tests, 2019-2025)",
        "FreeOTP, iOS warns about the secret: it takes at least 16 bytes (source code, 2020-2026)",
        "Stratum cuts the account: it takes at most 40 characters (source code, 2020-2026)",
        "Stratum misreads the account and does not say so: it takes a name without & = ? # % (source code, 2020-2026)",
        "pyotp 2.12 refuses the period: it takes at most 120 seconds (source code, 2020-2026)",
    ] {
        assert!(
            all.iter().any(|said| said == sentence),
            "{sentence}\n{all:#?}"
        );
    }
}
