//! Issues backup codes, and ends a set of them when the user has saved the next one.

use super::caller::Caller;
use super::error::{Denied, VerifierError, report};
use super::verifier::{Verifier, with_wiped_stack};
use super::wrong_code::WrongCode;
use crate::backup::{BackupCodeFile, BackupCodeSet, BackupCodes, Digester};
use crate::factor::{BackupCodeSetId, Change, Changed, IssuedSet, SecondFactor, Step};
use crate::otp::SecretText;
use crate::runtime::Generator;
use crate::store::Store;
use crate::{AccountId, Proof, Rejection};
use core::pin::pin;
use zeroize::Zeroizing;

/// New backup codes, from [`Verifier::issue_backup_codes`]. Show them once: only their Argon2id
/// hashes are stored.
#[derive(Debug)]
pub struct IssuedBackupCodes {
    codes: BackupCodes,
    set: IssuedSet,
}

impl IssuedBackupCodes {
    /// Returns the codes.
    #[must_use]
    pub const fn codes(&self) -> &BackupCodes {
        &self.codes
    }

    /// Returns the codes alone.
    #[must_use]
    pub fn into_codes(self) -> BackupCodes {
        self.codes
    }

    /// Returns the codes as you show them, like [`BackupCodes::iter`].
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.codes.iter()
    }

    /// Returns the number of codes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set has at least one code")]
    pub const fn len(&self) -> usize {
        self.codes.len()
    }

    /// Returns the text of the file to download and print, like [`BackupCodes::to_text`].
    #[must_use]
    pub fn to_text(&self, file: &BackupCodeFile) -> SecretText {
        self.codes.to_text(file)
    }

    /// Returns the id of the set, for [`Verifier::confirm_saved`]. The id is not secret.
    #[must_use]
    pub const fn set(&self) -> BackupCodeSetId {
        self.set.id
    }

    /// Whether the set is pending: the earlier codes are valid, too, until you call
    /// [`Verifier::confirm_saved`] or a code of this set is accepted.
    ///
    /// If false, this is the only set. It is the first one, or it replaced an earlier set at once:
    /// the earlier set is imported, or has another cost or format than the policy says now.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.set.is_pending
    }
}

impl<S: Store> Verifier<S> {
    /// Issues a set of backup codes. Show the codes once: only their Argon2id hashes are stored.
    ///
    /// The first set of an account is the current set at once. A later set is *pending* next to the
    /// current one, and a code of either set is accepted. So a user who does not save the new codes
    /// keeps the old ones. The pending set replaces the current one with its first accepted code,
    /// or when you call [`confirm_saved`](Self::confirm_saved). Another issue and
    /// [`discard_pending_codes`](Self::discard_pending_codes) end a pending set.
    ///
    /// Both sets have one salt and one cost, so an attempt takes one hash. If the current set is
    /// imported, or if the policy has another cost or format now, the new set replaces it at once.
    /// [`IssuedBackupCodes::is_pending`] says so.
    ///
    /// The verifier makes two writes. The first write checks the proof and grants a right. Then the
    /// hashes are computed. The second write uses the right and stores the hashes. It must follow
    /// within a minute. If the process dies in between, the proof is used up, and the current and
    /// the pending set stay valid. At most three sets may be issued within 24 hours.
    ///
    /// ```
    /// # use countersign::factor::BackupCodesStatus;
    /// # use countersign::testing::{ManualClock, Phone};
    /// # use countersign::{AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring};
    /// # use countersign::{Proof, SealingKey, Status, Timestamp, Verifier};
    /// # use countersign::store::MemoryStore;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # countersign::testing::block_on(async {
    /// # let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    /// # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    /// # let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example");
    /// # let verifier = verifier.clock(clock.clone()).build()?;
    /// # let alice = AccountId::new("alice")?;
    /// # let password = Proof::Password { checked_at: clock.now() };
    /// # let request = EnrollmentRequest::new("alice");
    /// # let begun = verifier.begin_enrollment(&alice, request, password).await?;
    /// # let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
    /// # let passcode = phone.passcode(clock.now());
    /// # let receipt = verifier.confirm_enrollment(&alice, begun.id(), &passcode).await?;
    /// # let receipt = verifier.seal_receipt(&receipt);
    /// # let first_factor = FirstFactor::password(clock.now());
    /// let proof = Proof::Reauthenticated { first_factor, receipt: &receipt };
    /// let first = verifier.issue_backup_codes(&alice, proof.clone()).await?;
    /// assert!(!first.is_pending());
    ///
    /// // Later, Alice wants new codes. The old ones stay valid until she has saved the new ones.
    /// let second = verifier.issue_backup_codes(&alice, proof).await?;
    /// assert!(second.is_pending());
    /// verifier.verify(&alice, first.iter().next().unwrap_or_default()).await?;
    ///
    /// verifier.confirm_saved(&alice, second.set()).await?;
    /// assert!(verifier.verify(&alice, first.iter().nth(1).unwrap_or_default()).await.is_err());
    /// verifier.verify(&alice, second.iter().next().unwrap_or_default()).await?;
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Denied`], with the proof's rejection, [`Rejection::Disabled`],
    /// [`Rejection::TooManyIssues`] or [`Rejection::IssueExpired`].
    pub async fn issue_backup_codes(
        &self,
        account: &AccountId,
        proof: Proof<'_>,
    ) -> Result<IssuedBackupCodes, Denied> {
        let wrong = WrongCode::default();
        let outcome = with_wiped_stack(pin!(self.issue(account, &proof, &wrong))).await;
        wrong.report(account, "issue_backup_codes", outcome)
    }

    async fn issue(
        &self,
        account: &AccountId,
        proof: &Proof<'_>,
        wrong: &WrongCode,
    ) -> Result<IssuedBackupCodes, Denied> {
        let mut generator = Generator(&*self.core.random);
        let codes = BackupCodes::try_generate(self.core.policy.code_format(), &mut generator)?;
        let right = generator.bytes()?;
        let change = Change::GrantIssue(right);
        let granted = self.change(account, proof, &change, wrong).await?;
        let (set, id) = self.new_code_set(&codes, granted).await?;
        let outcome = self.load_modify_store(account, |loaded, now| match loaded {
            None => Step::Answer(Err(Rejection::Absent)),
            Some(loaded) => loaded.factor.issue(right, set.clone(), id, now),
        });
        let set = outcome.await??;
        Ok(IssuedBackupCodes { codes, set })
    }

    /// The set to store, and its id. Only a set that shares its digester needs an id of its own.
    async fn new_code_set(
        &self,
        codes: &BackupCodes,
        granted: Changed,
    ) -> Result<(BackupCodeSet, BackupCodeSetId), VerifierError> {
        let mut generator = Generator(&*self.core.random);
        let random = generator.bytes()?;
        let digester = match granted.digester.filter(|_| self.core.pending_codes) {
            Some(shared) => shared,
            None if Digester::is_keyed_for(codes.format()) => {
                Digester::hmac_sha256(random, &Zeroizing::new(generator.bytes()?))
            }
            None => Digester::argon2id(random, self.core.policy.code_hash()),
        };
        let job = BackupCodeSet::issue_job(codes, &digester, None);
        let hashes = self.core.hash_executor.run(job).await?;
        let (format, at) = (codes.format(), granted.at);
        let set = BackupCodeSet::from_hashes(format, digester, at, None, hashes);
        Ok((set, BackupCodeSetId::from_bytes(random)))
    }

    /// Ends the current set of backup codes, because the user has saved the pending one. `set` is
    /// the id of the pending set.
    ///
    /// Call this when the user says that the codes of this set are saved, on the page that shows
    /// them or later. The method succeeds without a write if the set is the current one already:
    /// it was the first set, or the user has used one of its codes or said so before. It needs no
    /// proof: issuing the set needed one. A receipt of a code of the old set proves nothing
    /// afterwards.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::NoPendingCodes`] if the account has no such set, with
    /// [`Rejection::Disabled`] or [`Rejection::Absent`].
    pub async fn confirm_saved(
        &self,
        account: &AccountId,
        set: BackupCodeSetId,
    ) -> Result<(), Denied> {
        let outcome = self.modify_record(account, Caller::default(), |factor, _| {
            factor.confirm_saved(set)
        });
        report(account, "confirm_saved", outcome.await)
    }

    /// Ends the pending set of backup codes, because the user has not saved it. The current set
    /// stays valid. `set` is the id of the pending set.
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::NoPendingCodes`] if no such set is pending, with
    /// [`Rejection::Disabled`] or [`Rejection::Absent`].
    pub async fn discard_pending_codes(
        &self,
        account: &AccountId,
        set: BackupCodeSetId,
    ) -> Result<(), Denied> {
        let discard = |factor: SecondFactor, _| factor.discard_pending_codes(set);
        let outcome = self.modify_record(account, Caller::default(), discard);
        report(account, "discard_pending_codes", outcome.await)
    }
}
