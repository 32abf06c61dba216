//! The store of the guides passes the conformance tests, and writes the flag with the record.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../src/store.rs"]
mod store;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use countersign::conformance::Harness;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_store_testing::{Durability, Postgres, available};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::runtime::Runtime;

use store::FlagStore;

static SERVER: LazyLock<Option<Postgres>> = LazyLock::new(|| available(Postgres::start(Durability::Fast)));

struct Service {
    runtime: Runtime,
    pool: PgPool,
}

impl Service {
    fn new(server: &Postgres) -> Self {
        let runtime = Runtime::new().unwrap();
        let pool = runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(16).connect(&server.url()).await.unwrap();
            let mut transaction = pool.begin().await.unwrap();
            let alone = "SELECT pg_advisory_xact_lock(1)";
            sqlx::query(alone).execute(&mut *transaction).await.unwrap();
            sqlx::raw_sql(include_str!("../schema.sql")).execute(&mut *transaction).await.unwrap();
            transaction.commit().await.unwrap();
            FlagStore::new(pool.clone()).records.create_table().await.unwrap();
            pool
        });
        Self { runtime, pool }
    }
}

impl Harness for Service {
    type Store = Numbered;

    fn open(&self) -> Numbered {
        Numbered(FlagStore::new(self.pool.clone()))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// Gives numbers to the accounts of the conformance tests, which have names.
struct Numbered(FlagStore);

impl Numbered {
    fn number(account: &AccountId) -> AccountId {
        let mut hasher = DefaultHasher::new();
        account.hash(&mut hasher);
        hasher.finish().cast_signed().into()
    }
}

impl Store for Numbered {
    type Error = <FlagStore as Store>::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.0.load(&Self::number(account)).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.0.compare_and_swap(&Self::number(account), write).await
    }
}

mod conformance {
    use super::*;

    countersign::conformance_tests!(match &*SERVER {
        Some(server) => Service::new(server),
        None => return Ok(()),
    });
}

#[test]
fn flags_change_only_with_their_records() {
    let Some(server) = &*SERVER else { return };
    let service = Service::new(server);
    service.runtime.block_on(async {
        let sql = "INSERT INTO users (email, password_hash) VALUES ('flags', '') RETURNING id";
        let user: i64 = sqlx::query_scalar(sql).fetch_one(&service.pool).await.unwrap();
        let (account, summary) = (AccountId::from(user), Summary::new(true, 0, KeyId::new(1)));
        let store = FlagStore::new(service.pool.clone());
        let [first, second, third] = [1, 2, 3].map(|number| Revision::from_i64(number).unwrap());
        let steps = [
            (None, first, WriteKind::Enrolling, WriteResult::Done, false),
            (Some(second), third, WriteKind::Enrolled, WriteResult::Stale, false),
            (Some(first), second, WriteKind::Enrolled, WriteResult::Done, true),
            (Some(first), third, WriteKind::Disabled, WriteResult::Stale, true),
            (Some(second), third, WriteKind::Accepted, WriteResult::Done, true),
            (Some(third), first, WriteKind::Disabled, WriteResult::Done, false),
        ];
        for (expected, revision, kind, result, enrolled) in steps {
            let write = ConditionalWrite::put(expected, revision, b"record", kind, summary);
            assert_eq!(store.compare_and_swap(&account, write).await.unwrap(), result, "{write:?}");
            let flag = sqlx::query_scalar("SELECT enrolled FROM users WHERE id = $1").bind(user);
            let flag: bool = flag.fetch_one(&service.pool).await.unwrap();
            assert_eq!(flag, enrolled, "{write:?}");
        }
    });
}
