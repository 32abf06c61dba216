use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::AccountColumn;

/// A store that maps any account id to a number or a UUID, because the conformance suite uses other
/// ids.
#[derive(Debug, Clone)]
pub struct MappedIds<S> {
    /// The store.
    pub store: S,
    /// Makes an id that the column accepts. `None`: the column accepts any id.
    pub to: Option<fn(u64) -> AccountId>,
}

impl<S> MappedIds<S> {
    /// Maps ids to the type of the column.
    #[must_use]
    pub fn new(store: S, column: AccountColumn) -> Self {
        let to = match column {
            AccountColumn::BigInt => Some(to_number as fn(u64) -> AccountId),
            AccountColumn::Uuid => Some(to_uuid as fn(u64) -> AccountId),
            _ => None,
        };
        Self { store, to }
    }
}

/// The id of this number, as a signed integer.
#[must_use]
pub fn to_number(number: u64) -> AccountId {
    AccountId::from(i64::from_ne_bytes(number.to_ne_bytes()))
}

/// A UUID that contains this number.
#[must_use]
pub fn to_uuid(number: u64) -> AccountId {
    let mut uuid = [0xC5; 16];
    uuid[4..12].copy_from_slice(&number.to_be_bytes());
    AccountId::from_uuid_bytes(uuid)
}

impl<S> MappedIds<S> {
    /// The id that stands for this account, also on other handles. Half of the numbers are
    /// negative.
    fn map(&self, account: &AccountId) -> AccountId {
        static NUMBERS: LazyLock<Mutex<HashMap<AccountId, u64>>> = LazyLock::new(Mutex::default);
        let Some(to) = self.to else {
            return account.clone();
        };
        let mut numbers = NUMBERS.lock().unwrap();
        let next = u64::try_from(numbers.len()).unwrap();
        let number = *numbers.entry(account.clone()).or_insert(next);
        to(number.rotate_right(1))
    }
}

impl<S: Store> Store for MappedIds<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.store.load(&self.map(account)).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.store.compare_and_swap(&self.map(account), write).await
    }
}
