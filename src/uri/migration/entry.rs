//! One entry of an export: the message `OtpParameters`, from and to a key URI.

use super::message::{FieldWriter, Fields, Value};
use super::{MigrationEntryError, MigrationEntryFault};
use crate::otp::{Algorithm, Digits, Period, Secret};
use crate::uri::key_uri::Parts;
use crate::uri::label::{Colons, Names, split_once};
use crate::uri::repair::Reader;
use crate::uri::{KeyUri, KeyUriError, KeyUriKind, KeyUriPart, LenientKeyUri, Repair};
use alloc::vec::Vec;

/// Reads the entry with this number, which counts from 1.
pub(super) fn read(
    entry: usize,
    message: &[u8],
    is_lenient: bool,
) -> Result<LenientKeyUri, MigrationEntryError> {
    let mut repairs = Vec::new();
    let minimum_bits = if is_lenient { 8 } else { Secret::MINIMUM_BITS };
    let reader = Reader::new(minimum_bits, is_lenient.then_some(&mut repairs));
    match reader.entry(message) {
        Ok(uri) => Ok(LenientKeyUri { uri, repairs }),
        Err(fault) => Err(MigrationEntryError { entry, fault }),
    }
}

/// The fields of an entry as they are in the message. An absent number is 0, and an absent text is
/// empty.
#[derive(Default)]
struct Entry<'a> {
    secret: &'a [u8],
    name: &'a [u8],
    issuer: &'a [u8],
    algorithm: i32,
    digits: i32,
    kind: i32,
    counter: u64,
}

impl Reader<'_> {
    fn entry(mut self, message: &[u8]) -> Result<KeyUri, MigrationEntryFault> {
        let entry = self.fields(message)?;
        let kind = self.entry_kind(&entry)?;
        let secret = self.entry_secret(entry.secret)?;
        let algorithm = self.entry_algorithm(entry.algorithm)?;
        let digits = self.entry_digits(entry.digits)?;
        let names = self.entry_names(&entry)?;
        let uri = KeyUri::assemble(Parts {
            secret,
            kind,
            names,
            colons: if self.is_lenient() {
                Colons::Kept
            } else {
                Colons::Refused
            },
            algorithm,
            digits,
            image: None,
        })?;
        Ok(uri)
    }

    fn fields<'a>(&mut self, message: &'a [u8]) -> Result<Entry<'a>, MigrationEntryFault> {
        let mut entry = Entry::default();
        let mut seen = 0_u32;
        for field in Fields::of(message) {
            let (field, value) = field.map_err(|_| MigrationEntryFault::Malformed)?;
            let known = entry.take(field, value);
            if !known.ok_or(MigrationEntryFault::FieldType { field })? {
                match &mut self.repairs {
                    Some(repairs) => repairs.push(Repair::UnknownField { field }),
                    None => return Err(MigrationEntryFault::UnknownField { field }),
                }
                continue;
            }
            // The number of a known field is below 32.
            let bit = 1_u32.wrapping_shl(field);
            if seen & bit != 0 {
                return Err(MigrationEntryFault::RepeatedField { field });
            }
            seen |= bit;
        }
        Ok(entry)
    }

    fn entry_kind(&mut self, entry: &Entry<'_>) -> Result<KeyUriKind, MigrationEntryFault> {
        // The field is an `int64`, which some programs write as a `uint64`.
        let counter = i64::try_from(entry.counter)
            .map(i64::cast_unsigned)
            .map_err(|_| MigrationEntryFault::Counter)?;
        match entry.kind {
            HOTP => Ok(KeyUriKind::Hotp { counter }),
            TOTP => {
                if counter != 0 {
                    let part = KeyUriPart::Counter;
                    self.repair_or_refuse(
                        Repair::NotForType { part },
                        KeyUriError::NotForType { part },
                    )?;
                }
                // An export has no period. The app supports only 30 seconds.
                Ok(KeyUriKind::Totp {
                    period: Period::THIRTY_SECONDS,
                })
            }
            value => Err(MigrationEntryFault::Type { value }),
        }
    }

    fn entry_secret(&mut self, bytes: &[u8]) -> Result<Secret, KeyUriError> {
        if bytes.is_empty() {
            return Err(KeyUriError::Empty {
                part: KeyUriPart::Secret,
            });
        }
        let secret = Secret::from_bytes_with_minimum(bytes, self.minimum_bits)?;
        let bits = secret.bits();
        if let Some(repairs) = &mut self.repairs
            && bits < Secret::MINIMUM_BITS
        {
            repairs.push(Repair::SecretShort { bits });
        }
        Ok(secret)
    }

    fn entry_algorithm(&mut self, value: i32) -> Result<Algorithm, MigrationEntryFault> {
        match value {
            0 => {
                self.unspecified(KeyUriPart::Algorithm)?;
                Ok(Algorithm::default())
            }
            SHA1 => Ok(Algorithm::Sha1),
            SHA256 => Ok(Algorithm::Sha256),
            SHA512 => Ok(Algorithm::Sha512),
            MD5 => Err(MigrationEntryFault::Md5),
            value => Err(MigrationEntryFault::Algorithm { value }),
        }
    }

    fn entry_digits(&mut self, value: i32) -> Result<Digits, MigrationEntryFault> {
        match value {
            0 => {
                self.unspecified(KeyUriPart::Digits)?;
                Ok(Digits::default())
            }
            SIX => Ok(Digits::SIX),
            EIGHT => Ok(Digits::EIGHT),
            value => Err(MigrationEntryFault::Digits { value }),
        }
    }

    /// Uses the default for a value that the entry does not state.
    fn unspecified(&mut self, part: KeyUriPart) -> Result<(), KeyUriError> {
        self.repair_or_refuse(Repair::NoValue { part }, KeyUriError::Missing { part })
    }

    /// Reads the name, which is the label of the scanned key URI, and the issuer.
    fn entry_names<'a>(&mut self, entry: &Entry<'a>) -> Result<Names<'a>, KeyUriError> {
        let name = text(KeyUriPart::Account, entry.name)?;
        let issuer = text(KeyUriPart::Issuer, entry.issuer)?;
        let (prefix, account) = match split_once(name, b':') {
            // The Key URI Format allows spaces after the colon.
            Some((prefix, account)) => (Some(prefix), account.trim_start_matches(' ')),
            None => (None, name),
        };
        let label = Names {
            prefix,
            issuer: None,
            account: self.trimmed(KeyUriPart::Account, account)?,
        };
        self.names(
            label,
            None,
            Some(issuer).filter(|issuer| !issuer.is_empty()),
        )
    }
}

impl<'a> Entry<'a> {
    /// Sets a field. Returns whether the field is known, and `None` if its value has the wrong
    /// type.
    fn take(&mut self, field: u32, value: Value<'a>) -> Option<bool> {
        match field {
            1 => self.secret = value.bytes()?,
            2 => self.name = value.bytes()?,
            3 => self.issuer = value.bytes()?,
            4 => self.algorithm = value.int32()?,
            5 => self.digits = value.int32()?,
            6 => self.kind = value.int32()?,
            7 => self.counter = value.varint()?,
            // The id by which the app recognizes the entry on several phones. It has no meaning
            // elsewhere.
            8 => drop(value.bytes()?),
            _ => return Some(false),
        }
        Some(true)
    }
}

fn text(part: KeyUriPart, bytes: &[u8]) -> Result<&str, KeyUriError> {
    str::from_utf8(bytes).map_err(|_| KeyUriError::Utf8 { part })
}

/// Returns the part of a key URI that an entry cannot hold.
pub(super) fn unsupported_part(uri: &KeyUri) -> Option<KeyUriPart> {
    let fits = match uri.kind() {
        KeyUriKind::Totp { period } if period == Period::THIRTY_SECONDS => None,
        KeyUriKind::Totp { .. } => Some(KeyUriPart::Period),
        KeyUriKind::Hotp { counter } if i64::try_from(counter).is_ok() => None,
        KeyUriKind::Hotp { .. } => Some(KeyUriPart::Counter),
        #[cfg(feature = "steam")]
        KeyUriKind::Steam => Some(KeyUriPart::Encoder),
    };
    fits.or((uri.digits() == Digits::SEVEN).then_some(KeyUriPart::Digits))
        .or(uri.image().map(|_| KeyUriPart::Image))
}

/// Writes a key URI as an entry. The type, the algorithm and the digits are always written.
pub(super) fn write(uri: &KeyUri, out: &mut impl FieldWriter) {
    out.bytes(1, uri.secret().expose());
    let issuer = uri.issuer();
    let prefix = uri.issuer_prefix();
    // If the account has no colon, the name needs no prefix to be read again.
    if issuer.is_some() && prefix == issuer && !uri.account().contains(':') {
        out.bytes(2, uri.account().as_bytes());
    } else {
        out.bytes(2, uri.label().as_bytes());
    }
    if let Some(issuer) = issuer {
        out.bytes(3, issuer.as_bytes());
    }
    out.number(
        4,
        number(match uri.algorithm() {
            Algorithm::Sha1 => SHA1,
            Algorithm::Sha256 => SHA256,
            Algorithm::Sha512 => SHA512,
        }),
    );
    out.number(
        5,
        number(if uri.digits() == Digits::EIGHT {
            EIGHT
        } else {
            SIX
        }),
    );
    match uri.kind() {
        KeyUriKind::Totp { .. } => out.number(6, number(TOTP)),
        // The caller has refused it.
        #[cfg(feature = "steam")]
        KeyUriKind::Steam => {}
        KeyUriKind::Hotp { counter } => {
            out.number(6, number(HOTP));
            out.number(7, counter);
        }
    }
}

/// Returns an `int32` as the message has it: negative numbers are extended to 64 bits.
pub(super) fn number(value: i32) -> u64 {
    i64::from(value).cast_unsigned()
}

const SHA1: i32 = 1;
const SHA256: i32 = 2;
const SHA512: i32 = 3;
const MD5: i32 = 4;
const SIX: i32 = 1;
const EIGHT: i32 = 2;
const HOTP: i32 = 1;
const TOTP: i32 = 2;
