//! Imports in a transaction of the application.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use countersign::import::{ExistingFactor, Import, ImportError, Imported, ImportedAuthenticator};
use countersign::otp::Secret;
use countersign::store::Store;
use countersign::{Denied, KeyId, Keyring, SealingKey, Status, Verifier, VerifierError, blocking};
use countersign_diesel::{BoxError, Connections, DieselStore, Error};
use diesel::connection::Connection;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, TransactionManager,
};

use crate::databases::Database;
use crate::kinds::{
    Blocking, DeadpoolOnMariaDb, DeadpoolOnPostgres, DeadpoolOnSqlite, Kind, R2d2OnMariaDb,
    R2d2OnPostgres, R2d2OnSqlite, database,
};
use crate::support::{account, store};

/// The import of a phone with this secret.
fn import(byte: u8) -> Import {
    let secret = Secret::from_bytes(&[byte; 20]).unwrap();
    Import::new([ImportedAuthenticator::totp(secret)])
}

fn keyring() -> Keyring {
    Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]))
}

fn verifier<S: Store>(store: S) -> Verifier<S> {
    let builder = Verifier::builder(store, keyring(), "Example");
    builder.build().unwrap()
}

async fn is_imported<S: Store>(verifier: &Verifier<S>, id: u32) -> bool {
    match verifier.status(&account(id)).await.unwrap() {
        Status::Enabled(enabled) => enabled.authenticators[0].imported,
        Status::Absent => false,
        status => panic!("{status:?}"),
    }
}

/// The error of the store that made an import fail.
fn failed(error: ImportError) -> Error {
    let ImportError::Failed(VerifierError::Store(error) | VerifierError::Unsettled(Some(error))) =
        error
    else {
        panic!("{error:?}");
    };
    *error.downcast().unwrap()
}

macro_rules! a_rollback_imports_nothing {
    ($($name:ident: $kind:ident;)+) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let Some(database) = database::<$kind>() else {
                return;
            };
            let pool = $kind::open(&database.url, 2).await;
            let verifier = verifier(store::<$kind>(&pool).await);
            verifier.import(&account(9), &import(9)).await.unwrap();
            for commits in [false, true] {
                let mut connection = pool.connection().await.unwrap();
                let imported: Result<(), BoxError> = connection
                    .transaction(async |connection| {
                        let inside = verifier.store().in_transaction(connection);
                        imports(&verifier.with_store(inside)).await;
                        if commits { Ok(()) } else { Err("rolled back".into()) }
                    })
                    .await;
                assert_eq!(imported.is_ok(), commits);
                for id in [1, 2] {
                    assert_eq!(is_imported(&verifier, id).await, commits, "{id}");
                }
            }
        }
    )+ };
}

a_rollback_imports_nothing! {
    a_rollback_imports_nothing_on_postgres: DeadpoolOnPostgres;
    a_rollback_imports_nothing_on_mariadb: DeadpoolOnMariaDb;
    a_rollback_imports_nothing_on_sqlite: DeadpoolOnSqlite;
}

/// The account 9 is imported already.
async fn imports<S: Store>(importer: &Verifier<S>) {
    let of = async |id, byte| {
        let import = import(byte);
        importer.import_in_transaction(&account(id), &import).await
    };
    assert_eq!(of(1, 1).await.unwrap(), Imported::Now);
    assert_eq!(of(1, 1).await.unwrap(), Imported::AlreadyHere);
    let other = of(1, 2).await.unwrap_err();
    assert!(
        matches!(other, ImportError::Occupied(ExistingFactor::OtherImport)),
        "{other:?}"
    );
    assert_eq!(of(9, 9).await.unwrap(), Imported::AlreadyHere);
    assert!(of(9, 1).await.is_err());
    assert_eq!(of(2, 2).await.unwrap(), Imported::Now);
}

macro_rules! a_rollback_imports_nothing_without_futures {
    ($($name:ident: $kind:ident;)+) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let Some(database) = database::<$kind>() else {
                return;
            };
            let pool = $kind::open(&database.url, 2).await;
            let Blocking(store) = store::<$kind>(&pool).await;
            let builder = blocking::Verifier::builder(store, keyring(), "Example");
            let verifier = builder.build_blocking().unwrap();
            for commits in [false, true] {
                let mut connection = pool.get().unwrap();
                let connection: &mut _ = &mut *connection;
                let imported: Result<(), BoxError> = connection.transaction(|connection| {
                    let inside = verifier.store().in_transaction(connection);
                    let importer = verifier.with_store(inside);
                    let one = importer.import_in_transaction(&account(1), &import(1))?;
                    assert_eq!(one, Imported::Now);
                    let again = importer.import_in_transaction(&account(1), &import(1))?;
                    assert_eq!(again, Imported::AlreadyHere);
                    if commits { Ok(()) } else { Err("rolled back".into()) }
                });
                assert_eq!(imported.is_ok(), commits, "{imported:?}");
                let status = verifier.status(&account(1)).unwrap();
                assert_eq!(matches!(status, Status::Enabled(_)), commits);
            }
        }
    )+ };
}

a_rollback_imports_nothing_without_futures! {
    a_blocking_rollback_imports_nothing_on_postgres: R2d2OnPostgres;
    a_blocking_rollback_imports_nothing_on_mariadb: R2d2OnMariaDb;
    a_blocking_rollback_imports_nothing_on_sqlite: R2d2OnSqlite;
}

type Pool = <DeadpoolOnPostgres as Kind>::Pool;

async fn on_postgres() -> Option<(Database, Pool, Verifier<DieselStore<Pool>>)> {
    let database = database::<DeadpoolOnPostgres>()?;
    let pool = DeadpoolOnPostgres::open(&database.url, 2).await;
    let verifier = verifier(store::<DeadpoolOnPostgres>(&pool).await);
    Some((database, pool, verifier))
}

#[tokio::test]
async fn other_methods_are_refused() {
    let Some((_database, pool, verifier)) = on_postgres().await else {
        return;
    };
    verifier.import(&account(1), &import(1)).await.unwrap();
    let mut connection = pool.connection().await.unwrap();
    let imported: Result<(), BoxError> = connection
        .transaction(async |connection| {
            let importer = verifier.with_store(verifier.store().in_transaction(connection));
            match importer.verify(&account(1), "123456").await {
                Err(Denied::Failed(VerifierError::Unsettled(Some(error)))) => {
                    assert!(matches!(*error.downcast()?, Error::OnlyImports));
                }
                answer => panic!("{answer:?}"),
            }
            let refused = importer.import(&account(2), &import(2)).await.unwrap_err();
            assert!(matches!(failed(refused), Error::OnlyImports));
            // Nothing was sent, so the transaction goes on.
            importer
                .import_in_transaction(&account(2), &import(2))
                .await?;
            Ok(())
        })
        .await;
    imported.unwrap();
    assert!(is_imported(&verifier, 2).await);
}

/// The table of the second store does not exist.
#[tokio::test]
async fn nothing_follows_a_failed_statement() {
    let Some((_database, pool, verifier)) = on_postgres().await else {
        return;
    };
    let broken = DieselStore::new(pool.clone())
        .with_table("missing")
        .unwrap();
    let mut connection = pool.connection().await.unwrap();
    let imported: Result<(), BoxError> = connection
        .transaction(async |connection| {
            let importer = verifier.with_store(broken.in_transaction(connection));
            for id in [1, 2] {
                let error = importer
                    .import_in_transaction(&account(id), &import(1))
                    .await;
                match failed(error.unwrap_err()) {
                    Error::TransactionFailed(Some(reason)) => {
                        assert!(matches!(*reason, Error::NoTable { .. }), "{reason:?}");
                    }
                    error => panic!("{error:?}"),
                }
            }
            Err("rolled back".into())
        })
        .await;
    imported.unwrap_err();
}

#[tokio::test]
async fn nothing_follows_an_interrupted_statement() {
    let Some((_database, pool, verifier)) = on_postgres().await else {
        return;
    };
    let mut connection = pool.connection().await.unwrap();
    let imported: Result<(), BoxError> = connection
        .transaction(async |connection| {
            let importer = verifier.with_store(verifier.store().in_transaction(connection));
            {
                let (one, first) = (account(1), import(1));
                let mut dropped = pin!(importer.import_in_transaction(&one, &first));
                let polled = poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context)));
                assert!(polled.await.is_pending());
            }
            let error = importer
                .import_in_transaction(&account(2), &import(2))
                .await;
            let error = failed(error.unwrap_err());
            assert!(matches!(error, Error::TransactionFailed(None)), "{error:?}");
            Err("rolled back".into())
        })
        .await;
    imported.unwrap_err();
    assert!(!is_imported(&verifier, 1).await);
}

/// Without a transaction, each import would commit by itself.
#[tokio::test]
async fn a_connection_needs_a_transaction() {
    let Some((_database, pool, verifier)) = on_postgres().await else {
        return;
    };
    let mut connection = pool.connection().await.unwrap();
    let connection: &mut AsyncPgConnection = &mut connection;
    let importer = verifier.with_store(verifier.store().in_transaction(connection));
    let error = importer
        .import_in_transaction(&account(1), &import(1))
        .await;
    let error = failed(error.unwrap_err());
    assert!(
        matches!(error, Error::TransactionFailed(Some(_))),
        "{error:?}"
    );
    drop(importer);
    AnsiTransactionManager::begin_transaction(connection)
        .await
        .unwrap();
    let importer = verifier.with_store(verifier.store().in_transaction(connection));
    importer
        .import_in_transaction(&account(1), &import(1))
        .await
        .unwrap();
    drop(importer);
    AnsiTransactionManager::rollback_transaction(connection)
        .await
        .unwrap();
    assert!(!is_imported(&verifier, 1).await);
}
