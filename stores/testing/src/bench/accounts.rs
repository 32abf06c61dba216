use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use countersign::backup::Argon2Params;
use countersign::store::{MemoryStore, Store, StoredRecord};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, EnrollmentRequest, FirstFactor, KeyId, Keyring, Policy, Proof, SealingKey,
    Timestamp, Verifier,
};
use fastrand::Rng;

use super::database::{Error, REVISION};

/// The accounts of a table, and the enrolled ones among them: every n-th account, so that they are
/// spread over the table.
pub(super) struct Population {
    pub(super) rows: u32,
    pub(super) keys: Keys,
    store: MemoryStore,
    members: Vec<(Member, StoredRecord)>,
    others: [Arc<[AccountId]>; 2],
}

/// Accounts without a decryptable record. Later revisions are higher, like the time steps of
/// passcodes.
#[derive(Clone)]
pub(super) struct OtherAccounts {
    pub(super) ids: Arc<[AccountId]>,
    last_revision: Arc<AtomicI64>,
}

/// The key of the records, and the next key.
#[derive(Clone)]
pub(super) struct Keys {
    first: SealingKey,
    second: SealingKey,
}

/// An account that can log in.
pub(super) struct Member {
    pub(super) id: AccountId,
    phone: Phone,
    clock: AtomicU64,
}

impl Population {
    /// Enrolls at most `most` accounts, each with an authenticator and ten backup codes.
    pub(super) fn enroll(rows: u32, most: u32) -> Result<Self, Error> {
        let keys = Keys {
            first: SealingKey::generate()?,
            second: SealingKey::generate()?,
        };
        let (store, clock) = (MemoryStore::new(), ManualClock::at(BEGINNING));
        let policy = Policy::builder()
            // Argon2id with low cost. Its hash has the same length, and no login here uses a backup
            // code.
            .code_hash(Argon2Params::new(8, 1, 1)?)
            .build()?;
        let verifier = Verifier::builder(store.clone(), keys.before(), ISSUER)
            .policy(policy)
            .clock(clock.clone())
            .build()?;
        let count = (rows / 3).min(most);
        let apart = rows / count;
        let mut members = Vec::new();
        let mut others = [Vec::new(), Vec::new()];
        for number in 0..count {
            let id = AccountId::from(number * apart + 1);
            let member = block_on(Member::enroll(&verifier, &clock, id))?;
            let stored = block_on(store.load(&member.id))?.ok_or("the account is gone")?;
            members.push((member, stored));
            for (place, set) in (1..).zip(&mut others) {
                set.push(AccountId::from(number * apart + 1 + apart * place / 3));
            }
        }
        // Shuffled, in the same order every time.
        let mut random = Rng::with_seed(0);
        random.shuffle(&mut members);
        for set in &mut others {
            random.shuffle(set);
        }
        Ok(Self {
            rows,
            keys,
            store,
            members,
            others: others.map(Into::into),
        })
    }

    /// The store in which the accounts were enrolled.
    pub(super) fn store(&self) -> MemoryStore {
        self.store.clone()
    }

    /// A record of the usual size.
    pub(super) fn record(&self) -> &[u8] {
        &self.members[0].1.record
    }

    /// The enrolled accounts before their first turn, and their stored records.
    pub(super) fn members(&self) -> impl Iterator<Item = (Member, &StoredRecord)> {
        self.members.iter().map(|(member, stored)| {
            let member = Member {
                id: member.id.clone(),
                phone: member.phone.clone(),
                clock: AtomicU64::new(member.clock.load(Ordering::Relaxed)),
            };
            (member, stored)
        })
    }

    /// Two sets of other accounts, each as large as the set of enrolled accounts. Each contender
    /// has accounts of its own, because a page that another contender has just written is cheaper
    /// to write again.
    pub(super) fn others(&self) -> [OtherAccounts; 2] {
        self.others.clone().map(|ids| OtherAccounts {
            ids,
            last_revision: Arc::new(AtomicI64::new(REVISION)),
        })
    }
}

impl OtherAccounts {
    /// One of the accounts alone.
    pub(super) fn one(&self) -> Self {
        Self {
            ids: self.ids.iter().take(1).cloned().collect(),
            last_revision: Arc::clone(&self.last_revision),
        }
    }

    /// The next unused revision.
    pub(super) fn next_revision(&self) -> i64 {
        self.last_revision.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Member {
    async fn enroll(
        verifier: &Verifier<MemoryStore>,
        clock: &ManualClock,
        id: AccountId,
    ) -> Result<Self, Error> {
        clock.set(BEGINNING);
        let password = Proof::Password {
            checked_at: BEGINNING,
        };
        let request = EnrollmentRequest::new("somebody@example.com");
        let enrollment = verifier.begin_enrollment(&id, request, password).await?;
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
        let passcode = phone.passcode(BEGINNING);
        let receipt = verifier
            .confirm_enrollment(&id, enrollment.id(), &passcode)
            .await?;
        let proof = Proof::Reauthenticated {
            first_factor: FirstFactor::password(BEGINNING),
            receipt: &verifier.seal_receipt(&receipt),
        };
        verifier.issue_backup_codes(&id, proof).await?;
        let member = Self {
            id,
            phone,
            clock: AtomicU64::new(BEGINNING.as_unix() + DAY),
        };
        // On the next day, the record no longer contains the time of the issue. After these logins
        // its history is full, and the record does not grow any more.
        for _ in 0..LOGINS {
            let (at, passcode) = member.next_passcode();
            clock.set(at);
            let _receipt = verifier.verify(&member.id, &passcode).await?;
        }
        Ok(member)
    }

    /// The time of the next unused passcode, and the passcode.
    pub(super) fn next_passcode(&self) -> (Timestamp, String) {
        let before = self.clock.fetch_add(APART, Ordering::Relaxed);
        let at = Timestamp::from_unix(before + APART);
        (at, self.phone.passcode(at))
    }
}

impl Keys {
    /// The keyring before a key change.
    pub(super) fn before(&self) -> Keyring {
        Keyring::new(FIRST, self.first.clone())
    }

    /// The keyring while records are re-encrypted.
    pub(super) fn after(&self) -> Result<Keyring, Error> {
        let keyring = Keyring::new(SECOND, self.second.clone());
        Ok(keyring.with_retired(FIRST, self.first.clone())?)
    }
}

impl fmt::Debug for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Population")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

pub(super) const ISSUER: &str = "Example";
const BEGINNING: Timestamp = Timestamp::from_unix(1_800_000_000);
/// The length of two time steps. One passcode in a million equals the passcode of the next time
/// step, and uses up both steps.
const APART: u64 = 60;
const DAY: u64 = 86_400;
const LOGINS: usize = 8;
pub(super) const FIRST: KeyId = KeyId::new(1);
const SECOND: KeyId = KeyId::new(2);
