//! Key URIs: building, strict and lenient parsing, and errors.

#![cfg(feature = "alloc")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use countersign::otp::{Algorithm, Digits, Period, Secret, SecretError};
use countersign::uri::{KeyUri, KeyUriError, KeyUriKind, KeyUriPart, Repair};
use proptest::prelude::*;

const RFC_4226_SECRET: &[u8] = b"12345678901234567890";
const PLAIN: &str = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[cfg(feature = "steam")]
#[path = "provisioning/steam.rs"]
mod steam;

/// The rows of a data file, without its header and, with the feature `steam`, without the rows that
/// only a reader without this feature refuses.
fn rows(file: &str) -> impl Iterator<Item = Vec<&str>> {
    let is_refused = |line: &str| line.contains("\t! the key URI is for Steam Guard");
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .filter(move |line| !cfg!(feature = "steam") || !is_refused(line))
        .map(|line| line.split('\t').collect())
}

fn text(uri: &KeyUri) -> String {
    uri.to_secret_text().expose().to_owned()
}

/// The result of a reader, in the notation of the data files.
fn outcome(read: Result<&KeyUri, KeyUriError>) -> String {
    match read {
        Ok(uri) => format!("= {}", text(uri)),
        Err(error) => format!("! {error}"),
    }
}

/// The result of the lenient reader, and its repairs.
fn lenient_outcome(uri: &str) -> (String, String) {
    let read = KeyUri::parse_lenient(uri);
    let result = outcome(
        read.as_ref()
            .map(|lenient| &lenient.uri)
            .map_err(|error| *error),
    );
    let repairs = read.map_or(String::new(), |lenient| {
        let all: Vec<_> = lenient.repairs.iter().map(ToString::to_string).collect();
        all.join("; ")
    });
    (result, repairs)
}

fn assert_no_mismatch(mismatches: &[String]) {
    assert!(mismatches.is_empty(), "\n{}", mismatches.join("\n"));
}

#[test]
fn key_uris_are_written_byte_for_byte() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let mut mismatches = Vec::new();
    for row in rows(include_str!("data/key_uris_emitted.tsv")) {
        let [
            name,
            kind,
            issuer,
            account,
            algorithm,
            digits,
            moving,
            image,
            expected,
        ] = row[..]
        else {
            panic!("{row:?}")
        };
        let mut builder = if kind == "hotp" {
            KeyUri::hotp(&secret, account, moving.parse().unwrap())
        } else {
            let period = Period::from_secs(moving.parse().unwrap()).unwrap();
            KeyUri::totp(&secret, account).period(period)
        }
        .algorithm(algorithm.parse().unwrap())
        .digits(Digits::new(digits.parse().unwrap()).unwrap());
        if !issuer.is_empty() {
            builder = builder.issuer(issuer);
        }
        if !image.is_empty() {
            builder = builder.image(image);
        }
        let written = text(&builder.build().unwrap());
        if written != expected {
            mismatches.push(format!("{name}: {written}"));
        }
        let read = KeyUri::parse(&written).unwrap();
        assert_eq!(read.account(), account, "{name}");
        assert_eq!(read.issuer().unwrap_or_default(), issuer, "{name}");
        assert_eq!(read.image().unwrap_or_default(), image, "{name}");
    }
    assert_no_mismatch(&mismatches);
}

#[test]
fn the_strict_reader_follows_the_format() {
    let mut mismatches = Vec::new();
    for row in rows(include_str!("data/key_uris_strict.tsv")) {
        let [name, uri, expected] = row[..] else {
            panic!("{row:?}")
        };
        let read = outcome(KeyUri::parse(uri).as_ref().map_err(|error| *error));
        if read != expected {
            mismatches.push(format!("{name}: {read}"));
        }
    }
    assert_no_mismatch(&mismatches);
}

#[test]
fn the_lenient_reader_reports_every_repair() {
    let mut mismatches = Vec::new();
    for row in rows(include_str!("data/key_uris_lenient.tsv")) {
        let (name, uri, expected) = (row[0], row[1], row[2]);
        let repairs = row.get(3).copied().unwrap_or_default();
        let (result, shown_repairs) = lenient_outcome(uri);
        if result != expected || shown_repairs != repairs {
            mismatches.push(format!("{name}: {result}\t{shown_repairs}"));
        }
    }
    assert_no_mismatch(&mismatches);
}

#[test]
fn strictly_valid_uris_need_no_repairs() {
    for row in rows(include_str!("data/key_uris_strict.tsv")) {
        if let Ok(strict) = KeyUri::parse(row[1]) {
            let lenient = KeyUri::parse_lenient(row[1]).unwrap();
            assert_eq!(lenient.repairs, [], "{}", row[0]);
            assert_eq!(text(&lenient.uri), text(&strict), "{}", row[0]);
        }
    }
}

#[test]
fn accessors_return_the_parts_as_written() {
    let uri = KeyUri::parse(
        "otpauth://totp/Big%20Corp:zo%C3%AB?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Big%20Corp&algorithm=SHA512&digits=8&period=60&image=https://example.com/a.png",
    )
    .unwrap();
    assert_eq!(uri.secret().expose(), RFC_4226_SECRET);
    assert_eq!(uri.issuer(), Some("Big Corp"));
    assert_eq!(uri.account(), "zoë");
    assert_eq!(uri.algorithm(), Algorithm::Sha512);
    assert_eq!(uri.digits(), Digits::EIGHT);
    let period = Period::from_secs(60).unwrap();
    assert_eq!(uri.kind(), KeyUriKind::Totp { period });
    assert_eq!(uri.image(), Some("https://example.com/a.png"));

    let uri = KeyUri::parse(&PLAIN.replace("totp", "hotp").replace('?', "?counter=9&")).unwrap();
    assert_eq!(uri.kind(), KeyUriKind::Hotp { counter: 9 });
    assert_eq!(uri.issuer(), None);
    assert_eq!(uri.image(), None);
}

#[test]
fn a_prefix_unlike_the_issuer_is_kept() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let builder = KeyUri::totp(&secret, "alice").issuer("example.com");
    let uri = builder.clone().issuer_prefix("Example").build().unwrap();
    assert!(text(&uri).starts_with("otpauth://totp/Example:alice?"));
    assert!(text(&uri).ends_with("&issuer=example.com"));
    for uri in [&uri, &KeyUri::parse(&text(&uri)).unwrap()] {
        assert_eq!(uri.issuer(), Some("example.com"));
        assert_eq!(uri.issuer_prefix(), Some("Example"));
        assert_eq!(uri.account(), "alice");
    }
    let uri = builder.clone().build().unwrap();
    assert_eq!(uri.issuer_prefix(), Some("example.com"));
    let equal = builder.issuer_prefix("example.com").build().unwrap();
    assert_equal(&equal, &uri);
    assert_eq!(text(&equal), text(&uri));
}

#[test]
fn a_fitted_name_can_be_built() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    for name in [
        "@dana:example.org",
        "192.0.2.7:8000",
        " a\u{0}:\n",
        "Forge: Free hosting",
    ] {
        let name = KeyUri::fit_name(name, 30);
        let uri = KeyUri::totp(&secret, &name).issuer(&name).build().unwrap();
        assert_eq!(KeyUri::parse(&text(&uri)).unwrap().account(), name);
    }
}

#[test]
fn the_minimum_secret_length_is_configurable() {
    let short = "otpauth://totp/alice?secret=GE";
    let too_short = |bits, minimum| KeyUriError::Secret(SecretError::TooShort { bits, minimum });
    assert_eq!(KeyUri::parse(short).unwrap_err(), too_short(8, 128));
    assert_eq!(
        KeyUri::parse_with_minimum(short, 9).unwrap_err(),
        too_short(8, 9)
    );
    assert_eq!(
        KeyUri::parse_with_minimum(PLAIN, 168).unwrap_err(),
        too_short(160, 168)
    );
    for minimum in [0, 1, 8] {
        assert_eq!(
            KeyUri::parse_with_minimum(short, minimum)
                .unwrap()
                .secret()
                .expose(),
            b"1"
        );
    }
}

#[test]
fn unreadable_key_uris_cannot_be_built() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let account = |account| KeyUri::totp(&secret, account).build().unwrap_err();
    let issuer = |issuer| {
        KeyUri::totp(&secret, "a")
            .issuer(issuer)
            .build()
            .unwrap_err()
    };
    let part = KeyUriPart::Account;
    assert_eq!(account(""), KeyUriError::Empty { part });
    assert_eq!(account("a:b"), KeyUriError::Colon { part });
    assert_eq!(account("a\nb"), KeyUriError::ControlCharacter { part });
    assert_eq!(account(" a"), KeyUriError::OuterSpace { part });
    let part = KeyUriPart::Issuer;
    assert_eq!(issuer(""), KeyUriError::Empty { part });
    assert_eq!(issuer("a:b"), KeyUriError::Colon { part });
    assert_eq!(issuer("a\u{7f}"), KeyUriError::ControlCharacter { part });
    assert_eq!(issuer("a\u{3000}"), KeyUriError::OuterSpace { part });
    let prefixed = KeyUri::totp(&secret, "a").issuer("E");
    let prefix = |prefix| prefixed.clone().issuer_prefix(prefix).build().unwrap_err();
    let part = KeyUriPart::IssuerPrefix;
    assert_eq!(prefix(""), KeyUriError::Empty { part });
    assert_eq!(prefix("a:b"), KeyUriError::Colon { part });
    let alone = KeyUri::totp(&secret, "a").issuer_prefix("E").build();
    let part = KeyUriPart::Issuer;
    assert_eq!(alone.unwrap_err(), KeyUriError::Missing { part });
    for address in [
        "",
        "logo.png",
        "http://example.com/a",
        "https://example.com",
        "https:///a",
        "https://example.com/a b",
        "https://example.com/ä",
    ] {
        let refused = KeyUri::totp(&secret, "a")
            .image(address)
            .build()
            .unwrap_err();
        assert_eq!(refused, KeyUriError::Image, "{address}");
    }
    let period_of_hotp = KeyUri::hotp(&secret, "a", 0)
        .period(Period::default())
        .build();
    let part = KeyUriPart::Period;
    assert_eq!(
        period_of_hotp.unwrap_err(),
        KeyUriError::NotForType { part }
    );
}

#[test]
fn a_key_uri_has_at_most_4096_bytes() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let rest = PLAIN.len() - "alice".len();
    let longest = "a".repeat(KeyUri::MAX_BYTES - rest);
    let uri = text(&KeyUri::totp(&secret, &longest).build().unwrap());
    assert_eq!(uri.len(), KeyUri::MAX_BYTES);
    assert_eq!(KeyUri::parse(&uri).unwrap().account(), longest);

    let too_long = KeyUriError::TooLong { bytes: 4097 };
    let longer = format!("{longest}a");
    assert_eq!(
        KeyUri::totp(&secret, &longer).build().unwrap_err(),
        too_long
    );
    let uri = uri.replace('?', "a?");
    assert_eq!(KeyUri::parse(&uri).unwrap_err(), too_long);
    assert_eq!(KeyUri::parse_lenient(&uri).unwrap_err(), too_long);

    // A URI that is short enough to read can be too long to write.
    let grows = "ä".repeat(1000);
    assert!(KeyUri::parse_lenient(&format!("otpauth://totp/{grows}?secret=GEZDGNBV")).is_err());
}

#[test]
fn a_secret_of_1024_bytes_fits() {
    let secret = Secret::from_bytes(&[0xff; 1024]).unwrap();
    let uri = text(
        &KeyUri::totp(&secret, "alice")
            .issuer("Example")
            .build()
            .unwrap(),
    );
    assert_eq!(
        KeyUri::parse(&uri).unwrap().secret().expose(),
        secret.expose()
    );
}

#[test]
fn no_error_and_no_repair_quotes_the_uri() {
    let marks = ["QQQQ", "qqqq"];
    for garbled in [
        "otpauth://QQQQ/alice?secret=QQQQQQQQ",
        "otpauth://totp/QQQQ:QQQQ:QQQQ?QQQQ",
        "otpauth://totp/alice?QQQQQQQQ=QQQQ&secret=QQQQ",
        "otpauth://totp/alice?qqqqqqqq&secret=QQQQ%QQ",
        "otpauth://totp/alice?secret=QQQQ8QQQ&issuer=QQQQ",
        "otpauth://totp/alice?secret=QQQQQQQQ&digits=QQQQ",
        "otpauth://totp/alice?secret=QQQQQQQQ&algorithm=QQQQ",
        "otpauth://totp/alice?secret=QQQQQQQQ&secret=qqqq",
        "otpauth://totp/alice?QQQQ=1&secret=qqqqqqqq&",
    ] {
        let shown = match KeyUri::parse_lenient(garbled) {
            Err(error) => format!("{error} {error:?}"),
            Ok(lenient) => {
                assert_ne!(lenient.repairs, []);
                let all: Vec<_> = lenient.repairs.iter().map(Repair::to_string).collect();
                format!("{all:?} {:?} {lenient:?}", lenient.repairs)
            }
        };
        let strict = KeyUri::parse(garbled).unwrap_err();
        for mark in marks {
            assert!(!shown.contains(mark), "{shown}");
            assert!(!strict.to_string().contains(mark), "{strict}");
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 .@+&=?#%/_-]{1,30}", "\\PC{1,30}"].prop_filter_map(
        "a name without colons and control characters",
        |name| {
            let name: String = name
                .chars()
                .filter(|c| *c != ':' && !c.is_control())
                .collect();
            let name = name.trim();
            (!name.is_empty()).then(|| name.to_owned())
        },
    )
}

prop_compose! {
    fn key_uri()(
        secret in prop::collection::vec(any::<u8>(), 16..200),
        account in name(),
        issuer in prop::option::of(name()),
        prefix in prop::option::of(name()),
        algorithm in prop::sample::select(&[Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512][..]),
        digits in 6_u8..=8,
        counter in prop::option::of(any::<u64>()),
        period in prop_oneof![Just(30), 1..=120_u64, 1..=u64::MAX],
        image in prop::option::of("https://[a-z.]{1,20}/[a-zA-Z0-9?&=%#+:./]{0,30}"),
    ) -> KeyUri {
        let secret = Secret::from_bytes(&secret).unwrap();
        let mut builder = match counter {
            Some(counter) => KeyUri::hotp(&secret, &account, counter),
            None => KeyUri::totp(&secret, &account).period(Period::from_secs(period).unwrap()),
        };
        builder = builder.algorithm(algorithm).digits(Digits::new(digits).unwrap());
        if let Some(issuer) = &issuer {
            builder = builder.issuer(issuer);
            if let Some(prefix) = &prefix {
                builder = builder.issuer_prefix(prefix);
            }
        }
        if let Some(image) = &image {
            builder = builder.image(image);
        }
        builder.build().unwrap()
    }
}

fn assert_equal(one: &KeyUri, other: &KeyUri) {
    assert_eq!(one.secret().expose(), other.secret().expose());
    assert_eq!(one.kind(), other.kind());
    assert_eq!(one.account(), other.account());
    assert_eq!(one.issuer(), other.issuer());
    assert_eq!(one.issuer_prefix(), other.issuer_prefix());
    assert_eq!(one.algorithm(), other.algorithm());
    assert_eq!(one.digits(), other.digits());
    assert_eq!(one.image(), other.image());
}

/// Checks that a parsed URI is written and read back equal. The strict reader reads the written
/// URI too, unless a name has a colon.
fn assert_read_back(uri: &KeyUri) {
    let written = text(uri);
    let again = KeyUri::parse_lenient(&written).unwrap();
    assert_equal(&again.uri, uri);
    assert_eq!(text(&again.uri), written);
    let colon = |repair: &Repair| matches!(repair, Repair::Colon { .. });
    match KeyUri::parse_with_minimum(&written, 8) {
        Ok(strict) => assert_equal(&strict, uri),
        Err(error) => assert!(again.repairs.iter().any(colon), "{error}"),
    }
}

/// Names with separators and escapes.
fn pieces_of_names() -> impl Strategy<Value = String> {
    let pieces = ["a", "b", ":", "%3A", "+", "%2B", "%20", " "];
    let piece = prop::sample::select(pieces.map(ToOwned::to_owned).to_vec());
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Text that resembles a key URI.
fn nearly_a_key_uri() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(
            &[
                "otpauth://",
                "totp",
                "hotp",
                "/",
                "?",
                "&",
                "=",
                ":",
                "%3A",
                "%20",
                "%",
                "+",
                "#",
                "secret",
                "issuer",
                "algorithm",
                "digits",
                "period",
                "counter",
                "image",
                "secret=GEZDGNBV",
                "SHA256",
                "6",
                "alice",
                " ",
                "ä",
                "%C3%A4",
                "%FF",
                "\u{0}",
                "GEZD",
                "gezd",
                "=",
                "-",
                "amp;",
                "null",
                "steam",
                "encoder",
                "representation",
                "5",
                "\u{feff}",
            ][..]
        )
        .prop_map(ToOwned::to_owned),
        "\\PC{0,4}",
    ];
    (any::<bool>(), prop::collection::vec(piece, 0..30)).prop_map(|(begun, pieces)| {
        let head = if begun {
            "otpauth://totp/a?secret=GEZDGNBV"
        } else {
            ""
        };
        format!("{head}{}", pieces.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn built_key_uris_are_read_back_equal(uri in key_uri()) {
        let written = text(&uri);
        prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
        let strict = KeyUri::parse(&written).unwrap();
        assert_equal(&strict, &uri);
        prop_assert_eq!(text(&strict), written.clone());
        let lenient = KeyUri::parse_lenient(&written).unwrap();
        assert_equal(&lenient.uri, &uri);
        prop_assert_eq!(lenient.repairs, []);
    }

    #[test]
    fn any_text_is_refused_or_written_back(uri in nearly_a_key_uri()) {
        let strict = KeyUri::parse_with_minimum(&uri, 8);
        if let Ok(lenient) = KeyUri::parse_lenient(&uri) {
            assert_read_back(&lenient.uri);
            let repaired = lenient
                .repairs
                .iter()
                .any(|repair| !matches!(repair, Repair::SecretShort { .. }));
            prop_assert_eq!(strict.is_err(), repaired);
        } else {
            prop_assert!(strict.is_err());
        }
    }

    #[test]
    fn repaired_names_are_read_back_equal(
        label in pieces_of_names(),
        issuer in prop::option::of(pieces_of_names()),
    ) {
        let issuer = issuer.map(|issuer| format!("&issuer={issuer}")).unwrap_or_default();
        let uri = format!("otpauth://totp/{label}?secret=GEZDGNBV{issuer}");
        if let Ok(lenient) = KeyUri::parse_lenient(&uri) {
            assert_read_back(&lenient.uri);
        }
        if let Ok(strict) = KeyUri::parse_with_minimum(&uri, 8) {
            assert_equal(&KeyUri::parse_lenient(&uri).unwrap().uri, &strict);
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = KeyUri::parse(&text);
        let _ = KeyUri::parse_lenient(&text);
    }
}
