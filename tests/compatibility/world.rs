//! One account of a service whose clock and random bytes are known. So two versions that do the
//! same write the same bytes.

use crate::api::{
    AccountId, Algorithm, AuthenticatorId, AuthenticatorName, Digits, EnrollmentId,
    EnrollmentRequest, KeyId, Keyring, ManualClock, MemoryStore, Period, Phone, Proof, RandomError,
    RandomSource, SealingKey, Status, Store, Timestamp, Verifier, Window, block_on, pending_codes,
    policy, proof, request, unlock,
};
use crate::record::Record;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 2027-01-15, at the beginning of a time step.
const START: Timestamp = Timestamp::from_unix(1_800_000_000);

pub(crate) const DAY: u64 = 86_400;

/// Random bytes that depend on the step of the story, on the length of the buffer, and on how many
/// buffers of this length the step has filled. So another order of buffers changes no bytes.
#[derive(Clone, Default)]
struct KnownRandom(Arc<Mutex<(u64, BTreeMap<usize, u64>)>>);

impl KnownRandom {
    fn begin_step(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        state.1.clear();
    }
}

impl RandomSource for KnownRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.0.lock().unwrap();
        let step = state.0;
        let filled = state.1.entry(buffer.len()).or_default();
        let mut seed = (step << 40) | (*filled << 16) | buffer.len() as u64;
        *filled += 1;
        for byte in buffer {
            // SplitMix64
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = ((z ^ (z >> 31)) >> 56) as u8;
        }
        Ok(())
    }
}

/// The key with this id. It encrypts nothing but these records.
pub(crate) fn key(id: u32) -> SealingKey {
    SealingKey::from_bytes(&[id as u8; 32])
}

/// A service at a fixed time, with random bytes that it does not need.
pub(crate) fn verifier_at(
    store: MemoryStore,
    keyring: Keyring,
    namespace: &str,
    at: Timestamp,
) -> Verifier<MemoryStore> {
    let random = KnownRandom::default();
    let builder = Verifier::builder_with_random(store, keyring, "Example", random);
    let limits = policy().lock_after(10).budget(20, Duration::from_secs(DAY));
    builder
        .policy(limits.window(Window::around(1)).build().unwrap())
        .namespace(namespace)
        .clock(ManualClock::at(at))
        .build()
        .unwrap()
}

pub(crate) struct World {
    pub(crate) verifier: Verifier<MemoryStore>,
    pub(crate) account: AccountId,
    pub(crate) clock: ManualClock,
    random: KnownRandom,
    store: MemoryStore,
    namespace: &'static str,
    key: u32,
    parameters: (Algorithm, Digits, u64),
    pending_codes: bool,
    pub(crate) phones: Vec<Phone>,
    pub(crate) codes: Vec<String>,
    pending: Option<(EnrollmentId, Phone)>,
    /// Codes of authenticators that are no phones.
    pub(crate) more_codes: Vec<String>,
    /// A pending enrollment of an authenticator that is no phone, and a passcode for it.
    pub(crate) pending_token: Option<(EnrollmentId, String)>,
}

impl World {
    pub(crate) fn new(namespace: &'static str, account: &str) -> Self {
        let clock = ManualClock::at(START);
        let store = MemoryStore::new();
        let keyring = Keyring::new(KeyId::new(1), key(1));
        let mut world = Self {
            verifier: verifier_at(store.clone(), keyring, namespace, START),
            account: AccountId::new(account).unwrap(),
            clock,
            random: KnownRandom::default(),
            store,
            namespace,
            key: 1,
            parameters: (Algorithm::Sha1, Digits::SIX, 30),
            pending_codes: true,
            phones: Vec::new(),
            codes: Vec::new(),
            pending: None,
            more_codes: Vec::new(),
            pending_token: None,
        };
        world.begin_service();
        world
    }

    /// Starts the service with the current key and the current parameters of new authenticators.
    fn begin_service(&mut self) {
        let (algorithm, digits, period) = self.parameters;
        let policy = policy()
            .lock_after(10)
            .budget(20, Duration::from_secs(DAY))
            .window(Window::around(1))
            .algorithm(algorithm)
            .digits(digits)
            .period(Period::from_secs(period).unwrap());
        let mut keyring = Keyring::new(KeyId::new(self.key), key(self.key));
        for retired in 1..self.key {
            let id = KeyId::new(retired);
            keyring = keyring.with_retired(id, key(retired)).unwrap();
        }
        let (store, random) = (self.store.clone(), self.random.clone());
        let builder = Verifier::builder_with_random(store, keyring, "Example", random);
        self.verifier = pending_codes(builder, self.pending_codes)
            .policy(policy.build().unwrap())
            .namespace(self.namespace)
            .clock(self.clock.clone())
            .build()
            .unwrap();
    }

    pub(crate) fn new_authenticators_have(
        &mut self,
        algorithm: Algorithm,
        digits: u8,
        period: u64,
    ) {
        self.parameters = (algorithm, Digits::new(digits).unwrap(), period);
        self.begin_service();
    }

    pub(crate) fn change_key(&mut self) {
        self.key += 1;
        self.begin_service();
        self.random.begin_step();
        block_on(self.verifier.reseal(&self.account)).unwrap();
    }

    /// Lets time pass until no shown passcode is used. Begins a step.
    fn pass_a_minute(&mut self) {
        self.pass(60);
    }

    /// Begins a step of the story.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.random.begin_step();
    }

    pub(crate) fn shown(&self, phone: usize) -> String {
        self.phones[phone].passcode(self.clock.now())
    }

    /// Begins an enrollment, with a passcode of the first phone if there is one.
    pub(crate) fn begin(&mut self, name: &str, replaces: Option<usize>) {
        self.pass_a_minute();
        let request = match replaces {
            None => request("alice@example.com"),
            Some(place) => {
                let id = self.authenticators()[place];
                EnrollmentRequest::replacing(id, "alice@example.com")
            }
        };
        let request = request.authenticator_name(AuthenticatorName::new(name).unwrap());
        let code = self.phones.first().map(|_| self.shown(0));
        let password = Proof::Password {
            checked_at: self.clock.now(),
        };
        let proof = code.as_deref().map_or(password, proof);
        let begun = self
            .verifier
            .begin_enrollment(&self.account, request, proof);
        let enrollment = block_on(begun).unwrap();
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
        self.pending = Some((enrollment.id(), phone));
    }

    /// Confirms the pending enrollment.
    pub(crate) fn confirm(&mut self) {
        self.random.begin_step();
        let (id, phone) = self.pending.take().unwrap();
        let code = phone.passcode(self.clock.now());
        let confirmed = self.verifier.confirm_enrollment(&self.account, id, &code);
        let _receipt = block_on(confirmed).unwrap();
        self.phones.push(phone);
    }

    pub(crate) fn confirm_wrongly(&mut self) {
        self.random.begin_step();
        let id = self.pending.as_ref().unwrap().0;
        let confirmed = self
            .verifier
            .confirm_enrollment(&self.account, id, "000000");
        assert!(block_on(confirmed).is_err());
    }

    pub(crate) fn enroll(&mut self, name: &str) {
        self.begin(name, None);
        self.confirm();
    }

    fn authenticators(&self) -> Vec<AuthenticatorId> {
        match block_on(self.verifier.status(&self.account)).unwrap() {
            Status::Enabled(enabled) => enabled.authenticators.iter().map(|one| one.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn sign_in(&mut self, phone: usize) {
        self.pass_a_minute();
        let code = self.shown(phone);
        let _receipt = block_on(self.verifier.verify(&self.account, &code)).unwrap();
    }

    /// Signs in until the history of the record holds only these writes.
    pub(crate) fn sign_in_eight_times(&mut self) {
        for _ in 0..8 {
            self.sign_in(0);
        }
    }

    /// Types a wrong passcode, as soon as no limit forbids it.
    pub(crate) fn fail(&mut self) {
        self.random.begin_step();
        let verified = block_on(self.verifier.verify(&self.account, "000000"));
        let retry_after = verified.unwrap_err().rejection().unwrap().retry_after();
        if let Some(retry_after) = retry_after {
            self.clock.advance(retry_after);
            self.fail();
        }
    }

    /// From now on, a new set of backup codes replaces the current one at once.
    pub(crate) fn replace_codes_at_once(&mut self) {
        self.pending_codes = false;
        self.begin_service();
    }

    pub(crate) fn issue(&mut self) {
        self.pass_a_minute();
        let code = self.shown(0);
        let issued = self
            .verifier
            .issue_backup_codes(&self.account, proof(&code));
        let codes = block_on(issued).unwrap();
        self.codes = codes.iter().map(str::to_owned).collect();
    }

    pub(crate) fn use_backup_code(&mut self, place: usize) {
        self.pass_a_minute();
        let code = &self.codes[place];
        let _receipt = block_on(self.verifier.verify(&self.account, code)).unwrap();
    }

    pub(crate) fn remove(&mut self, place: usize) {
        self.pass_a_minute();
        let (id, code) = (self.authenticators()[place], self.shown(0));
        let removed = self
            .verifier
            .remove_authenticator(&self.account, id, proof(&code));
        let _removed = block_on(removed).unwrap();
    }

    pub(crate) fn disable(&mut self) {
        self.pass_a_minute();
        let code = self.shown(0);
        block_on(self.verifier.disable(&self.account, proof(&code)))
            .map(drop)
            .unwrap();
    }

    pub(crate) fn unlock(&mut self) {
        self.random.begin_step();
        unlock(&self.verifier, &self.account);
    }

    /// The record, to be read half a minute from now. The codes to try are the passcodes of all
    /// phones, new and used, the first two backup codes, and a wrong code.
    pub(crate) fn record(&self, name: &str) -> Record {
        let Ok(stored) = block_on(Store::load(&self.store, &self.account));
        let stored = stored.unwrap();
        let now = self.clock.now();
        let at = now.saturating_add(30);
        let mut codes: Vec<String> = Vec::new();
        for phone in &self.phones {
            codes.extend([phone.passcode(at), phone.passcode(now)]);
        }
        codes.extend(self.codes.iter().take(2).cloned());
        codes.extend(self.more_codes.iter().cloned());
        codes.push("000000".to_owned());
        let pending = self.pending.as_ref();
        let pending = pending.map(|(id, phone)| (*id, phone.passcode(at)));
        let pending = pending.or_else(|| self.pending_token.clone());
        Record {
            name: name.to_owned(),
            namespace: self.namespace.to_owned(),
            key: self.key,
            account: self.account.as_str().to_owned(),
            revision: stored.revision.as_i64(),
            at: at.as_unix(),
            bytes: stored.record,
            pending: pending.map(|(id, code)| (id.to_string(), code)),
            codes,
        }
    }
}
