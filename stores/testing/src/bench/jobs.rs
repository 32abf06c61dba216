//! The same work three times: with the bare driver, by the store, and by a verifier over the store.

use std::sync::Arc;

use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, Error as VerifierError, Rejection, Revision, Store, Summary, Swap, SwapKind,
    Swapped, Timestamp, Verifier,
};

use super::accounts::{FIRST, ISSUER, Keys, Member};
use super::clients::{Attempt, Job};
use super::{Error, REVISION, Table};

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

/// What the driver does when nobody else does anything.
pub(super) struct Bare<T> {
    table: T,
    accounts: Turns<AccountId>,
    revisions: Revisions,
}

impl<T: Table> Bare<T> {
    pub(super) fn new(table: &T, accounts: &Arc<[AccountId]>, clients: usize) -> Vec<Self> {
        (0..clients)
            .map(|client| Self {
                table: table.clone(),
                accounts: Turns::new(accounts, client, clients),
                revisions: Revisions::new(client),
            })
            .collect()
    }
}

impl<T: Table> Job for Bare<T> {
    async fn once(&mut self) -> Result<Attempt, Error> {
        let revision = self.revisions.next();
        let account = self.accounts.next();
        let done = self.table.bare(account, revision).await?;
        Ok(if done {
            Attempt::Done
        } else {
            Attempt::Overtaken
        })
    }
}

/// What the store does without a verifier: a load, and a swap of the same record.
pub(super) struct Alone<S> {
    store: S,
    accounts: Turns<AccountId>,
    revisions: Revisions,
}

impl<S: Store + Clone> Alone<S> {
    pub(super) fn new(store: &S, accounts: &Arc<[AccountId]>, clients: usize) -> Vec<Self> {
        (0..clients)
            .map(|client| Self {
                store: store.clone(),
                accounts: Turns::new(accounts, client, clients),
                revisions: Revisions::new(client),
            })
            .collect()
    }
}

impl<S: Store + 'static> Job for Alone<S> {
    async fn once(&mut self) -> Result<Attempt, Error> {
        let revision = Revision::from_i64(self.revisions.next())?;
        let account = self.accounts.next();
        let stored = self.store.load(account).await.map_err(Into::into)?;
        let stored = stored.ok_or("the account is gone")?;
        let summary = Summary::new(true, 10, FIRST);
        let swap = Swap::write(
            Some(stored.revision),
            revision,
            &stored.record,
            SwapKind::Accepted,
            summary,
        );
        match self.store.compare_and_swap(account, swap).await {
            Ok(Swapped::Done) => Ok(Attempt::Done),
            Ok(Swapped::Stale) => Ok(Attempt::Overtaken),
            Err(error) => Err(error.into()),
        }
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

/// Revisions that no other client has.
struct Revisions(i64);

impl Revisions {
    fn new(client: usize) -> Self {
        Self(REVISION + ((client as i64) << 40))
    }

    fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }
}
