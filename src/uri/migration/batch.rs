//! The parts of one export: collecting them, and splitting an export into parts.

use super::entry::{number, unsupported_part, write};
use super::message::{FieldWriter, Length};
use super::part::{LATEST_VERSION, to_text};
use super::{MigrationBatchError, MigrationEncodeError, MigrationEntry, MigrationUri};
use crate::constant_time::reveal;
#[cfg(feature = "getrandom")]
use crate::otp::RandomError;
use crate::uri::KeyUri;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use rand_core::{CryptoRng, TryCryptoRng};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The parts of one export, collected in any order.
///
/// ```
/// use countersign::otp::Secret;
/// use countersign::uri::KeyUri;
/// use countersign::uri::migration::{MigrationBatch, MigrationUri};
///
/// # let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// # let uris = vec![KeyUri::totp(&secret, "alice").build()?; 12];
/// let parts = MigrationBatch::split(&uris, 42)?;
/// assert_eq!(parts.len(), 2);
///
/// let mut batch = MigrationBatch::new(parts[1].clone())?;
/// assert_eq!(batch.missing().collect::<Vec<_>>(), [1]);
/// batch.add(parts[0].clone())?;
/// assert!(batch.is_complete());
/// assert_eq!(batch.entries().count(), 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MigrationBatch {
    id: i32,
    size: u32,
    /// The parts by their index, which counts from 0.
    parts: BTreeMap<u32, MigrationUri>,
}

impl MigrationBatch {
    /// The largest number of parts.
    pub const MAX_PARTS: u32 = 1000;

    /// The most entries that [`split`](Self::split) puts into one part, as Google Authenticator
    /// does.
    pub const MAX_ENTRIES: usize = 10;

    /// The longest text of a part with several entries that [`split`](Self::split) makes, in bytes.
    ///
    /// The QR code of such a text has at most 117 modules on a side at level M (version 25).
    pub const MAX_PART_BYTES: usize = 997;

    /// Starts a batch with any of its parts.
    ///
    /// # Errors
    /// [`MigrationBatchError::Size`] or [`MigrationBatchError::Index`] if the part states an
    /// impossible place in the export. Its entries are readable all the same.
    pub fn new(part: MigrationUri) -> Result<Self, MigrationBatchError> {
        let (index, size) = place(&part)?;
        Ok(Self {
            id: part.batch_id(),
            size,
            parts: BTreeMap::from([(index, part)]),
        })
    }

    /// Adds a part. A part that the batch has already, with the same content, changes nothing.
    ///
    /// # Errors
    /// [`MigrationBatchError`] if the part belongs to another export, or contradicts the parts in
    /// the batch. The batch is then unchanged.
    pub fn add(&mut self, part: MigrationUri) -> Result<(), MigrationBatchError> {
        let batch_id = part.batch_id();
        if batch_id != self.id {
            return Err(MigrationBatchError::OtherBatch { batch_id });
        }
        let (index, size) = place(&part)?;
        if size != self.size {
            return Err(MigrationBatchError::OtherSize {
                size,
                expected: self.size,
            });
        }
        let known = self.parts.entry(index).or_insert_with(|| part.clone());
        if reveal(known.payload().ct_eq(part.payload())) {
            Ok(())
        } else {
            Err(MigrationBatchError::Conflict {
                number: index.saturating_add(1),
            })
        }
    }

    /// Returns the batch id, which all parts share. It can be negative.
    ///
    /// It is 0 if the parts have none. Then only the number of parts and their content show that a
    /// part is from another export.
    #[must_use]
    pub const fn id(&self) -> i32 {
        self.id
    }

    /// Returns the number of parts that the export has, whether they are here or not.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Returns the numbers of the missing parts, from 1, in ascending order.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        (0..self.size)
            .filter(|index| !self.parts.contains_key(index))
            .map(|index| index.saturating_add(1))
    }

    /// Whether no part is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Returns the parts that are here, in their order, each with its number from 1.
    pub fn parts(&self) -> impl Iterator<Item = (u32, &MigrationUri)> {
        self.parts
            .iter()
            .map(|(index, part)| (index.saturating_add(1), part))
    }

    /// Returns the entries of all parts that are here, in their order.
    pub fn entries(&self) -> impl Iterator<Item = &MigrationEntry> {
        self.parts.values().flat_map(MigrationUri::entries)
    }

    /// Splits key URIs into the parts of an export, which Google Authenticator and other apps
    /// import.
    ///
    /// A part has at most [`MAX_ENTRIES`](Self::MAX_ENTRIES) entries and
    /// [`MAX_PART_BYTES`](Self::MAX_PART_BYTES) of text, so that a phone can scan its QR code. A
    /// single entry with longer names gets a part of its own.
    ///
    /// All parts have the batch id `id`. Use another id for each export, so that no reader mixes
    /// their parts: [`random_id`](Self::random_id).
    ///
    /// The message states every number of the batch. Aegis states the index 0 too, since an import
    /// into Google Authenticator for iOS failed (Aegis, issue 1451).
    ///
    /// # Errors
    /// [`MigrationEncodeError`] if an export cannot hold one of the key URIs. Nothing is left out
    /// in silence.
    pub fn split(uris: &[KeyUri], id: i32) -> Result<Vec<MigrationUri>, MigrationEncodeError> {
        let groups = groups(uris)?;
        let parts = groups.len();
        let too_many = MigrationEncodeError::TooMany { parts };
        let size = i32::try_from(parts).map_err(|_| too_many)?;
        if size.unsigned_abs() > Self::MAX_PARTS {
            return Err(too_many);
        }
        let part = |(index, group): (i32, &[KeyUri])| {
            let header = Header { size, index, id };
            let payload = payload(group, header);
            MigrationUri::read(payload, Vec::new(), true).map_err(|_| too_many)
        };
        (0..).zip(groups).map(part).collect()
    }

    /// Returns a batch id from the operating system's random source, for
    /// [`split`](Self::split).
    ///
    /// # Errors
    /// [`RandomError`] if the operating system's random source fails.
    #[cfg(feature = "getrandom")]
    pub fn random_id() -> Result<i32, RandomError> {
        try_random_id(&mut getrandom::SysRng).map_err(|_| RandomError::new())
    }

    /// Returns a batch id from your own generator, for [`split`](Self::split).
    #[must_use]
    pub fn random_id_with<R: CryptoRng + ?Sized>(rng: &mut R) -> i32 {
        let Ok(id) = try_random_id(rng);
        id
    }
}

/// Returns a positive number. All programs read a positive number alike.
fn try_random_id<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<i32, R::Error> {
    let random = rng.try_next_u32()? >> 1;
    Ok(random.cast_signed().max(1))
}

/// Returns the index and the number of parts that a part states.
fn place(part: &MigrationUri) -> Result<(u32, u32), MigrationBatchError> {
    let size = part.batch_size();
    let parts = u32::try_from(size).ok();
    let parts = parts.filter(|parts| *parts <= MigrationBatch::MAX_PARTS);
    // A program that leaves the number out wrote a single part.
    let parts = parts.ok_or(MigrationBatchError::Size { size })?.max(1);
    let index = part.batch_index();
    let checked = u32::try_from(index).ok().filter(|index| *index < parts);
    let index = checked.ok_or(MigrationBatchError::Index { index, size: parts })?;
    Ok((index, parts))
}

/// The numbers of a part.
#[derive(Clone, Copy)]
struct Header {
    size: i32,
    index: i32,
    id: i32,
}

impl Header {
    /// Numbers that take at least as many bytes as the numbers of any part.
    const LONGEST: Self = Self {
        size: i32::MIN,
        index: i32::MIN,
        id: i32::MIN,
    };
}

/// Divides the key URIs into groups, one for each part.
fn groups(uris: &[KeyUri]) -> Result<Vec<&[KeyUri]>, MigrationEncodeError> {
    if uris.is_empty() {
        return Err(MigrationEncodeError::Empty);
    }
    let mut groups = Vec::new();
    let mut rest = uris;
    let mut entry = 0_usize;
    while !rest.is_empty() {
        let mut taken = 0_usize;
        for uri in rest.iter().take(MigrationBatch::MAX_ENTRIES) {
            let entry = entry.saturating_add(taken).saturating_add(1);
            if let Some(part) = unsupported_part(uri) {
                return Err(MigrationEncodeError::Unsupported { entry, part });
            }
            let longer = rest.get(..=taken).unwrap_or(rest);
            let bytes = text_length(longer);
            if taken == 0 && bytes > LONGEST_TEXT {
                return Err(MigrationEncodeError::TooLong { entry, bytes });
            }
            if taken > 0 && bytes > MigrationBatch::MAX_PART_BYTES {
                break;
            }
            taken = taken.saturating_add(1);
        }
        let (group, others) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        groups.push(group);
        rest = others;
        entry = entry.saturating_add(taken);
    }
    Ok(groups)
}

/// The longest text that a QR code of level M holds, in bytes.
const LONGEST_TEXT: usize = 2331;

/// Returns the length of the text of a part with the longest numbers.
fn text_length(uris: &[KeyUri]) -> usize {
    Zeroizing::new(to_text(&payload(uris, Header::LONGEST))).len()
}

/// Returns the message `MigrationPayload`.
fn payload(uris: &[KeyUri], header: Header) -> Zeroizing<Vec<u8>> {
    let mut length = Length::default();
    write_payload(uris, header, &mut length);
    // With this capacity, the buffer never grows. A buffer that grows leaves a copy of the secret.
    let mut payload = Zeroizing::new(Vec::with_capacity(length.0));
    write_payload(uris, header, &mut *payload);
    payload
}

fn write_payload(uris: &[KeyUri], header: Header, out: &mut impl FieldWriter) {
    for uri in uris {
        let mut length = Length::default();
        write(uri, &mut length);
        out.prefix(1, length.0);
        write(uri, out);
    }
    out.number(2, number(LATEST_VERSION));
    out.number(3, number(header.size));
    out.number(4, number(header.index));
    out.number(5, number(header.id));
}
