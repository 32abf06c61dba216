use countersign::session::Requirement;
use countersign::store::MemoryStore;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};

use crate::accounts::{Accounts, BoxError, PasswordCheck};
use crate::{Gate, MemoryRows, Separate};

/// Makes a gate in memory at which every account must enroll. So the first factor of any account
/// leads to a half session, for your own test of your routes.
///
/// # Errors
/// If there are no random bytes for a key.
pub fn must_enroll() -> Result<Gate, BoxError> {
    let store = Separate::new(MemoryStore::new(), MemoryRows::new());
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    Ok(Gate::builder(verifier, MustEnroll).build())
}

struct MustEnroll;

impl Accounts for MustEnroll {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(account.to_string())
    }

    async fn check_password(&self, _: &AccountId, _: &str) -> Result<PasswordCheck, BoxError> {
        Ok(PasswordCheck::Wrong)
    }

    async fn requirement(&self, _: &AccountId) -> Result<Requirement, BoxError> {
        Ok(Requirement::Required)
    }
}
