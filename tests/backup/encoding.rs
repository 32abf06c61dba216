//! Invariant 8: every decoded set is valid, and no bytes cause a panic.

use super::*;
use proptest::prelude::*;

fn encoded_used_set() -> Vec<u8> {
    let codes = codes(15);
    let mut set = issued(&codes);
    for index in [0, 4] {
        assert!(set.redeem(&code(&codes, index), NOON, None).is_ok());
    }
    set.encode()
}

#[test]
fn truncated_and_extended_encodings_are_refused() {
    let bytes = encoded_used_set();
    for length in 0..bytes.len() {
        let cut = BackupCodeSet::decode(&bytes[..length]);
        assert_eq!(cut, Err(BackupCodeSetDecodeError::Malformed), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        BackupCodeSet::decode(&longer),
        Err(BackupCodeSetDecodeError::Malformed)
    );
}

#[test]
fn a_later_version_has_its_own_error() {
    let mut bytes = encoded_used_set();
    bytes[1] = 3;
    let error = BackupCodeSet::decode(&bytes).unwrap_err();
    assert_eq!(
        error,
        BackupCodeSetDecodeError::UnknownVersion { version: 3 }
    );
    bytes[0] = 0x8e;
    let error = BackupCodeSet::decode(&bytes).unwrap_err();
    assert_eq!(
        error,
        BackupCodeSetDecodeError::UnknownVersion { version: 3 }
    );
    for known in [1, 2] {
        bytes[1] = known;
        assert_eq!(
            BackupCodeSet::decode(&bytes),
            Err(BackupCodeSetDecodeError::Malformed)
        );
    }
}

#[test]
fn numbers_out_of_bounds_are_refused() {
    let bytes = encoded_used_set();
    // The fields: version and salt; m, t, p; alphabet, length, group, count.
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        BackupCodeSet::decode(&bytes).unwrap_err()
    };
    let memory_kib = 7;
    let memory = Argon2ParamsError::Memory { memory_kib };
    assert_eq!(with(19, 7), BackupCodeSetDecodeError::Params(memory));
    let passes = Argon2ParamsError::Passes { passes: 17 };
    assert_eq!(with(20, 17), BackupCodeSetDecodeError::Params(passes));
    let lanes = Argon2ParamsError::Lanes { lanes: 0 };
    assert_eq!(with(21, 0), BackupCodeSetDecodeError::Params(lanes));
    assert_eq!(with(22, 2), BackupCodeSetDecodeError::Malformed);
    let length = CodeFormatError::Length { length: 5 };
    assert_eq!(with(23, 5), BackupCodeSetDecodeError::Format(length));
    let group = CodeFormatError::Group {
        group: 9,
        length: 8,
    };
    assert_eq!(with(24, 9), BackupCodeSetDecodeError::Format(group));
    let count = CodeFormatError::Count { count: 0 };
    assert_eq!(with(25, 0), BackupCodeSetDecodeError::Format(count));
    assert_eq!(
        with(25, 9),
        BackupCodeSetDecodeError::Malformed,
        "the encoding has ten hashes"
    );
}

#[test]
fn a_set_has_exactly_one_encoding() {
    let bytes = encoded_used_set();
    let fields = bytes.len();
    let used = fields - 12;
    assert_eq!(bytes[used - 1], 0xa2, "a map with two entries");
    let swapped = [&bytes[..used], &bytes[used + 6..], &bytes[used..used + 6]].concat();
    let twice = [
        &bytes[..used],
        &bytes[used..used + 6],
        &bytes[used..used + 6],
    ]
    .concat();
    let long_number = [&bytes[..1], &[0x18, 1], &bytes[2..]].concat();
    let open_end = [&[0x9f], &bytes[1..], &[0xff]].concat();
    let mut open_map = [&bytes[..], &[0xff]].concat();
    open_map[used - 1] = 0xbf;
    let mut beyond = bytes.clone();
    beyond[used + 6] = 10;
    for other in [swapped, twice, long_number, open_end, open_map, beyond] {
        assert_eq!(
            BackupCodeSet::decode(&other),
            Err(BackupCodeSetDecodeError::Malformed)
        );
    }
}

#[test]
fn an_impossible_length_is_refused_before_allocation() {
    let bytes = encoded_used_set();
    let at = bytes.len() - 12 - 1 - 160 - 2;
    assert_eq!(&bytes[at..at + 2], [0x58, 160]);
    let huge = [&bytes[..at], &[0x5b], &[0xff; 8]].concat();
    assert_eq!(
        BackupCodeSet::decode(&huge),
        Err(BackupCodeSetDecodeError::Malformed)
    );
}

#[test]
fn flipping_one_bit_never_yields_the_same_set() {
    let bytes = encoded_used_set();
    let set = BackupCodeSet::decode(&bytes).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(other) = BackupCodeSet::decode(&changed) {
                assert!(other != set, "byte {at}, bit {bit}");
                assert_eq!(other.encode(), changed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoded_bytes_encode_to_the_same_bytes(bytes: Vec<u8>) {
        if let Ok(set) = BackupCodeSet::decode(&bytes) {
            prop_assert_eq!(set.encode(), bytes);
        }
    }

    #[test]
    fn a_damaged_set_fails_or_encodes_identically(
        changes in prop::collection::vec((0..210_usize, any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded_used_set();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if let Ok(set) = BackupCodeSet::decode(&bytes) {
            prop_assert_eq!(set.encode(), bytes);
        }
    }

    #[test]
    fn a_set_of_any_format_round_trips(
        unambiguous: bool,
        (length, group) in (6..=32_u8).prop_flat_map(|length| (Just(length), 0..=length)),
        count in 1..=100_u8,
        seed: u64,
        issued_at: u64,
        used in prop::collection::vec((0..100_usize, any::<u64>()), 0..4),
        pepper: Option<u32>,
    ) {
        let alphabet = if unambiguous { Alphabet::Unambiguous } else { Alphabet::Digits };
        let format = CodeFormat::new(alphabet, length, group, count).unwrap();
        let rng = &mut SeededRng(seed);
        let codes = BackupCodes::generate_with(format, rng).unwrap();
        let pepper = pepper.map(|id| Pepper::new(PepperId::new(id), &[0; 16]).unwrap());
        let issued_at = Timestamp::from_unix(issued_at);
        let mut set = BackupCodeSet::issue(&codes, issued_at, fast(), pepper.as_ref(), rng).unwrap();
        for (index, at) in used {
            let index = index % usize::from(count);
            let at = Timestamp::from_unix(at);
            let code = code(&codes, index);
            let _ = set.redeem(&code, at, pepper.as_ref());
            prop_assert!(set.redeem(&code, at, pepper.as_ref()).is_err());
        }
        let decoded = BackupCodeSet::decode(&set.encode()).unwrap();
        prop_assert!(decoded == set);
    }
}
