use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sqlx::AccountColumn;

/// A store that takes numbers or UUIDs, for a suite that has accounts of other names.
#[derive(Debug, Clone)]
pub(crate) struct Renamed<S> {
    pub(crate) store: S,
    /// What a column takes; `None`: any name.
    pub(crate) to: Option<fn(u64) -> AccountId>,
}

impl<S> Renamed<S> {
    pub(crate) fn new(store: S, column: AccountColumn) -> Self {
        let to = match column {
            AccountColumn::BigInt => Some(to_number as fn(u64) -> AccountId),
            AccountColumn::Uuid => Some(to_uuid as fn(u64) -> AccountId),
            _ => None,
        };
        Self { store, to }
    }
}

pub(crate) fn to_number(name: u64) -> AccountId {
    AccountId::from(i64::from_ne_bytes(name.to_ne_bytes()))
}

pub(crate) fn to_uuid(name: u64) -> AccountId {
    let mut uuid = [0xC5; 16];
    uuid[4..12].copy_from_slice(&name.to_be_bytes());
    AccountId::from_uuid_bytes(uuid)
}

impl<S> Renamed<S> {
    /// The same for the same account, also on another handle; half of them are negative as numbers.
    fn name(&self, account: &AccountId) -> AccountId {
        static NAMES: LazyLock<Mutex<HashMap<AccountId, u64>>> = LazyLock::new(Mutex::default);
        let Some(to) = self.to else {
            return account.clone();
        };
        let mut names = NAMES.lock().unwrap();
        let next = u64::try_from(names.len()).unwrap();
        let name = *names.entry(account.clone()).or_insert(next);
        to(name.rotate_right(1))
    }
}

impl<S: Store> Store for Renamed<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.store.load(&self.name(account)).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.store.compare_and_swap(&self.name(account), swap).await
    }
}
