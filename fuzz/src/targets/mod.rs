//! The targets: the functions that run on an input. A target panics if something is wrong.

mod account;
mod backup_code_set_decode;
mod base32;
mod key_uri;
mod migration;
mod passcode;
mod policy;
mod record_opened;
mod record_sealed;
mod sealing;
mod service;

use arbitrary::{Arbitrary, Unstructured};

/// The name of a target, which is also a directory of the corpus, and its function.
type Target = (&'static str, fn(&[u8]));

pub(crate) const TARGETS: [Target; 9] = [
    ("account", account::run),
    ("backup_code_set_decode", backup_code_set_decode::run),
    ("base32", base32::run),
    ("key_uri", key_uri::run),
    ("migration", migration::run),
    ("passcode", passcode::run),
    ("policy", policy::run),
    ("record_opened", record_opened::run),
    ("record_sealed", record_sealed::run),
];

/// Runs an input of the target with this name.
pub(crate) fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, run) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    run(input);
}

/// The input as a target reads it, or `None` if there are too few bytes.
fn read<'a, T: Arbitrary<'a>>(input: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(input)).ok()
}

/// A change to one byte of known bytes.
#[derive(Debug, Arbitrary)]
enum Edit {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    Cut,
}

/// Known bytes after edits. Edits after the end are ignored.
fn edited(known: &[u8], edits: &[(u16, Edit)]) -> Vec<u8> {
    let mut bytes = known.to_vec();
    for (index, edit) in edits {
        let index = usize::from(*index);
        if index >= bytes.len() {
            continue;
        }
        match edit {
            Edit::Set(value) => bytes[index] = *value,
            Edit::Flip(mask) => bytes[index] ^= mask,
            Edit::Insert(value) => bytes.insert(index, *value),
            Edit::Remove => drop(bytes.remove(index)),
            Edit::Cut => bytes.truncate(index),
        }
    }
    bytes
}
