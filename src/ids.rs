//! Ids of accounts, keys and writes.

use core::fmt;
use core::str::FromStr;
use std::string::{String, ToString};
use std::sync::Arc;

/// The id of a user's account in your application.
///
/// An id is UTF-8 text of 1 to 255 bytes without NUL. Ids are compared byte by byte: `Bob`, `bob`
/// and `bob ` are three accounts. One letter in two Unicode normal forms makes two ids.
///
/// Use the id that your own tables use, such as a number or a UUID. Do not use a name or an address
/// that the user can change. The id is part of the encryption of a record, so it must never change.
/// Never give an id to another user, not even after you [erased](crate::store::WriteKind::Erased)
/// the account.
///
/// ```
/// use countersign::AccountId;
///
/// let from_number = AccountId::from(4711_u64);
/// assert_eq!(from_number.as_str(), "4711");
///
/// let from_uuid = AccountId::from_uuid_bytes([0xA1; 16]);
/// assert_eq!(from_uuid.as_str(), "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1");
///
/// let from_text: AccountId = "users/4711".parse()?;
/// assert_ne!(from_text, from_number);
/// # Ok::<(), countersign::AccountIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(try_from = "String")
)]
pub struct AccountId(Arc<str>);

/// The error for a text that cannot be an [`AccountId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountIdError {
    /// The text is empty.
    #[error("the account id is empty")]
    Empty,
    /// The text is longer than 255 bytes.
    #[error("the account id has {bytes} bytes; use at most 255")]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text contains U+0000. Some databases cannot store it, and others end the text there.
    #[error("the account id contains the character NUL")]
    Nul,
}

impl AccountId {
    /// The length of the longest id in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Makes an id from a text. Does not trim, fold or normalize the text.
    ///
    /// # Errors
    /// [`AccountIdError`] if the text is empty, longer than 255 bytes, or contains NUL.
    pub fn new(id: impl Into<String>) -> Result<Self, AccountIdError> {
        let id = id.into();
        if id.is_empty() {
            return Err(AccountIdError::Empty);
        }
        if id.len() > Self::MAX_BYTES {
            return Err(AccountIdError::TooLong { bytes: id.len() });
        }
        if id.contains('\0') {
            return Err(AccountIdError::Nul);
        }
        Ok(Self(id.into()))
    }

    /// Makes an id from the 16 bytes of a UUID (RFC 9562): lower-case text with hyphens.
    #[must_use]
    pub fn from_uuid_bytes(uuid: [u8; 16]) -> Self {
        let mut text = String::with_capacity(36);
        for (position, byte) in uuid.into_iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            for nibble in [byte >> 4, byte & 0x0F] {
                text.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
        Self(text.into())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u32> for AccountId {
    /// Makes an id from the decimal number.
    fn from(id: u32) -> Self {
        Self(id.to_string().into())
    }
}

impl From<u64> for AccountId {
    /// Makes an id from the decimal number.
    fn from(id: u64) -> Self {
        Self(id.to_string().into())
    }
}

impl From<i32> for AccountId {
    /// Makes an id from the decimal number, with `-` if it is negative.
    fn from(id: i32) -> Self {
        Self(id.to_string().into())
    }
}

impl From<i64> for AccountId {
    /// Makes an id from the decimal number, with `-` if it is negative.
    fn from(id: i64) -> Self {
        Self(id.to_string().into())
    }
}

#[cfg(feature = "uuid")]
impl From<uuid::Uuid> for AccountId {
    /// Makes an id from a UUID: lower-case text with hyphens, as
    /// [`from_uuid_bytes`](AccountId::from_uuid_bytes) writes it.
    ///
    /// ```
    /// use countersign::AccountId;
    ///
    /// let account = AccountId::from(uuid::Uuid::from_bytes([0xA1; 16]));
    /// assert_eq!(account.as_str(), "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1");
    /// ```
    fn from(id: uuid::Uuid) -> Self {
        Self::from_uuid_bytes(id.into_bytes())
    }
}

impl TryFrom<&str> for AccountId {
    type Error = AccountIdError;

    fn try_from(id: &str) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl TryFrom<String> for AccountId {
    type Error = AccountIdError;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(id)
    }
}

impl FromStr for AccountId {
    type Err = AccountIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl AsRef<str> for AccountId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountId").field(&self.as_str()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The number of a key in a `Keyring`.
///
/// ```
/// use countersign::KeyId;
///
/// const SECOND_KEY: KeyId = KeyId::new(2);
/// assert_eq!(SECOND_KEY.to_string(), "2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct KeyId(u32);

impl KeyId {
    /// Makes the id with this number. Choose any number, but never use it for another key.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The token that a store compares before it replaces a record.
///
/// The verifier draws 63 random bits for every write. So a replaced revision never comes back (no
/// ABA). A revision fits a signed 64-bit column. Revisions are not secret and have no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(i64);

impl Revision {
    /// Takes a revision from a database column.
    ///
    /// ```
    /// use countersign::store::Revision;
    ///
    /// let revision = Revision::from_i64(4_611_686_018_427_387_904)?;
    /// assert_eq!(revision.as_i64(), 4_611_686_018_427_387_904);
    /// assert!(Revision::from_i64(0).is_err());
    /// # Ok::<(), countersign::store::RevisionError>(())
    /// ```
    ///
    /// # Errors
    /// [`RevisionError`] if the number is not positive.
    pub const fn from_i64(revision: i64) -> Result<Self, RevisionError> {
        if revision > 0 {
            Ok(Self(revision))
        } else {
            Err(RevisionError(revision))
        }
    }

    /// Returns the number for a signed 64-bit column, from 1 to `i64::MAX`.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// Makes a revision of 8 random bytes. The top bit is dropped, and zero becomes one.
    #[cfg(feature = "verifier")]
    pub(crate) const fn from_random(bytes: [u8; 8]) -> Self {
        match i64::from_be_bytes(bytes) & i64::MAX {
            0 => Self(1),
            number => Self(number),
        }
    }
}

/// The error for a number that cannot be a [`Revision`]: zero or negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a revision is from 1 to 2^63 - 1, not {0}; check the revision column")]
pub struct RevisionError(i64);

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn ids_have_1_to_255_bytes_and_no_nul() {
        assert_eq!(AccountId::new(""), Err(AccountIdError::Empty));
        assert_eq!(AccountId::new("a\0b"), Err(AccountIdError::Nul));
        assert_eq!(AccountId::new("a").unwrap().as_str(), "a");
        assert_eq!(AccountId::new("é".repeat(127)).unwrap().as_str().len(), 254);
        assert_eq!(AccountId::new("x".repeat(255)).unwrap().as_str().len(), 255);
        assert_eq!(
            AccountId::new("é".repeat(128)),
            Err(AccountIdError::TooLong { bytes: 256 })
        );
    }

    #[test]
    fn ids_are_compared_byte_by_byte() {
        let ids = ["bob", "Bob", "bob ", " bob", "b\u{F6}b", "bo\u{308}b"];
        for (i, a) in ids.iter().enumerate() {
            for (j, b) in ids.iter().enumerate() {
                assert_eq!(i == j, a.parse::<AccountId>() == b.parse::<AccountId>());
            }
        }
    }

    #[test]
    fn numbers_become_decimal_text() {
        assert_eq!(AccountId::from(u64::MAX).as_str(), "18446744073709551615");
        assert_eq!(AccountId::from(i64::MIN).as_str(), "-9223372036854775808");
        assert_eq!(AccountId::from(7_u32), AccountId::from(7_i32));
    }

    #[test]
    fn a_uuid_becomes_canonical_text() {
        let uuid = [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54,
            0x32, 0x10,
        ];
        assert_eq!(
            AccountId::from_uuid_bytes(uuid).as_str(),
            "01234567-89ab-cdef-fedc-ba9876543210"
        );
    }

    #[test]
    #[cfg(feature = "uuid")]
    fn a_uuid_is_written_as_its_bytes_are() {
        for number in [0, 0x0123_4567_89AB_CDEF_FEDC_BA98_7654_3210, u128::MAX] {
            let uuid = uuid::Uuid::from_u128(number);
            assert_eq!(AccountId::from(uuid).as_str(), uuid.to_string());
            assert_eq!(
                AccountId::from(uuid),
                AccountId::from_uuid_bytes(number.to_be_bytes())
            );
        }
    }

    #[test]
    fn messages_name_the_fault() {
        assert_eq!(
            AccountIdError::TooLong { bytes: 300 }.to_string(),
            "the account id has 300 bytes; use at most 255"
        );
        assert_eq!(format!("{:?}", AccountId::from(1_u32)), "AccountId(\"1\")");
    }

    #[test]
    #[cfg(feature = "serde")]
    fn serde_refuses_invalid_ids() {
        use serde::Deserialize;
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StrDeserializer};

        let read = |id: &'static str| {
            let deserializer: StrDeserializer<'_, Error> = id.into_deserializer();
            AccountId::deserialize(deserializer)
        };
        assert_eq!(read("users/7").unwrap().as_str(), "users/7");
        assert_eq!(read("").unwrap_err().to_string(), "the account id is empty");
        assert!(read("a\0b").is_err());
    }

    #[test]
    fn only_positive_numbers_are_revisions() {
        for bad in [0, -1, i64::MIN] {
            assert_eq!(Revision::from_i64(bad), Err(RevisionError(bad)));
        }
        for good in [1, i64::MAX] {
            assert_eq!(Revision::from_i64(good).unwrap().as_i64(), good);
        }
        assert_eq!(
            RevisionError(-5).to_string(),
            "a revision is from 1 to 2^63 - 1, not -5; check the revision column"
        );
    }

    #[test]
    #[cfg(feature = "verifier")]
    fn any_8_random_bytes_make_a_revision() {
        for (bytes, number) in [
            ([0; 8], 1),
            ([0x80, 0, 0, 0, 0, 0, 0, 0], 1),
            ([0xFF; 8], i64::MAX),
            ([0, 0, 0, 0, 0, 0, 1, 2], 258),
        ] {
            assert_eq!(Revision::from_random(bytes).as_i64(), number);
        }
    }
}
