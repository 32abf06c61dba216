//! The rows of both sides.

use countersign::import::{Import, ImportedAuthenticator};
use countersign::otp::{Secret, TimeStep};
use countersign::store::MemoryStore;
use countersign::{AccountId, KeyId, Keyring, SealingKey, blocking};
use countersign_store_testing::bench::Error;

/// The rows of a transaction.
pub(crate) const BATCH: usize = 1000;

/// An account, its import, and a record that an import made.
pub(crate) struct Row {
    pub(crate) account: AccountId,
    pub(crate) import: Import,
    pub(crate) revision: i64,
    pub(crate) record: Vec<u8>,
}

/// Makes rows of new accounts.
pub(crate) struct Rows {
    next: u64,
    records: Vec<(i64, Vec<u8>)>,
}

impl Rows {
    pub(crate) fn new() -> Result<Self, Error> {
        let store = MemoryStore::new();
        let verifier =
            blocking::Verifier::builder(store.clone(), keyring(), "Example").build_blocking()?;
        let mut records = Vec::new();
        for number in 0..BATCH as u64 {
            let account = AccountId::from(number);
            verifier.import(&account, &import(number)?)?;
            let stored = blocking::Store::load(&store, &account)?;
            let stored = stored.ok_or("the account was not imported")?;
            records.push((stored.revision.as_i64(), stored.record));
        }
        Ok(Self { next: 0, records })
    }

    /// The rows of the next transaction.
    pub(crate) fn next(&mut self) -> Vec<Row> {
        let numbered = (self.next..).zip(&self.records);
        let rows = numbered.filter_map(|(number, (revision, record))| {
            Some(Row {
                account: AccountId::from(number),
                import: import(number).ok()?,
                revision: *revision,
                record: record.clone(),
            })
        });
        let rows = rows.collect();
        self.next += BATCH as u64;
        rows
    }
}

pub(crate) fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]))
}

fn import(number: u64) -> Result<Import, Error> {
    let mut secret = [0x5a; 20];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    let secret = Secret::from_bytes(&secret)?;
    let phone = ImportedAuthenticator::totp(secret).last_step(TimeStep::new(50_000_000));
    Ok(Import::new([phone]))
}
