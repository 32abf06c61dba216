//! A store that violates the contract by one rule, and a store whose calls fail.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

/// A store that answers by its rule, under one lock.
pub(crate) struct RuleStore {
    rows: Arc<Mutex<Rows>>,
    rule: Arc<Rule>,
    id: fn(&str) -> String,
    record: fn(&mut Vec<u8>),
}

pub(crate) type Rule = dyn Fn(&mut Rows, &AccountId, Option<Revision>, ConditionalWrite<'_>) -> WriteResult
    + Send
    + Sync;

#[derive(Clone, Default)]
pub(crate) struct Rows(pub(crate) HashMap<AccountId, (StoredRecord, usize)>);

impl Rows {
    pub(crate) fn put(&mut self, account: &AccountId, write: ConditionalWrite<'_>) -> WriteResult {
        match write.record() {
            Some(record) => {
                let writes = self.writes(account) + 1;
                let stored = StoredRecord::new(record.to_vec(), write.revision());
                self.0.insert(account.clone(), (stored, writes));
            }
            None => {
                self.0.remove(account);
            }
        }
        WriteResult::Done
    }

    pub(crate) fn record(&self, account: &AccountId) -> Option<&[u8]> {
        self.0.get(account).map(|(stored, _)| &stored.record[..])
    }

    pub(crate) fn revision(&self, account: &AccountId) -> Option<Revision> {
        self.0.get(account).map(|(stored, _)| stored.revision)
    }

    /// The number of writes since the account was created.
    pub(crate) fn writes(&self, account: &AccountId) -> usize {
        self.0.get(account).map_or(0, |(_, writes)| *writes)
    }

    pub(crate) fn accounts_at(&self, revision: Revision) -> Vec<AccountId> {
        let at = self
            .0
            .iter()
            .filter(|(_, (stored, _))| stored.revision == revision);
        at.map(|(account, _)| account.clone()).collect()
    }
}

impl RuleStore {
    pub(crate) fn new(
        rule: impl Fn(&mut Rows, &AccountId, Option<Revision>, ConditionalWrite<'_>) -> WriteResult
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            rows: Arc::default(),
            rule: Arc::new(rule),
            id: str::to_owned,
            record: |_| {},
        }
    }

    pub(crate) fn correct() -> Self {
        Self::new(|rows, account, found, write| {
            if found == write.expected() {
                rows.put(account, write)
            } else {
                WriteResult::Stale
            }
        })
    }

    pub(crate) fn with_ids(self, id: fn(&str) -> String) -> Self {
        Self { id, ..self }
    }

    pub(crate) fn with_records(self, record: fn(&mut Vec<u8>)) -> Self {
        Self { record, ..self }
    }

    fn key(&self, account: &AccountId) -> AccountId {
        (self.id)(account.as_str()).parse().unwrap()
    }
}

impl blocking::Store for RuleStore {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let rows = self.rows.lock().unwrap();
        let row = rows.0.get(&self.key(account));
        Ok(row.map(|(stored, _)| {
            let mut stored = stored.clone();
            (self.record)(&mut stored.record);
            stored
        }))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        let account = self.key(account);
        let found = rows.revision(&account);
        Ok((self.rule)(&mut rows, &account, found, write))
    }
}

impl Harness for RuleStore {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Self {
            rows: Arc::clone(&self.rows),
            rule: Arc::clone(&self.rule),
            ..*self
        })
    }

    /// The rows do not expire, so the case need not wait.
    fn effort(&self) -> Effort {
        Effort::default().row_age(Duration::ZERO)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Failing(pub(crate) fn() -> Result<(), &'static str>);

impl blocking::Store for Failing {
    type Error = &'static str;

    fn load(&self, _: &AccountId) -> Result<Option<StoredRecord>, &'static str> {
        (self.0)().map(|()| None)
    }

    fn compare_and_swap(
        &self,
        _: &AccountId,
        _: ConditionalWrite<'_>,
    ) -> Result<WriteResult, &'static str> {
        (self.0)().map(|()| WriteResult::Stale)
    }
}

impl Harness for Failing {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(*self)
    }
}
