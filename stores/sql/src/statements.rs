use std::sync::Arc;

/// The texts of the statements for one table. Only table and column names vary in them, and a
/// [`TableName`](crate::TableName) cannot contain a quote.
#[derive(Clone)]
pub(crate) struct Statements {
    /// `account`. Returns record and revision.
    pub(crate) load: Arc<str>,
    /// Like `load`. It also returns a row that another transaction committed after this transaction
    /// began to read.
    pub(crate) load_in_transaction: Arc<str>,
    /// `revision, record, enabled, codes_left, key_id, account`.
    pub(crate) create: Arc<str>,
    /// The arguments of `create`, then the expected revision.
    pub(crate) replace: Arc<str>,
    /// `account`, then the expected revision.
    pub(crate) erase: Arc<str>,
    /// The number of accounts.
    pub(crate) first_accounts: Arc<str>,
    /// An account, then the number of accounts.
    pub(crate) accounts_after: Arc<str>,
    pub(crate) create_table: Arc<str>,
}
