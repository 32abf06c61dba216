//! The errors of exports.

use crate::uri::{KeyUriError, KeyUriPart};

/// The error for a text that is not an export. No entry can be read.
///
/// The message never quotes the text, because any part may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The text is longer than
    /// [`MigrationUri::MAX_BYTES`](crate::uri::migration::MigrationUri::MAX_BYTES).
    #[error("the export has {bytes} bytes; at most 65536 are taken")]
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// The text does not begin with `otpauth-migration://offline`.
    #[error("the export does not begin with otpauth-migration://offline")]
    Scheme,
    /// The parameter `data` is missing or empty.
    #[error("the parameter data is missing or empty")]
    NoData,
    /// The parameter `data` is given twice.
    #[error("the parameter data is given twice")]
    RepeatedData,
    /// The export has a parameter other than `data`. Only the strict parser returns this error.
    #[error("parameter {position} has an unknown name")]
    UnknownParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
    /// The data is not base64. Most often, the text was cut.
    #[error("the data is not base64; copy the whole text, or scan the QR code again")]
    Base64,
    /// The data is not a message. Most often, the text was cut.
    #[error("the data is damaged; copy the whole text, or scan the QR code again")]
    Malformed,
    /// A field has the wrong type, or its number is out of range.
    #[error("field {field} of the export has a value of the wrong type")]
    FieldType {
        /// The number of the field.
        field: u32,
    },
    /// A field is given twice, so different readers would use different values.
    #[error("field {field} of the export is given twice")]
    RepeatedField {
        /// The number of the field.
        field: u32,
    },
    /// The export has an unknown field. Only the strict parser returns this error.
    #[error("field {field} of the export is unknown")]
    UnknownField {
        /// The number of the field.
        field: u32,
    },
    /// The export has a version other than 1 and 2. Only the strict parser returns this error.
    #[error("the version of the export is {version}; 1 and 2 are known")]
    Version {
        /// The version.
        version: i32,
    },
}

/// The error for one entry of an export. The other entries are not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry}: {fault}")]
#[non_exhaustive]
pub struct MigrationEntryError {
    /// The number of the entry in its part, from 1.
    pub entry: usize,
    /// What is wrong with the entry.
    pub fault: MigrationEntryFault,
}

/// What is wrong with an entry of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationEntryFault {
    /// The bytes of the entry are not a message.
    #[error("the entry is damaged")]
    Malformed,
    /// A field has the wrong type, or its number is out of range.
    #[error("field {field} has a value of the wrong type")]
    FieldType {
        /// The number of the field.
        field: u32,
    },
    /// A field is given twice, so different readers would use different values.
    #[error("field {field} is given twice")]
    RepeatedField {
        /// The number of the field.
        field: u32,
    },
    /// The entry has an unknown field, which may change the passcodes. Only the strict parser
    /// returns this error.
    #[error("field {field} is unknown, and may change the passcodes")]
    UnknownField {
        /// The number of the field.
        field: u32,
    },
    /// The algorithm is MD5. No passcode here is computed with MD5.
    #[error("the algorithm is MD5, which is not supported")]
    Md5,
    /// The algorithm has an unknown number.
    #[error("the algorithm has the unknown number {value}")]
    Algorithm {
        /// The number in the entry.
        value: i32,
    },
    /// The number of digits has an unknown code. The known codes are 1 (six) and 2 (eight).
    #[error("the number of digits has the unknown code {value}")]
    Digits {
        /// The code in the entry.
        value: i32,
    },
    /// The type is unspecified (0) or unknown. The known types are 1 (HOTP) and 2 (TOTP).
    #[error("the type is neither totp nor hotp, but has the number {value}")]
    Type {
        /// The number in the entry.
        value: i32,
    },
    /// The counter is negative, or 2<sup>63</sup> or more. The two have the same bytes.
    #[error("the counter is negative or not below 2^63")]
    Counter,
    /// The secret or a name does not fit a key URI.
    #[error(transparent)]
    KeyUri(#[from] KeyUriError),
}

/// The error for a part that does not belong to a batch. The batch is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationBatchError {
    /// The part is from another export.
    #[error("the part belongs to another export; collect the parts of that export separately")]
    OtherBatch {
        /// The batch id of the part.
        batch_id: i32,
    },
    /// The part has the same batch id, but names another number of parts.
    #[error("the part is one of {size}, but the batch has {expected} parts")]
    OtherSize {
        /// The number of parts that this part names.
        size: u32,
        /// The number of parts of the batch.
        expected: u32,
    },
    /// The batch has this part already, with other content.
    #[error("part {number} is given twice, with different content")]
    Conflict {
        /// The number of the part, from 1.
        number: u32,
    },
    /// The number of parts is negative or above
    /// [`MigrationBatch::MAX_PARTS`](crate::uri::migration::MigrationBatch::MAX_PARTS).
    #[error("the export says that it has {size} parts; 1 to 1000 are taken")]
    Size {
        /// The field `batch_size`.
        size: i32,
    },
    /// The index of the part is negative, or not below the number of parts.
    #[error("the part has the index {index}, but the export has {size} parts")]
    Index {
        /// The field `batch_index`, which counts from 0.
        index: i32,
        /// The number of parts.
        size: u32,
    },
}

/// The error for key URIs that an export cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationEncodeError {
    /// There is no key URI.
    #[error("there is no key URI to export")]
    Empty,
    /// There are too many key URIs for one batch.
    #[error("the key URIs need {parts} parts; at most 1000 are taken")]
    TooMany {
        /// The number of parts.
        parts: usize,
    },
    /// An export has no place for this value: a period other than 30 seconds, seven digits, a
    /// counter from 2<sup>63</sup> on, or an image.
    #[error("key URI {entry}: an export cannot hold this {part}")]
    Unsupported {
        /// The number of the key URI, from 1.
        entry: usize,
        /// The part of the key URI.
        part: KeyUriPart,
    },
    /// The names in this key URI are so long that no QR code holds its export.
    #[error("key URI {entry}: the export has {bytes} bytes; a QR code holds 2331")]
    TooLong {
        /// The number of the key URI, from 1.
        entry: usize,
        /// The length of the export in bytes.
        bytes: usize,
    },
}
