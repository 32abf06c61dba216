//! Any text, damaged messages and exports of any key URIs. What is read equals what a generated
//! protobuf reader finds. What is exported is read back the same.

use super::{Edit, edited};
use arbitrary::Arbitrary;
use countersign::otp::{Algorithm, Digits, Secret};
use countersign::uri::migration::{MigrationBatch, MigrationError, MigrationUri};
use countersign::uri::{KeyUri, KeyUriKind, Repair};
use data_encoding::BASE64;
use prost::Message;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// The text after `data=`.
    Data(&'a str),
    /// A message, and edits of it.
    Damaged(Vec<(u16, Edit)>, Vec<Fields<'a>>, [i32; 4]),
    /// Key URIs to export.
    Built(Vec<Built<'a>>, i32),
}

#[derive(Debug, Arbitrary)]
struct Fields<'a> {
    secret: &'a [u8],
    name: &'a str,
    issuer: &'a str,
    unique_id: &'a str,
    algorithm: i8,
    digits: i8,
    kind: i8,
    counter: i64,
}

#[derive(Debug, Arbitrary)]
struct Built<'a> {
    secret: &'a [u8],
    account: &'a str,
    issuer: Option<&'a str>,
    prefix: Option<&'a str>,
    counter: Option<u64>,
    algorithm: u8,
    is_long: bool,
    /// Colons in names come only from the lenient reader.
    is_lenient: bool,
}

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
    #[prost(bytes = "vec", tag = "8")]
    unique_id: Vec<u8>,
}

/// The message with its entries as bytes, so that a damaged entry does not end the reading.
#[derive(Clone, PartialEq, Message)]
struct Outer {
    #[prost(bytes = "vec", repeated, tag = "1")]
    entries: Vec<Vec<u8>>,
    #[prost(int32, tag = "2")]
    version: i32,
    #[prost(int32, tag = "3")]
    batch_size: i32,
    #[prost(int32, tag = "4")]
    batch_index: i32,
    #[prost(int32, tag = "5")]
    batch_id: i32,
}

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Text(text)) => drop(check(text)),
        Some(Input::Data(data)) => drop(check(&format!("otpauth-migration://offline?data={data}"))),
        Some(Input::Damaged(edits, entries, header)) => {
            let [version, batch_size, batch_index, batch_id] = header;
            let payload = Payload {
                entries: entries.iter().map(entry).collect(),
                version,
                batch_size,
                batch_index,
                batch_id,
            };
            check_message(&edited(&payload.encode_to_vec(), &edits));
        }
        Some(Input::Built(built, id)) => {
            let uris: Vec<KeyUri> = built.iter().filter_map(build).collect();
            check_export(&uris, id);
        }
    }
}

fn entry(fields: &Fields<'_>) -> Entry {
    Entry {
        secret: fields.secret.into(),
        name: fields.name.into(),
        issuer: fields.issuer.into(),
        algorithm: fields.algorithm.into(),
        digits: fields.digits.into(),
        kind: fields.kind.into(),
        counter: fields.counter,
        unique_id: fields.unique_id.into(),
    }
}

fn build(built: &Built<'_>) -> Option<KeyUri> {
    let secret = Secret::from_bytes_with_minimum(built.secret, 8).ok()?;
    let mut builder = match built.counter {
        None => KeyUri::totp(&secret, built.account),
        Some(counter) => KeyUri::hotp(&secret, built.account, counter),
    };
    builder = builder.algorithm(match built.algorithm % 3 {
        0 => Algorithm::Sha1,
        1 => Algorithm::Sha256,
        _ => Algorithm::Sha512,
    });
    if built.is_long {
        builder = builder.digits(Digits::EIGHT);
    }
    if let Some(issuer) = built.issuer {
        builder = builder.issuer(issuer);
    }
    if let Some(prefix) = built.prefix {
        builder = builder.issuer_prefix(prefix);
    }
    if !built.is_lenient {
        return builder.build().ok();
    }
    let secret = secret.to_base32();
    let text = format!(
        "otpauth://totp/{}?secret={}",
        built.account,
        secret.expose()
    );
    let text = match built.issuer {
        Some(issuer) => format!("{text}&issuer={issuer}"),
        None => text,
    };
    KeyUri::parse_lenient(&text).ok().map(|lenient| lenient.uri)
}

/// Reads a text with both readers.
fn check(text: &str) -> Option<MigrationUri> {
    let lenient = MigrationUri::parse_lenient(text);
    let strict = MigrationUri::parse(text);
    let lenient = match (lenient, &strict) {
        (Ok(lenient), _) => lenient,
        (Err(error), Err(other)) => {
            assert!(!format!("{error} {error:?} {other}").is_empty());
            return None;
        }
        (Err(error), Ok(_)) => panic!("only the strict reader accepts: {error}"),
    };
    assert_eq!(strict.is_ok(), lenient.notes().is_empty());
    for note in lenient.notes() {
        assert!(!note.to_string().is_empty());
    }
    for (index, entry) in lenient.entries().iter().enumerate() {
        match entry {
            Ok(read) => assert!(
                read.repairs
                    .iter()
                    .all(|repair| !repair.to_string().is_empty())
            ),
            Err(error) => assert_eq!(error.entry, index + 1),
        }
        let Ok(strict) = &strict else { continue };
        match (&strict.entries()[index], entry) {
            (Ok(strict), Ok(lenient)) => {
                assert!(strict.repairs.is_empty());
                // Two zeros are unspecified, so the reader does not see a difference.
                assert_same(&strict.uri, &lenient.uri);
                assert!(lenient.repairs.is_empty(), "{:?}", lenient.repairs);
            }
            (Err(strict), Ok(lenient)) => {
                assert!(
                    !lenient.repairs.is_empty(),
                    "no repair was reported: {strict}"
                );
            }
            (Ok(_), Err(error)) => panic!("only the strict reader accepts: {error}"),
            (Err(_), Err(_)) => {}
        }
    }
    if let Ok(mut batch) = MigrationBatch::new(lenient.clone()) {
        assert!(batch.add(lenient.clone()).is_ok(), "the same part again");
        let missing = batch.missing().count();
        assert_eq!(missing + 1, usize::try_from(batch.size()).unwrap());
    }
    let again = MigrationUri::parse_lenient(lenient.to_secret_text().expose());
    let again = again.expect("what was read can be written");
    assert_eq!(again.entries().len(), lenient.entries().len());
    assert_eq!(
        again.to_secret_text().expose(),
        lenient.to_secret_text().expose()
    );
    Some(lenient)
}

/// Compares with a generated reader.
fn check_message(message: &[u8]) {
    let data = BASE64.encode(message);
    let text = format!("otpauth-migration://offline?data={data}");
    if text.len() > MigrationUri::MAX_BYTES {
        return;
    }
    let theirs = Outer::decode(message);
    let Some(part) = check(&text) else {
        let error = MigrationUri::parse_lenient(&text).unwrap_err();
        let is_stricter = matches!(
            error,
            MigrationError::NoData
                | MigrationError::RepeatedField { .. }
                // A number of 64 bits in a field of 32 bits, which the other reader cuts.
                | MigrationError::FieldType { .. }
                // A group, which the other reader skips.
                | MigrationError::Malformed
        );
        assert!(theirs.is_err() || is_stricter, "{error}");
        return;
    };
    let theirs = theirs.expect("a generated reader accepts what ours accepts");
    assert_eq!(part.version(), theirs.version);
    assert_eq!(part.batch_size(), theirs.batch_size);
    assert_eq!(part.batch_index(), theirs.batch_index);
    assert_eq!(part.batch_id(), theirs.batch_id);
    assert_eq!(part.entries().len(), theirs.entries.len());
    for (ours, theirs) in part.entries().iter().zip(&theirs.entries) {
        let Ok(ours) = ours else { continue };
        let theirs = Entry::decode(&theirs[..]).expect("a generated reader accepts the entry");
        let uri = &ours.uri;
        assert_eq!(uri.secret().expose(), theirs.secret);
        assert_eq!(uri.digits().get(), if theirs.digits == 2 { 8 } else { 6 });
        let algorithm = match uri.algorithm() {
            Algorithm::Sha512 => 3,
            Algorithm::Sha256 => 2,
            _ => 1,
        };
        assert_eq!(algorithm, theirs.algorithm.max(1));
        match uri.kind() {
            KeyUriKind::Hotp { counter } => {
                assert_eq!(theirs.kind, 1);
                assert_eq!(i64::try_from(counter), Ok(theirs.counter));
            }
            _ => {
                assert_eq!(theirs.kind, 2);
                let part = countersign::uri::KeyUriPart::Counter;
                let reported = ours.repairs.contains(&Repair::NotForType { part });
                assert_eq!(theirs.counter != 0, reported);
            }
        }
        assert!(
            theirs.name.ends_with(uri.account())
                || theirs.issuer.contains(uri.account())
                || ours.repairs.iter().any(|repair| matches!(
                    repair,
                    Repair::OuterSpace { .. } | Repair::AccountMissing
                ))
        );
    }
}

/// Exports key URIs, and reads the parts back in the other order.
fn check_export(uris: &[KeyUri], id: i32) {
    let parts = match MigrationBatch::split(uris, id) {
        Ok(parts) => parts,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut batch: Option<MigrationBatch> = None;
    for part in parts.iter().rev() {
        let part = check(part.to_secret_text().expose()).expect("what was exported is read");
        assert!(part.notes().is_empty());
        match &mut batch {
            None => batch = Some(MigrationBatch::new(part).expect("a part")),
            Some(batch) => batch.add(part).expect("a part of the batch"),
        }
    }
    let batch = batch.expect("an export has a part");
    assert!(batch.is_complete());
    assert_eq!(batch.id(), id);
    assert_eq!(batch.entries().count(), uris.len());
    for (read, uri) in batch.entries().zip(uris) {
        let read = read.as_ref().expect("what was exported is read");
        assert_same(&read.uri, uri);
    }
}

fn assert_same(one: &KeyUri, two: &KeyUri) {
    assert_eq!(one.to_secret_text().expose(), two.to_secret_text().expose());
    assert_eq!(one.account(), two.account());
    assert_eq!(one.issuer(), two.issuer());
    assert_eq!(one.issuer_prefix(), two.issuer_prefix());
}
