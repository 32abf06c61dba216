//! Imports in a transaction of the application.

use countersign::import::{ExistingFactor, Import, ImportError, Imported, ImportedAuthenticator};
use countersign::otp::Secret;
use countersign::store::Store;
use countersign::{Denied, KeyId, Keyring, SealingKey, Status, Verifier, VerifierError};
use countersign_postgres::{AccountColumn, Error};

use crate::kinds::Deadpool;
use crate::support::{account, admin, at, open, store, store_of};

/// The import of a phone with this secret.
fn import(byte: u8) -> Import {
    let secret = Secret::from_bytes(&[byte; 20]).unwrap();
    Import::new([ImportedAuthenticator::totp(secret)])
}

fn verifier<S: Store>(store: S) -> Verifier<S> {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
    Verifier::builder(store, keyring, "Example")
        .build()
        .unwrap()
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

#[tokio::test]
async fn a_rollback_imports_nothing() {
    let server = server!();
    let pool = open::<Deadpool>(server).await;
    for column in [AccountColumn::Text, AccountColumn::BigInt] {
        let verifier = verifier(store_of(column, &pool).await);
        let imported = verifier.import(&account(9), &import(9)).await;
        assert_eq!(imported.unwrap(), Imported::Now);
        for commits in [false, true] {
            let mut client = pool.get().await.unwrap();
            let transaction = client.transaction().await.unwrap();
            let importer = verifier.with_store(verifier.store().in_transaction(&transaction));
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
}

#[tokio::test]
async fn other_methods_are_refused() {
    let server = server!();
    let verifier = verifier(store(&open::<Deadpool>(server).await).await);
    verifier.import(&account(1), &import(1)).await.unwrap();
    let mut client = admin(server).await;
    let transaction = client.transaction().await.unwrap();
    let importer = verifier.with_store(verifier.store().in_transaction(&transaction));
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

#[tokio::test]
async fn a_failed_statement_fails_the_transaction() {
    let server = server!();
    let pool = open::<Deadpool>(server).await;
    let verifier = verifier(store(&pool).await);
    let broken = at(&pool, "missing");
    let mut client = admin(server).await;
    let transaction = client.transaction().await.unwrap();
    let importer = verifier.with_store(broken.in_transaction(&transaction));
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
}
