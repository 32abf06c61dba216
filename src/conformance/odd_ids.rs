//! Whether account ids are compared byte by byte.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::run::Run;
use super::{Failure, Harness};
use crate::AccountId;

/// Account ids that differ in one byte are different accounts.
///
/// Catches a database that folds case, accents, width, ligatures or digits, that ignores blanks,
/// punctuation or invisible characters, that normalises Unicode, paths, numbers or UUIDs, or that cuts
/// ids short. Quotes, wild cards, control characters and the word `null` are nothing special.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn odd_account_ids_are_distinct<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("odd_account_ids_are_distinct", harness);
    let store = run.open();
    let mut written = Vec::new();
    for id in odd_ids(&run)? {
        let account = run.account_named(&id)?;
        run.holds_nothing(
            &store,
            &account,
            &format!("of {account:?} before its creation"),
        )?;
        let revision = run.write(&store, &account, None, id.as_bytes())?;
        written.push((account, revision));
    }
    for (account, revision) in &written {
        let when = format!("of {account:?}");
        run.holds(
            &store,
            account,
            account.as_str().as_bytes(),
            *revision,
            &when,
        )?;
        let why = format!("there is a record of {account:?}");
        run.write_stale(&store, account, None, b"again", &why)?;
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

/// Of each group, at least two are equal in some databases or some encodings.
const ODD: &[&str] = &[
    // Case, also where it depends on the language, or is none of ASCII's.
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
    // Blanks, some of which only Unicode knows.
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
    // An accent, and the same letter in two normal forms, in both cases.
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
    // Ligatures, letters that are two in upper case, and other compatible characters.
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
    // Digits of another script, and a letter that looks like one of ours.
    "\u{667}",
    "b\u{43E}b",
    // Characters that some columns cannot hold, or ignore.
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
    // Text that means something elsewhere.
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

/// Numbers that are equal, or that are so once they are rounded or cut to 64 bits.
fn numbers(random: u64) -> [String; 12] {
    // Of 15 digits, so that it fits all numbers.
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

/// One UUID, as it can be written.
fn uuids(high: u64, low: u64) -> [String; 5] {
    let number = u128::from(high) << 64 | u128::from(low);
    // Digits of which some are letters.
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

/// Ids of 255 bytes that differ in the last character, which is one of one byte or of three.
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

#[cfg(test)]
mod tests {
    use super::*;
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
}
