use countersign_sql::TableName;

use crate::TableNameError;

/// The names of the tables of a [`GateStore`](crate::GateStore).
///
/// By default, the sign-ins are in the table `countersign_sign_ins`, and the flags of the second
/// factor are in the table `countersign_flags`. A column of your own table of users can be the flag
/// instead:
///
/// ```
/// use countersign_sqlx::SignInTables;
///
/// let tables = SignInTables::new()
///     .with_table("sign_ins")?
///     .with_flag_column("users", "id", "enrolled")?;
/// # Ok::<(), countersign_sqlx::TableNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInTables {
    pub(crate) sign_ins: TableName,
    pub(crate) flag: FlagPlace,
    pub(crate) outbox: Option<TableName>,
}

/// Where the flags are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlagPlace {
    Table(TableName),
    Column {
        table: TableName,
        id: TableName,
        column: TableName,
    },
}

impl SignInTables {
    /// Returns the default names.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sign_ins: TableName::of_sign_ins(),
            flag: FlagPlace::Table(TableName::of_flags()),
            outbox: None,
        }
    }

    /// Sets the name of the table of sign-ins.
    ///
    /// # Errors
    /// [`TableNameError`] unless the name has 1 to 63 ASCII letters, digits and underscores, and
    /// does not begin with a digit.
    pub fn with_table(self, table: &str) -> Result<Self, TableNameError> {
        let sign_ins = TableName::new(table)?;
        Ok(Self { sign_ins, ..self })
    }

    /// Sets the name of the table of flags.
    ///
    /// # Errors
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn with_flag_table(self, table: &str) -> Result<Self, TableNameError> {
        let flag = FlagPlace::Table(TableName::new(table)?);
        Ok(Self { flag, ..self })
    }

    /// Uses a column of your table of users as the flag, instead of a table of flags.
    ///
    /// The column `id` holds the account id, in the type that the store's
    /// [`AccountColumn`](crate::AccountColumn) names. The flag is a boolean column, `NOT NULL` with
    /// the default `false`. The row of a user must exist before the second factor: without it, an
    /// enrollment fails with [`Error::NoUser`](crate::Error::NoUser), and the flag reads as off.
    ///
    /// The store writes this flag in the transaction of the record, so on and off are enough. The
    /// value [`Ending`](countersign::session::FactorFlag::Ending) is stored as on.
    ///
    /// # Errors
    /// [`TableNameError`] unless each name is as for [`with_table`](Self::with_table).
    pub fn with_flag_column(
        self,
        table: &str,
        id: &str,
        column: &str,
    ) -> Result<Self, TableNameError> {
        let flag = FlagPlace::Column {
            table: TableName::new(table)?,
            id: TableName::new(id)?,
            column: TableName::new(column)?,
        };
        Ok(Self { flag, ..self })
    }

    /// Also writes each [`Event`](countersign::event::Event) into a table of this name, in the
    /// transaction of the record. So each event is in the table exactly once. By default, there is
    /// no such table.
    ///
    /// The columns are `(number, account, revision, at, event, cause)`:
    ///
    /// - `number` is the order of the rows, and `(account, revision)` is the id of the event.
    /// - `at` is the time of the event, in seconds since 1970.
    /// - `event` is the event in JSON.
    /// - `cause` is the [`Cause`](countersign_gate::Cause) in JSON: the browser or program whose
    ///   request made the write, and its first factor.
    ///
    /// Nothing deletes these rows. Deliver them and delete them, or keep them as your log. To list
    /// the events of an account, add an index on `(account, number)`.
    /// [`Notice::of_events`](countersign_gate::Notice::of_events) makes the list.
    ///
    /// # Errors
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn with_outbox(self, table: &str) -> Result<Self, TableNameError> {
        let outbox = Some(TableName::new(table)?);
        Ok(Self { outbox, ..self })
    }
}

impl Default for SignInTables {
    fn default() -> Self {
        Self::new()
    }
}

impl FlagPlace {
    /// The table that has the flags.
    pub(crate) const fn table(&self) -> &TableName {
        match self {
            Self::Table(table) | Self::Column { table, .. } => table,
        }
    }
}

/// The name of an index of a table. A long name loses its end.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn index_name(table: &TableName, column: &str) -> String {
    let room = TableName::MAX_BYTES.saturating_sub(column.len());
    let room = room.saturating_sub(1);
    let start: String = table.as_str().chars().take(room).collect();
    format!("{start}_{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_needs_quotes_is_refused() {
        let bad = "x\" ; DROP TABLE users; --";
        let tables = SignInTables::new;
        assert!(tables().with_table(bad).is_err());
        assert!(tables().with_flag_table(bad).is_err());
        assert!(tables().with_outbox(bad).is_err());
        for (table, id, column) in [
            (bad, "id", "on"),
            ("users", bad, "on"),
            ("users", "id", bad),
        ] {
            assert!(tables().with_flag_column(table, id, column).is_err());
        }
        assert!(tables().with_flag_column("users", "id", "on").is_ok());
    }
}
