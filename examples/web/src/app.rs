use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use countersign::runtime::TokioPool;
use countersign::{Keyring, Verifier};
use tracing::Instrument;

use crate::clock::SharedClock;
use crate::database::Database;
use crate::failure::{Boxed, Failure};
use crate::mail::{Change, Mail, Mailer};
use crate::passwords::Passwords;
use crate::session::SignIn;
use crate::session_store::Sessions;
use crate::store::AppStore;
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
pub struct App(Arc<Inner>);

struct Inner {
    database: Database,
    origin: String,
    operators: Vec<String>,
    mailer: Arc<dyn Mailer>,
    clock: SharedClock,
    verifier: Verifier<AppStore>,
    users: Users,
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
        let store = AppStore::new(database.clone(), clock.clone());
        // Each hash of a backup code takes 19 MiB, like the hash of a password.
        let hashes_at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let verifier = Verifier::builder(store, keyring, SERVICE)
            .clock(clock.clone())
            .hash_executor(TokioPool::new(hashes_at_once))
            .build()?;
        let users = Users::new(database.clone(), Passwords::new().await?, clock.clone());
        Ok(Self(Arc::new(Inner {
            database,
            origin,
            operators,
            mailer,
            clock,
            verifier,
            users,
        })))
    }

    /// Deletes expired sessions and tokens. Call it regularly.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn purge(&self) -> Result<(), BoxError> {
        self.sessions().delete_expired().await?;
        self.users().purge().await
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn sessions(&self) -> Sessions {
        Sessions(self.database().clone())
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn operators(&self) -> &[String] {
        &self.0.operators
    }

    pub(crate) fn verifier(&self) -> &Verifier<AppStore> {
        &self.0.verifier
    }

    pub(crate) fn users(&self) -> &Users {
        &self.0.users
    }

    pub(crate) fn send(&self, mail: Mail) {
        self.0.mailer.send(mail);
    }

    /// The verifier for a change in this sign-in. The change ends the user's other sign-ins.
    pub(crate) fn verifier_keeping(&self, sign_in: &SignIn) -> Verifier<AppStore> {
        let store = self.verifier().store().keeping(sign_in.id.clone());
        self.verifier().with_store(store)
    }

    /// Sends the owner a mail about a change that is stored.
    pub(crate) fn notify(&self, user: &User, change: &Change) {
        self.send(change.mail(&user.email, SERVICE, self.origin()));
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// Runs the work in a separate task, so that it finishes even if the browser disconnects. Otherwise
/// a code could be used up without the steps that follow it.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Failure> {
    Ok(tokio::spawn(work.in_current_span()).await?)
}

/// Converts the boxed errors of this service's modules for `?`.
pub(crate) trait OrFail<T> {
    fn or_fail(self) -> Result<T, Failure>;
}

impl<T> OrFail<T> for Result<T, BoxError> {
    fn or_fail(self) -> Result<T, Failure> {
        Ok(self.map_err(Boxed)?)
    }
}
