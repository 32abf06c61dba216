use super::builder::{Core, VerifierBuilder};
use super::enrollment::{Enrollment, EnrollmentRequest, fits_an_enrollment};
use super::error::report;
use super::error::{Denied, VerifierError};
use super::load_modify_store::{Loaded, Next};
use crate::backup::{BackupCodeSet, BackupCodes};
use crate::factor::{
    Beginning, Change, Evidence, Outcome, Paid, Parameters, Pending, SecondFactor, Step,
};
use crate::otp::{Code, Secret};
use crate::record;
use crate::runtime::{Generator, RandomSource};
use crate::stack_wipe::poll_with_wiped_stack;
use crate::store::{Store, WriteKind};
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, EnrollmentId, Keyring, Policy, Proof, Receipt,
    Rejection, SealedReceipt, ServerClock, Status, Timestamp,
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
/// A dropped future may have used a code up without an answer. A right backup code whose future is dropped
/// while its digest is computed stays counted as a failure: twenty of those spend the default budget, and
/// passcodes are refused as well. So run `verify`, and all that takes a [`Proof`], in a task of its own
/// (`tokio::spawn`) if the end of a connection can cut the handler short.
///
/// ```
/// use countersign::testing::{ManualClock, Phone};
/// use countersign::{AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier};
/// use countersign::store::MemoryStore;
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
/// let request = EnrollmentRequest::new("alice@example.com");
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

/// What is left after [`Verifier::remove_authenticator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "clear the host's own flag if the second factor is off now"]
pub enum Removed {
    /// Another authenticator is still active.
    OthersLeft,
    /// It was the last one: the second factor is off. Clear the host's own "enrolled" flag.
    Disabled,
}

/// What [`Verifier::reseal`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resealed {
    /// The record was sealed with another key, and is now sealed with the primary one.
    Changed,
    /// The record was sealed with the primary key already.
    Unchanged,
    /// There is no record.
    Absent,
}

#[cfg(feature = "getrandom")]
impl<S: Store> Verifier<S> {
    /// Starts to set a verifier up. The issuer is the name of the service, as the app shows it: not empty,
    /// and without a colon.
    pub fn builder(store: S, keyring: Keyring, issuer: &str) -> VerifierBuilder<S> {
        Self::builder_with_random(store, keyring, issuer, crate::runtime::SystemRandom)
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
    /// authenticator is active the proof must be more than a password. A later beginning takes the place of
    /// an earlier one; ten are allowed within ten minutes.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::TooManyAuthenticators`],
    /// [`Rejection::UnknownAuthenticator`], [`Rejection::NameInUse`] or [`Rejection::TooManyEnrollments`];
    /// [`VerifierError::KeyUri`] if a name does not fit a key URI or a QR code. Nothing is stored then.
    pub async fn begin_enrollment(
        &self,
        account: &AccountId,
        request: EnrollmentRequest,
        proof: Proof<'_>,
    ) -> Result<Enrollment, Denied> {
        let beginning = self.new_beginning(request)?;
        let enrollment = Enrollment::of(&beginning.pending, &self.core.policy);
        let enrollment = enrollment.map_err(VerifierError::KeyUri)?;
        fits_an_enrollment(enrollment.key_uri()).map_err(VerifierError::KeyUri)?;
        let change = Change::Begin(Box::new(beginning));
        let outcome = self.change(account, &proof, &change).await;
        report(account, "begin_enrollment", outcome.as_ref().err());
        Ok(enrollment.begun_at(outcome?.at, &self.core.policy))
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
        Enrollment::of(pending, &self.core.policy)
            .map_err(|error| VerifierError::KeyUri(error).into())
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
            let passcode = Code::parse(passcode).map_err(|_| Rejection::Malformed)?;
            let policy = &self.core.policy;
            let outcome = self.exchange(account, |loaded, now| match loaded {
                None => Next::Answer(Outcome::Rejected(Rejection::NoEnrollment)),
                Some(Loaded { mut factor, .. }) => {
                    let step = factor.confirm(id, &passcode, now, policy);
                    next(factor, step)
                }
            });
            match outcome.await? {
                Outcome::Accepted {
                    at, by: Some(by), ..
                } => Ok(Receipt::new(account.clone(), at, by)),
                Outcome::Rejected(rejection) => Err(rejection.into()),
                // The machine confirms by a passcode at once, or rejects.
                Outcome::Accepted { .. } | Outcome::Digest { .. } => {
                    Err(Rejection::NoEnrollment.into())
                }
            }
        })
        .await;
        report(account, "confirm_enrollment", outcome.as_ref().err());
        outcome
    }

    /// Verifies what was typed: a passcode of any active authenticator, or a backup code. Accepted, it is
    /// used up.
    ///
    /// # Errors
    /// [`Denied`]: nobody may be let in.
    pub async fn verify(&self, account: &AccountId, code: &str) -> Result<Receipt, Denied> {
        let outcome = self
            .change(account, &Proof::Code(code), &Change::LogIn)
            .await;
        report(account, "verify", outcome.as_ref().err());
        let Proven { at, by, .. } = outcome?;
        let by = by.ok_or(Rejection::WrongCode)?;
        Ok(Receipt::new(account.clone(), at, by))
    }

    /// The receipt as text for the server's session, from which a later change takes it as half of its
    /// proof: see [`Proof::Reauthenticated`].
    #[must_use]
    pub fn seal_receipt(&self, receipt: &Receipt) -> SealedReceipt {
        record::seal_receipt(receipt, &self.core.namespace, &self.core.keyring)
    }

    /// What may be shown of the account's second factor.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read.
    pub async fn status(&self, account: &AccountId) -> Result<Status, VerifierError> {
        let (_, opened) = leaving_nothing(self.load(account)).await?;
        let now = self.core.clock.now();
        Ok(opened.map_or(Status::Absent, |opened| {
            opened.factor.status(now, &self.core.policy)
        }))
    }

    /// Issues backup codes in the place of those that there are. Show them once; only digests are kept.
    ///
    /// The first of two writes takes the proof and grants the right to issue. Then the digests are computed.
    /// The second write stores them, within a minute, and needs that very right. If the process dies in
    /// between, the proof is used up and the old codes stay valid. Three sets are allowed within 24 hours.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::Disabled`], [`Rejection::TooManyIssues`] or
    /// [`Rejection::IssueExpired`].
    pub async fn issue_backup_codes(
        &self,
        account: &AccountId,
        proof: Proof<'_>,
    ) -> Result<BackupCodes, Denied> {
        let outcome = leaving_nothing(self.issue(account, &proof)).await;
        report(account, "issue_backup_codes", outcome.as_ref().err());
        outcome
    }

    async fn issue(&self, account: &AccountId, proof: &Proof<'_>) -> Result<BackupCodes, Denied> {
        let mut generator = Generator(&*self.core.random);
        let codes = BackupCodes::try_generate(self.core.policy.code_format(), &mut generator)?;
        let right = generator.bytes()?;
        let proven = self.change(account, proof, &Change::Issue(right)).await?;
        let ledger = self.new_ledger(&codes, proven.at).await?;
        let outcome = self.exchange(account, |loaded, now| match loaded {
            None => Next::Answer(Outcome::Rejected(Rejection::Absent)),
            Some(Loaded { mut factor, .. }) => {
                let step = factor.issue(right, ledger.clone(), now);
                next(factor, step)
            }
        });
        match outcome.await? {
            Outcome::Rejected(rejection) => Err(rejection.into()),
            Outcome::Accepted { .. } | Outcome::Digest { .. } => Ok(codes),
        }
    }

    async fn new_ledger(
        &self,
        codes: &BackupCodes,
        issued_at: Timestamp,
    ) -> Result<BackupCodeSet, VerifierError> {
        let salt = Generator(&*self.core.random).bytes()?;
        let params = self.core.policy.code_hash();
        let job = BackupCodeSet::issue_job(codes, salt, params, None);
        let digests = self.core.hash_executor.run(job).await?;
        Ok(BackupCodeSet::from_digests(
            codes.format(),
            salt,
            params,
            issued_at,
            None,
            digests,
        ))
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
    ) -> Result<Removed, Denied> {
        let outcome = self.change(account, &proof, &Change::Remove(id)).await;
        report(account, "remove_authenticator", outcome.as_ref().err());
        outcome.map(|proven| {
            if proven.enabled {
                Removed::OthersLeft
            } else {
                Removed::Disabled
            }
        })
    }

    /// Switches the second factor off: authenticators, backup codes and a pending enrollment end. Clear the
    /// host's own "enrolled" flag, and tell the owner by mail.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection or [`Rejection::Disabled`].
    pub async fn disable(&self, account: &AccountId, proof: Proof<'_>) -> Result<(), Denied> {
        let outcome = self.change(account, &proof, &Change::Disable).await;
        report(account, "disable", outcome.as_ref().err());
        outcome.map(|_| ())
    }

    /// Switches the second factor off without a proof: for the host's staff, who have made sure who asks.
    /// The budget of failures stays as it is. It ends the proof of every receipt of the account, but not the
    /// account's sessions: end those too, because somebody else may hold one.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`].
    pub async fn force_disable(&self, account: &AccountId) -> Result<(), Denied> {
        self.administer(account, |factor, _| {
            factor.force_disable();
            Ok(WriteKind::Disabled)
        })
        .await
    }

    /// Ends a wait, a lock and a spent budget: for the host's staff, who have made sure who asks. NIST SP
    /// 800-63B-4, 3.2.2 wants an authenticator that was locked to be bound again: `force_disable` it then.
    /// Each call gives an attacker who still has the password up to five more guesses. If another server's
    /// clock is ahead, correct that clock first: until then, each call with
    /// [`Confirmed`](ServerClock::Confirmed) also gives the refills of that time.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::Absent`]; with [`Rejection::ClockFault`] if a stored time lies more than
    /// an hour ahead and the clock of this server is [`Unconfirmed`](ServerClock::Unconfirmed).
    pub async fn unlock(&self, account: &AccountId, clock: ServerClock) -> Result<(), Denied> {
        self.administer(account, |factor, now| {
            factor.unlock(now, clock, &self.core.policy)?;
            Ok(WriteKind::Unlocked)
        })
        .await
    }

    /// Seals the account's record with the primary key, if it is sealed with another.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read or written.
    pub async fn reseal(&self, account: &AccountId) -> Result<Resealed, VerifierError> {
        let primary = self.core.keyring.primary();
        leaving_nothing(self.exchange(account, |loaded, _| match loaded {
            None => Next::Answer(Resealed::Absent),
            Some(loaded) if loaded.sealed_with == primary => Next::Answer(Resealed::Unchanged),
            Some(loaded) => Next::Write(loaded.factor, WriteKind::Resealed, Resealed::Changed),
        }))
        .await
    }

    /// Erases the account's record, for an account that is gone. Its id must never be used again: the budget
    /// of failures is gone with it. Erasing what is absent is success. A record that is damaged or sealed
    /// with an unknown key is erased as well.
    ///
    /// # Errors
    /// [`VerifierError::Record`] with [`RecordError::OtherAccount`](crate::record::RecordError::OtherAccount) if the record
    /// belongs to another account or namespace; else [`VerifierError`] if the store fails.
    pub async fn erase(&self, account: &AccountId) -> Result<(), VerifierError> {
        self.exchange_for_nothing(account).await
    }

    /// Checks the proof and makes the change, both in one write.
    async fn change(
        &self,
        account: &AccountId,
        proof: &Proof<'_>,
        change: &Change,
    ) -> Result<Proven, Denied> {
        leaving_nothing(async {
            let evidence = self.evidence(proof)?;
            let mut paid = None;
            loop {
                let outcome = self.change_once(account, &evidence, change, paid.as_ref());
                match outcome.await? {
                    Outcome::Accepted { at, by, enabled } => {
                        return Ok(Proven { at, by, enabled });
                    }
                    Outcome::Rejected(rejection) => return Err(rejection.into()),
                    Outcome::Digest { job, set } => {
                        let digests = self
                            .core
                            .hash_executor
                            .run(job)
                            .await
                            .map_err(VerifierError::HashExecutor)?;
                        paid = Some(Paid { digests, set });
                    }
                }
            }
        })
        .await
    }

    /// Parses what was typed, or checks that this service sealed the receipt.
    fn evidence(&self, proof: &Proof<'_>) -> Result<Evidence, Rejection> {
        match *proof {
            Proof::Code(text) => Code::parse(text)
                .map(Evidence::Code)
                .map_err(|_| Rejection::Malformed),
            Proof::Reauthenticated {
                password_checked_at,
                receipt,
            } => {
                let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
                Ok(Evidence::Reauthenticated {
                    password_checked_at,
                    receipt: record::open_receipt(receipt, namespace, keyring)?,
                })
            }
            Proof::Password { checked_at } => Ok(Evidence::Password { checked_at }),
        }
    }

    async fn change_once(
        &self,
        account: &AccountId,
        evidence: &Evidence,
        change: &Change,
        paid: Option<&Paid>,
    ) -> Result<Outcome, VerifierError> {
        let policy = &self.core.policy;
        self.exchange(account, |loaded, now| {
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

    async fn administer(
        &self,
        account: &AccountId,
        act: impl Fn(&mut SecondFactor, Timestamp) -> Result<WriteKind, Rejection> + Send + Sync,
    ) -> Result<(), Denied> {
        let answer = self.exchange(account, |loaded, now| {
            let Some(Loaded { mut factor, .. }) = loaded else {
                return Next::Answer(Err(Rejection::Absent));
            };
            match act(&mut factor, now) {
                Ok(kind) => Next::Write(factor, kind, Ok(())),
                Err(rejection) => Next::Answer(Err(rejection)),
            }
        });
        Ok(leaving_nothing(answer).await??)
    }

    fn new_beginning(&self, request: EnrollmentRequest) -> Result<Beginning, VerifierError> {
        let policy = &self.core.policy;
        let mut generator = Generator(&*self.core.random);
        let named = request.name.is_some();
        let pending = Pending {
            id: EnrollmentId::from_bytes(generator.bytes()?),
            authenticator_id: AuthenticatorId::from_bytes(generator.bytes()?),
            name: request.name.unwrap_or_default(),
            account_name: request.account_name,
            issuer: request.issuer.unwrap_or_else(|| self.core.issuer.clone()),
            secret: Secret::try_generate(&mut generator, policy.algorithm())?,
            parameters: Parameters::of(policy),
            replaces: request.replaces,
            begun_at: Timestamp::UNIX_EPOCH,
            wrong: 0,
        };
        Ok(Beginning { pending, named })
    }
}

/// Opens, judges and seals records, and leaves nothing of them on the stack.
async fn leaving_nothing<F: Future>(work: F) -> F::Output {
    poll_with_wiped_stack::<16384, F>(work).await
}

/// An accepted proof.
#[derive(Debug)]
struct Proven {
    at: Timestamp,
    by: Option<AcceptedBy>,
    /// Whether an authenticator is active after the change.
    enabled: bool,
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
