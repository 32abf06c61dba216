//! What a benchmark needs from a database.

use countersign::AccountId;
use countersign::store::Store;

use crate::Durability;

/// Any error that ends a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A database to measure.
pub trait Database: Sized + Send + Sync {
    /// A table of this database.
    type Table: Table;

    /// The name, as in the arguments of the program.
    const NAME: &'static str;

    /// The place of the bytes that [`Table::bytes`] counts.
    const PLACE: &'static str = "on disk";

    /// Starts the database, or returns `None` if it is not installed.
    fn start(durability: Durability) -> impl Future<Output = Result<Option<Self>, Error>> + Send;

    /// The version and the settings.
    fn describe(&self) -> impl Future<Output = Result<String, Error>> + Send;

    /// Makes a table with the accounts `1` to `rows`, all with this record and the revision
    /// [`REVISION`].
    fn table(
        &self,
        rows: u32,
        record: &[u8],
    ) -> impl Future<Output = Result<Self::Table, Error>> + Send;
}

/// The revision of a new row. Later revisions are higher, and have the same length.
pub const REVISION: i64 = 1 << 62;

/// A table of accounts, with access by a store and by the bare driver.
pub trait Table: Clone + Send + Sync + 'static {
    /// The store to measure.
    type Store: Store + Clone + 'static;

    /// The store on this table.
    fn store(&self) -> Self::Store;

    /// Reads a row with the driver and pool of the store, and nothing else. Returns its revision
    /// and its record.
    fn read(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<(i64, Vec<u8>), Error>> + Send;

    /// Writes a row in the same way, if the expected revision is still there. Returns whether the
    /// row was written.
    fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// The size of the table and its index, on disk or in memory.
    fn bytes(&self) -> impl Future<Output = Result<u64, Error>> + Send;
}
