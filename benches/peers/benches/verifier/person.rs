//! A user with an account, and a service that has only this account.

use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteKind, WriteResult};
use countersign::testing::block_on;
use countersign::{AccountId, Denied, Receipt, blocking};
use countersign_benches::{Candidate, Error, Timer};

use crate::service::{Owner, SUMMARY, Service, Setup};

/// A user, and a service that has only this account.
pub(crate) struct Person {
    pub(crate) service: Service,
    pub(crate) owner: Owner,
}

impl Person {
    pub(crate) fn new(setup: Setup) -> Result<Self, Error> {
        Self::of(Service::new(setup)?, setup)
    }

    pub(crate) fn of(service: Service, setup: Setup) -> Result<Self, Error> {
        let owner = service.enroll(AccountId::from(1_u32), setup)?;
        Ok(Self { service, owner })
    }

    pub(crate) fn store(&self) -> &MemoryStore {
        self.service.verifier.store()
    }

    pub(crate) fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        block_on(self.service.verifier.verify(&self.owner.id, code))
    }

    /// The stored row of the account.
    pub(crate) fn stored(&self) -> Result<StoredRecord, Error> {
        self.service.stored(&self.owner)
    }

    /// Adds attempts with right passcodes, each of a new time step.
    pub(crate) fn add_right<'a>(&'a self, timer: &mut Timer<'a>) -> Candidate {
        timer.add_prepared(
            u32::MAX,
            |times| self.service.next_passcodes(&self.owner, times),
            |typed| self.service.sign_in(&self.owner, typed),
        )
    }

    /// Writes an earlier row again, so that the codes used since then are unused.
    pub(crate) fn restore(&self, earlier: &StoredRecord) -> Result<(), Error> {
        let now = self.stored()?;
        if now.revision == earlier.revision {
            return Ok(());
        }
        let write = ConditionalWrite::put(
            Some(now.revision),
            earlier.revision,
            &earlier.record,
            WriteKind::Accepted,
            SUMMARY,
        );
        match blocking::Store::compare_and_swap(self.store(), &self.owner.id, write)? {
            WriteResult::Done => Ok(()),
            WriteResult::Stale => Err("another attempt changed the account".into()),
        }
    }
}
