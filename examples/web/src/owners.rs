//! What the gate asks the service about the owners of accounts, and tells them.

use std::sync::Arc;

use countersign::AccountId;
use countersign_axum::gate::{Accounts, Notice, PasswordCheck};

use crate::BoxError;
use crate::events::{self, Event};
use crate::mail::{self, Mailer};
use crate::users::{Checked, User, Users};

pub(crate) struct Owners {
    pub(crate) users: Users,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) origin: String,
}

impl Owners {
    async fn user(&self, account: &AccountId) -> Result<User, BoxError> {
        let user = self.users.by_account(account).await?;
        user.ok_or_else(|| "the account has no user".into())
    }

    async fn tell(&self, account: &AccountId, notice: &Notice) -> Result<(), BoxError> {
        let event = Event::of(account, notice);
        events::insert(self.users.database(), &event).await?;
        if let Some((subject, text)) = mail::of(&notice.what) {
            let to = self.user(account).await?.email;
            let mail = mail::about(&to, &self.origin, &subject, &text);
            self.mailer.send(mail);
        }
        Ok(())
    }
}

impl Accounts for Owners {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(self.user(account).await?.email)
    }

    async fn check_password(
        &self,
        account: &AccountId,
        password: &str,
    ) -> Result<PasswordCheck, BoxError> {
        let email = self.user(account).await?.email;
        let checked = self.users.check(&email, password.to_owned()).await?;
        Ok(match checked {
            Checked::Correct(_) => PasswordCheck::Right,
            Checked::Wrong => PasswordCheck::Wrong,
            Checked::TooMany { retry_after } => PasswordCheck::TooMany { retry_after },
        })
    }

    async fn notify(&self, account: &AccountId, notice: Notice) {
        if let Err(error) = self.tell(account, &notice).await {
            tracing::error!(%account, error, "an event was not stored");
        }
    }
}
