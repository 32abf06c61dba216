//! The devices that an account knows: the verifier remembers, trusts and forgets them.

use super::caller::Caller;
use super::error::{Denied, VerifierError, report};
use super::verifier::{Verifier, with_wiped_stack};
use crate::factor::{DeviceScope, NewDevice, SecondFactor, ShownToken, Step};
use crate::record;
use crate::runtime::Generator;
use crate::store::Store;
use crate::{
    AccountId, DeviceId, DeviceKind, DeviceLabel, DeviceToken, Rejection, SealedReceipt, Trusted,
};
use core::pin::pin;
use std::boxed::Box;

impl<S: Store> Verifier<S> {
    /// Makes the device known that the user just signed in on, and returns its first token, for a
    /// cookie. Ask the user first, with a check box on the code page.
    ///
    /// The receipt must be at most five minutes old. It comes from an accepted code or from a
    /// confirmed enrollment. A [`Trusted`] sign-in has none, so no device makes another one known.
    /// If the account has as many devices as the policy allows, the oldest one ends.
    ///
    /// These end all devices of an account: the removal or replacement of an authenticator,
    /// `disable`, `force_disable`, [`forget_devices`](Self::forget_devices) and
    /// [`password_changed`](Self::password_changed).
    ///
    /// Install a version with this method on every server before you use the method. An earlier
    /// version cannot read the record of an account with devices.
    ///
    /// ```
    /// # use countersign::testing::{ManualClock, Phone, block_on};
    /// # use countersign::store::MemoryStore;
    /// # use countersign::{
    /// #     AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
    /// # };
    /// use countersign::{Attempt, DeviceKind, DeviceLabel, DeviceToken};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # block_on(async {
    /// # let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    /// # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    /// # let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
    /// #     .clock(clock.clone())
    /// #     .build()?;
    /// # let alice = AccountId::new("alice")?;
    /// # let proof = Proof::Password { checked_at: clock.now() };
    /// # let request = EnrollmentRequest::new("alice@example.com");
    /// # let enrollment = verifier.begin_enrollment(&alice, request, proof).await?;
    /// # let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    /// # let shown = phone.passcode(clock.now());
    /// # verifier.confirm_enrollment(&alice, enrollment.id(), &shown).await?;
    /// # clock.advance(std::time::Duration::from_secs(30));
    /// # let typed = phone.passcode(clock.now());
    ///
    /// // The user entered a code, and checked the box "This is my own computer".
    /// let receipt = verifier.verify(&alice, &typed).await?;
    /// let receipt = verifier.seal_receipt(&receipt);
    /// let label = DeviceLabel::fit("Firefox on Linux");
    /// let token = verifier.remember_device(&alice, &receipt, label, DeviceKind::Known).await?;
    /// let cookie = token.expose().to_owned();
    ///
    /// // At the next sign-in, the browser sends the cookie, and the user enters a code.
    /// # clock.advance(std::time::Duration::from_secs(30));
    /// # let typed = phone.passcode(clock.now());
    /// let token = DeviceToken::parse(&cookie).ok();
    /// let attempt = Attempt::new(&typed).device(token.as_ref());
    /// let receipt = verifier.verify_attempt(&alice, attempt).await?;
    /// if let Some(next) = receipt.device_token() {
    ///     // Set the cookie to `next.expose()`.
    /// #   assert_ne!(next.expose(), cookie);
    /// }
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::ProofExpired`] or [`Rejection::ForeignReceipt`] for the
    /// receipt, [`Rejection::Absent`] or [`Rejection::Disabled`]; with
    /// [`VerifierError::DeviceNotAllowed`] if the policy does not allow such a device.
    pub async fn remember_device(
        &self,
        account: &AccountId,
        receipt: &SealedReceipt,
        label: DeviceLabel,
        kind: DeviceKind,
    ) -> Result<DeviceToken, Denied> {
        let remembered = self.remember(account, receipt, label, kind, None);
        let outcome = with_wiped_stack(pin!(remembered)).await;
        report(account, "remember_device", outcome)
    }

    /// Like [`remember_device`](Self::remember_device), and forgets another device in the same
    /// write: the known device that the user makes a trusted one, for example. Its id is
    /// [`DeviceToken::id`]. If the account has no such device, nothing is forgotten.
    ///
    /// # Errors
    /// As for [`remember_device`](Self::remember_device).
    pub async fn replace_device(
        &self,
        account: &AccountId,
        receipt: &SealedReceipt,
        label: DeviceLabel,
        kind: DeviceKind,
        replaced: DeviceId,
    ) -> Result<DeviceToken, Denied> {
        let remembered = self.remember(account, receipt, label, kind, Some(replaced));
        let outcome = with_wiped_stack(pin!(remembered)).await;
        report(account, "replace_device", outcome)
    }

    async fn remember(
        &self,
        account: &AccountId,
        receipt: &SealedReceipt,
        label: DeviceLabel,
        kind: DeviceKind,
        replaces: Option<DeviceId>,
    ) -> Result<DeviceToken, Denied> {
        let policy = &self.core.policy;
        if !policy.allows(kind) {
            return Err(VerifierError::DeviceNotAllowed.into());
        }
        let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
        let receipt = record::open_receipt(receipt, namespace, keyring)?;
        let mut generator = Generator(&*self.core.random);
        let new = NewDevice {
            id: DeviceId::from_bytes(generator.bytes()?),
            seed: Box::new(generator.bytes()?),
            label,
            kind,
            replaces,
        };
        let scope = self.device_scope(account);
        let outcome = self.load_modify_store(account, |loaded, now| match loaded {
            None => Step::Answer(Err(Rejection::Absent)),
            Some(loaded) => loaded
                .factor
                .remember_device(&receipt, &new, scope, now, policy),
        });
        Ok(outcome.await??)
    }

    /// Signs in with the token of a trusted device, without a code. Call it after the first factor,
    /// before you show the code page.
    ///
    /// Let the user in only on `Ok`, put the next token into the cookie, and make a
    /// [`Passed`](crate::session::Passed) of the answer. After [`Rejection::UnknownDevice`] and
    /// [`Rejection::DeviceNotTrusted`], ask for a code as usual. In the second case, the device is
    /// known.
    ///
    /// No code is checked here, so neither a rate limit nor a lock-out stops a trusted device. A
    /// copy of the token that is used once before the owner's next sign-in does not show.
    ///
    /// # Errors
    /// [`Denied`]: ask for a code. [`Rejection::UnknownDevice`] if the token does not count: if it
    /// is an old one, the verifier forgets the device. [`Rejection::DeviceNotTrusted`] if the
    /// device was not remembered as trusted, if its days are over, or if the policy does not allow
    /// it. [`Rejection::Absent`], [`Rejection::Disabled`].
    pub async fn trusted_device(
        &self,
        account: &AccountId,
        token: &DeviceToken,
    ) -> Result<Trusted, Denied> {
        let policy = &self.core.policy;
        let scope = self.device_scope(account);
        let shown = ShownToken { token, scope };
        let trust = |factor: SecondFactor, now| factor.trusted_device(shown, now, policy);
        let outcome = self.modify_record(account, Caller::on(token.id()), trust);
        report(account, "trusted_device", outcome.await)
    }

    /// Returns whether the account knows the device of this token. It writes nothing, and checks no
    /// code.
    ///
    /// Use it to choose the page: during an alarm of a [vigilance](crate::vigilance), strangers
    /// enter consecutive passcodes. Pass the same token to [`verify_attempt`](Self::verify_attempt)
    /// afterwards.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read. The device is a stranger then.
    pub async fn is_known_device(
        &self,
        account: &AccountId,
        token: &DeviceToken,
    ) -> Result<bool, VerifierError> {
        let scope = self.device_scope(account);
        let is_known = async {
            let (_, loaded) = self.load(account).await?;
            let now = self.core.clock.now();
            Ok(loaded.is_some_and(|loaded| {
                let devices = &loaded.factor.devices;
                let shown = ShownToken { token, scope };
                let standing = devices.standing(shown, now, &self.core.policy);
                devices.known(&standing).is_some()
            }))
        };
        with_wiped_stack(pin!(is_known)).await
    }

    /// Forgets one device of the account, for the list of devices. The ids are in
    /// [`EnabledStatus::devices`](crate::factor::EnabledStatus::devices).
    ///
    /// # Errors
    /// [`Denied`], with [`Rejection::UnknownDevice`] or [`Rejection::Absent`].
    pub async fn forget_device(&self, account: &AccountId, id: DeviceId) -> Result<(), Denied> {
        let forget = |factor: SecondFactor, _| factor.forget_devices(Some(id));
        let outcome = self.modify_record(account, Caller::on(id), forget);
        report(account, "forget_device", outcome.await)
    }

    /// Forgets all devices of the account, if it has any.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read or written.
    pub async fn forget_devices(&self, account: &AccountId) -> Result<(), Denied> {
        let forget = |factor: SecondFactor, _| factor.forget_devices(None);
        let outcome = self.modify_record(account, Caller::default(), forget).await;
        report(account, "forget_devices", if_present(outcome))
    }

    /// Ends what somebody may have who knew the old password: all devices, a pending enrollment,
    /// and a pending set of backup codes. Call it after you stored a new password.
    ///
    /// Authenticators, the current backup codes and the rate limit stay as they are. A call of
    /// [`issue_backup_codes`](Self::issue_backup_codes) that is not finished gets
    /// [`Rejection::IssueExpired`]. End the sessions of the account, too. If the account has no
    /// record, there is nothing to do.
    ///
    /// # Errors
    /// [`VerifierError`], if the record cannot be read or written. Try again: until then, a device
    /// that the account knows stays known.
    pub async fn password_changed(&self, account: &AccountId) -> Result<(), Denied> {
        let change = |factor: SecondFactor, _| factor.password_changed();
        let outcome = self.modify_record(account, Caller::default(), change).await;
        report(account, "password_changed", if_present(outcome))
    }
}

/// Without a record, there is nothing to end.
fn if_present(outcome: Result<(), Denied>) -> Result<(), Denied> {
    match outcome {
        Err(Denied::Rejected(Rejection::Absent)) => Ok(()),
        outcome => outcome,
    }
}

impl<S> Verifier<S> {
    pub(super) fn device_scope<'a>(&'a self, account: &'a AccountId) -> DeviceScope<'a> {
        DeviceScope {
            namespace: &self.core.namespace,
            account,
        }
    }
}
