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
use crate::sessions::Sessions;
use crate::store::HostStore;
use crate::users::{User, Users};
use crate::visitor::SignIn;
use crate::{BoxError, SERVICE};

/// What a service is set up with.
pub struct Settings {
    /// Where everything is kept.
    pub database: Database,
    /// What records are sealed with.
    pub keyring: Keyring,
    /// The address of the service as browsers see it, without a slash at the end.
    pub origin: String,
    /// The addresses of those who may see `/admin`. Empty: there is no such page.
    pub operators: Vec<String>,
    /// What sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Where the time comes from.
    pub clock: SharedClock,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The service: what all requests share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    database: Database,
    origin: String,
    operators: Vec<String>,
    mailer: Arc<dyn Mailer>,
    clock: SharedClock,
    verifier: Verifier<HostStore>,
    users: Users,
}

impl App {
    /// Sets a service up.
    ///
    /// # Errors
    /// If no password can be digested here.
    pub async fn new(settings: Settings) -> Result<Self, BoxError> {
        let Settings {
            database,
            keyring,
            origin,
            operators,
            mailer,
            clock,
        } = settings;
        let store = HostStore::new(database.clone(), clock.clone());
        // Each digest of a backup code takes 19 MiB, as each password does.
        let digests_at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let verifier = Verifier::builder(store, keyring, SERVICE)
            .clock(clock.clone())
            .hash_executor(TokioPool::new(digests_at_once))
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

    /// Deletes sessions and tokens that have expired. To be called now and then.
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

    pub(crate) fn verifier(&self) -> &Verifier<HostStore> {
        &self.0.verifier
    }

    pub(crate) fn users(&self) -> &Users {
        &self.0.users
    }

    pub(crate) fn send(&self, mail: Mail) {
        self.0.mailer.send(mail);
    }

    /// The verifier of a change that is made in this sign-in. All others of the user end with it.
    pub(crate) fn verifier_keeping(&self, sign_in: &SignIn) -> Verifier<HostStore> {
        let store = self.verifier().store().keeping(sign_in.id.clone());
        self.verifier().with_store(store)
    }

    /// Tells the owner of a change that is on record.
    pub(crate) fn tell(&self, user: &User, change: &Change) {
        self.send(change.mail(&user.email, SERVICE, self.origin()));
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// Does the work in a task of its own, so that a browser that goes away does not cut it short: a code that was used up is
/// followed by all that belongs to it.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Failure> {
    Ok(tokio::spawn(work.in_current_span()).await?)
}

/// Makes `?` take the boxed errors of the host's own modules.
pub(crate) trait OrFail<T> {
    fn or_fail(self) -> Result<T, Failure>;
}

impl<T> OrFail<T> for Result<T, BoxError> {
    fn or_fail(self) -> Result<T, Failure> {
        Ok(self.map_err(Boxed)?)
    }
}
