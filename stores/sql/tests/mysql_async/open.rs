//! Opens the verifier on the store.

use std::error::Error;

use countersign::{KeyId, Keyring, SealingKey, Verifier};
use countersign_sql::{Dialect, RecordTable};

use crate::store::{MySqlAsyncStore, pool};

/// `key` has 32 random bytes, the same at every start.
pub async fn open(url: &str, key: &[u8]) -> Result<Verifier<MySqlAsyncStore>, Box<dyn Error>> {
    let table = RecordTable::new(Dialect::MySql).with_table("second_factor")?;
    let pool = pool(url)?;
    let store = MySqlAsyncStore { pool, table };
    store.run(store.table.create_table()).await?;
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(key.try_into()?));
    Ok(Verifier::builder(store, keyring, "Example").build()?)
}
