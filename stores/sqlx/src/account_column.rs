use std::error::Error as StdError;
use std::fmt;

use countersign::AccountId;

use crate::Error;

/// What the column `account` holds, and so which account ids a store takes.
///
/// Text takes every id. The others are for a foreign key to the host's own table of users, and take only ids in the one
/// form that [`AccountId`] gives them: of a number, plain decimal (`4711`, not `04711` or `+4711`); of a UUID, lower case
/// with hyphens. Any other id is [`Error::WrongAccount`] before the database is asked, so that no two ids are one row.
///
/// | | PostgreSQL | MySQL and MariaDB | SQLite | order of accounts |
/// |---|---|---|---|---|
/// | `Text` | `text COLLATE "C"` | `VARBINARY(255)` | `TEXT` | by bytes |
/// | `BigInt` | `bigint` | `BIGINT` | `INTEGER` | by number |
/// | `Uuid` | `uuid` | `BINARY(16)` | `BLOB`, 16 bytes | by bytes |
///
/// The foreign key itself is for the host to add to its migration. A row that it takes away (`ON DELETE CASCADE`) is an
/// account erased, which suits a user who is deleted; one that it refuses is [`Error::ForeignKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AccountColumn {
    /// The id as it is.
    #[default]
    Text,
    /// A signed 64-bit number.
    BigInt,
    /// The 16 bytes of a UUID (RFC 9562).
    Uuid,
}

/// An account id as the column holds it.
pub(crate) enum Key<'a> {
    Text(&'a str),
    Number(i64),
    Uuid {
        #[cfg_attr(
            not(feature = "postgres"),
            expect(dead_code, reason = "only PostgreSQL reads text as a UUID")
        )]
        text: &'a str,
        #[cfg_attr(
            not(any(feature = "mysql", feature = "sqlite")),
            expect(dead_code, reason = "PostgreSQL alone has a type for UUIDs")
        )]
        bytes: [u8; 16],
    },
}

impl AccountColumn {
    pub(crate) fn key(self, account: &AccountId) -> Result<Key<'_>, Error> {
        let text = account.as_str();
        let key = match self {
            Self::Text => Some(Key::Text(text)),
            Self::BigInt => text
                .parse()
                .ok()
                .filter(|number| AccountId::from(*number) == *account)
                .map(Key::Number),
            Self::Uuid => uuid_bytes(text)
                .filter(|bytes| AccountId::from_uuid_bytes(*bytes) == *account)
                .map(|bytes| Key::Uuid { text, bytes }),
        };
        key.ok_or_else(|| Error::WrongAccount {
            account: account.clone(),
            column: self,
        })
    }

    /// The account whose id a query gave as text, or as the bytes of a UUID where there is no type for them.
    pub(crate) fn account(self, id: Vec<u8>) -> Result<AccountId, Box<dyn StdError + Send + Sync>> {
        match (self, <[u8; 16]>::try_from(id.as_slice())) {
            (Self::Uuid, Ok(uuid)) => Ok(AccountId::from_uuid_bytes(uuid)),
            _ => Ok(AccountId::new(String::from_utf8(id)?)?),
        }
    }
}

impl fmt::Display for AccountColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::BigInt => "a whole number of 64 bits in plain decimal",
            Self::Uuid => "a UUID in lower case with hyphens",
        })
    }
}

/// The digits of a text of the length of a UUID; whether it is in canonical form is not looked at.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    if text.len() != UUID_LENGTH {
        return None;
    }
    let digits: String = text.chars().filter(|char| *char != '-').collect();
    u128::from_str_radix(&digits, 16)
        .ok()
        .map(u128::to_be_bytes)
}

const UUID_LENGTH: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(column: AccountColumn, id: &str) -> bool {
        let account = AccountId::new(id).unwrap();
        match column.key(&account) {
            Ok(_) => true,
            Err(Error::WrongAccount { account: named, .. }) => {
                assert_eq!(named, account);
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_number_is_taken_in_one_form() {
        for good in [
            "0",
            "7",
            "-7",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert!(takes(AccountColumn::BigInt, good), "{good}");
        }
        for bad in [
            "+7",
            "07",
            "-0",
            "7 ",
            " 7",
            "7.0",
            "0x7",
            "9223372036854775808",
            "\u{0667}",
            "bob",
        ] {
            assert!(!takes(AccountColumn::BigInt, bad), "{bad}");
        }
    }

    #[test]
    fn a_uuid_is_taken_in_one_form() {
        assert!(takes(
            AccountColumn::Uuid,
            "01234567-89ab-cdef-fedc-ba9876543210"
        ));
        for bad in [
            "01234567-89AB-cdef-fedc-ba9876543210",
            "0123456789abcdeffedcba9876543210",
            "{01234567-89ab-cdef-fedc-ba987654321}",
            "012345678-9ab-cdef-fedc-ba9876543210",
            "01234567-89ab-cdef-fedc-ba987654321g",
            "+1234567-89ab-cdef-fedc-ba9876543210",
            "------------------------------------",
            "7",
        ] {
            assert!(!takes(AccountColumn::Uuid, bad), "{bad}");
        }
    }

    #[test]
    fn any_id_is_text() {
        for good in ["7", "Bob ", "\u{1F511}"] {
            assert!(takes(AccountColumn::Text, good), "{good}");
        }
    }

    #[test]
    fn ids_come_back() {
        let uuid = AccountId::from_uuid_bytes([0xA1; 16]);
        for id in [vec![0xA1; 16], uuid.as_str().into()] {
            assert_eq!(AccountColumn::Uuid.account(id).unwrap(), uuid);
        }
        let text = AccountColumn::Text.account(b"sixteen letters!".into());
        assert_eq!(text.unwrap().as_str(), "sixteen letters!");
        assert!(AccountColumn::Text.account(vec![0xFF]).is_err());
        assert!(AccountColumn::Text.account(vec![]).is_err());
    }
}
