//! Which values a store must keep and distinguish: account ids, write kinds and summaries.

use super::harness::Run;
use super::{Failure, Harness};
use crate::store::{ConditionalWrite, Revision, Summary, WriteKind, WriteResult};
use crate::{AccountId, KeyId};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Account ids that differ in one byte are different accounts.
///
/// Catches a database that:
///
/// - folds case, accents, width, ligatures or digits,
/// - ignores blanks, punctuation or invisible characters,
/// - normalises Unicode, paths, numbers or UUIDs,
/// - cuts ids, or treats quotes, wild cards, control characters or the word `null` specially.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn odd_account_ids_are_distinct<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("odd_account_ids_are_distinct", harness);
    let store = run.open();
    let mut written = Vec::new();
    for id in odd_ids(&run)? {
        let account = run.account_named(&id)?;
        run.expect_no_record(
            &store,
            &account,
            &format!("of {account:?} before its creation"),
        )?;
        let revision = run.write(&store, &account, None, id.as_bytes())?;
        written.push((account, revision));
    }
    for (account, revision) in &written {
        let when = format!("of {account:?}");
        run.expect_record(
            &store,
            account,
            account.as_str().as_bytes(),
            *revision,
            &when,
        )?;
        let why = format!("there is a record of {account:?}");
        run.expect_stale_write(&store, account, None, b"again", &why)?;
    }
    Ok(())
}

fn odd_ids<H: Harness>(run: &Run<'_, H>) -> Result<Vec<String>, Failure> {
    let nonce = run.nonce()?;
    let odd = ODD.iter();
    let mut ids: Vec<String> = odd
        .flat_map(|id| [format!("{nonce}{id}"), format!("{id}{nonce}")])
        .collect();
    ids.push(nonce.clone());
    ids.extend(numbers(run.random()?));
    ids.extend(uuids(run.random()?, run.random()?));
    ids.extend(longest(&nonce));
    Ok(ids)
}

/// In each group, some databases or encodings treat at least two ids as equal.
const ODD: &[&str] = &[
    // Case: in ASCII, outside of it, and where it depends on the language.
    "Bob",
    "bob",
    "BOB",
    "I",
    "i",
    "\u{130}",
    "\u{131}",
    "K",
    "k",
    "\u{212A}",
    "\u{3C3}",
    "\u{3C2}",
    "\u{3A3}",
    "s",
    "\u{17F}",
    // Blanks, in ASCII and in Unicode.
    "bob ",
    "bob  ",
    " bob",
    "bob\t",
    "bob\n",
    "bob\u{A0}",
    "bob\u{3000}",
    "b ob",
    // Punctuation, which some collations ignore.
    "b-ob",
    "b\u{2010}ob",
    "b.ob",
    "bob.",
    // Accents, and the same letter in two normal forms, in both cases.
    "b\u{F6}b",
    "bo\u{308}b",
    "B\u{D6}B",
    "\u{C5}",
    "\u{212B}",
    "\u{AC00}",
    "\u{1100}\u{1161}",
    // Width: full and half.
    "\u{FF42}\u{FF4F}\u{FF42}",
    "\u{FF22}\u{FF2F}\u{FF22}",
    "\u{FF17}",
    "\u{30AB}",
    "\u{FF76}",
    // Ligatures, letters that become two in upper case, and other compatible characters.
    "strasse",
    "stra\u{DF}e",
    "stra\u{1E9E}e",
    "fi",
    "\u{FB01}",
    "ae",
    "\u{E6}",
    "\u{2460}",
    "1",
    "\u{B9}",
    // A digit of another script, and a letter that looks like a Latin one.
    "\u{667}",
    "b\u{43E}b",
    // Characters that some columns cannot hold or ignore.
    "\u{1F511}",
    "\u{1F512}",
    "\u{AD}",
    "\u{34F}",
    "\u{200B}",
    "\u{200C}",
    "\u{200D}",
    "\u{200E}",
    "\u{202E}",
    "\u{2060}",
    "\u{FE0F}",
    "\u{FEFF}",
    "\u{FFFD}",
    "\u{10FFFF}",
    "\u{1}",
    "\u{7F}",
    "\u{85}",
    "\r",
    "\u{1B}[31m",
    // Text with a meaning in queries, patterns, escapes, URLs or paths.
    "'",
    "\"",
    "`",
    "' OR '1'='1",
    "%",
    "%62ob",
    "_",
    "\\",
    "\\'",
    "bob\\n",
    "*",
    "?",
    "$1",
    ":1",
    "{}",
    "+",
    "b+ob",
    "..",
    "/",
    "/.",
    "//",
    "/record",
    "/revision",
    "007",
    "7",
    "7.0",
    "NULL",
];

/// Numbers that are equal, or become equal if they are rounded or cut to 64 bits.
fn numbers(random: u64) -> [String; 12] {
    // With 15 digits, so that every type of number holds it exactly.
    let number = (random >> 16 | 1 << 47).to_string();
    [
        number.clone(),
        format!("0{number}"),
        format!("000{number}"),
        format!("+{number}"),
        format!("-{number}"),
        format!("{number}.0"),
        format!("{number}."),
        format!("{number}e0"),
        format!("{number}abc"),
        format!(" {number}"),
        format!("{number}00000000001"),
        format!("{number}00000000002"),
    ]
}

/// The ways to write one UUID.
fn uuids(high: u64, low: u64) -> [String; 5] {
    let number = u128::from(high) << 64 | u128::from(low);
    // At least one digit is a letter.
    let bytes = (number | 0xA << 124).to_be_bytes();
    let uuid = AccountId::from_uuid_bytes(bytes).as_str().to_string();
    [
        uuid.to_uppercase(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
        format!("urn:uuid:{uuid}"),
        uuid,
    ]
}

/// Ids of 255 bytes that differ in the last character, which has one byte or three.
fn longest(nonce: &str) -> Vec<String> {
    let ids = [
        ("", "l", "x"),
        ("", "l", "X"),
        ("", "l", "y"),
        ("", "l", " "),
        ("ll", "\u{20AC}", "\u{20AC}"),
        ("ll", "\u{20AC}", "\u{20AD}"),
    ];
    let id = |(start, fill, last): (&str, &str, &str)| {
        let mut id = format!("{nonce}{start}");
        while id.len().saturating_add(last.len()) < AccountId::MAX_BYTES {
            id.push_str(fill);
        }
        id.push_str(last);
        id
    };
    ids.into_iter().map(id).collect()
}

/// The effect of a kind of write on a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    CreateOrReplace,
    Replace,
    Erase,
}

/// Makes the list of kinds, and a match that does not compile if a kind is missing.
macro_rules! kinds {
    ($($kind:ident: $effect:ident,)+) => {
        const KINDS: &[(WriteKind, Effect)] = &[$((WriteKind::$kind, Effect::$effect)),+];

        const _: fn(WriteKind) = |kind| match kind {
            $(WriteKind::$kind)|+ => {}
        };
    };
}

kinds! {
    Enrolling: CreateOrReplace,
    Enrolled: CreateOrReplace,
    Reserved: Replace,
    Joined: Replace,
    Accepted: Replace,
    Rejected: Replace,
    Issuing: Replace,
    Issued: Replace,
    IssuedPending: Replace,
    CodesConfirmed: Replace,
    CodesDiscarded: Replace,
    Removed: Replace,
    Disabled: Replace,
    Unlocked: Replace,
    Resealed: Replace,
    DeviceRemembered: Replace,
    DeviceTrusted: Replace,
    DeviceSuspected: Replace,
    DevicesForgotten: Replace,
    PasswordChanged: Replace,
    Erased: Erase,
}

/// A write of every kind and with every summary is stored, and stays when its handle is dropped.
///
/// Catches a store that answers `Done` and writes nothing for some kinds, or rolls some kinds back.
/// Also catches columns that do not hold the summary: `key` from 0 to 2^32 - 1, `codes_left` from 0
/// to 100.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn every_kind_is_written<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("every_kind_is_written", harness);
    for &(kind, effect) in KINDS {
        for summary in summaries() {
            if effect == Effect::CreateOrReplace {
                let account = run.account()?;
                let write = ConditionalWrite::put(None, run.revision()?, b"created", kind, summary);
                expect_done(&run, &account, write)?;
                let when = format!("after it was created by {write:?}");
                run.expect_record(&run.open(), &account, b"created", write.revision(), &when)?;
            }
            let account = run.account()?;
            let before = run.write(&run.open(), &account, None, b"before")?;
            let write = write_of(kind, effect, before, run.revision()?, summary);
            expect_done(&run, &account, write)?;
            let when = format!("after {write:?}");
            match write.record() {
                Some(record) => {
                    run.expect_record(&run.open(), &account, record, write.revision(), &when)?;
                }
                None => run.expect_no_record(&run.open(), &account, &when)?,
            }
        }
    }
    Ok(())
}

/// A write of every kind is stale if the revision is not the expected one, and changes nothing.
///
/// Catches a store that compares some kinds only. For example, it writes an unlock over any
/// revision, replaces a record when an import creates one, or repeats a write over another one.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn every_kind_is_compared<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("every_kind_is_compared", harness);
    let (reader, summary) = (run.open(), Summary::new(true, 10, KeyId::new(1)));
    for &(kind, effect) in KINDS {
        let (account, absent) = (run.account()?, run.account()?);
        let first = run.write(&reader, &account, None, b"first")?;
        let second = run.write(&reader, &account, Some(first), b"second")?;
        for expected in [first, run.revision()?] {
            let write = write_of(kind, effect, expected, run.revision()?, summary);
            expect_stale(&run, &account, write)?;
            expect_stale(&run, &absent, write)?;
            let when = format!("after {write:?}, which is stale");
            run.expect_record(&reader, &account, b"second", second, &when)?;
            run.expect_no_record(&reader, &absent, &when)?;
        }
        if effect == Effect::CreateOrReplace {
            let write = ConditionalWrite::put(None, run.revision()?, b"created", kind, summary);
            expect_stale(&run, &account, write)?;
            let when = format!("after {write:?}, which is stale");
            run.expect_record(&reader, &account, b"second", second, &when)?;
        }
        let write = write_of(kind, effect, second, run.revision()?, summary);
        expect_done(&run, &account, write)?;
        // The same write again, as after a lost answer. A store that recognizes its own write may
        // answer `Done`.
        let _either = run.compare_and_swap(&run.open(), &account, write)?;
        let when = format!("after {write:?}, which was sent twice");
        match write.record() {
            Some(record) => {
                run.expect_record(&reader, &account, record, write.revision(), &when)?;
                let third = run.write(&reader, &account, Some(write.revision()), b"third")?;
                expect_stale(&run, &account, write)?;
                run.expect_record(&reader, &account, b"third", third, &when)?;
            }
            None => run.expect_no_record(&reader, &account, &when)?,
        }
    }
    Ok(())
}

fn write_of(
    kind: WriteKind,
    effect: Effect,
    expected: Revision,
    revision: Revision,
    summary: Summary,
) -> ConditionalWrite<'static> {
    match effect {
        Effect::Erase => ConditionalWrite::erase(expected, revision, summary),
        Effect::CreateOrReplace | Effect::Replace => {
            ConditionalWrite::put(Some(expected), revision, b"replaced", kind, summary)
        }
    }
}

/// The lowest and the highest value of each field, each with the lowest value of another field.
fn summaries() -> [Summary; 4] {
    let (lowest, highest) = (KeyId::new(0), KeyId::new(u32::MAX));
    [
        Summary::new(false, 0, lowest),
        Summary::new(true, MOST_CODES, highest),
        Summary::new(true, 0, highest),
        Summary::new(false, MOST_CODES, lowest),
    ]
}

fn expect_done<H: Harness>(
    run: &Run<'_, H>,
    account: &AccountId,
    write: ConditionalWrite<'_>,
) -> Result<(), Failure> {
    match run.compare_and_swap(&run.open(), account, write)? {
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err(run.failure(format!("Done for {write:?}"), "Stale")),
    }
}

fn expect_stale<H: Harness>(
    run: &Run<'_, H>,
    account: &AccountId,
    write: ConditionalWrite<'_>,
) -> Result<(), Failure> {
    match run.compare_and_swap(&run.open(), account, write)? {
        WriteResult::Stale => Ok(()),
        WriteResult::Done => Err(run.failure(format!("Stale for {write:?}"), "Done")),
    }
}

/// The most codes of a set.
const MOST_CODES: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Alphabet, CodeFormat};
    use crate::store::MemoryStore;
    use std::collections::BTreeSet;

    struct InMemory(MemoryStore);

    impl Harness for InMemory {
        type Store = MemoryStore;

        fn open(&self) -> MemoryStore {
            self.0.clone()
        }
    }

    #[test]
    fn ids_are_distinct_and_some_have_255_bytes() {
        let harness = InMemory(MemoryStore::new());
        let ids = odd_ids(&Run::new("test", &harness)).unwrap();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let longest = ids.iter().filter(|id| id.len() == AccountId::MAX_BYTES);
        assert_eq!(longest.count(), 6);
    }

    #[test]
    fn a_number_has_15_digits() {
        for random in [0, u64::MAX] {
            assert_eq!(numbers(random)[0].len(), 15);
        }
    }

    #[test]
    fn the_summaries_hold_the_largest_set() {
        let format = |count| CodeFormat::new(Alphabet::Digits, 8, 4, count);
        let most = u8::try_from(MOST_CODES).unwrap();
        assert_eq!(format(most).unwrap().count(), most);
        assert!(format(most + 1).is_err());
    }
}
