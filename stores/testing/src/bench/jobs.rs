//! The same work three times: with the bare driver, by the store, and by a verifier over the store.

use std::sync::Arc;

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::testing::ManualClock;
use countersign::{AccountId, Denied, Rejection, Timestamp, Verifier, VerifierError};

use super::accounts::{FIRST, ISSUER, Keys, Member, Strangers};
use super::clients::{Attempt, Job};
use super::noise::Noise;
use super::{Error, Table};

/// Which of some accounts a client takes: each client others, or all the one that there is.
struct Turns<T> {
    all: Arc<[T]>,
    next: usize,
    clients: usize,
}

impl<T> Turns<T> {
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

/// What a verification asks of a database, without one: reads what is there, gives up if somebody with a later revision was
/// first, as with a passcode of an earlier step, and writes; again, as long as others are first.
pub(super) struct Exchange<R> {
    rows: R,
    strangers: Strangers,
    accounts: Turns<AccountId>,
    noise: Noise,
}

/// A way to the rows of a table.
pub(super) trait Rows: Clone + Send + Sync + 'static {
    /// Reads a row, and gives its revision.
    fn read(&self, account: &AccountId) -> impl Future<Output = Result<i64, Error>> + Send;

    /// Writes it, if the revision is still the expected one.
    fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// With the driver alone.
#[derive(Clone)]
pub(super) struct ByDriver<T>(pub(super) T);

/// With the store.
#[derive(Clone)]
pub(super) struct ByStore<S>(pub(super) S);

impl<R: Rows> Exchange<R> {
    pub(super) fn new(
        rows: &R,
        strangers: &Strangers,
        record_bytes: usize,
        clients: usize,
    ) -> Vec<Self> {
        (0..clients)
            .map(|client| Self {
                rows: rows.clone(),
                strangers: strangers.clone(),
                accounts: Turns::new(&strangers.ids, client, clients),
                noise: Noise::new(client as u64, record_bytes),
            })
            .collect()
    }
}

impl<R: Rows> Job for Exchange<R> {
    async fn once(&mut self) -> Result<Attempt, Error> {
        let account = self.accounts.next();
        let revision = self.strangers.next_revision();
        for _ in 0..ROUNDS {
            let expected = self.rows.read(account).await?;
            if expected > revision {
                break;
            }
            let record = self.noise.next();
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
        let swap = ConditionalWrite::put(Some(expected), revision, record, kind, summary);
        let answer = self.0.compare_and_swap(account, swap).await;
        Ok(answer.map_err(Into::into)? == WriteResult::Done)
    }
}

/// Logins with right passcodes.
pub(super) struct Verify<S> {
    verifier: Verifier<S>,
    clock: ManualClock,
    members: Turns<Member>,
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
                    members: Turns::new(members, client, clients),
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
            Ok(receipt) => Err(format!("not what was asked for: {receipt:?}").into()),
            // With many clients on one account: a later step was accepted first, or others were first all the time.
            Err(
                Denied::Rejected(Rejection::Replayed) | Denied::Failed(VerifierError::Contended),
            ) => Ok(Attempt::Overtaken),
            Err(denied) => Err(denied.into()),
        }
    }
}

/// As many as a verifier has.
const ROUNDS: usize = 32;
