use crate::otp::RandomError;
use crate::record::RecordError;
use crate::runtime::HashExecutorError;
use crate::uri::KeyUriError;
use crate::{AccountId, Rejection};
use std::boxed::Box;

/// Why something could not be done. It is never a verdict on a code, and never a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The store answered a read with an error.
    #[error("the store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store's answer to a write was lost, and what became of it could not be found out. Whether the
    /// code was right is not said; it may be used up.
    #[error("the store's answer was lost, and the effect of the write is unknown")]
    Unsettled(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// Others changed the account all the time. The code is not used up; a failure may have been counted.
    #[error("the account was changed by others all the time; try again")]
    Contended,
    /// The record cannot be opened.
    #[error("the record of the account cannot be opened")]
    Record(#[from] RecordError),
    /// The random source failed.
    #[error("no random bytes were to be had")]
    Random(#[from] RandomError),
    /// A slow digest was not computed.
    #[error("a slow digest was not computed")]
    HashExecutor(#[from] HashExecutorError),
    /// The account name or issuer of an enrollment does not fit a key URI.
    #[error("the enrollment has no valid key URI")]
    KeyUri(#[from] KeyUriError),
}

/// Why there is no receipt.
///
/// `?`, `.is_ok()` and forgetting all fail closed. [`Rejected`](Self::Rejected) is the person's to mend,
/// [`Failed`](Self::Failed) the operator's.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Not accepted, and why.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Could not be judged, or the verdict could not be put on record.
    #[error(transparent)]
    Failed(#[from] VerifierError),
}

impl Denied {
    /// The rejection, if it is one.
    #[must_use]
    pub const fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejection) => Some(*rejection),
            Self::Failed(_) => None,
        }
    }
}

impl From<RandomError> for Denied {
    fn from(error: RandomError) -> Self {
        Self::Failed(error.into())
    }
}

/// Tells `tracing` what was decided, and for whom; never a code, a key or a secret.
pub(super) fn report(account: &AccountId, action: &'static str, denied: Option<&Denied>) {
    #[cfg(feature = "tracing")]
    match denied {
        None => tracing::info!(account = account.as_str(), action, "accepted"),
        Some(Denied::Rejected(reason)) => {
            tracing::warn!(account = account.as_str(), action, %reason, "rejected");
        }
        Some(Denied::Failed(error)) => {
            tracing::error!(
                account = account.as_str(),
                action,
                error = error as &(dyn std::error::Error + 'static),
                "failed"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (account, action, denied);
}
