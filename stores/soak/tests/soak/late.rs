//! A write that waits for a lock. The client gives up, and the server applies the write later.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign::store::{BoxStore, ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign::{AccountId, Denied, Rejection};
use countersign_store_soak::connect::{
    DIESEL_POSTGRES, TOKIO_POSTGRES, connect_patiently, connect_within,
};
use countersign_store_soak::service::{Service, failures};
use countersign_store_soak::users::{ENROLLED_AT, TestUser};
use countersign_store_testing::{Durability, MariaDb, Postgres, available};
use sqlx::{Connection, Pool};

const NOW: u64 = ENROLLED_AT + 600;

/// A store for an attempt on a locked row. The client gives up the first write, while it waits in
/// the server.
#[derive(Clone)]
struct GivesUpOnce {
    /// The first write has a short time limit.
    hasty: BoxStore,
    /// All other calls have a long one.
    patient: BoxStore,
    has_given_up: Arc<AtomicBool>,
    waiting: Waiting,
}

/// The number of statements that wait for a lock in the server.
type Waiting = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = i64> + Send>> + Send + Sync>;

impl Store for GivesUpOnce {
    type Error = <BoxStore as Store>::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.patient.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        while !self.has_given_up.load(Ordering::SeqCst) {
            let answer = self.hasty.compare_and_swap(account, write).await;
            assert!(answer.is_err(), "{answer:?}");
            // On a busy computer, the client can give up before the server has got the write.
            if (self.waiting)().await > 0 {
                self.has_given_up.store(true, Ordering::SeqCst);
                return answer;
            }
        }
        self.patient.compare_and_swap(account, write).await
    }
}

macro_rules! a_late_write_is_never_accepted_twice {
    ($name:ident, $server:ident, $database:ty, $waiting:expr, $scheme:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let Some(server) = available($server::start(Durability::Fast)) else {
                return;
            };
            let own = server.url();
            let (_, rest) = own.split_once(':').unwrap();
            let url = format!("{}:{rest}", $scheme);
            let patient = connect_patiently(&url, 2).await;
            let hasty = connect_within(&url, 1, Duration::from_secs(2)).await;
            let witness = Service::new(patient.clone());
            let (user, _) = TestUser::enroll(&witness, "late", false).await;
            let (account, passcode) = (&user.account, user.passcode(NOW / 30));
            let pool = Pool::<$database>::connect(&own).await.unwrap();
            let mut other = <$database as sqlx::Database>::Connection::connect(&own)
                .await
                .unwrap();
            let waiting: Waiting = Arc::new(move || {
                let pool = pool.clone();
                Box::pin(
                    async move { sqlx::query_scalar($waiting).fetch_one(&pool).await.unwrap() },
                )
            });

            let mut accepted = 0;
            for code in [user.wrong_passcode(NOW, 0), passcode.clone()] {
                for sql in ["BEGIN", "SELECT account FROM countersign FOR UPDATE"] {
                    sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
                }
                let store = GivesUpOnce {
                    hasty: hasty.clone(),
                    patient: patient.clone(),
                    has_given_up: Arc::default(),
                    waiting: waiting.clone(),
                };
                let has_given_up = store.has_given_up.clone();
                let service = Service::new(BoxStore::new(store));
                let attempt = service.at(NOW).verify(account, &code);
                let unlock = async {
                    // Waits until the client has given up the first write, and until this write and
                    // the second one wait in the server.
                    let start = Instant::now();
                    while !has_given_up.load(Ordering::SeqCst) || waiting().await < 2 {
                        assert!(start.elapsed() < PATIENCE, "two writes do not wait");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
                };
                let (result, ()) = tokio::join!(attempt, unlock);
                println!("{}, a write that waits for a lock: {result:?}", $scheme);
                match result {
                    Ok(_receipt) => accepted += 1,
                    Err(Denied::Rejected(Rejection::WrongCode)) if code != passcode => {
                        assert_eq!(failures(&patient, account).await.unwrap(), 1);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            match witness.at(NOW).verify(account, &passcode).await {
                Ok(_receipt) => accepted += 1,
                Err(denied) => assert_eq!(denied.rejection(), Some(Rejection::Replayed)),
            }
            assert_eq!(accepted, 1);
        }
    };
}

const PATIENCE: Duration = Duration::from_secs(60);
const WAITING_IN_POSTGRES: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted";
const WAITING_IN_MARIADB: &str = "SELECT CAST(variable_value AS SIGNED) \
    FROM information_schema.global_status \
    WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'";

a_late_write_is_never_accepted_twice!(
    a_late_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::Postgres,
    WAITING_IN_POSTGRES,
    "postgres"
);
a_late_write_is_never_accepted_twice!(
    a_late_tokio_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::Postgres,
    WAITING_IN_POSTGRES,
    TOKIO_POSTGRES
);
a_late_write_is_never_accepted_twice!(
    a_late_diesel_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::Postgres,
    WAITING_IN_POSTGRES,
    DIESEL_POSTGRES
);
a_late_write_is_never_accepted_twice!(
    a_late_mariadb_write_is_never_accepted_twice,
    MariaDb,
    sqlx::MySql,
    WAITING_IN_MARIADB,
    "mysql"
);
