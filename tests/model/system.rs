//! The system under test: two servers on one store, during a key rotation.

use super::observed::Recorded;
use super::rules::Rules;
use countersign::otp::RandomError;
use countersign::runtime::RandomSource;
use countersign::testing::ManualClock;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Timestamp, Verifier};
use std::sync::Mutex;

/// The issuer that every app shows.
pub(crate) const ISSUER: &str = "Example";

pub(crate) struct System {
    pub(crate) clock: ManualClock,
    pub(crate) recorded: Recorded,
    pub(crate) accounts: [AccountId; 2],
    /// The first server encrypts with key 1 and knows key 2. The second server encrypts with key 2.
    servers: [Verifier<Recorded>; 2],
    /// A service with another namespace, and a service with another key.
    pub(crate) other_services: [Verifier<Recorded>; 2],
}

/// The key that a verifier encrypts with, and the key that it only decrypts with.
#[derive(Clone, Copy)]
struct Keys {
    primary: u8,
    retired: u8,
}

impl System {
    pub(crate) fn new(rules: &Rules, seed: u8) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let recorded = Recorded::default();
        let keys = |primary, retired| Keys { primary, retired };
        let server = |Keys { primary, retired }, namespace| {
            let key = |number: u8| {
                let id = KeyId::new(u32::from(number));
                (id, SealingKey::from_bytes(&[number; 32]))
            };
            let ((id, sealing), (old, opening)) = (key(primary), key(retired));
            let keyring = Keyring::new(id, sealing)
                .with_retired(old, opening)
                .unwrap();
            let random = Seeded::new(
                u64::from_be_bytes([0, 0, 0, 0, 0, 0, primary, seed]),
                rules.secrets,
            );
            Verifier::builder_with_random(recorded.clone(), keyring, ISSUER, random)
                .namespace(namespace)
                .policy(rules.policy())
                .clock(clock.clone())
                .keep_ended_authenticators()
                .on_event(recorded.listener())
                .hash_executor(recorded.journal.clone())
                .build()
                .unwrap()
        };
        Self {
            servers: [keys(1, 2), keys(2, 1)].map(|keys| server(keys, "")),
            other_services: [server(keys(1, 2), "another"), server(keys(3, 1), "")],
            accounts: ["alice", "bob"].map(|id| AccountId::new(id).unwrap()),
            clock,
            recorded,
        }
    }

    pub(crate) fn server(&self, server: usize) -> (Verifier<Recorded>, KeyId) {
        let key = KeyId::new([1, 2][server]);
        (self.servers[server].clone(), key)
    }
}

/// Repeatable numbers (`SplitMix64`) instead of a random source.
struct Seeded {
    state: Mutex<u64>,
    /// The numbers of repeated secrets, as from a broken random source.
    secrets: &'static [u64],
}

/// The bytes of a secret for SHA-1. No other request of the verifier has this length.
const SECRET: usize = 20;

impl Seeded {
    const fn new(seed: u64, secrets: &'static [u64]) -> Self {
        Self {
            state: Mutex::new(seed),
            secrets,
        }
    }
}

impl RandomSource for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.state.lock().unwrap();
        for byte in buffer.iter_mut() {
            *byte = next(&mut state).to_be_bytes()[0];
        }
        if buffer.len() == SECRET && !self.secrets.is_empty() {
            let secret = self.secrets[usize::from(buffer[0]) % self.secrets.len()];
            buffer.fill(0);
            buffer[SECRET - 8..].copy_from_slice(&secret.to_be_bytes());
        }
        Ok(())
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
