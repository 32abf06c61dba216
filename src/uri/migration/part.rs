//! One part of an export: its text, and the message in it.

use super::message::{Fields, Value};
use super::{MigrationEntryError, MigrationError, entry};
use crate::otp::SecretText;
use crate::uri::escape::unescape;
use crate::uri::parameters::after;
#[cfg(feature = "qr")]
use crate::uri::qr::{Qr, QrError, QrLevel};
use crate::uri::{KeyUriPart, LenientKeyUri};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

/// The result for one entry of an export.
pub type MigrationEntry = Result<LenientKeyUri, MigrationEntryError>;

/// One part of an export, `otpauth-migration://offline?data=...`: the text of one QR code.
///
/// An export of more than ten entries has several parts. [`MigrationBatch`] collects them.
///
/// The parsers accept every form of base64 that programs write: with `+` and `/` or with `-` and
/// `_`, with or without padding, percent-encoded or not, even twice. A `+` that became a space is a
/// plus sign, because base64 has no space. White space around the text and line ends in the data do
/// not count.
///
/// [`MigrationBatch`]: crate::uri::migration::MigrationBatch
///
/// ```
/// use countersign::uri::migration::MigrationUri;
///
/// let part = MigrationUri::parse(
///     "otpauth-migration://offline?data=CiwKFDEyMzQ1Njc4OTAxMjM0NTY3ODkwEgVhbGljZRoHRXhhbXBsZSAB\
///      KAEwAhABGAEgACgq",
/// )?;
/// let uri = &part.entries()[0].as_ref().expect("an entry without a fault").uri;
/// assert_eq!((uri.issuer(), uri.account()), (Some("Example"), "alice"));
/// assert_eq!((part.batch_id(), part.batch_index(), part.batch_size()), (42, 0, 1));
/// # Ok::<(), countersign::uri::migration::MigrationError>(())
/// ```
#[derive(Clone)]
pub struct MigrationUri {
    entries: Vec<MigrationEntry>,
    notes: Vec<MigrationNote>,
    version: i32,
    batch_size: i32,
    batch_index: i32,
    batch_id: i32,
    payload: Zeroizing<Vec<u8>>,
}

/// What [`MigrationUri::parse_lenient`] ignored in a part, outside of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MigrationNote {
    /// The version is neither 1 nor 2. Entries of another version may have another meaning.
    Version {
        /// The version.
        version: i32,
    },
    /// An unknown field was ignored.
    UnknownField {
        /// The number of the field.
        field: u32,
    },
    /// A parameter other than `data` was ignored.
    UnknownParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
}

impl fmt::Display for MigrationNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { version } => {
                write!(
                    f,
                    "the version of the export is {version}; 1 and 2 are known"
                )
            }
            Self::UnknownField { field } => {
                write!(f, "field {field} of the export is unknown and was ignored")
            }
            Self::UnknownParameter { position } => {
                write!(
                    f,
                    "parameter {position} has an unknown name and was ignored"
                )
            }
        }
    }
}

impl From<MigrationNote> for MigrationError {
    fn from(note: MigrationNote) -> Self {
        match note {
            MigrationNote::Version { version } => Self::Version { version },
            MigrationNote::UnknownField { field } => Self::UnknownField { field },
            MigrationNote::UnknownParameter { position } => Self::UnknownParameter { position },
        }
    }
}

impl MigrationUri {
    /// The length of the longest text in bytes. A QR code holds at most 2,953.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Parses a part strictly.
    ///
    /// - The export has version 1 or 2, no unknown field and no parameter but `data`. Google
    ///   Authenticator 7 writes version 2. A missing version is accepted.
    /// - Each entry states its algorithm and number of digits, and has no unknown field.
    /// - Secrets have at least 128 bits. Names fit a key URI, as
    ///   [`KeyUri::parse`](crate::uri::KeyUri::parse) requires.
    ///
    /// A fault in an entry is an error of that entry: see [`entries`](Self::entries).
    ///
    /// # Errors
    /// [`MigrationError`] if no entry can be read, or if something outside the entries is unknown.
    pub fn parse(text: &str) -> Result<Self, MigrationError> {
        let (payload, notes) = payload(text)?;
        let part = Self::read(payload, notes, false)?;
        match part.notes.first() {
            None => Ok(part),
            Some(note) => Err((*note).into()),
        }
    }

    /// Parses a part leniently, for imports.
    ///
    /// - Unknown versions, fields and parameters outside of the entries are [`notes`](Self::notes).
    /// - In an entry, an unknown field is a [`Repair`](crate::uri::Repair). So are an unspecified
    ///   algorithm (read as SHA-1), an unspecified number of digits (read as 6), a short secret,
    ///   and the repairs of names that
    ///   [`KeyUri::parse_lenient`](crate::uri::KeyUri::parse_lenient) describes.
    ///
    /// If a later version of the app exports a period, this parser reports an unknown field, and
    /// the key URI has 30 seconds. So ask for a passcode before you use an entry with a repair.
    ///
    /// # Errors
    /// [`MigrationError`] if no entry can be read.
    pub fn parse_lenient(text: &str) -> Result<Self, MigrationError> {
        let (payload, notes) = payload(text)?;
        Self::read(payload, notes, true)
    }

    /// Returns the entries in their order, each as a key URI or as an error.
    ///
    /// An error names the place of its entry. It affects no other entry.
    ///
    /// A key URI has the name of the entry as its label: the app keeps the whole label that it
    /// scanned, such as `Example:alice`. A totp key URI has a period of 30 seconds, because an
    /// export has no period.
    ///
    /// A hotp key URI has the counter of the entry. Google Authenticator for Android counted up
    /// before it computed a passcode (source code, 2020), so its next passcode can have the
    /// following counter. Look ahead by at least one counter.
    pub fn entries(&self) -> &[MigrationEntry] {
        &self.entries
    }

    /// Returns what the lenient parser ignored outside of the entries. Empty if
    /// [`parse`](Self::parse) accepts the part too.
    #[must_use]
    pub fn notes(&self) -> &[MigrationNote] {
        &self.notes
    }

    /// Returns the field `version`, or 0 if it is missing.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// Returns the field `batch_size`: the number of parts of the export. 0 means a single part.
    ///
    /// The number is as in the export. Only [`MigrationBatch`](super::MigrationBatch) checks it.
    #[must_use]
    pub const fn batch_size(&self) -> i32 {
        self.batch_size
    }

    /// Returns the field `batch_index`: the number of this part, from 0.
    ///
    /// The number is as in the export. Only [`MigrationBatch`](super::MigrationBatch) checks it.
    #[must_use]
    pub const fn batch_index(&self) -> i32 {
        self.batch_index
    }

    /// Returns the field `batch_id`, which all parts of an export share. It can be negative. 0
    /// means that it is missing.
    #[must_use]
    pub const fn batch_id(&self) -> i32 {
        self.batch_id
    }

    /// Returns the text of the part, in ASCII: standard base64 with padding, percent-encoded.
    ///
    /// A part that was parsed keeps its unknown fields in this text.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretText {
        SecretText::new(to_text(&self.payload))
    }

    /// Makes a QR code of the part at level M.
    ///
    /// # Errors
    /// [`QrError::TooLong`] if the text has more than 2,331 bytes.
    #[cfg(feature = "qr")]
    pub fn qr(&self) -> Result<Qr, QrError> {
        self.qr_with(QrLevel::default())
    }

    /// Makes a QR code of the part at another level.
    ///
    /// # Errors
    /// [`QrError::TooLong`] if the text is too long for the level.
    #[cfg(feature = "qr")]
    pub fn qr_with(&self, level: QrLevel) -> Result<Qr, QrError> {
        Qr::encode(self.to_secret_text().expose(), level)
    }

    /// Returns the message.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Reads the message `MigrationPayload`.
    pub(super) fn read(
        payload: Zeroizing<Vec<u8>>,
        notes: Vec<MigrationNote>,
        is_lenient: bool,
    ) -> Result<Self, MigrationError> {
        let mut part = Self {
            entries: Vec::new(),
            notes,
            version: 0,
            batch_size: 0,
            batch_index: 0,
            batch_id: 0,
            payload: Zeroizing::default(),
        };
        let mut seen = 0_u32;
        for field in Fields::of(&payload) {
            let (field, value) = field.map_err(|_| MigrationError::Malformed)?;
            if field == 1 {
                let message = value.bytes().ok_or(MigrationError::FieldType { field })?;
                let number = part.entries.len().saturating_add(1);
                part.entries.push(entry::read(number, message, is_lenient));
                continue;
            }
            let Some(slot) = part.number_field(field) else {
                part.notes.push(MigrationNote::UnknownField { field });
                continue;
            };
            *slot = Value::int32(value).ok_or(MigrationError::FieldType { field })?;
            // The number of a known field is below 32.
            let bit = 1_u32.wrapping_shl(field);
            if seen & bit != 0 {
                return Err(MigrationError::RepeatedField { field });
            }
            seen |= bit;
        }
        let version = part.version;
        if !(0..=LATEST_VERSION).contains(&version) {
            part.notes.push(MigrationNote::Version { version });
        }
        part.payload = payload;
        Ok(part)
    }

    const fn number_field(&mut self, field: u32) -> Option<&mut i32> {
        match field {
            2 => Some(&mut self.version),
            3 => Some(&mut self.batch_size),
            4 => Some(&mut self.batch_index),
            5 => Some(&mut self.batch_id),
            _ => None,
        }
    }
}

impl fmt::Debug for MigrationUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationUri")
            .field("entries", &self.entries)
            .field("notes", &self.notes)
            .field("version", &self.version)
            .field("batch_size", &self.batch_size)
            .field("batch_index", &self.batch_index)
            .field("batch_id", &self.batch_id)
            .finish_non_exhaustive()
    }
}

/// The newest version that is known. It has the fields of version 1, and an id in each entry.
pub(super) const LATEST_VERSION: i32 = 2;

/// The beginning of every export. The parser also accepts it in upper case.
const BEGINNING: &str = "otpauth-migration://offline";
/// The text before the data.
const PREFIX: &str = "otpauth-migration://offline?data=";

/// Returns the decoded message of a part, and a note for each unknown parameter.
fn payload(text: &str) -> Result<(Zeroizing<Vec<u8>>, Vec<MigrationNote>), MigrationError> {
    let bytes = text.len();
    if bytes > MigrationUri::MAX_BYTES {
        return Err(MigrationError::TooLong { bytes });
    }
    let text = text.trim_matches(crate::uri::parse::is_surrounding);
    let rest = after(text, BEGINNING).ok_or(MigrationError::Scheme)?;
    // Programs that normalize addresses write a slash.
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let query = match rest.strip_prefix('?') {
        Some(query) => query,
        None if rest.is_empty() => return Err(MigrationError::NoData),
        None => return Err(MigrationError::Scheme),
    };
    let mut notes = Vec::new();
    let mut data = None;
    for (position, parameter) in (1..).zip(query.split('&')) {
        match parameter.strip_prefix("data=") {
            Some(value) => {
                if data.replace(value).is_some() {
                    return Err(MigrationError::RepeatedData);
                }
            }
            None => notes.push(MigrationNote::UnknownParameter { position }),
        }
    }
    let data = data.filter(|data| !data.is_empty());
    Ok((decode(data.ok_or(MigrationError::NoData)?)?, notes))
}

/// Decodes base64 in any form.
fn decode(data: &str) -> Result<Zeroizing<Vec<u8>>, MigrationError> {
    let fault = MigrationError::Base64;
    let mut data = Zeroizing::new(String::from(data));
    // Some programs escape the whole text again.
    for _ in 0..MAX_ESCAPES {
        if !data.contains('%') {
            break;
        }
        let unescaped = unescape(KeyUriPart::Secret, &data, false).map_err(|_| fault)?;
        data = Zeroizing::new(String::from(&*unescaped));
    }
    // The buffer has room for all symbols, so it never grows. A buffer that grows leaves a copy.
    let mut symbols = Zeroizing::new(Vec::with_capacity(data.len()));
    symbols.extend(data.bytes().filter_map(|byte| match byte {
        b'\r' | b'\n' | b'\t' => None,
        b'-' | b' ' => Some(b'+'),
        b'_' => Some(b'/'),
        byte => Some(byte),
    }));
    for _ in 0..MAX_PADDING {
        symbols.pop_if(|byte| *byte == b'=');
    }
    let length = BASE64_NOPAD.decode_len(symbols.len()).map_err(|_| fault)?;
    let mut payload = Zeroizing::new(vec![0; length]);
    let decoded = BASE64_NOPAD.decode_mut(&symbols, &mut payload);
    let decoded = decoded.map_err(|_| fault)?;
    payload.truncate(decoded);
    Ok(payload)
}

/// How often a text can be percent-encoded.
const MAX_ESCAPES: usize = 2;
/// The most padding that base64 has.
const MAX_PADDING: usize = 2;

/// Returns the length of the text of a message.
fn longest_text(payload: usize) -> usize {
    // Each of four symbols for three bytes can be escaped.
    let symbols = payload.div_ceil(3).saturating_mul(4);
    symbols
        .saturating_mul("%2B".len())
        .saturating_add(PREFIX.len())
}

/// Writes the text of a message.
pub(super) fn to_text(payload: &[u8]) -> String {
    let symbols = {
        let mut symbols = String::with_capacity(data_encoding::BASE64.encode_len(payload.len()));
        data_encoding::BASE64.encode_append(payload, &mut symbols);
        Zeroizing::new(symbols)
    };
    // With this capacity, the buffer never grows. A buffer that grows leaves a copy of the secret.
    let mut text = String::with_capacity(longest_text(payload.len()));
    text.push_str(PREFIX);
    for symbol in symbols.chars() {
        match symbol {
            '+' => text.push_str("%2B"),
            '/' => text.push_str("%2F"),
            '=' => text.push_str("%3D"),
            symbol => text.push(symbol),
        }
    }
    text
}
