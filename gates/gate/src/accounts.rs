use countersign::session::Requirement;
use countersign::{AccountId, Timestamp};
use std::error::Error;
use std::time::Duration;

use crate::notice::Notice;

/// An error of your application: from its database, for example.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What the gate asks your application about its accounts.
///
/// Write the methods as `async fn`.
pub trait Accounts: Send + Sync + 'static {
    /// The name of the account in the authenticator app: an email address, for example. The app
    /// shows the account id instead of a name that is empty.
    ///
    /// # Errors
    /// If the account cannot be read.
    fn account_name(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<String, BoxError>> + Send;

    /// Checks the password again, before a change. Limit the tries, as your sign-in page does.
    ///
    /// # Errors
    /// If the password cannot be checked.
    fn check_password(
        &self,
        account: &AccountId,
        password: &str,
    ) -> impl Future<Output = Result<PasswordCheck, BoxError>> + Send;

    /// Whether the account has a password, so that a page can ask for it. An account without one
    /// enters a code instead.
    ///
    /// # Errors
    /// If the account cannot be read.
    fn has_password(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<bool, BoxError>> + Send {
        let _ = account;
        async { Ok(true) }
    }

    /// When the password of the account was changed last, if you know it. Store the time with the
    /// new password, and then call [`Gate::end_sign_ins`](crate::Gate::end_sign_ins).
    ///
    /// A session whose first factor is older reaches nothing any more. Without this method, such a
    /// session goes on for up to ten minutes, and still needs a code.
    ///
    /// # Errors
    /// If the account cannot be read. Then nobody is let in.
    fn password_changed_at(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<Timestamp>, BoxError>> + Send {
        let _ = account;
        async { Ok(None) }
    }

    /// Whether the account must have a second factor.
    ///
    /// The gate asks at each sign-in, and about once a minute in a session without a second factor.
    ///
    /// # Errors
    /// If it cannot be decided. Then nobody is let in.
    fn requirement(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Requirement, BoxError>> + Send {
        let _ = account;
        async { Ok(Requirement::Optional) }
    }

    /// Tells the owner of the account, by mail for example. The change is stored already. A failure
    /// here is yours to log.
    fn notify(&self, account: &AccountId, notice: Notice) -> impl Future<Output = ()> + Send {
        let _ = (account, notice);
        async {}
    }
}

/// The result of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordCheck {
    /// The password is right.
    Right,
    /// The password is wrong.
    Wrong,
    /// Too many passwords were tried. Nothing was checked.
    TooMany {
        /// The time to wait.
        retry_after: Duration,
    },
    /// The account has no password: [`Accounts::has_password`] says so too. A code must be enough.
    NoPassword,
}

impl From<bool> for PasswordCheck {
    /// Right or wrong.
    fn from(is_right: bool) -> Self {
        if is_right { Self::Right } else { Self::Wrong }
    }
}
