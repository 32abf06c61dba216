use crate::otp::RandomError;
use crate::record::RecordError;
use crate::runtime::HashExecutorError;
use crate::uri::KeyUriError;
use crate::{AccountId, Rejection};
use core::fmt;
use std::boxed::Box;

/// The reason why the verifier could not do its work, such as a failed store, key or random source.
///
/// This error does not say whether a code is correct. Do not let the user in. Answer with a server
/// error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The store answered a read with an error.
    #[error("the store failed; try again")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store's answer to a write was lost, and the verifier could not find out whether the
    /// write was applied. The code may have been correct or wrong, and may be used up.
    #[error(
        "the store's answer was lost, and the effect of the write is unknown; try again with a new code"
    )]
    Unsettled(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// Other requests changed the account in each of 32 rounds. The code is not used up. A failure
    /// may have been counted.
    #[error("gave up after 32 concurrent updates of the account; try again")]
    Contended,
    /// The record cannot be decrypted or decoded.
    #[error("the record of the account cannot be opened")]
    Record(#[from] RecordError),
    /// The random source failed.
    #[error("the random source failed; check the system")]
    Random(#[from] RandomError),
    /// A password hash was not computed.
    #[error("the password hash of a backup code was not computed; try again")]
    HashExecutor(#[from] HashExecutorError),
    /// The request asks for a HOTP authenticator, and the policy does not allow it.
    #[error(
        "the policy does not allow new HOTP authenticators; ask for TOTP, or set hotp_enrollment"
    )]
    HotpEnrollment,
    /// The policy does not allow a device of this kind.
    #[error("the policy does not allow such a device; set devices, or trusted_devices")]
    DeviceNotAllowed,
    /// The vigilance failed. Only [`Verifier::is_under_alarm`](crate::Verifier::is_under_alarm)
    /// returns this error.
    #[error("the vigilance failed, so it is not known whether there is an alarm; try again")]
    Vigilance(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The account name or issuer of an enrollment does not fit a key URI.
    #[error("the enrollment has no valid key URI; choose another account name or issuer")]
    KeyUri(#[from] KeyUriError),
}

/// The reason why there is no receipt. Do not let the user in.
///
/// A `Result` with this error fails closed with `?`, with `.is_ok()`, and when it is ignored. Show
/// the user what to do about [`Rejected`](Self::Rejected). Alert your operators about
/// [`Failed`](Self::Failed).
#[derive(thiserror::Error)]
pub enum Denied {
    /// The verifier rejected the code or the proof, for this reason.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The same request was rejected before, for this reason. This call counted no failure, so tell
    /// the owner nothing. Only [`verify_request`](crate::Verifier::verify_request) returns it.
    #[error(transparent)]
    Repeated(Rejection),
    /// The code was not checked, or the result could not be stored.
    #[error(transparent)]
    Failed(#[from] VerifierError),
}

impl Denied {
    /// Returns the rejection, if this is one. A repeat has that of the first request.
    #[must_use]
    pub const fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejection) | Self::Repeated(rejection) => Some(*rejection),
            Self::Failed(_) => None,
        }
    }
}

impl From<RandomError> for Denied {
    fn from(error: RandomError) -> Self {
        Self::Failed(error.into())
    }
}

/// Shows the message and its causes: `main` prints errors in this form.
impl fmt::Debug for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Shows the message: `main` prints errors in this form.
impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "rejected: {rejection}"),
            Self::Repeated(rejection) => write!(f, "rejected before: {rejection}"),
            Self::Failed(error) => write!(f, "failed: {error:?}"),
        }
    }
}

/// Emits an event with the account, the action and the outcome, and returns the outcome. An event
/// never holds a code, a key or a secret.
pub(super) fn report<T, E: Report>(
    account: &AccountId,
    action: &'static str,
    outcome: Result<T, E>,
) -> Result<T, E> {
    match &outcome {
        #[cfg(feature = "tracing")]
        Ok(_) => tracing::info!(account = account.as_str(), action, "accepted"),
        #[cfg(not(feature = "tracing"))]
        Ok(_) => {}
        Err(error) => error.report(account, action),
    }
    outcome
}

/// Emits an event for a repeat of a request that was accepted before.
pub(super) fn report_repeat(account: &AccountId, action: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::info!(account = account.as_str(), action, "repeated");
    #[cfg(not(feature = "tracing"))]
    let _ = (account, action);
}

/// An error that [`report`] can write as an event.
pub(super) trait Report {
    fn report(&self, account: &AccountId, action: &'static str);
}

impl Report for VerifierError {
    fn report(&self, account: &AccountId, action: &'static str) {
        #[cfg(feature = "tracing")]
        tracing::error!(
            account = account.as_str(),
            action,
            error = self as &(dyn std::error::Error + 'static),
            "failed"
        );
        #[cfg(not(feature = "tracing"))]
        let _ = (account, action);
    }
}

impl Report for Denied {
    fn report(&self, account: &AccountId, action: &'static str) {
        match self {
            #[cfg(feature = "tracing")]
            Self::Rejected(reason) => {
                tracing::warn!(account = account.as_str(), action, %reason, "rejected");
            }
            #[cfg(feature = "tracing")]
            Self::Repeated(reason) => {
                tracing::info!(account = account.as_str(), action, %reason, "repeated");
            }
            #[cfg(not(feature = "tracing"))]
            Self::Rejected(_) | Self::Repeated(_) => {}
            Self::Failed(error) => error.report(account, action),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, io};

    #[test]
    fn debug_says_as_much_as_display() {
        let denied = Denied::from(Rejection::WrongCode);
        assert_eq!(format!("{denied:?}"), format!("rejected: {denied}"));
        let store = VerifierError::Store(io::Error::other("connection refused").into());
        let text = format!("{:?}", Denied::from(store));
        assert_eq!(
            text,
            "failed: the store failed; try again: connection refused"
        );
    }
}
