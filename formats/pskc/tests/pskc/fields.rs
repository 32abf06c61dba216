//! Single fields of a key.

use countersign::otp::{Algorithm, Digits, Period};
use countersign_pskc::{MovingFactor, Note, Problem};

use crate::{assert_refused, key, one, plain, with_key};

fn suite(name: &str) -> String {
    key(
        &format!("<AlgorithmParameters><Suite>{name}</Suite></AlgorithmParameters>"),
        "",
    )
}

#[test]
fn hash_functions_are_read_by_all_known_names() {
    for name in [
        "SHA256",
        "HMAC-SHA256",
        "HmacSHA256",
        "SHA-256",
        " HMAC-SHA-256\n",
    ] {
        assert_eq!(
            one(&suite(name)).unwrap().algorithm(),
            Algorithm::Sha256,
            "{name}"
        );
    }
    for file in [
        key("<AlgorithmParameters hashalgo=\"SHA512\"/>", ""),
        key("<AlgorithmParameters HashAlgo=\"SHA512\"/>", ""),
        key(
            "<AlgorithmParameters><Suite hashalgo=\"HmacSHA512\"/></AlgorithmParameters>",
            "",
        ),
        key("", "").replace("Id=\"1\"", "hashalgo=\"SHA-512\""),
    ] {
        assert_eq!(one(&file).unwrap().algorithm(), Algorithm::Sha512);
    }
}

#[test]
fn unknown_hash_functions_are_refused() {
    let field = "AlgorithmParameters/Suite";
    for name in ["", "SHA224", "MD5", "HMAC", "OCRA-1:HOTP-SHA1-6:QN08"] {
        assert_refused(&suite(name), field, &Problem::Hash);
    }
    let two = suite("SHA256").replace("<Suite>", "<Suite hashalgo=\"SHA1\">");
    assert_refused(&two, field, &Problem::ConflictingHash);
    assert!(one(&two.replace("SHA1", "HMAC-SHA-256")).is_ok());
}

#[test]
fn missing_parameters_mean_the_defaults() {
    let token = one(&key("", "")).unwrap();
    assert_eq!(
        (token.algorithm(), token.digits()),
        (Algorithm::Sha1, Digits::SIX)
    );
    let MovingFactor::Time { period, .. } = token.moving_factor() else {
        panic!("TOTP");
    };
    assert_eq!(period, Period::THIRTY_SECONDS);
    assert_eq!(
        token.notes(),
        [Note::DefaultHash, Note::DefaultDigits, Note::DefaultPeriod]
    );
}

#[test]
fn algorithms_are_read_as_urn_or_name() {
    for name in ["totp", "TOTP", "urn:ietf:params:xml:ns:keyprov:pskc:totp"] {
        assert!(one(&key("", "").replace("\"totp\"", &format!("\"{name}\""))).is_ok());
    }
    for name in [
        "",
        "ocra",
        "urn:ietf:params:xml:ns:keyprov:pskc:ocra",
        "otp",
    ] {
        let file = key("", "").replace("\"totp\"", &format!("\"{name}\""));
        assert_refused(&file, "@Algorithm", &Problem::Algorithm);
    }
    let file = key("", "").replace(" Algorithm=\"totp\"", "");
    assert_refused(&file, "@Algorithm", &Problem::Missing);
}

#[test]
fn passcodes_have_six_to_eight_digits() {
    let format = |attributes: &str| {
        key(
            &format!("<AlgorithmParameters><ResponseFormat {attributes}/></AlgorithmParameters>"),
            "",
        )
    };
    for digits in 6..=8 {
        let token = one(&format(&format!("Encoding='DECIMAL' Length='{digits}'"))).unwrap();
        assert_eq!(token.digits().get(), digits);
    }
    let path = |name: &str| format!("AlgorithmParameters/ResponseFormat{name}");
    for length in ["5", "9", "", "six", "-6", "4294967302"] {
        let file = format(&format!("Length='{length}'"));
        assert_refused(&file, &path("/@Length"), &Problem::Digits);
    }
    let file = format("Encoding='HEXADECIMAL' Length='6'");
    assert_refused(&file, &path("/@Encoding"), &Problem::Encoding);
    let file = format("CheckDigits='true' Length='6'");
    assert_refused(&file, &path("/CheckDigits"), &Problem::CheckDigit);
    assert!(one(&format("CheckDigits='false' Length='6'")).is_ok());
}

#[test]
fn numbers_have_their_range() {
    let value = |name: &str, text: &str| {
        key(
            "",
            &format!("<{name}><PlainValue>{text}</PlainValue></{name}>"),
        )
    };
    for (name, text) in [
        ("TimeInterval", "0"),
        ("TimeInterval", "-30"),
        ("TimeInterval", "30.0"),
        ("TimeInterval", ""),
        ("TimeInterval", "MzA="),
        ("Time", "-1"),
        ("TimeDrift", "one"),
        ("TimeDrift", "9223372036854775808"),
    ] {
        assert_refused(
            &value(name, text),
            &format!("Data/{name}"),
            &Problem::Number,
        );
    }
    let counter = value("Counter", "-1").replace("totp", "hotp");
    assert_refused(&counter, "Data/Counter", &Problem::Number);
    let counter = value("Counter", "9223372036854775807").replace("totp", "hotp");
    let MovingFactor::Counter { next, .. } = one(&counter).unwrap().moving_factor() else {
        panic!("HOTP");
    };
    assert_eq!(next, Some(i64::MAX.cast_unsigned()));
}

#[test]
fn secrets_are_base64_only() {
    let secret = |text: &str| key("", "").replace("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", text);
    for text in [
        "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA",
        "MTIz-_==",
        "0x1234",
        "GEZDGNBVGY3TQOJQ1",
        "MTIzNB==",
    ] {
        assert_refused(&secret(text), "Data/Secret", &Problem::NotBase64);
    }
    for text in ["MTIz<!-- -->NA==", "MTIz<b/>NA==", "MTIz<?x?>NA=="] {
        assert_refused(&secret(text), "Data/Secret", &Problem::Divided);
    }
    assert!(matches!(
        one(&secret("")).unwrap_err().problem(),
        Problem::Secret(_)
    ));
    for text in ["MTIz\r\n NDU2", "<![CDATA[MTIzNDU2]]>", "&#77;TIzNDU2"] {
        assert_eq!(one(&secret(text)).unwrap().secret().expose(), b"123456");
    }
    for text in [
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "3132333435363738393031323334353637383930",
    ] {
        let token = one(&secret(text)).unwrap();
        assert!(token.notes().contains(&Note::SecretLooksEncoded));
    }
}

#[test]
fn keys_are_counted_against_packages() {
    let file = with_key("");
    assert_refused(&file, "Key", &Problem::NoKey);
    let two = key("", "").replace("</Key>", "</Key><Key Id='2' Algorithm='ocra'/>");
    let tokens = plain(two.as_bytes());
    assert_eq!((tokens.packages(), tokens.tokens().len()), (1, 2));
    assert!(tokens.tokens()[0].is_ok());
    let error = tokens.tokens()[1].as_ref().unwrap_err();
    assert!(
        error.to_string().starts_with("package 1, key 2, line "),
        "{error}"
    );
}

#[test]
fn elements_are_not_given_twice() {
    let file = key("<UserId>a</UserId><UserId>b</UserId>", "");
    assert_refused(&file, "UserId", &Problem::Duplicate);
    let file = key("", "<Secret><PlainValue>MTIz</PlainValue></Secret>");
    assert_refused(&file, "Data/Secret", &Problem::Duplicate);
    let file = key("", "").replace(
        "</PlainValue>",
        "</PlainValue><PlainValue>MTIz</PlainValue>",
    );
    assert_refused(&file, "Data/Secret", &Problem::Duplicate);
}

#[test]
fn policies_are_respected() {
    let policy = |content: &str| key(&format!("<Policy>{content}</Policy>"), "");
    let file = policy("<KeyUsage>CR</KeyUsage>");
    assert_refused(&file, "Policy/KeyUsage", &Problem::KeyUsage);
    let file = policy("<KeyUsage>CR</KeyUsage><KeyUsage>OTP</KeyUsage>");
    assert!(one(&file).is_ok());
    for mode in ["Append", "Prepend", "Algorithmic", "new"] {
        let file = policy(&format!("<PINPolicy PINUsageMode='{mode}'/>"));
        assert_refused(&file, "Policy/PINPolicy/@PINUsageMode", &Problem::Pin);
    }
    for unknown in ["<x:New xmlns:x='urn:x'/>", "<New/>"] {
        assert_refused(&policy(unknown), "Policy", &Problem::Policy);
    }
    let file =
        policy("<ExpiryDate>2030-01-01T00:00:00Z</ExpiryDate><PINPolicy PINUsageMode='Local'/>");
    let token = one(&file).unwrap();
    let paths: Vec<_> = token.other_fields().map(|field| field.path()).collect();
    assert_eq!(
        paths,
        ["Policy/PINPolicy/@PINUsageMode", "Policy/ExpiryDate"]
    );
}

#[test]
fn foreign_elements_are_kept_and_not_read() {
    let file = key("<x:UserId xmlns:x='urn:x'>mallory</x:UserId>", "");
    let token = one(&file).unwrap();
    assert_eq!(token.user_id(), None);
    let field = token.other_fields().next().unwrap();
    assert_eq!((field.path(), field.value()), ("UserId", "mallory"));
    assert!(!format!("{token:?}").contains("mallory"));
}

#[test]
fn debug_forms_show_no_secret() {
    let file = key("", "");
    let tokens = plain(file.as_bytes());
    let debug = format!("{tokens:?}");
    for secret in ["MTIzNDU2", "12345678901234567890", "49, 50, 51"] {
        assert!(!debug.contains(secret), "{debug}");
    }
}
