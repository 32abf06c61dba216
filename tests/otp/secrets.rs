use super::*;
use countersign::otp::{Secret, SecretError};
use proptest::prelude::*;

const TEXT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn base32_of_key_uris_is_read_strictly() {
    assert_eq!(Secret::from_base32(TEXT).unwrap().expose(), KEY);
    let symbol = |text: &str, position| {
        let error = Secret::from_base32(text).unwrap_err();
        assert_eq!(error, SecretError::Base32Symbol { position }, "{text}");
    };
    symbol(&TEXT.to_lowercase(), 0);
    symbol(&format!("{TEXT}="), 32);
    symbol("GEZD GNBV", 4);
    symbol("GEZD-GNBV", 4);
    symbol("GEZDGNB0", 7);
    symbol("GEZDGN8V", 6);
    symbol("GEZDGN\u{e9}", 6);
    symbol("ＧEZDGN", 0);
}

#[test]
fn typed_base32_ignores_case_spaces_and_padding() {
    for text in [
        TEXT.to_owned(),
        TEXT.to_lowercase(),
        "gezd gnbv gy3t qojq gezd gnbv gy3t qojq".to_owned(),
        "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ".to_owned(),
        format!(" {TEXT}\r\n"),
        format!("{TEXT}======"),
        TEXT.replace("QOJQ", "QOJQ\u{a0}\u{200b}"),
    ] {
        assert_eq!(
            Secret::from_typed_base32(&text).unwrap().expose(),
            KEY,
            "{text:?}"
        );
    }
}

#[test]
fn base32_with_a_partial_byte_is_refused() {
    for length in [1, 3, 6, 9, 11, 14, 17] {
        let text = &TEXT[..length];
        let strict = Secret::from_base32_with_minimum(text, 8).unwrap_err();
        assert_eq!(strict, SecretError::Base32Length, "{length}");
        let typed = Secret::from_typed_base32_with_minimum(text, 8).unwrap_err();
        assert_eq!(typed, SecretError::Base32Length, "{length}");
    }
}

#[test]
fn nonzero_spare_bits_are_refused_or_dropped() {
    // 23 characters: 14 bytes and 3 bits to spare.
    let text = "GEZDGNBVGY3TQOJQGEZDGND";
    let strict = Secret::from_base32_with_minimum(text, 112).unwrap_err();
    assert_eq!(strict, SecretError::Base32SpareBits);
    let typed = Secret::from_typed_base32_with_minimum(text, 112).unwrap();
    assert_eq!(typed.expose(), &KEY[..14]);
    assert_eq!(typed.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNA");
}

#[test]
fn the_default_minimum_secret_is_128_bits() {
    let short = SecretError::TooShort {
        bits: 120,
        minimum: 128,
    };
    assert_eq!(Secret::from_bytes(&KEY[..15]).unwrap_err(), short);
    assert_eq!(Secret::from_bytes(&KEY[..16]).unwrap().bits(), 128);
    assert_eq!(Secret::from_base32(&TEXT[..24]).unwrap_err(), short);
    assert_eq!(Secret::from_typed_base32(&TEXT[..24]).unwrap_err(), short);

    let imported = Secret::from_base32_with_minimum(&TEXT[..16], 80).unwrap();
    assert_eq!(imported.expose(), &KEY[..10]);
    assert!(Secret::from_base32_with_minimum(&TEXT[..16], 81).is_err());
    assert!(Secret::from_bytes_with_minimum(&[1], 8).is_ok());
    let empty = SecretError::TooShort {
        bits: 0,
        minimum: 8,
    };
    assert_eq!(Secret::from_bytes_with_minimum(&[], 0).unwrap_err(), empty);
    assert_eq!(
        Secret::from_typed_base32_with_minimum("==", 0).unwrap_err(),
        empty
    );
}

#[test]
fn a_secret_has_at_most_1024_bytes() {
    assert!(Secret::from_bytes(&[0; 1_024]).is_ok());
    let long = SecretError::TooLong { bytes: 1_025 };
    assert_eq!(Secret::from_bytes(&[0; 1_025]).unwrap_err(), long);
    assert_eq!(Secret::from_base32(&"A".repeat(1_640)).unwrap_err(), long);
    assert!(Secret::from_base32(&"A".repeat(1 << 20)).is_err());
}

#[test]
fn a_key_is_shown_in_groups_of_four() {
    let secret = Secret::from_bytes(KEY).unwrap();
    let grouped = secret.to_base32_grouped();
    assert_eq!(grouped.expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    let odd = Secret::from_bytes(&KEY[..16]).unwrap();
    assert_eq!(
        odd.to_base32_grouped().expose(),
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY"
    );
}

/// Invariant 6: secrets come from a CSPRNG, with their length in bytes.
mod generation {
    use super::*;
    use crate::support::SeededRng;

    #[test]
    fn a_generated_secret_has_the_hash_length() {
        let rng = &mut SeededRng(1);
        for (algorithm, bits) in ALGORITHMS.into_iter().zip([160, 256, 512]) {
            assert_eq!(Secret::generate_for(algorithm, rng).bits(), bits);
        }
        let secret = Secret::generate_with(rng);
        assert_eq!(secret.bits(), 160);
        assert_eq!(
            secret.to_base32().expose().len(),
            32,
            "no spare bits and no padding"
        );
    }

    #[test]
    fn a_secret_is_the_generators_output() {
        let mut bytes = [0; 20];
        rand_core::TryRng::try_fill_bytes(&mut SeededRng(2), &mut bytes).unwrap();
        assert_eq!(Secret::generate_with(&mut SeededRng(2)).expose(), bytes);
    }

    #[cfg(feature = "getrandom")]
    #[test]
    fn each_generated_secret_is_new() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_eq!(one.bits(), 160);
        assert_ne!(one.expose(), two.expose());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn base32_agrees_with_totp_rs(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let secret = Secret::from_bytes_with_minimum(&bytes, 8).unwrap();
        let text = secret.to_base32();
        prop_assert_eq!(text.expose(), totp_rs::Secret::from(bytes.clone()).to_base32());
        for read in [
            Secret::from_base32_with_minimum(text.expose(), 8),
            Secret::from_typed_base32_with_minimum(secret.to_base32_grouped().expose(), 8),
        ] {
            let read = read.unwrap();
            prop_assert_eq!(read.expose(), &bytes);
        }
    }

    /// Invariant 8: no input causes a panic.
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,100}") {
        let _ = Secret::from_typed_base32_with_minimum(&text, 8);
        if let Ok(secret) = Secret::from_base32_with_minimum(&text, 8) {
            let back = secret.to_base32();
            prop_assert_eq!(back.expose(), text);
        }
    }
}
