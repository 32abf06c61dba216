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
        let mut passwords = Self {
            permits: Arc::new(Semaphore::new(threads.get())),
            dummy_hash: String::new(),
        };
        passwords.dummy_hash = passwords.hash(crate::token::new()?).await?;
        Ok(passwords)
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, BoxError> {
        let hash = self.run(move || Argon2::default().hash_password(password.as_bytes()));
        Ok(hash.await??.to_string())
    }

    /// Whether the password matches this hash. Without a hash it does the same work, and returns
    /// false.
    pub(crate) async fn matches(
        &self,
        hash: Option<String>,
        password: String,
    ) -> Result<bool, BoxError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.clone());
        let is_correct = self.run(move || {
            let hash = PasswordHash::new(&hash)?;
            let checked = Argon2::default().verify_password(password.as_bytes(), &hash);
            Ok::<_, argon2::password_hash::phc::Error>(checked.is_ok())
        });
        Ok(is_correct.await?? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let job = spawn_blocking(move || {
            let _permit = permit;
            job()
        });
        Ok(job.await?)
    }
}

/// NIST SP 800-63B-4, 3.1.1.2 requires at least 8 characters with a second factor, and forbids
/// composition rules.
pub(crate) const SHORTEST: usize = 8;
/// Limits the length, so that nobody makes the service hash a megabyte.
pub(crate) const LONGEST_BYTES: usize = 256;
