use super::admin::Resealed;
use super::backup_codes::IssuedBackupCodes;
use super::builder::{BuildError, VerifierBuilder};
use super::enrollment::{Enrollment, EnrollmentRequest};
use super::error::{Denied, VerifierError};
use super::import::{ImportError, Imported};
use super::removed::Removed;
use super::request::Attempt;
use super::verifier;
use crate::blocking::{Adapter, Store};
use crate::factor::{BackupCodeSetId, EndedAuthenticator};
use crate::import::Import;
use crate::runtime::RandomSource;
use crate::session::{FactorFlag, NextStep, Requirement};
use crate::testing::block_on;
use crate::{
    AccountId, Actor, AuthenticatorId, DeviceId, DeviceKind, DeviceLabel, DeviceToken,
    EnrollmentId, Keyring, Policy, Proof, Receipt, RequestId, SealedReceipt, ServerClock, Status,
    Trusted,
};
use std::vec::Vec;

/// [`Verifier`](crate::Verifier) without futures, on a [`blocking::Store`](Store). Both verifiers
/// run the same code.
///
/// ```
/// use countersign::blocking::Verifier;
/// use countersign::{AccountId, KeyId, Keyring, SealingKey, Status};
/// use countersign::store::MemoryStore;
///
/// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
/// let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example").build_blocking()?;
/// assert_eq!(verifier.status(&AccountId::new("alice")?)?, Status::Absent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Verifier<S>(verifier::Verifier<Adapter<S>>);

impl<S: Store> Verifier<S> {
    pub(super) const fn new(verifier: verifier::Verifier<Adapter<S>>) -> Self {
        Self(verifier)
    }

    /// Returns a builder: end with [`VerifierBuilder::build_blocking`].
    #[cfg(feature = "getrandom")]
    pub fn builder(store: S, keyring: Keyring, issuer: &str) -> VerifierBuilder<Adapter<S>> {
        verifier::Verifier::builder(Adapter::new(store), keyring, issuer)
    }

    /// Returns a builder with your own random source, for systems that `getrandom` does not
    /// support.
    pub fn builder_with_random(
        store: S,
        keyring: Keyring,
        issuer: &str,
        random: impl RandomSource + 'static,
    ) -> VerifierBuilder<Adapter<S>> {
        verifier::Verifier::builder_with_random(Adapter::new(store), keyring, issuer, random)
    }

    /// Returns the same verifier on another store. This is cheap.
    #[must_use]
    pub fn with_store<T: Store>(&self, store: T) -> Verifier<T> {
        Verifier(self.0.with_store(Adapter::new(store)))
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.0.policy()
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &S {
        self.0.store().get_ref()
    }

    /// Blocks on [`Verifier::begin_enrollment`](crate::Verifier::begin_enrollment).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn begin_enrollment(
        &self,
        account: &AccountId,
        request: EnrollmentRequest,
        proof: Proof<'_>,
    ) -> Result<Enrollment, Denied> {
        block_on(self.0.begin_enrollment(account, request, proof))
    }

    /// Blocks on [`Verifier::pending_enrollment`](crate::Verifier::pending_enrollment).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn pending_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
    ) -> Result<Enrollment, Denied> {
        block_on(self.0.pending_enrollment(account, id))
    }

    /// Blocks on [`Verifier::confirm_enrollment`](crate::Verifier::confirm_enrollment).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn confirm_enrollment(
        &self,
        account: &AccountId,
        id: EnrollmentId,
        code: &str,
    ) -> Result<Receipt, Denied> {
        block_on(self.0.confirm_enrollment(account, id, code))
    }

    /// Blocks on [`Verifier::verify`](crate::Verifier::verify).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn verify(&self, account: &AccountId, code: &str) -> Result<Receipt, Denied> {
        block_on(self.0.verify(account, code))
    }

    /// Blocks on [`Verifier::verify_request`](crate::Verifier::verify_request).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn verify_request(
        &self,
        account: &AccountId,
        code: &str,
        request: &RequestId,
    ) -> Result<Receipt, Denied> {
        block_on(self.0.verify_request(account, code, request))
    }

    /// Blocks on [`Verifier::verify_attempt`](crate::Verifier::verify_attempt).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn verify_attempt(
        &self,
        account: &AccountId,
        attempt: Attempt<'_>,
    ) -> Result<Receipt, Denied> {
        block_on(self.0.verify_attempt(account, attempt))
    }

    /// Blocks on [`Verifier::remember_device`](crate::Verifier::remember_device).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn remember_device(
        &self,
        account: &AccountId,
        receipt: &SealedReceipt,
        label: DeviceLabel,
        kind: DeviceKind,
    ) -> Result<DeviceToken, Denied> {
        block_on(self.0.remember_device(account, receipt, label, kind))
    }

    /// Blocks on [`Verifier::replace_device`](crate::Verifier::replace_device).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn replace_device(
        &self,
        account: &AccountId,
        receipt: &SealedReceipt,
        label: DeviceLabel,
        kind: DeviceKind,
        replaced: DeviceId,
    ) -> Result<DeviceToken, Denied> {
        let replacing = self
            .0
            .replace_device(account, receipt, label, kind, replaced);
        block_on(replacing)
    }

    /// Blocks on [`Verifier::trusted_device`](crate::Verifier::trusted_device).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn trusted_device(
        &self,
        account: &AccountId,
        token: &DeviceToken,
    ) -> Result<Trusted, Denied> {
        block_on(self.0.trusted_device(account, token))
    }

    /// Blocks on [`Verifier::is_known_device`](crate::Verifier::is_known_device).
    ///
    /// # Errors
    /// As there.
    pub fn is_known_device(
        &self,
        account: &AccountId,
        token: &DeviceToken,
    ) -> Result<bool, VerifierError> {
        block_on(self.0.is_known_device(account, token))
    }

    /// Blocks on [`Verifier::forget_device`](crate::Verifier::forget_device).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn forget_device(&self, account: &AccountId, id: DeviceId) -> Result<(), Denied> {
        block_on(self.0.forget_device(account, id))
    }

    /// Blocks on [`Verifier::forget_devices`](crate::Verifier::forget_devices).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn forget_devices(&self, account: &AccountId) -> Result<(), Denied> {
        block_on(self.0.forget_devices(account))
    }

    /// Blocks on [`Verifier::password_changed`](crate::Verifier::password_changed).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn password_changed(&self, account: &AccountId) -> Result<(), Denied> {
        block_on(self.0.password_changed(account))
    }

    /// Blocks on [`Verifier::verify_consecutive`](crate::Verifier::verify_consecutive).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn verify_consecutive(
        &self,
        account: &AccountId,
        codes: &[&str],
    ) -> Result<Receipt, Denied> {
        block_on(self.0.verify_consecutive(account, codes))
    }

    /// Blocks on [`Verifier::is_under_alarm`](crate::Verifier::is_under_alarm).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn is_under_alarm(&self) -> Result<bool, VerifierError> {
        block_on(self.0.is_under_alarm())
    }

    /// Calls [`Verifier::seal_receipt`](crate::Verifier::seal_receipt).
    #[must_use]
    pub fn seal_receipt(&self, receipt: &Receipt) -> SealedReceipt {
        self.0.seal_receipt(receipt)
    }

    /// Blocks on [`Verifier::status`](crate::Verifier::status).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn status(&self, account: &AccountId) -> Result<Status, VerifierError> {
        block_on(self.0.status(account))
    }

    /// Blocks on [`Verifier::after_first_factor`](crate::Verifier::after_first_factor).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn after_first_factor(
        &self,
        account: &AccountId,
        flag: FactorFlag,
        requirement: &Requirement,
    ) -> Result<NextStep, VerifierError> {
        block_on(self.0.after_first_factor(account, flag, requirement))
    }

    /// Blocks on [`Verifier::issue_backup_codes`](crate::Verifier::issue_backup_codes).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn issue_backup_codes(
        &self,
        account: &AccountId,
        proof: Proof<'_>,
    ) -> Result<IssuedBackupCodes, Denied> {
        block_on(self.0.issue_backup_codes(account, proof))
    }

    /// Blocks on [`Verifier::confirm_saved`](crate::Verifier::confirm_saved).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn confirm_saved(&self, account: &AccountId, set: BackupCodeSetId) -> Result<(), Denied> {
        block_on(self.0.confirm_saved(account, set))
    }

    /// Blocks on [`Verifier::discard_pending_codes`](crate::Verifier::discard_pending_codes).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn discard_pending_codes(
        &self,
        account: &AccountId,
        set: BackupCodeSetId,
    ) -> Result<(), Denied> {
        block_on(self.0.discard_pending_codes(account, set))
    }

    /// Blocks on [`Verifier::remove_authenticator`](crate::Verifier::remove_authenticator).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn remove_authenticator(
        &self,
        account: &AccountId,
        id: AuthenticatorId,
        proof: Proof<'_>,
    ) -> Result<Removed, Denied> {
        block_on(self.0.remove_authenticator(account, id, proof))
    }

    /// Blocks on `remove_authenticator_unless_last` of [`Verifier`](crate::Verifier).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn remove_authenticator_unless_last(
        &self,
        account: &AccountId,
        id: AuthenticatorId,
        proof: Proof<'_>,
    ) -> Result<(), Denied> {
        block_on(self.0.remove_authenticator_unless_last(account, id, proof))
    }

    /// Blocks on [`Verifier::disable`](crate::Verifier::disable).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn disable(&self, account: &AccountId, proof: Proof<'_>) -> Result<Removed, Denied> {
        block_on(self.0.disable(account, proof))
    }

    /// Blocks on [`Verifier::force_disable`](crate::Verifier::force_disable).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn force_disable(&self, account: &AccountId, actor: &Actor) -> Result<(), Denied> {
        block_on(self.0.force_disable(account, actor))
    }

    /// Blocks on [`Verifier::unlock`](crate::Verifier::unlock).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn unlock(
        &self,
        account: &AccountId,
        clock: ServerClock,
        actor: &Actor,
    ) -> Result<(), Denied> {
        block_on(self.0.unlock(account, clock, actor))
    }

    /// Blocks on [`Verifier::ended_authenticators`](crate::Verifier::ended_authenticators).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn ended_authenticators(
        &self,
        account: &AccountId,
    ) -> Result<Vec<EndedAuthenticator>, VerifierError> {
        block_on(self.0.ended_authenticators(account))
    }

    /// Blocks on [`Verifier::reseal`](crate::Verifier::reseal).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn reseal(&self, account: &AccountId) -> Result<Resealed, VerifierError> {
        block_on(self.0.reseal(account))
    }

    /// Blocks on [`Verifier::import`](crate::Verifier::import).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn import(&self, account: &AccountId, import: &Import) -> Result<Imported, ImportError> {
        block_on(self.0.import(account, import))
    }

    /// Blocks on [`Verifier::prepare_import`](crate::Verifier::prepare_import).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn prepare_import(
        &self,
        account: &AccountId,
        import: Import,
    ) -> Result<Import, ImportError> {
        block_on(self.0.prepare_import(account, import))
    }

    /// Blocks on [`Verifier::import_in_transaction`](crate::Verifier::import_in_transaction).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn import_in_transaction(
        &self,
        account: &AccountId,
        import: &Import,
    ) -> Result<Imported, ImportError> {
        block_on(self.0.import_in_transaction(account, import))
    }

    /// Blocks on [`Verifier::erase`](crate::Verifier::erase).
    ///
    /// # Errors
    /// The errors of that method.
    pub fn erase(&self, account: &AccountId, actor: &Actor) -> Result<(), VerifierError> {
        block_on(self.0.erase(account, actor))
    }
}

impl<S: Store> VerifierBuilder<Adapter<S>> {
    /// Returns the blocking verifier.
    ///
    /// # Errors
    /// The errors of [`build`](Self::build).
    pub fn build_blocking(self) -> Result<Verifier<S>, BuildError> {
        self.build().map(Verifier::new)
    }
}

impl<S: Clone> Clone for Verifier<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
