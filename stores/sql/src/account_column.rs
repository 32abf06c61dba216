use std::error::Error as StdError;
use std::fmt;

use countersign::AccountId;

use crate::Value;

/// The type of the column `account`. The type decides which account ids a store accepts.
///
/// `Text` accepts every id. Use `BigInt` or `Uuid` if the column has a foreign key to your own
/// table of users. These types accept an id only in the form that [`AccountId`] makes:
///
/// - a number in plain decimal: `4711`, not `04711` or `+4711`
/// - a UUID in lower case with hyphens
///
/// For any other id the store returns [`Error::WrongAccount`](crate::Error::WrongAccount) before it
/// asks the database. So two different ids never share a row.
///
/// | | PostgreSQL | MySQL and MariaDB | SQLite | order of accounts |
/// |---|---|---|---|---|
/// | `Text` | `text COLLATE "C"` | `VARBINARY(255)` | `TEXT` | by bytes |
/// | `BigInt` | `bigint` | `BIGINT` | `INTEGER` | by number |
/// | `Uuid` | `uuid` | `BINARY(16)` | `BLOB`, 16 bytes | by bytes |
///
/// Add the foreign key in your own migration. If the foreign key deletes a row (`ON DELETE
/// CASCADE`), for example with its user, the account is erased. If the foreign key refuses a row,
/// the store returns [`Error::ForeignKey`](crate::Error::ForeignKey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AccountColumn {
    /// Every id, unchanged.
    #[default]
    Text,
    /// A signed 64-bit number.
    BigInt,
    /// The 16 bytes of a UUID (RFC 9562).
    Uuid,
}

impl AccountColumn {
    /// The id as this column stores it, or `None` if it does not fit the column.
    pub(crate) fn key(self, account: &AccountId) -> Option<Value<'_>> {
        let text = account.as_str();
        match self {
            Self::Text => Some(Value::Text(text)),
            Self::BigInt => text
                .parse()
                .ok()
                .filter(|number| AccountId::from(*number) == *account)
                .map(Value::Number),
            Self::Uuid => uuid_bytes(text)
                .filter(|bytes| AccountId::from_uuid_bytes(*bytes) == *account)
                .map(|bytes| Value::Uuid { text, bytes }),
        }
    }

    /// The account for an id that a query returned: text, or the 16 bytes of a UUID.
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

/// Reads a UUID from text of the right length. Does not check that the text has the canonical form.
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

    fn accepts(column: AccountColumn, id: &str) -> bool {
        column.key(&AccountId::new(id).unwrap()).is_some()
    }

    #[test]
    fn a_number_has_one_accepted_form() {
        for good in [
            "0",
            "7",
            "-7",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert!(accepts(AccountColumn::BigInt, good), "{good}");
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
            assert!(!accepts(AccountColumn::BigInt, bad), "{bad}");
        }
    }

    #[test]
    fn a_uuid_has_one_accepted_form() {
        assert!(accepts(
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
            assert!(!accepts(AccountColumn::Uuid, bad), "{bad}");
        }
    }

    #[test]
    fn a_text_column_accepts_any_id() {
        for good in ["7", "Bob ", "\u{1F511}"] {
            assert!(accepts(AccountColumn::Text, good), "{good}");
        }
    }

    #[test]
    fn stored_ids_become_the_same_accounts() {
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
