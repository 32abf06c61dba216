use super::builder::{Core, VerifierBuilder};
use super::enrollment::{Enrollment, EnrollmentRequest};
use super::error::{Denied, Error};
use super::events;
use super::exchange::{Loaded, Next};
use super::random::{Generator, RandomSource};
use crate::bleach::bleached_polls;
use crate::factor::{Change, Evidence, Outcome, Paid, Parameters, Pending, SecondFactor, Step};
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, BackupCodes, EnrollmentId, Keyring, Ledger, Passcode,
    Policy, Proof, Receipt, Rejection, Secret, Status, Store, SwapKind, Timestamp,
};
use core::fmt;
use std::boxed::Box;
use std::sync::Arc;

/// The second factor of every account of a service, on the host's store.
///
/// A verifier is cheap to clone if its store is, holds no state of an account, and works on any number of
/// machines at the same time.
///
/// # How to drive it
///
/// 1. The owner, who has just given the password, asks for a second factor:
///    [`begin_enrollment`](Self::begin_enrollment). Show the QR code of the key URI and the key to type, and
///    keep the id in the session. On reload, [`pending_enrollment`](Self::pending_enrollment) gives the same.
/// 2. The owner types the app's passcode: [`confirm_enrollment`](Self::confirm_enrollment). Only now is the
///    factor active. Set the host's own "enrolled" flag, keep the receipt in the session, tell the owner by
///    mail.
/// 3. The owner, who has just given the password again, asks for backup codes:
///    [`issue_backup_codes`](Self::issue_backup_codes). Show them once, and offer the file.
/// 4. At each login, after the password: [`verify`](Self::verify) what was typed in the one field for both
///    kinds of code. `Ok` is a login; everything else is not.
///
/// # Futures that are dropped
///
/// A dropped future may have used a code up without an answer. So run `verify`, and all that takes a
/// [`Proof`], in a task of its own (`tokio::spawn`) if the connection's end can cut the handler short.
///
/// ```
/// use countersign::testing::{ManualClock, Phone};
/// use countersign::{
///     AccountId, EnrollmentRequest, KeyId, Keyring, MemoryStore, Proof, SealingKey, Timestamp, Verifier,
/// };
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # countersign::testing::block_on(async {
/// let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
/// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
/// let verifier =
///     Verifier::builder(MemoryStore::new(), keyring, "Example").clock(clock.clone()).build()?;
/// let alice = AccountId::new("alice")?;
///
/// // The password has just been checked.
/// let proof = Proof::Password { checked_at: clock.now() };
/// let request = EnrollmentRequest::additional("alice@example.com");
/// let enrollment = verifier.begin_enrollment(&alice, request, proof).await?;
///
/// // The phone scans the QR code; the owner types what it shows.
/// let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
/// verifier.confirm_enrollment(&alice, enrollment.id(), &phone.passcode(clock.now())).await?;
///
/// // A login, half a minute later: the confirming passcode is used up.
/// clock.advance(Duration::from_secs(30));
/// let receipt = verifier.verify(&alice, &phone.passcode(clock.now())).await?;
/// assert_eq!(receipt.account(), &alice);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Verifier<S> {
    pub(super) store: S,
    pub(super) core: Arc<Core>,
}

/// What [`Verifier::reseal`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resealed {
    /// The record was sealed with another key, and is now sealed with the primary one.
    Changed,
    /// The record was sealed with the primary key already.
    Current,
    /// There is no record.
    Absent,
}

#[cfg(feature = "getrandom")]
impl<S> Verifier<S> {
    /// Starts to set a verifier up. The issuer is the name of the service, as the app shows it: not empty,
    /// and without a colon.
    pub fn builder(store: S, keyring: Keyring, issuer: &str) -> VerifierBuilder<S> {
        Self::builder_with_random(store, keyring, issuer, super::random::SystemRandom)
    }
}

impl<S> Verifier<S> {
    /// As `builder`, for systems without a random source that this crate knows.
    pub fn builder_with_random(
        store: S,
        keyring: Keyring,
        issuer: &str,
        random: impl RandomSource + 'static,
    ) -> VerifierBuilder<S> {
        VerifierBuilder::new(store, keyring, issuer, Arc::new(random))
    }

    /// The same verifier on another store: one that works in a transaction of the host's own, say. Cheap.
    #[must_use]
    pub fn with_store<T>(&self, store: T) -> Verifier<T> {
        Verifier {
            store,
            core: Arc::clone(&self.core),
        }
    }

    /// The rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.core.policy
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }
}

impl<S: Store> Verifier<S> {
    /// Begins to enroll an authenticator: a new secret that accepts nothing until it is confirmed. While an
    /// authenticator is active the proof must be more than a password. Beginning again makes an earlier
    /// beginning void.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::TooManyAuthenticators`] or
    /// [`Rejection::UnknownAuthenticator`]; [`Error::KeyUri`] if a name does not fit a key URI.
    pub async fn begin_enrollment(
        &self,
        account: &AccountId,
        request: EnrollmentRequest,
        proof: Proof<'_>,
    ) -> Result<Enrollment, Denied> {
        let mut pending = self.new_pending(request)?;
        Enrollment::of(&pending, &self.core.policy).map_err(Error::KeyUri)?;
        let mut change = Change::Begin(Box::new(pending.clone()));
        pending.begun_at = self.change(account, &proof, &mut change).await?.at;
        Enrollment::of(&pending, &self.core.policy).map_err(|error| Error::KeyUri(error).into())
    }

    /// Reads a pending enrollment again, for a page that is loaded anew.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::NoEnrollment`], [`Rejection::EnrollmentSuperseded`] or
    /// [`Rejection::EnrollmentExpired`].
    pub async fn pending_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
    ) -> Result<Enrollment, Denied> {
        let (_, opened) = leaving_nothing(self.load(account)).await?;
        let now = self.core.clock.now();
        let factor = opened.ok_or(Rejection::NoEnrollment)?.factor;
        let pending = factor.pending(id, now, &self.core.policy)?;
        Enrollment::of(pending, &self.core.policy).map_err(|error| Error::KeyUri(error).into())
    }

    /// Makes the pending authenticator an active one, in the place of the one that it replaces if it does.
    /// The passcode is used up. A wrong one keeps the secret, until the policy's tries are spent.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::WrongConfirmation`], [`Rejection::Malformed`] or one of the rejections of
    /// [`pending_enrollment`](Self::pending_enrollment).
    pub async fn confirm_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
        passcode: &str,
    ) -> Result<Receipt, Denied> {
        let outcome = leaving_nothing(async {
            let passcode = Passcode::parse(passcode).map_err(|_| Rejection::Malformed)?;
            let policy = &self.core.policy;
            let outcome = self.exchange(account, |loaded, now| match loaded {
                None => Next::Answer(Outcome::Rejected(Rejection::NoEnrollment)),
                Some(Loaded { mut factor, .. }) => {
                    let step = factor.confirm(id, &passcode, now, policy);
                    next(factor, step)
                }
            });
            match outcome.await? {
                Outcome::Accepted { at, by: Some(by) } => Ok(Receipt::new(account.clone(), at, by)),
                Outcome::Rejected(rejection) => Err(rejection.into()),
                // The machine confirms by a passcode at once, or rejects.
                Outcome::Accepted { .. } | Outcome::Digest { .. } | Outcome::MakeLedger { .. } => {
                    Err(Rejection::NoEnrollment.into())
                }
            }
        })
        .await;
        events::report(account, "confirm_enrollment", outcome.as_ref().err());
        outcome
    }

    /// Verifies what was typed: a passcode of any active authenticator, or a backup code. Accepted, it is
    /// used up.
    ///
    /// # Errors
    /// [`Denied`]: nobody may be let in.
    pub async fn verify(&self, account: &AccountId, code: &str) -> Result<Receipt, Denied> {
        let proven = self
            .change(account, &Proof::Passcode(code), &mut Change::LogIn)
            .await?;
        let by = proven.by.ok_or(Rejection::WrongCode)?;
        Ok(Receipt::new(account.clone(), proven.at, by))
    }

    /// What may be shown of the account's second factor.
    ///
    /// # Errors
    /// [`Error`], if the record cannot be read.
    pub async fn status(&self, account: &AccountId) -> Result<Status, Error> {
        let (_, opened) = leaving_nothing(self.load(account)).await?;
        let now = self.core.clock.now();
        Ok(opened.map_or(Status::Absent, |opened| {
            opened.factor.status(now, &self.core.policy)
        }))
    }

    /// Issues backup codes in the place of those that there are. Show them once; only digests are kept.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection or [`Rejection::Disabled`].
    pub async fn issue_backup_codes(
        &self,
        account: &AccountId,
        proof: Proof<'_>,
    ) -> Result<BackupCodes, Denied> {
        let mut generator = Generator(&*self.core.random);
        let codes = BackupCodes::try_generate(self.core.policy.code_format(), &mut generator)?;
        let mut change = Change::Issue {
            codes: &codes,
            ledger: None,
        };
        self.change(account, &proof, &mut change).await?;
        Ok(codes)
    }

    /// Removes an authenticator. With the last one the second factor is off: see
    /// [`disable`](Self::disable).
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection or [`Rejection::UnknownAuthenticator`].
    pub async fn remove_authenticator(
        &self,
        account: &AccountId,
        id: AuthenticatorId,
        proof: Proof<'_>,
    ) -> Result<(), Denied> {
        self.change(account, &proof, &mut Change::Remove(id))
            .await
            .map(|_| ())
    }

    /// Switches the second factor off: authenticators, backup codes and a pending enrollment end. Clear the
    /// host's own "enrolled" flag, and tell the owner by mail.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection or [`Rejection::Disabled`].
    pub async fn disable(&self, account: &AccountId, proof: Proof<'_>) -> Result<(), Denied> {
        self.change(account, &proof, &mut Change::Disable)
            .await
            .map(|_| ())
    }

    /// Switches the second factor off without a proof: for the host's staff, who have made sure who asks.
    /// The budget of failures stays as it is.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`].
    pub async fn force_disable(&self, account: &AccountId) -> Result<(), Denied> {
        self.administer(account, |factor, _, _| factor.force_disable())
            .await
    }

    /// Ends a wait, a lock and a spent budget: for the host's staff, who have made sure who asks. NIST SP
    /// 800-63B-4, 3.2.2 wants an authenticator that was locked to be bound again: `force_disable` it then.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`].
    pub async fn unlock(&self, account: &AccountId) -> Result<(), Denied> {
        self.administer(account, |factor, now, policy| factor.unlock(now, policy))
            .await
    }

    /// Seals the account's record with the primary key, if it is sealed with another.
    ///
    /// # Errors
    /// [`Error`], if the record cannot be read or written.
    pub async fn reseal(&self, account: &AccountId) -> Result<Resealed, Error> {
        let primary = self.core.keyring.primary();
        leaving_nothing(self.exchange(account, |loaded, _| match loaded {
            None => Next::Answer(Resealed::Absent),
            Some(loaded) if loaded.sealed_with == primary => Next::Answer(Resealed::Current),
            Some(loaded) => Next::Write(loaded.factor, SwapKind::Resealed, Resealed::Changed),
        }))
        .await
    }

    /// Erases the account's record, for an account that is gone. Its id must never be used again: the budget
    /// of failures is gone with it. Erasing what is absent is success.
    ///
    /// # Errors
    /// [`Error`], if the store fails.
    pub async fn erase(&self, account: &AccountId) -> Result<(), Error> {
        self.exchange_for_nothing(account).await
    }

    /// Judges the proof and makes the change, both in one swap.
    async fn change(
        &self,
        account: &AccountId,
        proof: &Proof<'_>,
        change: &mut Change<'_>,
    ) -> Result<Proven, Denied> {
        let result = leaving_nothing(async {
            let evidence = Evidence::parse(proof)?;
            let mut paid = None;
            let mut judged_at = None;
            loop {
                match self
                    .change_once(account, &evidence, change, paid.as_ref(), judged_at)
                    .await?
                {
                    Outcome::Accepted { at, by } => return Ok(Proven { at, by }),
                    Outcome::Rejected(rejection) => return Err(rejection.into()),
                    Outcome::Digest { job, set } => {
                        let digests = self
                            .core
                            .slow_work
                            .run(job)
                            .await
                            .map_err(Error::SlowWork)?;
                        paid = Some(Paid { digests, set });
                    }
                    Outcome::MakeLedger { at } => {
                        self.make_ledger(change, at).await?;
                        judged_at = Some(at);
                    }
                }
            }
        })
        .await;
        events::report(account, change.action(), result.as_ref().err());
        result
    }

    async fn change_once(
        &self,
        account: &AccountId,
        evidence: &Evidence<'_>,
        change: &Change<'_>,
        paid: Option<&Paid>,
        judged_at: Option<Timestamp>,
    ) -> Result<Outcome, Error> {
        let policy = &self.core.policy;
        self.exchange(account, |loaded, now| {
            let now = judged_at.unwrap_or(now);
            let mut factor = match (loaded, change, evidence) {
                (Some(loaded), ..) => loaded.factor,
                (
                    None,
                    Change::Begin(_),
                    Evidence::Reauthenticated { .. } | Evidence::Password { .. },
                ) => SecondFactor::new(now, policy),
                (None, ..) => return Next::Answer(Outcome::Rejected(Rejection::Absent)),
            };
            let step = factor.change(account, change, evidence, paid, now, policy);
            next(factor, step)
        })
        .await
    }

    async fn make_ledger(&self, change: &mut Change<'_>, at: Timestamp) -> Result<(), Error> {
        let Change::Issue { codes, ledger } = change else {
            return Ok(());
        };
        let salt = Generator(&*self.core.random).bytes()?;
        let params = self.core.policy.code_digest();
        let digests = self
            .core
            .slow_work
            .run(Ledger::issue_job(codes, salt, params, None))
            .await?;
        *ledger = Some(Ledger::from_digests(
            codes.format(),
            salt,
            params,
            at,
            None,
            digests,
        ));
        Ok(())
    }

    async fn administer(
        &self,
        account: &AccountId,
        act: impl Fn(&mut SecondFactor, Timestamp, &Policy) -> SwapKind + Send + Sync,
    ) -> Result<(), Denied> {
        let answer = self.exchange(account, |loaded, now| match loaded {
            None => Next::Answer(Err(Rejection::Absent)),
            Some(Loaded { mut factor, .. }) => {
                let kind = act(&mut factor, now, &self.core.policy);
                Next::Write(factor, kind, Ok(()))
            }
        });
        Ok(leaving_nothing(answer).await??)
    }

    fn new_pending(&self, request: EnrollmentRequest) -> Result<Pending, Error> {
        let policy = &self.core.policy;
        let mut generator = Generator(&*self.core.random);
        Ok(Pending {
            id: EnrollmentId::from_bytes(generator.bytes()?),
            authenticator_id: AuthenticatorId::from_bytes(generator.bytes()?),
            name: request.name,
            account_name: request.account_name,
            issuer: request.issuer.unwrap_or_else(|| self.core.issuer.clone()),
            secret: Secret::try_generate(&mut generator, policy.algorithm())?,
            parameters: Parameters::of(policy),
            replaces: request.replaces,
            begun_at: Timestamp::UNIX_EPOCH,
            wrong: 0,
        })
    }
}

/// Opens, judges and seals records, and leaves nothing of them on the stack.
async fn leaving_nothing<F: Future>(work: F) -> F::Output {
    bleached_polls::<16384, F>(work).await
}

/// An accepted proof.
#[derive(Debug)]
pub(super) struct Proven {
    at: Timestamp,
    by: Option<AcceptedBy>,
}

fn next(factor: SecondFactor, step: Step) -> Next<Outcome> {
    match step {
        Step::Answer(outcome) => Next::Answer(outcome),
        Step::Write(kind, outcome) => Next::Write(factor, kind, outcome),
    }
}

impl<S: Clone> Clone for Verifier<S> {
    fn clone(&self) -> Self {
        self.with_store(self.store.clone())
    }
}

impl<S> fmt::Debug for Verifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("policy", &self.core.policy)
            .finish_non_exhaustive()
    }
}
