//! A write that waits for a lock. The client gives up, and the server applies the write later.

use std::time::Duration;

use countersign::{Denied, Rejection, VerifierError};
use countersign_store_soak::connect::{DIESEL_POSTGRES, TOKIO_POSTGRES, connect_within};
use countersign_store_soak::service::{Service, failures};
use countersign_store_soak::users::{ENROLLED_AT, TestUser};
use countersign_store_testing::{Durability, MariaDb, Postgres, available};
use sqlx::Connection;

const NOW: u64 = ENROLLED_AT + 600;
/// The time limit of a call.
const LIMIT: Duration = Duration::from_secs(2);

macro_rules! a_late_write_is_never_accepted_twice {
    ($name:ident, $server:ident, $connection:ty, $scheme:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let Some(server) = available($server::start(Durability::Fast)) else {
                return;
            };
            let own = server.url();
            let (_, rest) = own.split_once(':').unwrap();
            let url = format!("{}:{rest}", $scheme);
            let patient = connect_within(&url, 2, Duration::from_secs(100)).await;
            let hasty = Service::new(connect_within(&url, 4, LIMIT).await);
            let witness = Service::new(patient.clone());
            let (user, _) = TestUser::enroll(&witness, "late", false).await;
            let (account, passcode) = (&user.account, user.passcode(NOW / 30));
            let mut other = <$connection>::connect(&server.url()).await.unwrap();

            let mut accepted = 0;
            for code in [user.wrong_passcode(NOW, 0), passcode.clone()] {
                for sql in ["BEGIN", "SELECT account FROM countersign FOR UPDATE"] {
                    sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
                }
                let attempt = hasty.at(NOW).verify(account, &code);
                let unlock = async {
                    // By now the client has given up the first write. The first write
                    // still waits in the server, and so does the second write.
                    tokio::time::sleep(LIMIT * 3 / 2).await;
                    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
                };
                let (result, ()) = tokio::join!(attempt, unlock);
                println!("{}, a write that waits for a lock: {result:?}", $scheme);
                match result {
                    Ok(_receipt) => accepted += 1,
                    Err(Denied::Rejected(Rejection::WrongCode)) if code != passcode => {
                        assert_eq!(failures(&patient, account).await.unwrap(), 1);
                    }
                    Err(Denied::Failed(VerifierError::Unsettled(_))) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            match witness.at(NOW).verify(account, &passcode).await {
                Ok(_receipt) => accepted += 1,
                Err(denied) => assert_eq!(denied.rejection(), Some(Rejection::Replayed)),
            }
            assert!(accepted <= 1, "accepted twice");
        }
    };
}

a_late_write_is_never_accepted_twice!(
    a_late_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::PgConnection,
    "postgres"
);
a_late_write_is_never_accepted_twice!(
    a_late_tokio_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::PgConnection,
    TOKIO_POSTGRES
);
a_late_write_is_never_accepted_twice!(
    a_late_diesel_postgres_write_is_never_accepted_twice,
    Postgres,
    sqlx::PgConnection,
    DIESEL_POSTGRES
);
a_late_write_is_never_accepted_twice!(
    a_late_mariadb_write_is_never_accepted_twice,
    MariaDb,
    sqlx::MySqlConnection,
    "mysql"
);
