use countersign::session::FactorFlag;
use countersign::{AccountId, Timestamp};
use countersign_gate::{BoxError, NewSignIn, SignIn, SignInId, SignInRows};
use countersign_sql::{CorruptRow, Value};

use super::columns::{ENDING, OFF, ON, seconds};
use super::single_row::at_most_one;
use super::{Applied, Backend, FlagPlace, GateStore, Step};
use crate::Error;
use crate::driver::{Driver, arguments};

impl<S: Backend> SignInRows for GateStore<S> {
    async fn flag(&self, account: &AccountId) -> Result<FactorFlag, BoxError> {
        let table = self.statements.tables.flag.table();
        let key = self.records.table().key(account)?;
        let arguments = arguments::<S::Database>([key])?;
        let rows = self
            .records
            .rows_of(table, &self.statements.flag, arguments);
        let Some(row) = at_most_one(table, rows.await?)? else {
            return Ok(FactorFlag::Off);
        };
        match S::number(&row, 0).map_err(|error| S::Database::error(table, error))? {
            OFF => Ok(FactorFlag::Off),
            ON => Ok(FactorFlag::On),
            ENDING => Ok(FactorFlag::Ending),
            _ => Err(CorruptRow::new(table, "the flag is not 0, 1 or 2").into()),
        }
    }

    async fn set_flag(&self, account: &AccountId, flag: FactorFlag) -> Result<(), BoxError> {
        let number = match flag {
            FactorFlag::Off => OFF,
            FactorFlag::On => ON,
            FactorFlag::Ending => ENDING,
        };
        let Step {
            table,
            sql,
            arguments,
            changes_one,
        } = self.set_flag_step(account, number)?;
        match self.records.change(&table, &sql, arguments).await? {
            0 if changes_one => Err(self.no_user().into()),
            _ => Ok(()),
        }
    }

    async fn insert(&self, new: &NewSignIn) -> Result<(), BoxError> {
        let (sql, arguments) = self.insert_call(new)?;
        self.change_sign_ins(sql, arguments).await?;
        Ok(())
    }

    async fn insert_if_off(&self, new: &NewSignIn) -> Result<bool, BoxError> {
        let key = || self.records.table().key(new.account());
        let id = Value::Text(new.id().as_str());
        let values = [id, key()?, seconds(new.at()), seconds(new.at()), key()?];
        let arguments_of_insert = arguments::<S::Database>(values)?;
        let insert = &self.statements.insert_if_off;
        let Some(lock) = &self.statements.lock_flag else {
            let rows = self.change_sign_ins(insert, arguments_of_insert).await?;
            return Ok(rows > 0);
        };
        let lock = Step {
            table: self.statements.tables.flag.table().clone(),
            sql: lock.clone(),
            arguments: arguments::<S::Database>([key()?])?,
            changes_one: matches!(self.statements.tables.flag, FlagPlace::Column { .. }),
        };
        let insert = Step {
            changes_one: true,
            ..self.step(insert, arguments_of_insert)
        };
        let applied = self.records.apply(vec![lock, insert]).await?;
        Ok(applied == Applied::Committed)
    }

    async fn find(&self, id: &SignInId) -> Result<Option<SignIn>, BoxError> {
        let table = &self.statements.tables.sign_ins;
        let arguments = arguments::<S::Database>([Value::Text(id.as_str())])?;
        let rows = self
            .records
            .rows_of(table, &self.statements.find, arguments);
        let Some(row) = at_most_one(table, rows.await?)? else {
            return Ok(None);
        };
        let failed = |error| S::Database::error(table, error);
        let account = S::Database::id(&row, 0).map_err(failed)?;
        let account = self.records.table().account(account);
        let time = |column| {
            let number = S::number(&row, column).map_err(failed)?;
            let number = u64::try_from(number);
            let number = number.map_err(|source| CorruptRow::new(table, source))?;
            Ok::<_, Error>(Timestamp::from_unix(number))
        };
        Ok(Some(SignIn {
            account: account?,
            begun_at: time(1)?,
            seen_at: time(2)?,
        }))
    }

    async fn touch(&self, id: &SignInId, at: Timestamp) -> Result<(), BoxError> {
        let values = [seconds(at), Value::Text(id.as_str()), seconds(at)];
        let arguments = arguments::<S::Database>(values)?;
        self.change_sign_ins(&self.statements.touch, arguments)
            .await?;
        Ok(())
    }

    async fn end(&self, id: &SignInId) -> Result<(), BoxError> {
        let arguments = arguments::<S::Database>([Value::Text(id.as_str())])?;
        self.change_sign_ins(&self.statements.end, arguments)
            .await?;
        Ok(())
    }

    async fn end_others(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        let (sql, arguments) = self.end_others_call(account, [keep, None])?;
        self.change_sign_ins(sql, arguments).await?;
        Ok(())
    }

    /// A sign-in that is too old is no longer used, so it becomes idle. So the time of the last use
    /// is enough.
    async fn purge(&self, idle_since: Timestamp, _: Timestamp) -> Result<(), BoxError> {
        // Later by the time for which an ended sign-in stays: one that ended while it was not idle
        // has been ended for so long.
        let seen_at = idle_since.as_unix().saturating_sub(Self::ENDED_KEPT);
        loop {
            let values = [seconds(Timestamp::from_unix(seen_at)), Value::Number(BATCH)];
            let arguments = arguments::<S::Database>(values)?;
            let deleted = self.change_sign_ins(&self.statements.purge, arguments);
            if i64::try_from(deleted.await?).unwrap_or(BATCH) < BATCH {
                return Ok(());
            }
        }
    }
}

#[expect(private_bounds, reason = "only the stores of this crate have sign-ins")]
impl<S: Backend> GateStore<S> {
    async fn change_sign_ins(
        &self,
        sql: &sqlx::SqlStr,
        arguments: <S::Database as sqlx::Database>::Arguments,
    ) -> Result<u64, Error> {
        let table = &self.statements.tables.sign_ins;
        self.records.change(table, sql, arguments).await
    }
}

/// How many rows a statement of `purge` deletes. Each statement is a call of its own, so that none
/// exceeds the time limit, and no lock is held for long.
const BATCH: i64 = 1000;
