use crate::{AccountId, Denied};

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
