//! An account with one authenticator, in memory.

use countersign::backup::CodeFormat;
use countersign::blocking::Verifier;
use countersign::otp::Period;
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, EnrollmentRequest, IssuedBackupCodes, KeyId, Keyring, Policy, Proof, SealingKey,
    Timestamp,
};

pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) clock: ManualClock,
    pub(crate) verifier: Verifier<MemoryStore>,
    store: MemoryStore,
    phone: Phone,
}

impl Account {
    pub(crate) fn enrolled() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_521_600));
        let store = MemoryStore::new();
        let verifier = verifier(&store, &clock, [1, 2]);
        let id = AccountId::new("alice").expect("an account");
        let proof = Proof::Password {
            checked_at: clock.now(),
        };
        let request = EnrollmentRequest::new("alice@example.com");
        let enrollment = verifier
            .begin_enrollment(&id, request, proof)
            .expect("begun");
        let uri = enrollment.key_uri().to_secret_text();
        let phone = Phone::scan(uri.expose()).expect("a key URI");
        let typed = phone.passcode(clock.now());
        let confirmed = verifier.confirm_enrollment(&id, enrollment.id(), &typed);
        drop(confirmed.expect("the right passcode"));
        Self {
            id,
            clock,
            verifier,
            store,
            phone,
        }
    }

    /// The passcodes of the next periods.
    pub(crate) fn next_passcodes(&self, count: u64) -> Vec<String> {
        let period = Period::default().as_secs();
        let at = |number| self.clock.now().saturating_add(number * period);
        (1..=count)
            .map(|number| self.phone.passcode(at(number)))
            .collect()
    }

    /// Ten backup codes of 115 bits.
    pub(crate) fn issue_codes(&self) -> IssuedBackupCodes {
        let [passcode] = &self.next_passcodes(1)[..] else {
            unreachable!("one passcode");
        };
        self.clock.advance(std::time::Duration::from_secs(30));
        self.verifier
            .issue_backup_codes(&self.id, Proof::Code(passcode))
            .expect("ten codes")
    }

    /// A verifier for the same accounts, with the primary key and the retired key exchanged.
    pub(crate) fn with_new_key(&self) -> Verifier<MemoryStore> {
        verifier(&self.store, &self.clock, [2, 1])
    }
}

fn verifier(
    store: &MemoryStore,
    clock: &ManualClock,
    [primary, retired]: [u8; 2],
) -> Verifier<MemoryStore> {
    let key = |id: u8| (KeyId::new(id.into()), SealingKey::from_bytes(&[id; 32]));
    let (id, primary) = key(primary);
    let keyring = Keyring::new(id, primary);
    let (id, retired) = key(retired);
    let keyring = keyring.with_retired(id, retired).expect("two keys");
    let policy = Policy::builder().code_format(CodeFormat::BITS_112);
    Verifier::builder(store.clone(), keyring, "Example Service")
        .clock(clock.clone())
        .policy(policy.build().expect("a policy"))
        .build_blocking()
        .expect("a verifier")
}
