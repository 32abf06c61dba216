use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use countersign::factor::EnabledStatus;
use countersign::runtime::{Clock, TokioPool};
use countersign::store::BoxStore;
use countersign::{AccountId, Keyring, Status, Verifier};
use countersign_axum::gate::words::Language;
use countersign_axum::gate::{DefaultPages, SignInStore};
use countersign_axum::{Gate, SignedIn};
use countersign_sqlx::SessionTable;
use tower_sessions::session_store::ExpiredDeletion;

use crate::database::{Database, on_postgres, on_sqlite};
use crate::failure::Failure;
use crate::layout;
use crate::mail::{Mailer, Post};
use crate::owners::Owners;
use crate::passwords::Passwords;
use crate::users::{User, Users};
use crate::{BoxError, SERVICE};

/// The settings of a service.
pub struct Settings {
    /// The database for all tables of the service.
    pub database: Database,
    /// The keys that encrypt the records.
    pub keyring: Keyring,
    /// The address of the service for browsers, without a slash at the end.
    pub origin: String,
    /// The email addresses of users who may see `/admin`. If empty, there is no such page.
    pub operators: Vec<String>,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Returns the time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The service, shared by all requests. Cloning it is cheap.
#[derive(Clone)]
pub struct App {
    pub(crate) users: Users,
    pub(crate) post: Post,
    pub(crate) sessions: SessionTable,
    operators: Arc<[String]>,
    /// The verifier of the pages that only read, and of the staff.
    pub(crate) verifier: Verifier<BoxStore>,
    pub(crate) gate: Gate,
}

impl App {
    /// Creates a service.
    ///
    /// # Errors
    /// If no password can be hashed.
    pub async fn new(settings: Settings) -> Result<Self, BoxError> {
        let users = Users {
            database: settings.database,
            passwords: Arc::new(Passwords::new().await?),
            clock: settings.clock,
        };
        let post = Post {
            mailer: settings.mailer,
            origin: settings.origin.into(),
        };
        let owners = Owners {
            users: users.clone(),
            post: post.clone(),
        };
        let (verifier, gate) = match &users.database {
            Database::Sqlite(pool) => gate(on_sqlite(pool)?, settings.keyring, owners)?,
            Database::Postgres { store, .. } => {
                gate(on_postgres(store)?, settings.keyring, owners)?
            }
        };
        Ok(Self {
            sessions: users.database.sessions()?,
            users,
            post,
            operators: settings.operators.into(),
            verifier,
            gate,
        })
    }

    /// Deletes what has expired. Call it regularly.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn purge(&self) -> Result<(), BoxError> {
        self.sessions.delete_expired().await?;
        self.gate.purge().await?;
        self.users.purge().await
    }

    /// The second factor of an account, if it is enabled.
    pub(crate) async fn factor(
        &self,
        account: &AccountId,
    ) -> Result<Option<EnabledStatus>, Failure> {
        match self.verifier.status(account).await? {
            Status::Enabled(enabled) => Ok(Some(enabled)),
            _ => Ok(None),
        }
    }

    /// The user who is signed in.
    pub(crate) async fn user(&self, member: &SignedIn) -> Result<User, Failure> {
        let user = self.users.by_account(member.account()).await?;
        user.ok_or(Failure::NOT_FOUND)
    }

    /// Whether a user with this address may see `/admin`.
    pub(crate) fn is_operator(&self, email: &str) -> bool {
        let mut operators = self.operators.iter();
        operators.any(|operator| operator.eq_ignore_ascii_case(email))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// Builds the verifier on a store, and the gate on the verifier.
fn gate<S: SignInStore>(
    store: S,
    keyring: Keyring,
    owners: Owners,
) -> Result<(Verifier<BoxStore>, Gate), BoxError> {
    // Each hash of a backup code takes 19 MiB, like the hash of a password.
    let hashes_at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let clock = Arc::clone(&owners.users.clock);
    let verifier = Verifier::builder(store.clone(), keyring, SERVICE)
        .clock(Arc::clone(&clock))
        .hash_executor(TokioPool::new(hashes_at_once))
        .build()?;
    let readers = verifier.with_store(BoxStore::new(store));
    let gate = Gate::builder(verifier, owners)
        .service(SERVICE)
        .home_path("/account")
        .pages(DefaultPages::framed(layout::around))
        .languages([Language::English])
        .clock(clock);
    Ok((readers, gate.build()))
}
