use std::fmt;
use std::sync::Arc;

/// The name of a table or column that is safe in any statement: `[A-Za-z_][A-Za-z0-9_]{0,62}`.
///
/// The default is `countersign`, the name of the table of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(Arc<str>);

/// The error for a text that is not a table name that the stores accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a table name: use 1 to 63 ASCII letters, digits and underscores, without a digit first"
)]
#[non_exhaustive]
pub struct TableNameError;

impl TableName {
    /// The longest name. PostgreSQL cuts longer names off. No other database here has a shorter
    /// limit.
    pub const MAX_BYTES: usize = 63;

    /// Checks a name.
    ///
    /// # Errors
    /// [`TableNameError`] unless the name has 1 to 63 ASCII letters, digits and underscores, and
    /// does not begin with a digit.
    pub fn new(name: &str) -> Result<Self, TableNameError> {
        let starts_well = name.starts_with(|first: char| !first.is_ascii_digit());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if starts_well && name.len() <= Self::MAX_BYTES && name.bytes().all(is_plain) {
            Ok(Self(name.into()))
        } else {
            Err(TableNameError)
        }
    }

    /// The default name of the table of sign-ins of countersign-gate: `countersign_sign_ins`.
    #[must_use]
    pub fn of_sign_ins() -> Self {
        Self("countersign_sign_ins".into())
    }

    /// The default name of the table of flags of countersign-gate: `countersign_flags`.
    #[must_use]
    pub fn of_flags() -> Self {
        Self("countersign_flags".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self("countersign".into())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_name_with_other_characters_is_refused() {
        let longest = "x".repeat(63);
        for good in ["countersign", "_", "A1", "order", longest.as_str()] {
            assert_eq!(TableName::new(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(64);
        for bad in [
            "",
            "1a",
            "a-b",
            "a b",
            "a.b",
            "a\"b",
            "a;DROP TABLE users",
            "a\0",
            "\u{E9}",
            too_long.as_str(),
        ] {
            assert_eq!(TableName::new(bad), Err(TableNameError), "{bad:?}");
        }
        assert_eq!(
            TableName::new(TableName::default().as_str()),
            Ok(TableName::default())
        );
    }
}
