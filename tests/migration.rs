//! Exports of Google Authenticator: exports of other software, every form of the text, batches,
//! and another protobuf implementation as an oracle.

#![cfg(feature = "migration")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use countersign::otp::{Algorithm, Digits, Period, Secret};
use countersign::uri::migration::{
    MigrationBatch, MigrationBatchError, MigrationEncodeError, MigrationEntryFault, MigrationError,
    MigrationUri,
};
use countersign::uri::{KeyUri, KeyUriError, KeyUriPart, Repair};
use data_encoding::BASE64;
use prost::Message;
use serde_json::{Value, json};

/// The message as a generated reader has it.
#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
    #[prost(int32, tag = "2")]
    version: i32,
    #[prost(int32, tag = "3")]
    batch_size: i32,
    #[prost(int32, tag = "4")]
    batch_index: i32,
    #[prost(int32, tag = "5")]
    batch_id: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "vec", tag = "1")]
    secret: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    issuer: String,
    #[prost(int32, tag = "4")]
    algorithm: i32,
    #[prost(int32, tag = "5")]
    digits: i32,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(int64, tag = "7")]
    counter: i64,
    #[prost(string, tag = "8")]
    unique_id: String,
}

const KEY: &[u8] = b"12345678901234567890";

fn entry(name: &str) -> Entry {
    Entry {
        secret: KEY.into(),
        name: name.into(),
        algorithm: 1,
        digits: 1,
        kind: 2,
        ..Entry::default()
    }
}

fn text(message: &[u8]) -> String {
    let data = BASE64.encode(message).replace('+', "%2B");
    format!("otpauth-migration://offline?data={data}")
}

fn text_of(payload: &Payload) -> String {
    text(&payload.encode_to_vec())
}

fn part(size: i32, index: i32, id: i32, name: &str) -> MigrationUri {
    let payload = Payload {
        entries: vec![entry(name)],
        version: 1,
        batch_size: size,
        batch_index: index,
        batch_id: id,
    };
    MigrationUri::parse(&text_of(&payload)).unwrap()
}

fn key_uri(account: &str) -> KeyUri {
    let secret = Secret::from_bytes(KEY).unwrap();
    let uri = KeyUri::totp(&secret, account).issuer("Example");
    uri.build().unwrap()
}

fn written(uri: &KeyUri) -> String {
    uri.to_secret_text().expose().to_owned()
}

/// What the lenient reader finds in a part, in the form of the data file.
fn found(part: &MigrationUri) -> Value {
    let entries: Vec<Value> = part
        .entries()
        .iter()
        .map(|entry| match entry {
            Err(error) => json!({ "error": error.to_string() }),
            Ok(read) if read.repairs.is_empty() => json!({ "uri": written(&read.uri) }),
            Ok(read) => {
                let repairs = read.repairs.iter().map(ToString::to_string);
                json!({ "uri": written(&read.uri), "repairs": repairs.collect::<Vec<_>>() })
            }
        })
        .collect();
    let notes: Vec<String> = part.notes().iter().map(ToString::to_string).collect();
    json!({
        "batch": [part.version(), part.batch_size(), part.batch_index(), part.batch_id()],
        "entries": entries,
        "notes": notes,
    })
}

#[test]
fn exports_of_other_software_are_read_as_listed() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/migration.json")).unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        let uri = case["uri"].as_str().unwrap();
        let found = found(&MigrationUri::parse_lenient(uri).unwrap());
        let about = &case["about"];
        assert_eq!(found["batch"], case["batch"], "{about}");
        assert_eq!(found["entries"], case["entries"], "{about}");
        let notes = case.get("notes").cloned().unwrap_or(json!([]));
        assert_eq!(found["notes"], notes, "{about}");
    }
}

#[test]
fn the_strict_reader_refuses_every_repair() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/migration.json")).unwrap();
    for case in cases {
        let uri = case["uri"].as_str().unwrap();
        if case.get("notes").is_some() {
            let error = MigrationUri::parse(uri).unwrap_err();
            assert_eq!(error, MigrationError::UnknownField { field: 6 });
            continue;
        }
        let strict = MigrationUri::parse(uri).unwrap();
        for (number, expected) in case["entries"].as_array().unwrap().iter().enumerate() {
            let is_exact = expected.get("uri").is_some() && expected.get("repairs").is_none();
            let entry = &strict.entries()[number];
            assert_eq!(entry.is_ok(), is_exact, "{expected}: {entry:?}");
            match entry {
                Ok(read) => assert!(read.repairs.is_empty()),
                Err(error) => assert_eq!(error.entry, number + 1),
            }
        }
    }
}

#[test]
fn an_unknown_field_of_an_entry_is_named() {
    let mut message = entry("alice").encode_to_vec();
    message.extend([0x48, 60]); // field 9: 60
    let mut payload = vec![0x0a, u8::try_from(message.len()).unwrap()];
    payload.extend(message);
    let uri = text(&payload);
    let strict = MigrationUri::parse(&uri).unwrap();
    let fault = strict.entries()[0].as_ref().unwrap_err().fault;
    assert_eq!(fault, MigrationEntryFault::UnknownField { field: 9 });
    let lenient = MigrationUri::parse_lenient(&uri).unwrap();
    let repairs = &lenient.entries()[0].as_ref().unwrap().repairs;
    assert_eq!(*repairs, [Repair::UnknownField { field: 9 }]);
    // The text that is written back still has the field.
    let again = MigrationUri::parse(lenient.to_secret_text().expose()).unwrap();
    assert!(again.entries()[0].is_err());
}

#[test]
fn repeated_fields_and_wrong_types_are_errors() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let good = entry("alice").encode_to_vec();
    for (more, fault) in [
        (
            &[0x20, 2][..],
            MigrationEntryFault::RepeatedField { field: 4 },
        ),
        (
            &[0x0a, 1, 7],
            MigrationEntryFault::RepeatedField { field: 1 },
        ),
        (&[0x3a, 0], MigrationEntryFault::FieldType { field: 7 }),
        (&[0x42], MigrationEntryFault::Malformed),
        (&[0x40, 1], MigrationEntryFault::FieldType { field: 8 }),
    ] {
        let damaged = [&good[..], more].concat();
        let payload = [field(1, &damaged), field(1, &good)].concat();
        for parse in [MigrationUri::parse, MigrationUri::parse_lenient] {
            let part = parse(&text(&payload)).unwrap();
            assert_eq!(part.entries()[0].as_ref().unwrap_err().fault, fault);
            assert!(part.entries()[1].is_ok(), "the other entry is kept");
        }
    }
    for (payload, error) in [
        (
            &[0x10, 1, 0x10, 1][..],
            MigrationError::RepeatedField { field: 2 },
        ),
        (&[0x12, 0], MigrationError::FieldType { field: 2 }),
        (&[0x08, 0], MigrationError::FieldType { field: 1 }),
        (
            &[0x28, 0x80, 0x80, 0x80, 0x80, 0x10],
            MigrationError::FieldType { field: 5 },
        ),
        (&[0x0a, 5, 0], MigrationError::Malformed),
        (&[0x10], MigrationError::Malformed),
    ] {
        for parse in [MigrationUri::parse, MigrationUri::parse_lenient] {
            assert_eq!(parse(&text(payload)).unwrap_err(), error);
        }
    }
}

#[test]
fn names_that_are_not_utf_8_are_errors() {
    for (number, part) in [(0x12, KeyUriPart::Account), (0x1a, KeyUriPart::Issuer)] {
        let mut message = vec![0x0a, 20];
        message.extend(KEY);
        message.extend([number, 1, 0xff, 0x20, 1, 0x28, 1, 0x30, 2]);
        let payload = [&[0x0a, message.len() as u8][..], &message].concat();
        let part_read = MigrationUri::parse_lenient(&text(&payload)).unwrap();
        let error = part_read.entries()[0].as_ref().unwrap_err();
        assert_eq!(error.fault, KeyUriError::Utf8 { part }.into());
    }
}

#[test]
fn names_are_labels_of_key_uris() {
    let read = |name: &str, issuer: &str| {
        let entries = vec![Entry {
            issuer: issuer.into(),
            ..entry(name)
        }];
        let payload = Payload {
            entries,
            ..Payload::default()
        };
        let part = MigrationUri::parse(&text_of(&payload)).unwrap();
        let read = part.entries()[0].clone().map_err(|error| error.fault);
        read.map(|read| written(&read.uri))
    };
    let uri = |label: &str, issuer: &str| {
        Ok(format!(
            "otpauth://totp/{label}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ{issuer}"
        ))
    };
    assert_eq!(read("alice", ""), uri("alice", ""));
    for name in ["Example:alice", "Example: alice"] {
        assert_eq!(read(name, ""), uri("Example:alice", "&issuer=Example"));
        assert_eq!(
            read(name, "Example"),
            uri("Example:alice", "&issuer=Example")
        );
        assert_eq!(
            read(name, "example.com"),
            uri("Example:alice", "&issuer=example.com")
        );
    }
    let part = KeyUriPart::Account;
    assert_eq!(
        read(" alice", ""),
        Err(KeyUriError::OuterSpace { part }.into())
    );
    assert_eq!(read("a:b:c", ""), Err(KeyUriError::Colon { part }.into()));
}

#[test]
fn every_form_of_the_text_is_read() {
    let payload = Payload {
        entries: vec![Entry {
            secret: [0xf8, 0x3e, 0xbe].iter().chain(KEY).copied().collect(),
            ..entry("alice")
        }],
        version: 1,
        batch_size: 1,
        batch_index: 0,
        batch_id: 5,
    };
    let data = BASE64.encode(&payload.encode_to_vec());
    assert!(data.contains('+') && data.contains('/') && data.ends_with("=="));
    let lines = format!("{}\r\n\t{}", &data[..20], &data[20..]);
    for data in [
        data.clone(),
        data.replace('+', " "),
        data.replace('+', "-").replace('/', "_"),
        data.trim_end_matches('=').to_owned(),
        data.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_"),
        data.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D"),
        data.replace('+', "%2b").replace('=', "%3d"),
        data.replace('+', "%252B")
            .replace('/', "%252F")
            .replace('=', "%253D"),
        data.replace('+', "%20"),
        lines.replace('+', "%2B"),
    ] {
        for uri in [
            format!("otpauth-migration://offline?data={data}"),
            format!("OTPAUTH-MIGRATION://OFFLINE/?data={data}"),
            format!(" \u{feff}otpauth-migration://offline?data={data}\r\n"),
        ] {
            let part = MigrationUri::parse(&uri).unwrap();
            let read = &part.entries()[0].as_ref().unwrap().uri;
            assert_eq!(read.secret().expose(), payload.entries[0].secret, "{uri}");
        }
    }
}

#[test]
fn texts_that_are_no_export_have_typed_errors() {
    let long = format!("otpauth-migration://offline?data={}", "A".repeat(65536));
    for (uri, error) in [
        ("", MigrationError::Scheme),
        (
            "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ",
            MigrationError::Scheme,
        ),
        (
            "otpauth-migration://online?data=CgA",
            MigrationError::Scheme,
        ),
        (
            "otpauth-migration://offline2?data=CgA",
            MigrationError::Scheme,
        ),
        ("otpauth-migration://offline", MigrationError::NoData),
        ("otpauth-migration://offline?", MigrationError::NoData),
        ("otpauth-migration://offline?data=", MigrationError::NoData),
        (
            "otpauth-migration://offline?Data=CgA",
            MigrationError::NoData,
        ),
        (
            "otpauth-migration://offline?data=CgA&data=CgA",
            MigrationError::RepeatedData,
        ),
        (
            "otpauth-migration://offline?data=Cg",
            MigrationError::Malformed,
        ),
        (
            "otpauth-migration://offline?data=CgAA",
            MigrationError::Malformed,
        ),
        ("otpauth-migration://offline?data=C", MigrationError::Base64),
        (
            "otpauth-migration://offline?data=CgB",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=CgA===",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=Cg=A",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=CgA%",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=CgA%FF",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=C\u{fc}A",
            MigrationError::Base64,
        ),
        (
            "otpauth-migration://offline?data=CgA#CgA",
            MigrationError::Base64,
        ),
        (&long, MigrationError::TooLong { bytes: long.len() }),
    ] {
        for parse in [MigrationUri::parse, MigrationUri::parse_lenient] {
            assert_eq!(parse(uri).unwrap_err(), error, "{uri}");
        }
    }
    let more = "otpauth-migration://offline?ref=1&data=CgA";
    let unknown = MigrationError::UnknownParameter { position: 1 };
    assert_eq!(MigrationUri::parse(more).unwrap_err(), unknown);
    assert_eq!(MigrationUri::parse_lenient(more).unwrap().notes().len(), 1);
}

#[test]
fn a_batch_names_missing_parts_and_refuses_others() {
    let id = -1_234_567_890;
    let mut batch = MigrationBatch::new(part(3, 1, id, "b")).unwrap();
    assert_eq!(batch.missing().collect::<Vec<_>>(), [1, 3]);
    batch.add(part(3, 2, id, "c")).unwrap();
    batch.add(part(3, 1, id, "b")).unwrap(); // scanned again
    assert!(!batch.is_complete());
    for (wrong, error) in [
        (
            part(3, 0, 5, "a"),
            MigrationBatchError::OtherBatch { batch_id: 5 },
        ),
        (
            part(3, 0, 0, "a"),
            MigrationBatchError::OtherBatch { batch_id: 0 },
        ),
        (
            part(4, 0, id, "a"),
            MigrationBatchError::OtherSize {
                size: 4,
                expected: 3,
            },
        ),
        (
            part(3, 1, id, "x"),
            MigrationBatchError::Conflict { number: 2 },
        ),
        (
            part(3, 3, id, "d"),
            MigrationBatchError::Index { index: 3, size: 3 },
        ),
        (
            part(3, -1, id, "d"),
            MigrationBatchError::Index { index: -1, size: 3 },
        ),
        (part(-3, 0, id, "d"), MigrationBatchError::Size { size: -3 }),
        (
            part(1001, 0, id, "d"),
            MigrationBatchError::Size { size: 1001 },
        ),
    ] {
        assert_eq!(batch.add(wrong).unwrap_err(), error);
    }
    batch.add(part(3, 0, id, "a")).unwrap();
    assert!(batch.is_complete());
    assert_eq!((batch.id(), batch.size()), (id, 3));
    let accounts: Vec<_> = batch
        .entries()
        .map(|entry| entry.as_ref().unwrap().uri.account())
        .collect();
    assert_eq!(accounts, ["a", "b", "c"]);
    assert_eq!(
        batch.parts().map(|(number, _)| number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    for single in [part(1, 0, 7, "a"), part(0, 0, 0, "a")] {
        assert!(MigrationBatch::new(single).unwrap().is_complete());
    }
    let huge = MigrationBatch::new(part(1000, 999, 7, "a")).unwrap();
    assert_eq!(huge.missing().count(), 999);
}

#[test]
fn key_uris_are_split_and_read_back() {
    let secret = Secret::from_bytes(KEY).unwrap();
    let prefixed = KeyUri::totp(&secret, "alice")
        .issuer("example.com")
        .issuer_prefix("Example");
    let mut uris: Vec<KeyUri> = (0..23)
        .map(|number| key_uri(&format!("user{number}")))
        .collect();
    uris.push(prefixed.build().unwrap());
    uris.push(KeyUri::totp(&secret, "no issuer").build().unwrap());
    uris.push(
        KeyUri::hotp(&secret, "door", i64::MAX.cast_unsigned())
            .digits(Digits::EIGHT)
            .algorithm(Algorithm::Sha512)
            .build()
            .unwrap(),
    );
    let colons = "otpauth://totp/192.0.2.7%3A8000:a%3Ab?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=192.0.2.7%3A8000";
    uris.push(KeyUri::parse_lenient(colons).unwrap().uri);

    let parts = MigrationBatch::split(&uris, -42).unwrap();
    assert_eq!(parts.len(), 3);
    let mut batch = None::<MigrationBatch>;
    for part in parts.iter().rev() {
        let text = part.to_secret_text();
        assert!(text.expose().len() <= MigrationBatch::MAX_PART_BYTES);
        let read = MigrationUri::parse(text.expose()).unwrap();
        assert_eq!(read.version(), 2);
        match &mut batch {
            None => batch = Some(MigrationBatch::new(read).unwrap()),
            Some(batch) => batch.add(read).unwrap(),
        }
    }
    let batch = batch.unwrap();
    assert!(batch.is_complete());
    // The strict reader refuses names with colons, as the strict reader of key URIs does.
    let strict: Vec<_> = batch.entries().collect();
    assert!(strict[26].is_err());
    let lenient = parts.iter().flat_map(MigrationUri::entries);
    let read: Vec<_> = lenient
        .map(|entry| written(&entry.as_ref().unwrap().uri))
        .collect();
    assert_eq!(read, uris.iter().map(written).collect::<Vec<_>>());
}

#[test]
fn the_first_part_states_its_index() {
    let parts = MigrationBatch::split(&[key_uri("alice")], 42).unwrap();
    let data = parts[0].to_secret_text();
    let data = data
        .expose()
        .split_once("data=")
        .unwrap()
        .1
        .replace("%3D", "=");
    let message = BASE64.decode(data.as_bytes()).unwrap();
    assert!(message.ends_with(&[0x10, 2, 0x18, 1, 0x20, 0, 0x28, 42]));
}

#[test]
fn long_names_get_parts_of_their_own() {
    let long = key_uri(&"a".repeat(1500));
    let parts = MigrationBatch::split(&[key_uri("a"), long, key_uri("b")], 1).unwrap();
    assert_eq!(parts.len(), 3);
    let middling: Vec<_> = (0..10).map(|_| key_uri(&"a".repeat(200))).collect();
    let parts = MigrationBatch::split(&middling, 1).unwrap();
    assert_eq!(parts.len(), 5);
    for part in &parts {
        assert!(part.to_secret_text().expose().len() <= MigrationBatch::MAX_PART_BYTES);
    }
    let error = MigrationBatch::split(&[key_uri("a"), key_uri(&"a".repeat(1700))], 1).unwrap_err();
    assert!(matches!(error, MigrationEncodeError::TooLong { entry: 2, bytes } if bytes > 2331));
}

#[test]
fn what_an_export_cannot_hold_is_refused() {
    let secret = Secret::from_bytes(KEY).unwrap();
    let base = || KeyUri::totp(&secret, "alice");
    for (uri, part) in [
        (
            base().period(Period::from_secs(60).unwrap()),
            KeyUriPart::Period,
        ),
        (base().digits(Digits::SEVEN), KeyUriPart::Digits),
        (base().image("https://example.com/a.png"), KeyUriPart::Image),
        (KeyUri::hotp(&secret, "alice", 1 << 63), KeyUriPart::Counter),
    ] {
        let uris = [key_uri("a"), uri.build().unwrap()];
        let error = MigrationBatch::split(&uris, 1).unwrap_err();
        assert_eq!(error, MigrationEncodeError::Unsupported { entry: 2, part });
    }
    assert_eq!(
        MigrationBatch::split(&[], 1).unwrap_err(),
        MigrationEncodeError::Empty
    );
    let many = vec![key_uri("a"); 10_001];
    let error = MigrationBatch::split(&many, 1).unwrap_err();
    assert_eq!(error, MigrationEncodeError::TooMany { parts: 1001 });
}

#[test]
fn errors_and_debug_show_nothing_secret() {
    let part = MigrationBatch::split(&[key_uri("alice")], 1)
        .unwrap()
        .remove(0);
    let batch = MigrationBatch::new(part.clone()).unwrap();
    for debug in [format!("{part:?}"), format!("{batch:#?}")] {
        assert!(debug.contains("alice"));
        for leak in ["1234567", "GEZD", "49, 50", "31, 32", "MTIz"] {
            assert!(!debug.contains(leak), "{debug}");
        }
    }
}

#[cfg(feature = "getrandom")]
#[test]
fn random_batch_ids_are_positive() {
    let ids: std::collections::BTreeSet<i32> = (0..20)
        .map(|_| MigrationBatch::random_id().unwrap())
        .collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.iter().all(|id| *id > 0));
}

proptest::proptest! {
    /// A generated reader agrees on every value, and reads everything that ours reads.
    #[test]
    fn another_protobuf_reads_the_same(
        secret in proptest::collection::vec(proptest::prelude::any::<u8>(), 16..40),
        name in "[a-z@.]{1,20}",
        issuer in "[A-Za-z]{0,10}",
        algorithm in 1..=3,
        digits in 1..=2,
        counter in 0..=i64::MAX,
        is_hotp: bool,
        header: [i32; 3],
        unique_id in "[a-z0-9]{0,20}",
    ) {
        let kind = if is_hotp { 1 } else { 2 };
        let counter = if is_hotp { counter } else { 0 };
        let [batch_size, batch_index, batch_id] = header;
        let entries = vec![Entry { secret, name, issuer, algorithm, digits, kind, counter, unique_id }];
        let payload = Payload { entries, version: 1, batch_size, batch_index, batch_id };
        let part = MigrationUri::parse(&text_of(&payload)).unwrap();
        assert_eq!([part.batch_size(), part.batch_index(), part.batch_id()], header);
        let read = &part.entries()[0].as_ref().unwrap().uri;
        let entry = &payload.entries[0];
        assert_eq!(read.secret().expose(), entry.secret);
        assert_eq!(read.account(), entry.name);
        assert_eq!(read.issuer().unwrap_or_default(), entry.issuer);
        // What we write, the generated reader reads.
        let again = MigrationBatch::split(std::slice::from_ref(read), batch_id).unwrap().remove(0);
        let data = again.to_secret_text();
        let data = data.expose().split_once("data=").unwrap().1;
        let data = data.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let theirs = Payload::decode(&BASE64.decode(data.as_bytes()).unwrap()[..]).unwrap();
        let expected = Entry { unique_id: String::new(), ..entry.clone() };
        assert_eq!(theirs.entries, [expected]);
        assert_eq!((theirs.batch_size, theirs.batch_index, theirs.batch_id), (1, 0, batch_id));
    }
}
