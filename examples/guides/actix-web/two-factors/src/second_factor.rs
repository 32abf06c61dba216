use countersign_actix::gate::countersign::{self, AccountId, KeyId, Keyring, SealingKey, Verifier};
use countersign_actix::{Accounts, Gate, PasswordCheck};
use countersign_sqlx::{PostgresStore, SignInTables};

use crate::{Result, users::Users};

/// Makes the gate, and the tables that it needs.
pub async fn gate(url: &str, users: Users) -> Result<Gate> {
    let pool = PostgresStore::own_pool_options().connect(url).await?;
    let store = PostgresStore::new(pool).with_sign_ins(SignInTables::new());
    store.create_tables().await?;
    let key = SealingKey::from_bytes(std::fs::read("second-factor.key")?.as_slice().try_into()?);
    // One password hash at a time. Each takes 19 MiB and keeps a core busy.
    let verifier = Verifier::builder(store, Keyring::new(KeyId::new(1), key), "Example")
        .hash_executor(countersign::runtime::TokioPool::new(std::num::NonZeroUsize::MIN));
    Ok(Gate::builder(verifier.build()?, users).service("Example").build())
}

/// What the gate asks about the users.
impl Accounts for Users {
    async fn account_name(&self, account: &AccountId) -> Result<String> {
        self.email(account.as_str().parse()?).await
    }

    async fn check_password(&self, account: &AccountId, password: &str) -> Result<PasswordCheck> {
        Ok(self.sign_in(&self.account_name(account).await?, password).await?.is_some().into())
    }
}
