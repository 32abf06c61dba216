//! Imports the second factor of an account of another system.

use super::caller::Caller;
use super::error::{Report, VerifierError, report};
use super::load_modify_store::{Answer, FirstRound, Loaded};
use super::verifier::{Verifier, with_wiped_stack};
use super::write_event::Facts;
use crate::backup::{ImportedCodeSet, ImportedCodes, ImportedCodesError};
use crate::event::InitiatingEntity;
use crate::factor::{
    CodeSet, ExistingFactor, Import, ImportCodes, ImportFault, ImportFingerprint, ImportStage,
    SecondFactor, Step,
};
use crate::runtime::{Generator, HashExecutorError};
use crate::store::{Store, WriteKind};
use crate::{AccountId, AuthenticatorId, Timestamp};
use core::pin::pin;
use std::vec::Vec;

/// The result of [`Verifier::import`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The second factor is active now. Set your own `enrolled` flag.
    Now,
    /// The same import was made before. Whatever the user did since then stays as it is. Set your
    /// own `enrolled` flag.
    AlreadyHere,
}

/// The reason why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The account has another second factor, or had one.
    #[error(transparent)]
    Occupied(#[from] ExistingFactor),
    /// An authenticator does not fit.
    #[error(transparent)]
    Unfit(#[from] ImportFault),
    /// The backup codes do not fit the policy.
    #[error(transparent)]
    BackupCodes(#[from] ImportedCodesError),
    /// The store, the keys, the random source or the password hashes failed. Import the account
    /// again.
    #[error(transparent)]
    Failed(#[from] VerifierError),
}

impl Report for ImportError {
    fn report(&self, account: &AccountId, action: &'static str) {
        match self {
            Self::Failed(error) => error.report(account, action),
            #[cfg(feature = "tracing")]
            reason => tracing::warn!(account = account.as_str(), action, %reason, "rejected"),
            #[cfg(not(feature = "tracing"))]
            _ => {}
        }
    }
}

/// The first write of an import into an absent record.
#[derive(Clone, Copy)]
enum FirstWrite {
    /// Only the fingerprint. If this write is applied late, after an erasure, it revives nothing.
    Fingerprint,
    /// The whole second factor.
    Whole,
}

/// How far one decision brings the import.
enum Progress {
    /// The record holds the fingerprint only. The second factor follows.
    Begun,
    Complete(Imported),
}

impl Answer for Result<Progress, ExistingFactor> {
    type Accepted = Progress;
}

impl Facts for Progress {
    const ENTITY: InitiatingEntity = InitiatingEntity::System;
}

impl<S: Store> Verifier<S> {
    /// Imports the second factor of an account of another system. The user keeps the phone and the
    /// backup codes.
    ///
    /// The account must have no record, or the record of the same import. So you can run a job that
    /// was killed again. An account that you erased has no record: leave it out of the job. If the
    /// account is erased between the two writes, the error is [`ExistingFactor::Erased`].
    ///
    /// The method makes two writes. The first write stores a record with the import's fingerprint
    /// only. The second write stores the second factor under the revision of the first. If the
    /// first write is applied late, after you erased the account, it does not revive the second
    /// factor.
    ///
    /// ```
    /// use countersign::import::{Import, Imported, ImportedAuthenticator};
    /// use countersign::otp::Secret;
    /// use countersign::store::MemoryStore;
    /// use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # countersign::testing::block_on(async {
    /// let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    /// let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example").build()?;
    /// let alice = AccountId::new("alice")?;
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// let import = Import::new([ImportedAuthenticator::totp(secret)]);
    /// assert_eq!(verifier.import(&alice, &import).await?, Imported::Now);
    /// assert_eq!(verifier.import(&alice, &import).await?, Imported::AlreadyHere);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ImportError`]: nothing was imported. After [`ImportError::Failed`] the import may be
    /// complete or begun. Import the account again.
    pub async fn import(
        &self,
        account: &AccountId,
        import: &Import,
    ) -> Result<Imported, ImportError> {
        self.import_by(account, import, FirstWrite::Fingerprint)
            .await
    }

    /// Like [`import`](Self::import), with one write, on a store that writes in *your* transaction:
    /// see [`with_store`](Self::with_store).
    ///
    /// No other method may run on such a store. If you roll a rejected code back, an attacker gets
    /// a free guess. If you roll an import back, nothing was imported. Erase no account while the
    /// transaction is open.
    ///
    /// # Errors
    /// As [`import`](Self::import). After [`ImportError::Failed`], roll the transaction back.
    pub async fn import_in_transaction(
        &self,
        account: &AccountId,
        import: &Import,
    ) -> Result<Imported, ImportError> {
        self.import_by(account, import, FirstWrite::Whole).await
    }

    /// Hashes the backup codes in clear text of an import, before the transaction of
    /// [`import_in_transaction`](Self::import_in_transaction) begins. Each code takes one Argon2id
    /// hash, and the rows of a transaction stay locked until it ends.
    ///
    /// The method also checks the import and loads the record. If the account has the import
    /// already, the method hashes nothing. For a fit import without codes in clear text, it does
    /// not call the store.
    ///
    /// # Errors
    /// As [`import`](Self::import).
    pub async fn prepare_import(
        &self,
        account: &AccountId,
        import: Import,
    ) -> Result<Import, ImportError> {
        let outcome = with_wiped_stack(pin!(self.prepared(account, import))).await;
        report(account, "prepare_import", outcome)
    }

    async fn prepared(&self, account: &AccountId, import: Import) -> Result<Import, ImportError> {
        let fingerprint = import.fingerprint();
        if let Err(error) = self.check(&import) {
            let is_here = self.is_here(account, fingerprint).await?;
            return is_here.then_some(import).ok_or(error);
        }
        match import.codes() {
            Some(ImportCodes::Given(codes)) => {
                match self.hashed_codes(account, fingerprint, codes).await? {
                    Some(codes) => Ok(import.prepared(codes)),
                    None => Ok(import),
                }
            }
            None | Some(ImportCodes::Prepared(_)) => Ok(import),
        }
    }

    async fn import_by(
        &self,
        account: &AccountId,
        import: &Import,
        first: FirstWrite,
    ) -> Result<Imported, ImportError> {
        let outcome = with_wiped_stack(pin!(self.check_and_import(account, import, first))).await;
        report(account, "import", outcome)
    }

    async fn check_and_import(
        &self,
        account: &AccountId,
        import: &Import,
        first: FirstWrite,
    ) -> Result<Imported, ImportError> {
        let policy = &self.core.policy;
        let fingerprint = import.fingerprint();
        if let Err(error) = self.check(import) {
            // The policy may have become stricter since the import was made.
            let is_here = self.is_here(account, fingerprint).await?;
            return is_here.then_some(Imported::AlreadyHere).ok_or(error);
        }
        let codes = match import.codes() {
            None => None,
            Some(ImportCodes::Prepared(codes)) => Some(codes.clone()),
            Some(ImportCodes::Given(codes)) => {
                match self.hashed_codes(account, fingerprint, codes).await? {
                    Some(codes) => Some(codes),
                    None => return Ok(Imported::AlreadyHere),
                }
            }
        };
        let ids = self.authenticator_ids(import)?;
        let decide = |has_begun: bool, loaded: Option<Loaded>, now: Timestamp| {
            let stage = loaded.map(|loaded| loaded.factor.import_stage(fingerprint));
            match (stage.transpose(), first) {
                (Err(existing), _) => Step::Answer(Err(existing)),
                (Ok(Some(ImportStage::Imported)), _) => {
                    Step::Answer(Ok(Progress::Complete(Imported::AlreadyHere)))
                }
                (Ok(None), FirstWrite::Fingerprint) if has_begun => {
                    Step::Answer(Err(ExistingFactor::Erased))
                }
                (Ok(None), FirstWrite::Fingerprint) => {
                    let begun = SecondFactor::begun_import(fingerprint, now, policy);
                    Step::Write(begun, WriteKind::Enrolling, Ok(Progress::Begun))
                }
                (Ok(None | Some(ImportStage::Begun)), _) => {
                    let codes = codes.clone().map(CodeSet::Imported);
                    let factor = import.second_factor(fingerprint, &ids, codes, now, policy);
                    let imported = Progress::Complete(Imported::Now);
                    Step::Write(factor, WriteKind::Enrolled, Ok(imported))
                }
            }
        };
        let mut has_begun = false;
        for _ in 0..self.core.rounds {
            let first_round = if has_begun {
                FirstRound::Loads
            } else {
                FirstRound::AssumesNoRecord
            };
            let decide = |loaded, now| decide(has_begun, loaded, now);
            match self
                .modify_store(account, first_round, Caller::default(), decide)
                .await??
            {
                Progress::Begun => has_begun = true,
                Progress::Complete(imported) => return Ok(imported),
            }
        }
        Err(VerifierError::Contended.into())
    }

    /// The backup codes as the record holds them, or `None` if the import was made before.
    async fn hashed_codes(
        &self,
        account: &AccountId,
        fingerprint: ImportFingerprint,
        codes: &ImportedCodes,
    ) -> Result<Option<ImportedCodeSet>, ImportError> {
        // Hashing the codes takes long. So look first whether the import is needed.
        if codes.are_plain() && self.is_here(account, fingerprint).await? {
            return Ok(None);
        }
        Ok(Some(self.imported_code_set(codes).await?))
    }

    /// Whether the import was made before.
    async fn is_here(
        &self,
        account: &AccountId,
        fingerprint: ImportFingerprint,
    ) -> Result<bool, ImportError> {
        let (_, loaded) = self.load(account).await?;
        let stage = loaded.map(|loaded| loaded.factor.import_stage(fingerprint));
        Ok(stage.transpose()? == Some(ImportStage::Imported))
    }

    fn check(&self, import: &Import) -> Result<(), ImportError> {
        let policy = &self.core.policy;
        import.check(self.core.clock.now(), policy)?;
        if let Some(ImportCodes::Given(codes)) = import.codes() {
            codes.check_work(policy.imported_code_work())?;
        }
        Ok(())
    }

    async fn imported_code_set(
        &self,
        codes: &ImportedCodes,
    ) -> Result<ImportedCodeSet, VerifierError> {
        let id = Generator(&*self.core.random).bytes()?;
        let params = self.core.policy.code_hash();
        let hashes = match codes.hash_job(id, params) {
            Some(job) => Some(self.core.hash_executor.run(job).await?),
            None => None,
        };
        let now = self.core.clock.now();
        ImportedCodeSet::new(codes, id, params, hashes.as_ref(), now)
            .map_err(|error| HashExecutorError::Hash(error).into())
    }

    fn authenticator_ids(&self, import: &Import) -> Result<Vec<AuthenticatorId>, VerifierError> {
        let mut generator = Generator(&*self.core.random);
        let ids = (0..import.authenticators())
            .map(|_| Ok(AuthenticatorId::from_bytes(generator.bytes()?)));
        ids.collect()
    }
}
