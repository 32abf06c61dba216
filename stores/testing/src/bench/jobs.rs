//! The same work in three ways: with the bare driver, with the store, and with a verifier on the
//! store.

use std::sync::Arc;

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::testing::ManualClock;
use countersign::{AccountId, Denied, Rejection, Timestamp, Verifier, VerifierError};

use super::accounts::{FIRST, ISSUER, Keys, Member, OtherAccounts};
use super::clients::{Attempt, Job};
use super::database::{Error, Table};
use super::random_record::RandomRecord;

/// The accounts of a client: accounts of its own, or one account that all clients share.
struct AccountsInTurn<T> {
    all: Arc<[T]>,
    next: usize,
    clients: usize,
}

impl<T> AccountsInTurn<T> {
    fn new(all: &Arc<[T]>, client: usize, clients: usize) -> Self {
        Self {
            all: Arc::clone(all),
            next: client,
            clients,
        }
    }

    fn next(&mut self) -> &T {
        if self.next >= self.all.len() {
            self.next %= self.clients.min(self.all.len());
        }
        let this = self.next;
        self.next += self.clients;
        &self.all[this]
    }
}

/// The database work of a verification, without a verifier. The work reads the row, gives up if a
/// later revision was first, and writes. If another client was faster, it starts again. A verifier
/// with a passcode of an earlier time step gives up in the same way.
pub(super) struct ReadAndWrite<R> {
    rows: R,
    others: OtherAccounts,
    accounts: AccountsInTurn<AccountId>,
    record: RandomRecord,
}

/// Access to the rows of a table.
pub(super) trait Rows: Clone + Send + Sync + 'static {
    /// Reads a row, and returns its revision.
    fn read(&self, account: &AccountId) -> impl Future<Output = Result<i64, Error>> + Send;

    /// Writes a row, if its revision is still the expected one.
    fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// Access with the driver alone.
#[derive(Clone)]
pub(super) struct ByDriver<T>(pub(super) T);

/// Access with the store.
#[derive(Clone)]
pub(super) struct ByStore<S>(pub(super) S);

impl<R: Rows> ReadAndWrite<R> {
    pub(super) fn new(
        rows: &R,
        others: &OtherAccounts,
        record_bytes: usize,
        clients: usize,
    ) -> Vec<Self> {
        (0..clients)
            .map(|client| Self {
                rows: rows.clone(),
                others: others.clone(),
                accounts: AccountsInTurn::new(&others.ids, client, clients),
                record: RandomRecord::new(client as u64, record_bytes),
            })
            .collect()
    }
}

impl<R: Rows> Job for ReadAndWrite<R> {
    async fn once(&mut self) -> Result<Attempt, Error> {
        let account = self.accounts.next();
        let revision = self.others.next_revision();
        for _ in 0..ROUNDS {
            let expected = self.rows.read(account).await?;
            if expected > revision {
                break;
            }
            let record = self.record.next();
            let write = self.rows.write(account, expected, revision, record);
            if write.await? {
                return Ok(Attempt::Done);
            }
        }
        Ok(Attempt::Overtaken)
    }
}

impl<T: Table> Rows for ByDriver<T> {
    async fn read(&self, account: &AccountId) -> Result<i64, Error> {
        let (revision, _record) = self.0.read(account).await?;
        Ok(revision)
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        self.0.write(account, expected, revision, record).await
    }
}

impl<S: Store + Clone + 'static> Rows for ByStore<S> {
    async fn read(&self, account: &AccountId) -> Result<i64, Error> {
        let stored = self.0.load(account).await.map_err(Into::into)?;
        let stored = stored.ok_or("the account is gone")?;
        Ok(stored.revision.as_i64())
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let expected = Revision::from_i64(expected)?;
        let revision = Revision::from_i64(revision)?;
        let (kind, summary) = (WriteKind::Accepted, Summary::new(true, 10, FIRST));
        let write = ConditionalWrite::put(Some(expected), revision, record, kind, summary);
        let answer = self.0.compare_and_swap(account, write).await;
        Ok(answer.map_err(Into::into)? == WriteResult::Done)
    }
}

/// Logins with correct passcodes.
pub(super) struct Verify<S> {
    verifier: Verifier<S>,
    clock: ManualClock,
    members: AccountsInTurn<Member>,
}

impl<S: Store + Clone> Verify<S> {
    pub(super) fn new(
        store: &S,
        keys: &Keys,
        members: &Arc<[Member]>,
        clients: usize,
    ) -> Result<Vec<Self>, Error> {
        (0..clients)
            .map(|client| {
                let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
                let verifier = Verifier::builder(store.clone(), keys.before(), ISSUER)
                    .clock(clock.clone())
                    .build()?;
                Ok(Self {
                    verifier,
                    clock,
                    members: AccountsInTurn::new(members, client, clients),
                })
            })
            .collect()
    }
}

impl<S: Store + 'static> Job for Verify<S> {
    async fn once(&mut self) -> Result<Attempt, Error> {
        let member = self.members.next();
        let (at, passcode) = member.next_passcode();
        self.clock.set(at);
        match self.verifier.verify(&member.id, &passcode).await {
            Ok(receipt) if receipt.account() == &member.id && receipt.at() == at => {
                Ok(Attempt::Done)
            }
            Ok(receipt) => Err(format!("a receipt of another login: {receipt:?}").into()),
            // With many clients on one account, a later time step was accepted first, or other
            // clients were first every time. After more than seven other writes, the history does
            // not show whose write was applied.
            Err(
                Denied::Rejected(Rejection::Replayed | Rejection::ReplayedAhead { .. })
                | Denied::Failed(VerifierError::Contended | VerifierError::Unsettled(None)),
            ) => Ok(Attempt::Overtaken),
            Err(denied) => Err(denied.into()),
        }
    }
}

/// The number of rounds that a verifier tries.
const ROUNDS: usize = 32;
