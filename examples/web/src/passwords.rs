use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::BoxError;

/// Argon2id with 19 MiB and two passes, on threads that may block, with a limited number at once.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash that a password is compared with if there is no such user, so that both cases take
    /// the same time.
    dummy_hash: String,
}

impl Passwords {
    pub(crate) async fn new() -> Result<Self, BoxError> {
        let threads = std::thread::available_parallelism()?;
        let permits = Arc::new(Semaphore::new(threads.get()));
        let dummy_hash = hash(&permits, crate::token::new()?).await?;
        Ok(Self {
            permits,
            dummy_hash,
        })
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, BoxError> {
        hash(&self.permits, password).await
    }

    /// Whether the password matches this hash. Without a hash it does the same work, and returns
    /// false.
    pub(crate) async fn matches(
        &self,
        hash: Option<String>,
        password: String,
    ) -> Result<bool, BoxError> {
        let (known, hash) = match hash {
            Some(hash) => (true, hash),
            None => (false, self.dummy_hash.clone()),
        };
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let correct = spawn_blocking(move || {
            let _permit = permit;
            let hash = PasswordHash::new(&hash)?;
            let argon2 = Argon2::default();
            Ok::<_, argon2::password_hash::phc::Error>(
                argon2.verify_password(password.as_bytes(), &hash).is_ok(),
            )
        });
        Ok(correct.await?? && known)
    }
}

async fn hash(permits: &Arc<Semaphore>, password: String) -> Result<String, BoxError> {
    let permit = Arc::clone(permits).acquire_owned().await?;
    let hash = spawn_blocking(move || {
        let _permit = permit;
        Argon2::default().hash_password(password.as_bytes())
    });
    Ok(hash.await??.to_string())
}

/// NIST SP 800-63B-4, 3.1.1.2 requires at least 8 characters with a second factor, and forbids
/// composition rules.
pub(crate) const SHORTEST: usize = 8;
/// Limits the length, so that nobody makes the service hash a megabyte.
pub(crate) const LONGEST_BYTES: usize = 256;
