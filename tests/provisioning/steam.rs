//! Key URIs with a mark of Steam Guard, with the feature `steam`.

use super::*;
use countersign::Timestamp;
use countersign::otp::SteamGuard;

#[test]
fn marks_of_steam_are_read_as_listed() {
    let mut mismatches = Vec::new();
    for row in rows(include_str!("../data/key_uris_steam.tsv")) {
        let (name, mode, uri, expected) = (row[0], row[1], row[2], row[3]);
        let repairs = row.get(4).copied().unwrap_or_default();
        let found = match mode {
            "strict" => {
                let read = KeyUri::parse(uri);
                (
                    outcome(read.as_ref().map_err(|error| *error)),
                    String::new(),
                )
            }
            "lenient" => lenient_outcome(uri),
            _ => panic!("{row:?}"),
        };
        if found != (expected.to_owned(), repairs.to_owned()) {
            mismatches.push(format!("{name}: {}\t{}", found.0, found.1));
        }
    }
    assert_no_mismatch(&mismatches);
}

/// Every row that the reader without the feature refuses because of Steam.
#[test]
fn every_mark_that_is_refused_otherwise_is_steam() {
    let mut count = 0;
    for file in [
        include_str!("../data/key_uris_strict.tsv"),
        include_str!("../data/key_uris_lenient.tsv"),
    ] {
        for line in file
            .lines()
            .filter(|line| line.contains("! the key URI is for Steam Guard"))
        {
            let uri = line.split('\t').nth(1).unwrap();
            let read = KeyUri::parse_lenient(uri).unwrap().uri;
            assert_eq!(read.kind(), KeyUriKind::Steam, "{line}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn a_name_never_makes_a_uri_steam() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    for name in [
        "Steam",
        "steam",
        "steamguard",
        "Steam Guard",
        "encoder=steam",
    ] {
        let uri = KeyUri::totp(&secret, name).issuer(name).build().unwrap();
        for read in [
            KeyUri::parse(&text(&uri)).unwrap(),
            KeyUri::parse_lenient(&text(&uri)).unwrap().uri,
        ] {
            assert!(matches!(read.kind(), KeyUriKind::Totp { .. }), "{name}");
        }
    }
}

#[test]
fn a_built_uri_has_both_marks() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let uri = KeyUri::steam(&secret, "dana")
        .issuer("Shop")
        .build()
        .unwrap();
    assert_eq!(
        text(&uri),
        "otpauth://steam/Shop:dana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Shop&encoder=steam"
    );
    let read = KeyUri::parse(&text(&uri)).unwrap();
    assert_eq!(read.kind(), KeyUriKind::Steam);
    assert_eq!(read.advice().next(), None);
    let steam = SteamGuard::new(read.secret().expose());
    assert_eq!(steam.generate(Timestamp::from_unix(59)).expose(), "PV9M4");
}

#[test]
fn the_builder_refuses_other_parameters() {
    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let steam = KeyUri::steam(&secret, "dana");
    for (builder, part) in [
        (
            steam.clone().algorithm(Algorithm::Sha256),
            KeyUriPart::Algorithm,
        ),
        (steam.clone().digits(Digits::EIGHT), KeyUriPart::Digits),
        (steam.clone().period(Period::default()), KeyUriPart::Period),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error, KeyUriError::NotForType { part });
    }
}

#[cfg(feature = "verifier")]
#[test]
fn the_phone_for_tests_refuses_steam() {
    use countersign::testing::Phone;

    let secret = Secret::from_bytes(RFC_4226_SECRET).unwrap();
    let uri = KeyUri::steam(&secret, "dana").build().unwrap();
    assert_eq!(Phone::scan(&text(&uri)).unwrap_err(), KeyUriError::Type);
}

proptest! {
    #[test]
    fn built_steam_uris_are_read_back_equal(
        secret in prop::collection::vec(any::<u8>(), 16..200),
        account in name(),
        issuer in prop::option::of(name()),
    ) {
        let secret = Secret::from_bytes(&secret).unwrap();
        let mut builder = KeyUri::steam(&secret, &account);
        if let Some(issuer) = &issuer {
            builder = builder.issuer(issuer);
        }
        let uri = builder.build().unwrap();
        assert_read_back(&uri);
        assert_equal(&KeyUri::parse(&text(&uri)).unwrap(), &uri);
        prop_assert_eq!(KeyUri::parse_lenient(&text(&uri)).unwrap().repairs, []);
    }
}
