//! Inserts the session of a login in the same SQL transaction as the accepted code. Whenever the
//! process ends, both are stored or neither is. The event of each write goes into an outbox table,
//! in the same transaction, exactly once.
//!
//! ```text
//! cargo run --example host_transaction
//! ```
//!
//! The store is in `store.rs`; `tests/host_transaction.rs` runs the conformance tests on it. This
//! program shows its use, with a second process that aborts before and after the commit.

mod crash;
mod store;

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;

use countersign::event::Event;
use countersign::runtime::{Clock, RandomSource, SystemClock, SystemRandom};
use countersign::testing::Phone;
use countersign::{
    AccountId, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, SealingKey, Verifier,
};
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::SqlitePool;

use crate::crash::Moment;
use crate::store::{NewSession, RequestStore};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(moment) = std::env::args().nth(1) {
        return crash::abort_in_login(moment.parse()?).await;
    }
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("service.db");
    let key = SealingKey::generate()?;
    let service = Service::open(&database, &key).await?;
    let alice = AccountId::from(1_u32);

    let (phone, codes) = service.enroll(&alice).await?;
    writeln!(
        stdout(),
        "Alice has enrolled her phone, and has {} backup codes.\n",
        codes.len()
    )?;

    writeln!(stdout(), "A wrong code:")?;
    let outcome = service.log_in(&alice, "1234 5678").await?;
    service.show(outcome).await?;

    writeln!(stdout(), "Her passcode:")?;
    let passcode = phone.passcode(SystemClock.now().saturating_add(30));
    let outcome = service.log_in(&alice, &passcode).await?;
    service.show(outcome).await?;

    writeln!(stdout(), "The same passcode again:")?;
    let outcome = service.log_in(&alice, &passcode).await?;
    service.show(outcome).await?;

    let mut codes = codes.iter();
    for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
        let code = codes.next().ok_or("there are no codes left")?;
        writeln!(
            stdout(),
            "A backup code, and the process aborts {moment} the commit:"
        )?;
        crash::log_in_and_abort(moment, &database, &key, code)?;
        service.show("no answer").await?;
        writeln!(stdout(), "The same backup code again:")?;
        let outcome = service.log_in(&alice, code).await?;
        service.show(outcome).await?;
    }
    writeln!(
        stdout(),
        "Each accepted code has one session. Nobody can use the session whose answer was lost, because its token was \
         never sent to a browser."
    )?;
    Ok(())
}

/// A service with its pool, and one verifier that all requests share.
struct Service {
    pool: SqlitePool,
    verifier: Verifier<RequestStore>,
}

impl Service {
    async fn open(database: &Path, key: &SealingKey) -> Result<Self> {
        let pool = SqlitePool::connect_with(SqliteStore::connect_options(database)).await?;
        let store = RequestStore::new(pool.clone(), None);
        store.create_tables().await?;
        let keyring = Keyring::new(KeyId::new(1), key.clone());
        let verifier = Verifier::builder(store, keyring, "Example").build()?;
        Ok(Self { pool, verifier })
    }

    async fn enroll(
        &self,
        account: &AccountId,
    ) -> Result<(Phone, countersign::backup::BackupCodes)> {
        let password_checked_at = SystemClock.now();
        let proof = Proof::Password {
            checked_at: password_checked_at,
        };
        let request = EnrollmentRequest::new("alice@example.com");
        let enrollment = self
            .verifier
            .begin_enrollment(account, request, proof)
            .await?;
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
        let passcode = phone.passcode(SystemClock.now());
        let receipt = self
            .verifier
            .confirm_enrollment(account, enrollment.id(), &passcode)
            .await?;
        let proof = Proof::Reauthenticated {
            first_factor: FirstFactor::password(password_checked_at),
            receipt: &self.verifier.seal_receipt(&receipt),
        };
        let issued = self.verifier.issue_backup_codes(account, proof).await?;
        Ok((phone, issued.into_codes()))
    }

    /// The second step of a login, as a handler does it after the password check.
    /// `Verifier::with_store` is cheap.
    async fn log_in(&self, account: &AccountId, code: &str) -> Result<&'static str> {
        let session = new_session()?;
        let store = RequestStore::new(self.pool.clone(), Some(session.clone()));
        // A web handler runs this in a separate task, so that a lost connection does not cancel it.
        let verified = self.verifier.with_store(store).verify(account, code).await;
        match verified {
            Ok(_receipt) => {
                // Only now may the token leave the server: the answer sets it as a cookie.
                let query = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE token = ?1");
                let found: i64 = query.bind(&session.token).fetch_one(&self.pool).await?;
                Ok(if found == 1 {
                    "accepted, with a session"
                } else {
                    "accepted, without a session"
                })
            }
            Err(countersign::Denied::Rejected(_) | countersign::Denied::Repeated(_)) => {
                Ok("refused")
            }
            Err(countersign::Denied::Failed(error)) => Err(error.into()),
        }
    }

    /// Shows what was committed since the last call.
    async fn show(&self, outcome: &str) -> Result<()> {
        let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions")
            .fetch_one(&self.pool)
            .await?;
        let events = match self.deliver().await?.as_slice() {
            [] => "nothing".to_owned(),
            events => events.join(", "),
        };
        writeln!(
            stdout(),
            "  {outcome}; events: {events}; sessions in the table: {sessions}\n"
        )?;
        Ok(())
    }

    /// Delivers the events of the outbox in their order, and deletes each one afterwards.
    ///
    /// A service sends a mail here. If it ends between the mail and the deletion, it delivers the
    /// event again. The receiver knows the event by its account and revision.
    async fn deliver(&self) -> Result<Vec<String>> {
        let mut delivered = Vec::new();
        let rows = sqlx::query_as("SELECT number, event FROM outbox ORDER BY number");
        let rows: Vec<(i64, String)> = rows.fetch_all(&self.pool).await?;
        for (number, event) in rows {
            let event: Event<'_> = serde_json::from_str(&event)?;
            delivered.push(event.event_type.to_string());
            let query = sqlx::query("DELETE FROM outbox WHERE number = ?1");
            query.bind(number).execute(&self.pool).await?;
        }
        Ok(delivered)
    }
}

fn new_session() -> Result<NewSession> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(NewSession { token })
}
