//! Imports whose backup codes are hashed before the transaction.

use crate::world::policy;
use countersign::backup::{CodeShape, HashJob, ImportedCodes};
use countersign::import::{ExistingFactor, Import, ImportError, Imported, ImportedAuthenticator};
use countersign::otp::{Secret, TimeStep};
use countersign::runtime::{HashExecutor, HashFuture, InlineExecutor};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::testing::block_on;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the loads, the writes and the hashed sets.
#[derive(Clone, Default)]
struct Counted {
    store: MemoryStore,
    counts: Arc<[AtomicUsize; 3]>,
}

impl Counted {
    /// The loads, writes and hashed sets since the last call.
    fn take(&self) -> [usize; 3] {
        self.counts
            .each_ref()
            .map(|count| count.swap(0, Ordering::Relaxed))
    }

    fn verifier(&self) -> Verifier<Self> {
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        Verifier::builder(self.clone(), keyring, "Example")
            .policy(policy().build().unwrap())
            .hash_executor(self.clone())
            .build()
            .unwrap()
    }
}

impl Store for Counted {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        self.counts[0].fetch_add(1, Ordering::Relaxed);
        self.store.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        self.counts[1].fetch_add(1, Ordering::Relaxed);
        self.store.compare_and_swap(account, write).await
    }
}

impl HashExecutor for Counted {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.counts[2].fetch_add(1, Ordering::Relaxed);
        InlineExecutor.run(job)
    }
}

fn import(key: &[u8]) -> Import {
    let phone = ImportedAuthenticator::totp(Secret::from_bytes(key).unwrap());
    Import::new([phone.last_step(TimeStep::new(1))])
}

fn shape() -> CodeShape {
    CodeShape::new("0123456789abcdef", 12).unwrap()
}

fn with_plain_codes() -> Import {
    let codes = ImportedCodes::plain(shape(), [("0123-4567-89ab", None)]);
    import(b"12345678901234567890").backup_codes(codes.unwrap())
}

#[test]
fn a_prepared_import_takes_one_write() {
    let (counted, alice) = (Counted::default(), AccountId::new("alice").unwrap());
    let verifier = counted.verifier();
    let prepared = block_on(verifier.prepare_import(&alice, with_plain_codes())).unwrap();
    assert_eq!(counted.take(), [1, 0, 1]);
    let imported = block_on(verifier.import_in_transaction(&alice, &prepared));
    assert_eq!(imported.unwrap(), Imported::Now);
    assert_eq!(counted.take(), [0, 1, 0]);
    let _receipt = block_on(verifier.verify(&alice, "0123456789ab")).unwrap();
    counted.take();

    // The codes of an import that was made before are not hashed again.
    let again = block_on(verifier.prepare_import(&alice, with_plain_codes())).unwrap();
    let imported = block_on(verifier.import_in_transaction(&alice, &again));
    assert_eq!(imported.unwrap(), Imported::AlreadyHere);
    assert_eq!(counted.take()[2], 0);
}

#[test]
fn a_set_of_hashes_takes_one_write() {
    let (counted, alice) = (Counted::default(), AccountId::new("alice").unwrap());
    let verifier = counted.verifier();
    let hash = "$sha256$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let codes = ImportedCodes::hashed(shape(), [(hash, None)]).unwrap();
    let import = import(b"12345678901234567890").backup_codes(codes);
    let prepared = block_on(verifier.prepare_import(&alice, import.clone())).unwrap();
    assert_eq!(counted.take(), [0, 0, 0]);
    for (number, import) in [(1_u32, import), (2, prepared)] {
        let account = AccountId::from(number);
        let imported = block_on(verifier.import_in_transaction(&account, &import));
        assert_eq!(imported.unwrap(), Imported::Now);
        assert_eq!(counted.take(), [0, 1, 0]);
    }
}

#[test]
fn an_unfit_import_is_refused_before_its_codes_are_hashed() {
    let (counted, alice) = (Counted::default(), AccountId::new("alice").unwrap());
    let verifier = counted.verifier();
    let codes = ImportedCodes::plain(shape(), [("0123-4567-89ab", None)]).unwrap();
    let unfit = import(&[0; 20]).backup_codes(codes);
    let refused = block_on(verifier.prepare_import(&alice, unfit));
    assert!(matches!(refused, Err(ImportError::Unfit(_))), "{refused:?}");
    assert_eq!(counted.take(), [1, 0, 0], "loads, writes, hashes");

    let other = import(b"abcdefghijklmnopqrst");
    assert_eq!(
        block_on(verifier.import(&alice, &other)).unwrap(),
        Imported::Now
    );
    counted.take();
    let refused = block_on(verifier.prepare_import(&alice, with_plain_codes()));
    assert!(
        matches!(
            refused,
            Err(ImportError::Occupied(ExistingFactor::OtherImport))
        ),
        "{refused:?}"
    );
    assert_eq!(counted.take()[2], 0);
}
