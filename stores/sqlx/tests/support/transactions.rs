//! Checks of imports in a transaction, for every database.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use countersign::import::{ExistingFactor, Import, ImportError, Imported, ImportedAuthenticator};
use countersign::otp::Secret;
use countersign::store::Store;
use countersign::{Denied, KeyId, Keyring, SealingKey, Status, Verifier, VerifierError};
use countersign_sqlx::{Error, TransactionStore};
use sqlx::{Database, Pool};

use super::account;

/// `in_transaction` of a store.
pub(crate) type InTransaction<S, DB> =
    for<'t> fn(&S, &'t mut <DB as Database>::Connection) -> TransactionStore<'t, DB>;

/// The import of a phone with this secret.
pub(crate) fn import(byte: u8) -> Import {
    let secret = Secret::from_bytes(&[byte; 20]).unwrap();
    Import::new([ImportedAuthenticator::totp(secret)])
}

pub(crate) fn verifier<S: Store>(store: S) -> Verifier<S> {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
    Verifier::builder(store, keyring, "Example")
        .build()
        .unwrap()
}

pub(crate) async fn is_imported<S: Store>(verifier: &Verifier<S>, id: u32) -> bool {
    match verifier.status(&account(id)).await.unwrap() {
        Status::Enabled(enabled) => enabled.authenticators[0].imported,
        Status::Absent => false,
        status => panic!("{status:?}"),
    }
}

/// The error of the store that made an import fail.
pub(crate) fn failed(error: ImportError) -> Error {
    let ImportError::Failed(VerifierError::Store(error) | VerifierError::Unsettled(Some(error))) =
        error
    else {
        panic!("{error:?}");
    };
    *error.downcast().unwrap()
}

pub(crate) async fn a_rollback_imports_nothing<S, DB>(
    pool: &Pool<DB>,
    store: S,
    in_transaction: InTransaction<S, DB>,
) where
    S: Store<Error = Error>,
    DB: Database,
    for<'t> TransactionStore<'t, DB>: Store<Error = Error>,
{
    let verifier = verifier(store);
    let imported = verifier.import(&account(9), &import(9)).await;
    assert_eq!(imported.unwrap(), Imported::Now);
    for commits in [false, true] {
        let mut transaction = pool.begin().await.unwrap();
        let importer = verifier.with_store(in_transaction(verifier.store(), &mut transaction));
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
        drop(importer);
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        for id in [1, 2] {
            assert_eq!(is_imported(&verifier, id).await, commits, "{id}");
        }
    }
}

pub(crate) async fn other_methods_are_refused<S, DB>(
    pool: &Pool<DB>,
    store: S,
    in_transaction: InTransaction<S, DB>,
) where
    S: Store<Error = Error>,
    DB: Database,
    for<'t> TransactionStore<'t, DB>: Store<Error = Error>,
{
    let verifier = verifier(store);
    verifier.import(&account(1), &import(1)).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let importer = verifier.with_store(in_transaction(verifier.store(), &mut transaction));
    match importer.verify(&account(1), "123456").await {
        Err(Denied::Failed(VerifierError::Unsettled(Some(error)))) => {
            assert!(matches!(*error.downcast().unwrap(), Error::OnlyImports));
        }
        answer => panic!("{answer:?}"),
    }
    let refused = importer.import(&account(2), &import(2)).await.unwrap_err();
    assert!(matches!(failed(refused), Error::OnlyImports));
    // Nothing was sent, so the transaction goes on.
    let imported = importer
        .import_in_transaction(&account(2), &import(2))
        .await;
    assert_eq!(imported.unwrap(), Imported::Now);
    drop(importer);
    transaction.commit().await.unwrap();
    assert!(is_imported(&verifier, 2).await);
}

/// The table of `broken` does not exist.
pub(crate) async fn nothing_follows_a_failed_statement<S, DB>(
    pool: &Pool<DB>,
    store: S,
    broken: S,
    in_transaction: InTransaction<S, DB>,
) where
    S: Store<Error = Error>,
    DB: Database,
    for<'t> TransactionStore<'t, DB>: Store<Error = Error>,
{
    let verifier = verifier(store);
    let mut transaction = pool.begin().await.unwrap();
    let importer = verifier.with_store(in_transaction(&broken, &mut transaction));
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
    drop(importer);
    transaction.rollback().await.unwrap();

    let mut transaction = pool.begin().await.unwrap();
    let importer = verifier.with_store(in_transaction(verifier.store(), &mut transaction));
    // A fast database can answer before the first poll ends, and a future can also wait while no
    // statement is under way. Then another import is dropped.
    let mut tries = 0;
    let error = loop {
        tries += 1;
        assert!(tries < 1000, "no statement was interrupted");
        let (first, import_of_first) = (account(tries), import(1));
        {
            let mut dropped = pin!(importer.import_in_transaction(&first, &import_of_first));
            let polled = poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context)));
            if polled.await.is_ready() {
                continue;
            }
        }
        let (second, import_of_second) = (account(1000 + tries), import(1));
        let next = importer.import_in_transaction(&second, &import_of_second);
        if let Err(error) = next.await {
            break failed(error);
        }
    };
    assert!(matches!(error, Error::TransactionFailed(None)), "{error:?}");
    drop(importer);
    // A rollback could wait forever for the answer that nobody read.
    drop(transaction);
    for id in (1..=tries).chain(1001..=1000 + tries) {
        assert!(!is_imported(&verifier, id).await);
    }
}
