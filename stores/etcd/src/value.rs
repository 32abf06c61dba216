//! The value of a key: 8 bytes with the revision, big-endian, and then the record.

use countersign::store::{Revision, RevisionError, StoredRecord};

/// The reason why a value is not one that a store writes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("it is too short for a revision and a record")]
    TooShort,
    #[error("its first 8 bytes are no revision")]
    Revision(#[from] RevisionError),
}

/// The value for this revision and record.
pub(crate) fn encode(revision: Revision, record: &[u8]) -> Vec<u8> {
    let mut value = revision.as_i64().to_be_bytes().to_vec();
    value.extend_from_slice(record);
    value
}

pub(crate) fn decode(value: &[u8]) -> Result<StoredRecord, ValueError> {
    let (revision, record) = value.split_first_chunk().ok_or(ValueError::TooShort)?;
    if record.is_empty() {
        return Err(ValueError::TooShort);
    }
    let revision = Revision::from_i64(i64::from_be_bytes(*revision))?;
    Ok(StoredRecord::new(record.to_vec(), revision))
}

/// The bounds of the values with this revision. Every such value is greater than the first bound,
/// which has no record, and less than the second. No other value is. etcd compares byte by byte.
pub(crate) fn bounds(revision: Revision) -> [[u8; 8]; 2] {
    let revision = revision.as_i64().cast_unsigned();
    // A revision has 63 bits, so the sum fits.
    [revision, revision.saturating_add(1)].map(u64::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: i64) -> Revision {
        Revision::from_i64(number).unwrap()
    }

    #[test]
    fn a_value_converts_back() {
        for number in [1, 255, 1 << 40, i64::MAX] {
            for record in [&b"x"[..], b"\0", &[255; 600]] {
                let stored = decode(&encode(revision(number), record)).unwrap();
                assert_eq!(stored, StoredRecord::new(record.to_vec(), revision(number)));
            }
        }
    }

    #[test]
    fn other_values_are_refused() {
        for other in [
            &b""[..],
            b"x",
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 0, b'x'],
            &[128, 0, 0, 0, 0, 0, 0, 0, b'x'],
        ] {
            assert!(decode(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn bounds_enclose_the_values_of_one_revision() {
        let numbers = [1, 2, 255, 256, 257, 1 << 40, i64::MAX - 1, i64::MAX];
        for of in numbers {
            let [low, high] = bounds(revision(of));
            for number in numbers {
                for record in [&b"\0"[..], b"x", &[255; 600]] {
                    let value = encode(revision(number), record);
                    let inside = value.as_slice() > &low[..] && value.as_slice() < &high[..];
                    assert_eq!(inside, number == of, "{number} in the bounds of {of}");
                }
            }
        }
    }
}
