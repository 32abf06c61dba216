//! Why a file or a token is refused. No error contains a value that can be a secret.

use std::fmt;
use std::sync::Arc;

use countersign::otp::SecretError;

use crate::limits;

/// The error for a file of which nothing can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file is larger than [`MAX_FILE_BYTES`](limits::MAX_FILE_BYTES).
    #[error(
        "the file has {bytes} bytes; at most {} are read: split it",
        limits::MAX_FILE_BYTES
    )]
    TooLarge {
        /// The size of the file.
        bytes: usize,
    },
    /// The file is not UTF-8.
    #[error("the file is not UTF-8; convert it")]
    NotUtf8,
    /// The XML declaration names another encoding than UTF-8.
    #[error("the file names another encoding than UTF-8; convert it")]
    Encoding,
    /// The file is not well-formed XML.
    #[error("line {line}: the file is not well-formed XML")]
    Syntax {
        /// The line at which the reader stopped.
        line: u64,
    },
    /// The file has a document type.
    #[error("line {line}: the file has a document type, which PSKC does not use; remove it")]
    DocumentType {
        /// Its line.
        line: u64,
    },
    /// The file refers to an entity that XML does not define.
    #[error("line {line}: the file uses an entity that XML does not define")]
    Entity {
        /// Its line.
        line: u64,
    },
    /// The elements are nested too deep.
    #[error(
        "line {line}: more than {} elements contain each other",
        limits::MAX_DEPTH
    )]
    TooDeep {
        /// The line of the innermost element.
        line: u64,
    },
    /// There are too many elements and attributes.
    #[error(
        "line {line}: the file has more than {} elements and attributes; split it",
        limits::MAX_ELEMENTS
    )]
    TooManyElements {
        /// The line of the first element that is too many.
        line: u64,
    },
    /// An element has too many attributes.
    #[error(
        "line {line}: the element has more than {} attributes",
        limits::MAX_ATTRIBUTES
    )]
    TooManyAttributes {
        /// The line of the element.
        line: u64,
    },
    /// The name of an element or an attribute is too long.
    #[error("line {line}: a name has more than {} bytes", limits::MAX_NAME_BYTES)]
    LongName {
        /// The line of the element.
        line: u64,
    },
    /// The root element is not the `KeyContainer` of RFC 6030.
    #[error(
        "the root element is not a KeyContainer of RFC 6030, with the namespace \
         urn:ietf:params:xml:ns:keyprov:pskc"
    )]
    NotPskc,
    /// The version of the container is not 1.0.
    #[error("the version of the container is not 1.0")]
    Version,
    /// The file has no key packages, or no rows.
    #[error("the file has no tokens")]
    Empty,
    /// The header of a CSV file has an unknown column.
    #[error(
        "column {column} of the header is unknown; the columns are serial, secret, digits, \
         period, type, algorithm, counter and user"
    )]
    UnknownColumn {
        /// The number of the column, from 1.
        column: usize,
    },
    /// The header of a CSV file has a column twice.
    #[error("column {column} of the header has the name of an earlier column")]
    DuplicateColumn {
        /// The number of the column, from 1.
        column: usize,
    },
    /// The header of a CSV file has no column for the serial number or the secret.
    #[error("the header has no column {name}")]
    MissingColumn {
        /// The name of the column.
        name: &'static str,
    },
}

/// The error for a token that is not read. The other tokens of the file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    pub(crate) place: Place,
    pub(crate) serial: Option<Arc<str>>,
    pub(crate) user_id: Option<Arc<str>>,
    pub(crate) field: Box<str>,
    pub(crate) problem: Problem,
}

impl TokenError {
    /// Where the token is in the file.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The serial number of the token, if it could be read.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// The user of the key or of the device, if it could be read.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// The field, as a path of elements, or the name of a column.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with the field.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(serial) = &self.serial {
            write!(f, " (serial {})", short(serial))?;
        }
        write!(f, ": {}: {}", self.field, self.problem)
    }
}

impl std::error::Error for TokenError {}

/// Text from the file, for a message: without control characters, and not too long.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

/// Where a token is in a file. All numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In an XML file.
    #[non_exhaustive]
    Package {
        /// The number of the key package.
        package: usize,
        /// The number of the key in its package. Nothing, if the fault is in the package itself.
        key: Option<usize>,
        /// The line of the element.
        line: u64,
    },
    /// In a CSV file.
    #[non_exhaustive]
    Row {
        /// The line on which the row begins.
        line: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package { package, key, line } => {
                write!(f, "package {package}, ")?;
                if let Some(key) = key {
                    write!(f, "key {key}, ")?;
                }
                write!(f, "line {line}")
            }
            Self::Row { line } => write!(f, "line {line}"),
        }
    }
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The field is missing.
    #[error("is missing")]
    Missing,
    /// The field is there twice.
    #[error("is there twice")]
    Duplicate,
    /// The text contains elements or comments.
    #[error("the text contains elements or comments")]
    Divided,
    /// The key package has no key.
    #[error("the package has no key")]
    NoKey,
    /// The secret is not in the file: a `KeyReference` names a key that is stored elsewhere.
    #[error("the secret is not in the file; ask for a file with secrets")]
    SecretElsewhere,
    /// The text is not base64.
    #[error("the text is not base64 (RFC 4648, section 4)")]
    NotBase64,
    /// The text is not hexadecimal.
    #[error("the text is not hexadecimal")]
    NotHex,
    /// The text is base32 in a column for hexadecimal.
    #[error("the text is base32; the column must be hexadecimal")]
    Base32InHex,
    /// The secret has a wrong length.
    #[error("{0}")]
    Secret(SecretError),
    /// The number is not a whole number in the range of the field.
    #[error("is not a whole number in the range of this field")]
    Number,
    /// The decrypted number can be read in two ways.
    #[error(
        "the decrypted bytes can be a number, or digits of a text; ask the vendor for a file \
         without encryption of this field"
    )]
    AmbiguousNumber,
    /// The algorithm is not HOTP or TOTP.
    #[error("the algorithm is neither HOTP nor TOTP")]
    Algorithm,
    /// The hash function is unknown.
    #[error("the hash function is not SHA-1, SHA-256 or SHA-512")]
    Hash,
    /// Two fields name different hash functions.
    #[error("two fields name different hash functions")]
    ConflictingHash,
    /// The number of digits is not 6, 7 or 8.
    #[error("the number of digits is not 6, 7 or 8")]
    Digits,
    /// The passcode is not decimal.
    #[error("the encoding of the passcode is not DECIMAL")]
    Encoding,
    /// The passcode has a check digit.
    #[error("the passcode has a check digit, which is not supported")]
    CheckDigit,
    /// The attribute is not `true` or `false`.
    #[error("is not true or false")]
    Boolean,
    /// The key may not be used for passcodes.
    #[error("the policy does not allow passcodes (OTP)")]
    KeyUsage,
    /// The PIN of the device is a part of the passcode.
    #[error("the PIN is a part of the passcode, which is not supported")]
    Pin,
    /// The policy has an element that this package does not know.
    #[error("the policy has an unknown element, so the key must not be used")]
    Policy,
    /// A plain value has a MAC.
    #[error("a value that is not encrypted has a MAC, which is not defined")]
    PlainMac,
    /// The value is encrypted, and there is no key.
    #[error("the value is encrypted with a key that was agreed on; give this key")]
    KeyNeeded,
    /// The value is encrypted, and there is no password.
    #[error("the value is encrypted with a password; give this password")]
    PasswordNeeded,
    /// The key is encrypted in a way that is not supported.
    #[error("the encryption key is given in a way that is not supported")]
    EncryptionKey,
    /// The parameters of PBKDF2 are wrong or not supported.
    #[error(
        "the parameters of PBKDF2 are incomplete, wrong or not supported; at most {} iterations \
         are computed",
        limits::MAX_ITERATIONS
    )]
    KeyDerivation,
    /// The encryption algorithm is not supported.
    #[error("the encryption is not AES-CBC with 128, 192 or 256 bits")]
    Cipher,
    /// The key has another length than the encryption algorithm needs.
    #[error("the key has {bits} bits; the encryption needs {needed}")]
    KeyLength {
        /// The length of the key.
        bits: usize,
        /// The length that the algorithm needs.
        needed: usize,
    },
    /// The encrypted value has no MAC.
    #[error("the encrypted value has no MAC, so it could be forged")]
    NoMac,
    /// The MAC method is missing, or is not supported.
    #[error("the MAC method is missing, or is not HMAC with SHA-1 or SHA-2")]
    MacMethod,
    /// The MAC key is missing, or cannot be decrypted.
    #[error("the MAC key is missing or cannot be decrypted; is this the right key or password?")]
    MacKey,
    /// The MAC does not match.
    #[error("the MAC does not match: the key or password is wrong, or the file was changed")]
    Mac,
    /// The encrypted value has a wrong length or padding.
    #[error("the encrypted value has a wrong length or padding")]
    Ciphertext,
    /// The row has too many columns, or is too long.
    #[error(
        "the row has too many columns, or more than {} bytes",
        limits::MAX_ROW_BYTES
    )]
    Row,
    /// A quotation mark of the row is not closed.
    #[error("a quotation mark is not closed")]
    Quote,
    /// The row is not UTF-8.
    #[error("the row is not UTF-8")]
    NotUtf8,
    /// HOTP needs the next counter.
    #[error("is missing; HOTP needs the counter of the next passcode")]
    CounterMissing,
}
