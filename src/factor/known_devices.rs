//! What happens to an account with devices: one is remembered, signs in without a code, or ends.

use super::device::{Device, DeviceScope, DeviceSeed, ShownToken, Standing};
use super::device_token::DeviceToken;
use super::policy::DeviceKind;
use super::proof::Receipt;
use super::rate_limit::is_recent;
use super::second_factor::{SecondFactor, Step};
use crate::store::WriteKind;
use crate::{AccountId, DeviceId, DeviceLabel, Policy, Rejection, Timestamp};
use alloc::boxed::Box;

/// How old the receipt may be that makes a device known, in seconds.
const RECEIPT_AGE: u64 = 300;

/// Shows that a trusted device signed in without a code.
///
/// It is no [`Receipt`]. So it proves nothing for a change, and it makes no other device known. It
/// is no second factor in the sense of NIST SP 800-63B-4 (AAL2): report no `otp` and no `mfa` in
/// `amr`. [`Passed`](crate::session::Passed) can be made of it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "let the user in only if you have it, and store the next token"]
pub struct Trusted {
    account: AccountId,
    at: Timestamp,
    token: DeviceToken,
}

impl Trusted {
    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns when the token was accepted.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the next token of the device, for its cookie.
    #[must_use]
    pub const fn device_token(&self) -> &DeviceToken {
        &self.token
    }
}

/// A device to remember.
pub(crate) struct NewDevice {
    pub(crate) id: DeviceId,
    pub(crate) seed: Box<[u8; 16]>,
    pub(crate) label: DeviceLabel,
    pub(crate) kind: DeviceKind,
    /// The device that ends in the same write.
    pub(crate) replaces: Option<DeviceId>,
}

impl NewDevice {
    fn at(&self, now: Timestamp) -> Device {
        Device {
            id: self.id,
            seed: DeviceSeed(self.seed.clone()),
            label: self.label.clone(),
            kind: self.kind,
            issued_at: now,
            number: 0,
            advanced_at: now,
            last_used_at: None,
            failures: 0,
        }
    }
}

impl Drop for NewDevice {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut *self.seed);
    }
}

impl SecondFactor {
    /// Makes a device known, if an authentic receipt shows that the user just entered a code.
    pub(crate) fn remember_device(
        mut self,
        receipt: &Receipt,
        new: &NewDevice,
        scope: DeviceScope<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Result<DeviceToken, Rejection>> {
        let reject = |rejection| Step::Answer(Err(rejection));
        if !self.is_enabled() {
            return reject(Rejection::Disabled);
        }
        if receipt.account() != scope.account {
            return reject(Rejection::ForeignReceipt);
        }
        if !is_recent(receipt.at(), now, RECEIPT_AGE) || !self.has(receipt.accepted_by()) {
            return reject(Rejection::ProofExpired);
        }
        let device = new.at(now);
        let Some(token) = device.successor(scope) else {
            return reject(Rejection::UnknownDevice);
        };
        if let Some(replaced) = new.replaces {
            self.devices.remove(replaced);
        }
        self.devices.add(device, policy.devices());
        Step::Write(self, WriteKind::DeviceRemembered, Ok(token))
    }

    /// Signs in with the token of a trusted device alone. No limit and no lock-out stops it,
    /// because no code is checked.
    pub(crate) fn trusted_device(
        mut self,
        shown: ShownToken<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Result<Trusted, Rejection>> {
        if !self.is_enabled() {
            return Step::Answer(Err(Rejection::Disabled));
        }
        let standing = self.devices.standing(shown, now, policy);
        if let Standing::Overtaken { id } = standing {
            self.devices.remove(id);
            let unknown = Err(Rejection::UnknownDevice);
            return Step::Write(self, WriteKind::DeviceSuspected, unknown);
        }
        let id = self.devices.known(&standing);
        self.devices.accept(&standing, now);
        match id.and_then(|id| self.devices.get(id)) {
            None => Step::Answer(Err(Rejection::UnknownDevice)),
            Some(device) if !device.is_trusted(now, policy) => {
                Step::Answer(Err(Rejection::DeviceNotTrusted))
            }
            Some(device) => {
                let Some(token) = device.successor(shown.scope) else {
                    return Step::Answer(Err(Rejection::UnknownDevice));
                };
                let account = shown.scope.account.clone();
                let at = now;
                let trusted = Trusted { account, at, token };
                Step::Write(self, WriteKind::DeviceTrusted, Ok(trusted))
            }
        }
    }

    /// Ends one device, or all of them.
    pub(crate) fn forget_devices(mut self, only: Option<DeviceId>) -> Step<Result<(), Rejection>> {
        let found = match only {
            Some(id) => self.devices.remove(id),
            None => !self.devices.is_empty(),
        };
        if !found {
            let answer = only.map_or(Ok(()), |_| Err(Rejection::UnknownDevice));
            return Step::Answer(answer);
        }
        if only.is_none() {
            self.devices.clear();
        }
        Step::Write(self, WriteKind::DevicesForgotten, Ok(()))
    }

    /// Ends what somebody may have who knew the old password: devices, a pending enrollment, and
    /// backup codes that are pending or being issued.
    pub(crate) fn password_changed(mut self) -> Step<Result<(), Rejection>> {
        let ended = [
            !core::mem::take(&mut self.devices).is_empty(),
            self.pending.take().is_some(),
            self.pending_codes.take().is_some(),
            self.issuing.right.take().is_some(),
        ];
        match ended.contains(&true) {
            true => Step::Write(self, WriteKind::PasswordChanged, Ok(())),
            false => Step::Answer(Ok(())),
        }
    }
}
