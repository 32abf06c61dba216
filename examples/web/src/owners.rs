//! What the gate asks the service about the owners of accounts, and tells them.

use countersign::AccountId;
use countersign::session::SecondFactorUse;
use countersign_axum::gate::words::Words;
use countersign_axum::gate::{Accounts, Notice, PasswordCheck, What};

use crate::BoxError;
use crate::events;
use crate::mail::Post;
use crate::users::{User, Users};

pub(crate) struct Owners {
    pub(crate) users: Users,
    pub(crate) post: Post,
}

impl Owners {
    async fn user(&self, account: &AccountId) -> Result<User, BoxError> {
        let user = self.users.by_account(account).await?;
        user.ok_or_else(|| "the account has no user".into())
    }

    async fn tell(&self, account: &AccountId, notice: &Notice) -> Result<(), BoxError> {
        let password_alone = SecondFactorUse::None;
        // The store writes every other event with the record.
        if matches!(notice.what, What::SignedIn { second, .. } if second == password_alone) {
            events::insert(&self.users.database, account, notice.clone().into()).await?;
        }
        if let Some(mail) = (Words::ENGLISH.mail)(&notice.what) {
            self.post.report(&self.user(account).await?.email, &mail);
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
        Ok(checked.map_or_else(|refused| refused, |_| PasswordCheck::Right))
    }

    async fn notify(&self, account: &AccountId, notice: Notice) {
        if let Err(error) = self.tell(account, &notice).await {
            tracing::error!(%account, error, "an event was not stored");
        }
    }
}
