use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use countersign::runtime::TokioPool;
use countersign::store::BoxStore;
use countersign::{Keyring, Verifier};
use countersign_axum::gate::words::Language;
use countersign_axum::gate::{DefaultPages, SignInStore};
use countersign_axum::{Gate, SignedIn};

use crate::clock::SharedClock;
use crate::database::{Database, on_postgres, on_sqlite};
use crate::failure::Failure;
use crate::layout;
use crate::mail::{Mail, Mailer};
use crate::owners::Owners;
use crate::passwords::Passwords;
use crate::session_store::Sessions;
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
    pub clock: SharedClock,
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
    pub(crate) database: Database,
    pub(crate) origin: Arc<str>,
    operators: Arc<[String]>,
    mailer: Arc<dyn Mailer>,
    pub(crate) clock: SharedClock,
    /// The verifier of the pages that only read, and of the staff.
    pub(crate) verifier: Verifier<BoxStore>,
    pub(crate) gate: Gate,
    pub(crate) users: Users,
}

impl App {
    /// Creates a service.
    ///
    /// # Errors
    /// If no password can be hashed.
    pub async fn new(settings: Settings) -> Result<Self, BoxError> {
        let Settings {
            database,
            keyring,
            origin,
            operators,
            mailer,
            clock,
        } = settings;
        let users = Users::new(database.clone(), Passwords::new().await?, clock.clone());
        let owners = Owners {
            users: users.clone(),
            mailer: Arc::clone(&mailer),
            origin: origin.clone(),
        };
        let (verifier, gate) = match &database {
            Database::Sqlite(pool) => gate(on_sqlite(pool)?, keyring, owners, &clock)?,
            Database::Postgres(pool) => gate(on_postgres(pool)?, keyring, owners, &clock)?,
        };
        Ok(Self {
            database,
            origin: origin.into(),
            operators: operators.into(),
            mailer,
            clock,
            verifier,
            gate,
            users,
        })
    }

    /// Deletes what has expired. Call it regularly.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn purge(&self) -> Result<(), BoxError> {
        self.sessions().delete_expired().await?;
        self.gate.purge().await?;
        self.users.purge().await
    }

    pub(crate) fn sessions(&self) -> Sessions {
        Sessions(self.database.clone())
    }

    /// The user who is signed in.
    pub(crate) async fn user(&self, member: &SignedIn) -> Result<User, Failure> {
        let user = self.users.by_account(member.account()).await?;
        user.ok_or_else(Failure::not_found)
    }

    /// Whether a user with this address may see `/admin`.
    pub(crate) fn is_operator(&self, email: &str) -> bool {
        self.operators.iter().any(|operator| operator == email)
    }

    pub(crate) fn send(&self, mail: Mail) {
        self.mailer.send(mail);
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
    clock: &SharedClock,
) -> Result<(Verifier<BoxStore>, Gate), BoxError> {
    // Each hash of a backup code takes 19 MiB, like the hash of a password.
    let hashes_at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let verifier = Verifier::builder(store.clone(), keyring, SERVICE)
        .clock(clock.clone())
        .hash_executor(TokioPool::new(hashes_at_once))
        .build()?;
    let readers = verifier.with_store(BoxStore::new(store));
    let gate = Gate::builder(verifier, owners)
        .service(SERVICE)
        .home_path("/account")
        .pages(DefaultPages::framed(layout::around))
        .languages([Language::English])
        .clock(clock.clone());
    Ok((readers, gate.build()))
}
