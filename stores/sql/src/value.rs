use std::fmt;

/// An argument of a statement. It borrows the text and the bytes.
///
/// Bind it in the type that the dialect needs:
///
/// | value | PostgreSQL | MySQL and MariaDB | SQLite |
/// |---|---|---|---|
/// | `Text` | `text` | bytes | text |
/// | `Number` | `bigint` | `BIGINT` | integer |
/// | `Uuid` | `uuid` from `bytes`, or `text` from `text` | `bytes` | blob of `bytes` |
/// | `Bytes` | `bytea` | bytes | blob |
/// | `Flag` | `boolean` | `TRUE` or `FALSE` | integer, 1 or 0 |
///
/// On PostgreSQL, declare exactly these types if your driver declares types at all. On MySQL and
/// MariaDB, send `Text` as bytes: a server converts text to the character set of the connection
/// before it compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An account id.
    Text(&'a str),
    /// An account id, a revision, a count, the id of a key, or a limit.
    Number(i64),
    /// An account id that is a UUID.
    Uuid {
        /// The UUID in lower case with hyphens.
        text: &'a str,
        /// The 16 bytes of the UUID.
        bytes: [u8; 16],
    },
    /// An encrypted record, 1 byte to 64 KiB.
    Bytes(&'a [u8]),
    /// Whether at least one authenticator is active.
    Flag(bool),
}

impl fmt::Debug for Value<'_> {
    /// Shows the length of bytes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Number(number) => f.debug_tuple("Number").field(number).finish(),
            Self::Uuid { text, .. } => f.debug_tuple("Uuid").field(text).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Flag(flag) => f.debug_tuple("Flag").field(flag).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_bytes_of_the_record() {
        let debug = format!("{:?}", Value::Bytes(&[113; 5]));
        assert_eq!(debug, "Bytes(5 bytes)");
    }
}
