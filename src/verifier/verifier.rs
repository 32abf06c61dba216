use super::caller::Caller;
use super::enrollment::{Enrollment, EnrollmentRequest};
use super::error::{Denied, VerifierError, report};
use super::removed::Removed;
use super::vigilance::{ErasedVigilance, LoginFacts};
use super::wrong_code::WrongCode;
use crate::event::Event;
use crate::factor::{
    Accepted, Change, Changed, Evidence, MovingFactor, NewEnrollment, Parameters, Pending,
    SecondFactor, Step,
};
use crate::otp::{Code, Secret};
use crate::record;
use crate::runtime::{Clock, Generator, HashExecutor, RandomSource};
use crate::session::{FactorFlag, NextStep, Requirement, next_step};
use crate::stack_wipe::poll_with_wiped_stack;
use crate::store::Store;
use crate::{
    AccountId, AuthenticatorId, EnrollmentId, Keyring, Policy, Proof, Receipt, Rejection,
    SealedReceipt, Status, Timestamp,
};
use core::fmt;
use core::pin::{Pin, pin};
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;

/// The second factor of every account of a service, on your store.
///
/// A verifier is cheap to clone if its store is cheap to clone. A verifier holds no state of an
/// account, so any number of servers can use one store at the same time.
///
/// # How to use it
///
/// 1. Enroll. After a password check, call [`begin_enrollment`](Self::begin_enrollment). Show the
///    QR code of the key URI and the key to type, and keep the enrollment's id in the session. When
///    the page is reloaded, [`pending_enrollment`](Self::pending_enrollment) returns the same
///    enrollment.
/// 2. Confirm. The user types the app's passcode. Call
///    [`confirm_enrollment`](Self::confirm_enrollment). The second factor is active from now on.
///    Set your own `enrolled` flag, keep the sealed receipt in the session, and tell the user by
///    mail.
/// 3. Issue backup codes. After a new password check, call
///    [`issue_backup_codes`](Self::issue_backup_codes) with the sealed receipt. Show the codes
///    once, and offer the file. When the user says that they are saved, call
///    [`confirm_saved`](Self::confirm_saved).
/// 4. Log in. After the password, pass the text of the one code field to [`verify`](Self::verify).
///    Let the user in only on `Ok`.
///
/// # Dropped futures
///
/// If a future is dropped, a code may be used up without an answer. A correct backup code stays
/// counted as a failure if the future is dropped while its hash is computed. Ten such failures
/// spend the default budget, and then passcodes are refused too. So if a closed connection can stop
/// your handler, run `verify` and every method with a [`Proof`] in a task of its own
/// (`tokio::spawn`).
///
/// ```
/// use countersign::testing::{ManualClock, Phone};
/// use countersign::{
///     AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
/// };
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
/// // You have just checked the password.
/// let proof = Proof::Password { checked_at: clock.now() };
/// let request = EnrollmentRequest::new("alice@example.com");
/// let enrollment = verifier.begin_enrollment(&alice, request, proof).await?;
///
/// // The phone scans the QR code. The user types the passcode that it shows.
/// let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
/// verifier.confirm_enrollment(&alice, enrollment.id(), &phone.passcode(clock.now())).await?;
///
/// // Half a minute later, the user logs in. The first passcode is used up.
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

/// Receives events: [`VerifierBuilder::on_event`](crate::VerifierBuilder::on_event).
type Listener = dyn Fn(&Event<'_>) + Send + Sync;

/// The state that all clones of a verifier share.
pub(super) struct Core {
    pub(super) policy: Policy,
    pub(super) issuer: String,
    pub(super) keyring: Keyring,
    pub(super) namespace: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn RandomSource>,
    pub(super) hash_executor: Arc<dyn HashExecutor>,
    pub(super) rounds: u32,
    /// Whether a new set of backup codes can be pending.
    pub(super) pending_codes: bool,
    pub(super) on_event: Option<Arc<Listener>>,
    /// Whether records keep authenticators that ended.
    pub(super) keeps_ended: bool,
    pub(super) vigilance: Option<Arc<dyn ErasedVigilance>>,
}

impl<S> Verifier<S> {
    /// Returns the same verifier on another store, for example one that writes your own rows in the
    /// same transaction. This is cheap.
    #[must_use]
    pub fn with_store<T>(&self, store: T) -> Verifier<T> {
        Verifier {
            store,
            core: Arc::clone(&self.core),
        }
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.core.policy
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }
}

impl<S: Store> Verifier<S> {
    /// Begins an enrollment and returns a new secret. Passcodes of this secret are not valid for a
    /// login until you confirm the enrollment.
    ///
    /// While an authenticator is active, the proof must be more than a password. A later enrollment
    /// replaces an earlier one that is pending. At most ten enrollments may begin within ten
    /// minutes.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::TooManyAuthenticators`],
    /// [`Rejection::UnknownAuthenticator`], [`Rejection::NameInUse`] or
    /// [`Rejection::TooManyEnrollments`]; with [`VerifierError::KeyUri`] if a name does not fit a
    /// key URI or a QR code, or with [`VerifierError::HotpEnrollment`]. Nothing is stored then.
    pub async fn begin_enrollment(
        &self,
        account: &AccountId,
        request: EnrollmentRequest,
        proof: Proof<'_>,
    ) -> Result<Enrollment, Denied> {
        let new = self.new_enrollment(request)?;
        let enrollment = Enrollment::new(&new.pending).map_err(VerifierError::KeyUri)?;
        let change = Change::Begin(Box::new(new));
        let wrong = WrongCode::default();
        let outcome = self.change(account, &proof, &change, &wrong).await;
        let changed = wrong.report(account, "begin_enrollment", outcome)?;
        Ok(enrollment.begun_at(changed.at, &self.core.policy))
    }

    /// Reads a pending enrollment again, for a page that is loaded again.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::NoEnrollment`], [`Rejection::EnrollmentSuperseded`] or
    /// [`Rejection::EnrollmentExpired`].
    pub async fn pending_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
    ) -> Result<Enrollment, Denied> {
        let (_, loaded) = with_wiped_stack(pin!(self.load(account))).await?;
        let now = self.core.clock.now();
        let policy = &self.core.policy;
        let factor = loaded.ok_or(Rejection::NoEnrollment)?.factor;
        let pending = factor.pending(id, now, policy)?;
        let enrollment = Enrollment::of(pending).map_err(VerifierError::KeyUri)?;
        Ok(enrollment.begun_at(pending.begun_at, policy))
    }

    /// Makes the pending authenticator an active one, and removes the authenticator that it
    /// replaces, if any.
    ///
    /// The passcode is used up. After a wrong passcode, the user can try again with the same secret
    /// until the policy's tries are spent.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::WrongConfirmation`], [`Rejection::Malformed`],
    /// [`Rejection::SecretInUse`], or a rejection of
    /// [`pending_enrollment`](Self::pending_enrollment).
    pub async fn confirm_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
        code: &str,
    ) -> Result<Receipt, Denied> {
        let outcome = with_wiped_stack(pin!(self.confirm(account, id, code))).await;
        let accepted = report(account, "confirm_enrollment", outcome)?;
        Ok(Receipt::of(account.clone(), accepted))
    }

    async fn confirm(
        &self,
        account: &AccountId,
        id: EnrollmentId,
        code: &str,
    ) -> Result<Accepted, Denied> {
        let code = Code::parse(code).map_err(|_| Rejection::Malformed)?;
        let policy = &self.core.policy;
        let outcome = self.load_modify_store(account, |loaded, now| match loaded {
            None => Step::Answer(Err(Rejection::NoEnrollment)),
            Some(loaded) => loaded.factor.confirm(id, &code, now, policy),
        });
        Ok(outcome.await??)
    }

    /// Checks what the user typed: a passcode of any active authenticator, or a backup code. An
    /// accepted code is used up.
    ///
    /// # Errors
    /// [`Denied`]: do not let the user in.
    pub async fn verify(&self, account: &AccountId, code: &str) -> Result<Receipt, Denied> {
        let (facts, wrong) = (self.facts(), WrongCode::default());
        let outcome = with_wiped_stack(pin!(self.log_in(account, code, &facts, &wrong))).await;
        let outcome = self.observe(account, facts, outcome).await;
        let accepted = wrong.report(account, "verify", outcome)?;
        Ok(Receipt::of(account.clone(), accepted))
    }

    async fn log_in(
        &self,
        account: &AccountId,
        code: &str,
        facts: &LoginFacts,
        wrong: &WrongCode,
    ) -> Result<Accepted, Denied> {
        let code = Code::parse(code).map_err(|_| Rejection::Malformed)?;
        let policy = &self.core.policy;
        let caller = Caller::of_attempt(wrong);
        self.attempt(account, caller, |loaded, progress, now| {
            let step = match loaded {
                None => Step::reject(Rejection::Absent),
                Some(loaded) => {
                    facts.note(&loaded.factor, progress, now);
                    loaded.factor.log_in(&code, progress, now, policy)
                }
            };
            wrong.search(&step, &code, now, policy);
            step
        })
        .await
    }

    /// Returns the receipt as text, for the session on your server.
    ///
    /// A later change takes the sealed receipt as one half of its proof: see
    /// [`Proof::Reauthenticated`].
    #[must_use]
    pub fn seal_receipt(&self, receipt: &Receipt) -> SealedReceipt {
        record::seal_receipt(receipt, &self.core.namespace, &self.core.keyring)
    }

    /// Returns what you may show of the account's second factor.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read.
    pub async fn status(&self, account: &AccountId) -> Result<Status, VerifierError> {
        let (_, loaded) = with_wiped_stack(pin!(self.load(account))).await?;
        let now = self.core.clock.now();
        Ok(loaded.map_or(Status::Absent, |loaded| {
            loaded.factor.status(now, &self.core.policy)
        }))
    }

    /// Returns what comes after the first factor: a code, an enrollment, or nothing. Call it right
    /// after you checked the first factor, with your own flag of the account.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read. Let nobody in then.
    pub async fn after_first_factor(
        &self,
        account: &AccountId,
        flag: FactorFlag,
        requirement: &Requirement,
    ) -> Result<NextStep, VerifierError> {
        let status = self.status(account).await?;
        let now = self.core.clock.now();
        Ok(next_step(account, status, flag, requirement, now))
    }

    /// Removes an authenticator. If it was the last one, the second factor is off: see
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
        let (wrong, change) = (WrongCode::default(), Change::Remove(id));
        let outcome = self.change(account, &proof, &change, &wrong).await;
        Ok(wrong
            .report(account, "remove_authenticator", outcome)?
            .left())
    }

    /// Removes one of several authenticators, and never the last one. So the second factor stays
    /// on, even if two requests remove two authenticators at the same moment.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::UnknownAuthenticator`] or
    /// [`Rejection::LastAuthenticator`].
    pub async fn remove_authenticator_unless_last(
        &self,
        account: &AccountId,
        id: AuthenticatorId,
        proof: Proof<'_>,
    ) -> Result<(), Denied> {
        let (change, wrong) = (Change::RemoveUnlessLast(id), WrongCode::default());
        let outcome = self.change(account, &proof, &change, &wrong).await;
        wrong.report(account, "remove_authenticator_unless_last", outcome)?;
        Ok(())
    }

    /// Switches the second factor off. Removes all authenticators, the backup codes and a pending
    /// enrollment, and returns [`Removed::Disabled`]. Clear your own `enrolled` flag, and tell the
    /// user by mail.
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection or [`Rejection::Disabled`].
    pub async fn disable(&self, account: &AccountId, proof: Proof<'_>) -> Result<Removed, Denied> {
        let wrong = WrongCode::default();
        let outcome = self.change(account, &proof, &Change::Disable, &wrong).await;
        Ok(wrong.report(account, "disable", outcome)?.left())
    }

    /// Checks the proof and makes the change in one write.
    pub(super) async fn change(
        &self,
        account: &AccountId,
        proof: &Proof<'_>,
        change: &Change,
        wrong: &WrongCode,
    ) -> Result<Changed, Denied> {
        let work = pin!(async {
            let evidence = self.evidence(proof)?;
            let caller = Caller::of_attempt(wrong);
            let policy = &self.core.policy;
            // Of the changes, only an enrollment creates a record, and no code can belong to a
            // record that is absent.
            let creates = matches!(change, Change::Begin(_)) && !evidence.is_code();
            self.attempt(account, caller, |loaded, progress, now| {
                let factor = match loaded {
                    Some(loaded) => loaded.factor,
                    None if creates => SecondFactor::new(now, policy),
                    None => return Step::reject(Rejection::Absent),
                };
                let step = factor.change(account, change, &evidence, progress, now, policy);
                if let Evidence::Code(code) = &evidence {
                    wrong.search(&step, code, now, policy);
                }
                step
            })
            .await
        });
        with_wiped_stack(work).await
    }

    /// Parses a code that was typed, or checks that this service sealed the receipt.
    fn evidence(&self, proof: &Proof<'_>) -> Result<Evidence, Rejection> {
        match *proof {
            Proof::Code(text) => Code::parse(text)
                .map(Evidence::Code)
                .map_err(|_| Rejection::Malformed),
            Proof::Reauthenticated {
                first_factor,
                receipt,
            } => {
                let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
                Ok(Evidence::Reauthenticated {
                    first_factor,
                    receipt: record::open_receipt(receipt, namespace, keyring)?,
                })
            }
            Proof::Password { checked_at } => Ok(Evidence::Password { checked_at }),
        }
    }

    fn new_enrollment(&self, request: EnrollmentRequest) -> Result<NewEnrollment, VerifierError> {
        let policy = &self.core.policy;
        let moving = match request.hotp {
            false => MovingFactor::time(policy),
            true if policy.hotp_enrollment() => MovingFactor::FIRST_COUNTER,
            true => return Err(VerifierError::HotpEnrollment),
        };
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
            moving,
            replaces: request.replaces,
            begun_at: Timestamp::UNIX_EPOCH,
            wrong: 0,
        };
        Ok(NewEnrollment { pending, named })
    }
}

/// Runs work that decrypts records, and wipes the stack after each poll.
pub(super) fn with_wiped_stack<F: Future>(work: Pin<&mut F>) -> impl Future<Output = F::Output> {
    poll_with_wiped_stack::<16384, F>(work)
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
