use countersign::session::FactorFlag;
use countersign::{AccountId, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::BoxError;
use crate::sign_ins::{NewSignIn, SignIn, SignInId, SignInRows};

/// Sign-ins and flags in memory, for tests and examples. They are gone when the process ends.
#[derive(Clone, Debug, Default)]
pub struct MemoryRows(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    flags: HashMap<AccountId, FactorFlag>,
    sign_ins: HashMap<SignInId, Row>,
}

#[derive(Debug)]
struct Row {
    sign_in: SignIn,
    ended: bool,
}

impl MemoryRows {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn insert(&mut self, new: &NewSignIn) {
        let row = || Row {
            sign_in: SignIn {
                account: new.account().clone(),
                begun_at: new.at(),
                seen_at: new.at(),
            },
            ended: false,
        };
        self.sign_ins.entry(new.id().clone()).or_insert_with(row);
    }
}

impl SignInRows for MemoryRows {
    async fn flag(&self, account: &AccountId) -> Result<FactorFlag, BoxError> {
        Ok(self.rows().flags.get(account).copied().unwrap_or_default())
    }

    async fn set_flag(&self, account: &AccountId, flag: FactorFlag) -> Result<(), BoxError> {
        self.rows().flags.insert(account.clone(), flag);
        Ok(())
    }

    async fn insert(&self, new: &NewSignIn) -> Result<(), BoxError> {
        self.rows().insert(new);
        Ok(())
    }

    async fn insert_if_off(&self, new: &NewSignIn) -> Result<bool, BoxError> {
        let mut rows = self.rows();
        let flag = rows.flags.get(new.account()).copied().unwrap_or_default();
        let off = flag == FactorFlag::Off;
        if off {
            rows.insert(new);
        }
        Ok(off)
    }

    async fn find(&self, id: &SignInId) -> Result<Option<SignIn>, BoxError> {
        let rows = self.rows();
        let row = rows.sign_ins.get(id).filter(|row| !row.ended);
        Ok(row.map(|row| row.sign_in.clone()))
    }

    async fn touch(&self, id: &SignInId, at: Timestamp) -> Result<(), BoxError> {
        if let Some(row) = self.rows().sign_ins.get_mut(id) {
            row.sign_in.seen_at = row.sign_in.seen_at.max(at);
        }
        Ok(())
    }

    async fn end(&self, id: &SignInId) -> Result<(), BoxError> {
        if let Some(row) = self.rows().sign_ins.get_mut(id) {
            row.ended = true;
        }
        Ok(())
    }

    async fn end_others(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        for (id, row) in &mut self.rows().sign_ins {
            row.ended |= row.sign_in.account == *account && Some(id) != keep;
        }
        Ok(())
    }

    async fn purge(&self, idle_since: Timestamp, begun_before: Timestamp) -> Result<(), BoxError> {
        let over = |at: Timestamp, since: Timestamp| at.saturating_add(Self::ENDED_KEPT) <= since;
        self.rows().sign_ins.retain(|_, Row { sign_in, .. }| {
            !over(sign_in.seen_at, idle_since) && !over(sign_in.begun_at, begun_before)
        });
        Ok(())
    }
}
