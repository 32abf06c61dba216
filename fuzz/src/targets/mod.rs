//! What is done with an input of each target. It panics where something is wrong.

mod account;
mod base32;
mod key_uri;
mod ledger_decode;
mod life;
mod passcode;
mod policy;
mod record_opened;
mod record_sealed;
mod sealing;

use arbitrary::{Arbitrary, Unstructured};

/// A name, which the corpus has too, and what is done with an input.
type Target = (&'static str, fn(&[u8]));

pub(crate) const TARGETS: [Target; 8] = [
    ("account", account::run),
    ("base32", base32::run),
    ("key_uri", key_uri::run),
    ("ledger_decode", ledger_decode::run),
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

/// The input as a target reads it; `None` where there are too few bytes.
fn read<'a, T: Arbitrary<'a>>(input: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(input)).ok()
}

/// Something done to a byte of known bytes.
#[derive(Debug, Arbitrary)]
enum Edit {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    Cut,
}

/// Known bytes after edits at places; what lies outside is left alone.
fn edited(known: &[u8], edits: &[(u16, Edit)]) -> Vec<u8> {
    let mut bytes = known.to_vec();
    for (place, edit) in edits {
        let place = usize::from(*place);
        if place >= bytes.len() {
            continue;
        }
        match edit {
            Edit::Set(value) => bytes[place] = *value,
            Edit::Flip(mask) => bytes[place] ^= mask,
            Edit::Insert(value) => bytes.insert(place, *value),
            Edit::Remove => drop(bytes.remove(place)),
            Edit::Cut => bytes.truncate(place),
        }
    }
    bytes
}
