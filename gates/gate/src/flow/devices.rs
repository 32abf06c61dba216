//! Browsers that the account knows: a browser is remembered after a code, may skip the code, and is
//! forgotten.

use countersign::factor::{DeviceStatus, EnabledStatus, TrustedDevices};
use countersign::{
    AccountId, DeviceId, DeviceKind, DeviceLabel, DeviceToken, Receipt, Rejection, SealedReceipt,
};

use super::visit::{NoFields, Visit};
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError};
use crate::device_cookie::DeviceCookie;
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::{Content, DeviceEntry, DevicesPage, Done, Message, Wait};
use crate::say::Say;
use crate::session_data::{Half, SessionChange};
use crate::sign_ins::{RowsOfRequest, SignInStore};

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// Whether the gate remembers browsers.
    pub(super) fn remembers(&self) -> bool {
        self.flow.settings.devices && self.flow.verifier.policy().devices() > 0
    }

    /// For how many days a browser can sign in without a code.
    pub(super) fn trust_days(&self) -> Option<u8> {
        match self.flow.verifier.policy().trusted_devices() {
            TrustedDevices::Days(days) if self.remembers() => Some(days),
            _ => None,
        }
    }

    /// The token that the browser sent for this account.
    pub(super) fn device_token(
        &self,
        account: &AccountId,
    ) -> Result<Option<DeviceToken>, BoxError> {
        match self.remembers() {
            true => Ok(DeviceCookie::of(account)?.read(&self.request.headers)),
            false => Ok(None),
        }
    }

    /// Whether the list has the device that the browser names. Only the verifier checks its token.
    pub(super) fn is_listed(
        &self,
        account: &AccountId,
        enabled: &EnabledStatus,
    ) -> Result<bool, BoxError> {
        let token = self.device_token(account)?;
        let mut devices = enabled.devices.iter();
        Ok(token.is_some_and(|token| devices.any(|device| device.id == token.id())))
    }

    /// The limit that holds this browser, for a page. Only a lock-out holds a known one.
    pub(super) fn wait_here(
        &self,
        account: &AccountId,
        enabled: &EnabledStatus,
    ) -> Result<Option<Wait>, BoxError> {
        let wait = self.wait(enabled.rate_limit);
        Ok(match wait {
            Some(Wait::Locked) | None => wait,
            Some(_) if self.is_listed(account, enabled)? => None,
            wait => wait,
        })
    }

    /// Signs in without a code, if the browser is trusted. `None`: ask for a code.
    pub(super) async fn sign_in_trusted(
        &mut self,
        half: &Half,
        enabled: &EnabledStatus,
    ) -> Result<Option<GateAnswer>, Stop> {
        let account = half.session.account();
        // A remembered browser is no second factor beside a remembered browser.
        let needs_user = half.session.first_factor().kind.needs_user();
        if self.trust_days().is_none() || !needs_user {
            return Ok(None);
        }
        let Some(token) = self.device_token(account)? else {
            return Ok(None);
        };
        let new = self.new_sign_in(half)?;
        let verifier = self.verifier(RowsOfRequest::inserting(new.clone()));
        let trusted = match verifier.trusted_device(account, &token).await {
            Ok(trusted) => trusted,
            Err(denied) => {
                let rejection = rejected(denied)?;
                let was_listed = self.is_listed(account, enabled)?;
                if rejection == Rejection::UnknownDevice && was_listed {
                    self.report_copy(account).await?;
                }
                return Ok(None);
            }
        };
        if let Some(ended) = self.begin_sign_in(half, &new).await? {
            return Ok(Some(ended));
        }
        self.device_cookie = Some(DeviceCookie::of(account)?.set(trusted.device_token()));
        let full = half.session.pass(trusted.into(), self.now)?;
        self.signed_in(half, &full).await;
        let home = &self.flow.settings.home;
        let mut answer = self.complete(half, &full, None, None, home)?;
        if let SessionChange::Renew { left, .. } = &mut answer.session {
            // No form of the gate can be repeated.
            *left = self.left(None);
        }
        Ok(Some(answer))
    }

    /// Tells the owner if the verifier has just forgotten the device, because its token was an old
    /// one.
    async fn report_copy(&self, account: &AccountId) -> Result<(), Stop> {
        if let Some(enabled) = self.enabled(account).await?
            && !self.is_listed(account, &enabled)?
        {
            self.notify(account, What::BrowserSuspected).await;
        }
        Ok(())
    }

    /// Renews the cookie of a known browser after a code, or makes the browser known. A failure
    /// leaves the browser unknown, and the sign-in goes on.
    pub(super) async fn remember_browser(
        &mut self,
        receipt: &Receipt,
        sealed: &SealedReceipt,
        kind: DeviceKind,
    ) -> Result<(), BoxError> {
        if !self.remembers() {
            return Ok(());
        }
        let account = receipt.account();
        let cookie = DeviceCookie::of(account)?;
        let kind = match (kind, self.trust_days()) {
            (DeviceKind::Trusted, Some(_)) => DeviceKind::Trusted,
            _ => DeviceKind::Known,
        };
        let known = receipt.device_token();
        if let (Some(next), DeviceKind::Known) = (known, kind) {
            self.device_cookie = Some(cookie.set(next));
            return Ok(());
        }
        let verifier = self.verifier(RowsOfRequest::default());
        let label = DeviceLabel::fit(&self.request.client.label());
        let name = label.clone();
        let replaced = match known {
            Some(known) => Some(known.id()),
            None => self.earlier_device(receipt, &label).await?,
        };
        let remembered = match replaced {
            // A trusted device takes the place of the known one.
            Some(earlier) => {
                let replaced = verifier.replace_device(account, sealed, name, kind, earlier);
                replaced.await
            }
            None => verifier.remember_device(account, sealed, name, kind).await,
        };
        match remembered {
            Ok(token) => {
                self.device_cookie = Some(cookie.set(&token));
                if kind == DeviceKind::Trusted && !receipt.is_repeat() {
                    let label = label.to_string();
                    self.notify(account, What::BrowserTrusted { label }).await;
                }
            }
            Err(error) => not_remembered(account, &error),
        }
        Ok(())
    }

    /// Makes the browser known after a code, unless the list has it.
    pub(super) async fn remember_stranger(
        &mut self,
        receipt: &Receipt,
        sealed: &SealedReceipt,
    ) -> Result<(), BoxError> {
        if !self.remembers() {
            return Ok(());
        }
        let account = receipt.account();
        // If the list cannot be read, the browser stays as it is.
        match self.enabled(account).await {
            Ok(Some(enabled)) if !self.is_listed(account, &enabled)? => {
                let known = DeviceKind::Known;
                self.remember_browser(receipt, sealed, known).await
            }
            _ => Ok(()),
        }
    }

    /// The device whose place a new one takes: if the form came twice, that of the first answer,
    /// because the browser keeps the token of the last answer only; otherwise that of a token which
    /// does not count.
    async fn earlier_device(
        &self,
        receipt: &Receipt,
        label: &DeviceLabel,
    ) -> Result<Option<DeviceId>, BoxError> {
        let account = receipt.account();
        let sent = self.device_token(account)?.map(|token| token.id());
        if !receipt.is_repeat() {
            return Ok(sent);
        }
        let enabled = self.enabled(account).await.ok().flatten();
        let of_first =
            |device: &&DeviceStatus| receipt.at() <= device.issued_at && device.label == *label;
        let found = enabled.and_then(|enabled| Some(enabled.devices.iter().rfind(of_first)?.id));
        Ok(found.or(sent))
    }

    pub(crate) async fn show_devices(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        if !self.remembers() {
            return Ok(self.message(Message::NotFound));
        }
        let account = &member.account;
        let Some(enabled) = self.enabled(account).await? else {
            return Ok(self.redirect(&self.path("")));
        };
        let here = self.device_token(account)?.map(|token| token.id());
        let newest_first = enabled.devices.iter().rev();
        let devices = newest_first.map(|device| DeviceEntry {
            id: device.id,
            label: device.label.to_string(),
            remembered_at: device.issued_at,
            last_used_at: device.last_used_at,
            trusted_until: device.trusted_until.filter(|until| self.now <= *until),
            here: here == Some(device.id),
        });
        let content = Content::Devices(DevicesPage {
            devices: devices.collect(),
        });
        self.page(account, content).await
    }

    /// Forgets one device. This needs no proof: it takes something away only from a browser.
    pub(crate) async fn forget_device(&mut self, id: &str) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let _: NoFields = self.form()?;
        let (account, path) = (&member.account, self.path("/devices"));
        let Ok(id) = id.parse() else {
            return Ok(self.message(Message::NotFound));
        };
        let verifier = self.verifier(RowsOfRequest::default());
        if let Err(denied) = verifier.forget_device(account, id).await {
            return match rejected(denied)? {
                Rejection::Absent => Ok(self.redirect(&self.path(""))),
                rejection => Ok(self.refuse(rejection, &path)),
            };
        }
        let here = self.device_token(account)?.map(|token| token.id());
        if here == Some(id) {
            self.device_cookie = Some(DeviceCookie::of(account)?.delete());
        }
        self.say(Say::Done(Done::BrowserForgotten));
        Ok(self.redirect(&path))
    }

    pub(crate) async fn forget_devices(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let _: NoFields = self.form()?;
        let account = &member.account;
        let verifier = self.verifier(RowsOfRequest::default());
        if let Err(denied) = verifier.forget_devices(account).await {
            rejected(denied)?;
        }
        self.device_cookie = Some(DeviceCookie::of(account)?.delete());
        self.say(Say::Done(Done::BrowsersForgotten));
        Ok(self.redirect(&self.path("/devices")))
    }
}

fn not_remembered(account: &AccountId, error: &countersign::Denied) {
    tracing::warn!(%account, %error, "the browser is not remembered");
}
