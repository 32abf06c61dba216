//! A login by a form: its code, its request id, and the device that sent it.

use super::caller::Caller;
use super::error::{Denied, report_repeat};
use super::load_modify_store::Loaded;
use super::verifier::{Verifier, with_wiped_stack};
use super::vigilance::LoginFacts;
use super::wrong_code::WrongCode;
use crate::factor::{Form, FormAccepted, RequestTag, ShownToken, Step};
use crate::otp::Code;
use crate::store::Store;
use crate::{AccountId, DeviceToken, Receipt, Rejection, RequestId};
use core::fmt;
use core::pin::pin;

/// What a form with a code field sends: the code, perhaps a request id, and perhaps the token of
/// the device.
///
/// ```
/// use countersign::{Attempt, DeviceToken, RequestId};
///
/// # let cookie = "AAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAA";
/// let id = RequestId::generate()?;
/// let token = DeviceToken::parse(cookie).ok();
/// let attempt = Attempt::new("123 456").request(&id).device(token.as_ref());
/// # let _ = attempt;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "pass it to `Verifier::verify_attempt`"]
pub struct Attempt<'a> {
    code: &'a str,
    request: Option<&'a RequestId>,
    device: Option<&'a DeviceToken>,
}

impl<'a> Attempt<'a> {
    /// Takes the text that the user typed.
    pub const fn new(code: &'a str) -> Self {
        Self {
            code,
            request: None,
            device: None,
        }
    }

    /// Adds the request id of the form: see [`Verifier::verify_request`].
    pub const fn request(mut self, id: &'a RequestId) -> Self {
        self.request = Some(id);
        self
    }

    /// Adds the token from the cookie of the device, if there is one.
    pub const fn device(mut self, token: Option<&'a DeviceToken>) -> Self {
        self.device = token;
        self
    }
}

impl fmt::Debug for Attempt<'_> {
    /// Shows nothing that the user typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

impl<S: Store> Verifier<S> {
    /// Like [`verify`](Self::verify), for a form that a user can send twice, for example by a
    /// double click.
    ///
    /// For 30 s, the same request id with the same code gets the same result again:
    ///
    /// - An accepted code gets a receipt with the same content. See [`Receipt::is_repeat`].
    /// - A wrong code gets the same rejection, in [`Denied::Repeated`], and no second failure is
    ///   counted.
    /// - While a call computes the hash of a backup code, up to four repeats compute it too. The
    ///   code is accepted once.
    ///
    /// Everything else is an attempt, as with `verify`: another code, another id, a repeat after 30
    /// s, or a repeat after another write to the account. Only
    /// [`remember_device`](Self::remember_device) may come between.
    ///
    /// Install a version with this method on every server before you use the method. An earlier
    /// version cannot read the record of such an attempt.
    ///
    /// # Errors
    /// [`Denied`]: do not let the user in.
    pub async fn verify_request(
        &self,
        account: &AccountId,
        code: &str,
        request: &RequestId,
    ) -> Result<Receipt, Denied> {
        let attempt = Attempt::new(code).request(request);
        self.verify_form(account, attempt, "verify_request").await
    }

    /// Like [`verify`](Self::verify), for a form that may have a request id and the token of a
    /// device.
    ///
    /// A *known* device is one whose token counts. Neither a wait nor a spent budget stops it, so
    /// an attacker who knows the password cannot keep the user of the device out. A wrong code
    /// counts for the lock-out, and against the device instead of the budget. After ten wrong codes
    /// in its life, the device is forgotten.
    ///
    /// If the code is accepted, [`Receipt::device_token`] returns the next token. Put it into the
    /// cookie. A token that does not count changes nothing: the attempt is a stranger's. But an old
    /// token of a device shows that there is a copy of it: the verifier forgets the device first
    /// ([`WriteKind::DeviceSuspected`](crate::store::WriteKind::DeviceSuspected)).
    ///
    /// # Errors
    /// [`Denied`]: do not let the user in.
    pub async fn verify_attempt(
        &self,
        account: &AccountId,
        attempt: Attempt<'_>,
    ) -> Result<Receipt, Denied> {
        self.verify_form(account, attempt, "verify_attempt").await
    }

    async fn verify_form(
        &self,
        account: &AccountId,
        attempt: Attempt<'_>,
        action: &'static str,
    ) -> Result<Receipt, Denied> {
        let (facts, wrong) = (self.facts(), WrongCode::default());
        let outcome = self.log_in_form(account, attempt, &facts, &wrong);
        let outcome = with_wiped_stack(pin!(outcome)).await;
        let outcome = self.observe(account, facts, outcome).await;
        let FormAccepted {
            accepted,
            token,
            is_repeat,
        } = match outcome {
            Ok(repeat) if repeat.is_repeat => {
                report_repeat(account, action);
                repeat
            }
            outcome => wrong.report(account, action, outcome)?,
        };
        let receipt = Receipt::of(account.clone(), accepted).on_device(token);
        Ok(if is_repeat {
            receipt.repeated()
        } else {
            receipt
        })
    }

    async fn log_in_form(
        &self,
        account: &AccountId,
        attempt: Attempt<'_>,
        facts: &LoginFacts,
        wrong: &WrongCode,
    ) -> Result<FormAccepted, Denied> {
        let code = Code::parse(attempt.code).map_err(|_| Rejection::Malformed)?;
        let tag = attempt.request.map(|id| RequestTag::new(id, &code));
        let scope = self.device_scope(account);
        let device = attempt.device.map(|token| ShownToken { token, scope });
        let form = Form { tag, device };
        let policy = &self.core.policy;
        let caller = Caller {
            device: attempt.device.map(DeviceToken::id),
            ..Caller::of_attempt(wrong)
        };
        self.attempt(account, caller, |loaded, progress, now| {
            let step = match loaded {
                None => Step::reject(Rejection::Absent),
                Some(Loaded { factor, .. }) => {
                    let standing = factor.standing(&form, now, policy);
                    // A stranger guesses codes on many accounts. A known device does not.
                    if factor.devices.known(&standing).is_none() {
                        facts.note(&factor, progress, now);
                    }
                    factor.log_in_form(&code, &form, &standing, progress, now, policy)
                }
            };
            wrong.search(&step, &code, now, policy);
            step
        })
        .await
    }
}
