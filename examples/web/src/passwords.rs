use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::BoxError;

/// Argon2id with 19 MiB and two passes, off the threads that must not block, a bounded number at once.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// What a password is compared with if there is no such user, so that both take the same time.
    nobody: String,
}

impl Passwords {
    pub(crate) async fn new() -> Result<Self, BoxError> {
        let threads = std::thread::available_parallelism()?;
        let permits = Arc::new(Semaphore::new(threads.get()));
        let nobody = hash(&permits, crate::token::new()?).await?;
        Ok(Self { permits, nobody })
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, BoxError> {
        hash(&self.permits, password).await
    }

    /// Whether it is the password of this hash. Without a hash it is not, after the same work.
    pub(crate) async fn matches(
        &self,
        hash: Option<String>,
        password: String,
    ) -> Result<bool, BoxError> {
        let (known, hash) = match hash {
            Some(hash) => (true, hash),
            None => (false, self.nobody.clone()),
        };
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let right = spawn_blocking(move || {
            let _permit = permit;
            let hash = PasswordHash::new(&hash)?;
            let argon2 = Argon2::default();
            Ok::<_, argon2::password_hash::phc::Error>(
                argon2.verify_password(password.as_bytes(), &hash).is_ok(),
            )
        });
        Ok(right.await?? && known)
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

/// NIST SP 800-63B-4, 3.1.1.2 wants at least 8 characters where there is a second factor, and no rules of composition.
pub(crate) const SHORTEST: usize = 8;
/// So that nobody makes the service digest a megabyte.
pub(crate) const LONGEST_BYTES: usize = 256;
