//! The outbox: each event has one row, whatever happens to writes and answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::conformance::{Fault, Faults, Faulty};
use countersign::event::{Event, EventType, InitiatingEntity};
use countersign::store::{ConditionalWrite, Revision, Summary, WriteKind, WriteResult};
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, EnrollmentRequest, FirstFactorKind, KeyId, Keyring, Policy, Proof, Rejection,
    SealingKey, ServerClock, Timestamp, Verifier,
};
use countersign_gate::{Cause, Client, NewSignIn, RowsOfRequest};
use countersign_store_testing::Proxy;

use super::checks::requests;
use super::sign_ins::{Gate, create, is_live, sign_in, with, write};

/// `revision, at, event, cause` of a row.
pub(crate) type Row = (i64, i64, String, String);

/// One account, whose writes are sent twice or lose their answers.
struct Life<S> {
    store: S,
    account: AccountId,
    clock: ManualClock,
    faults: Vec<Fault>,
    turn: Arc<AtomicUsize>,
    told: Arc<Mutex<Vec<Event<'static>>>>,
}

impl<S: Gate> Life<S> {
    fn new(store: &S, number: u32, faults: Vec<Fault>) -> Self {
        Self {
            store: store.clone(),
            account: AccountId::from(number),
            clock: ManualClock::at(Timestamp::from_unix(1_800_000_000)),
            faults,
            turn: Arc::default(),
            told: Arc::default(),
        }
    }

    /// The verifier of one request.
    fn verifier(&self, new: Option<&NewSignIn>) -> Verifier<Faulty<S>> {
        let mut rows = RowsOfRequest::default();
        rows.new = new.cloned();
        rows.client = client();
        let (turn, plan) = (Arc::clone(&self.turn), self.faults.clone());
        // Each second call has a fault.
        let choose = move |possible: &[Fault]| {
            let turn = turn.fetch_add(1, Ordering::Relaxed) + 1;
            let fault = plan[(turn / 2) % plan.len()];
            (turn % 2 == 1 && possible.contains(&fault)).then_some(fault)
        };
        let store = Faulty::chosen_by(self.store.with(rows), Faults::of(&self.faults), choose);
        let told = Arc::clone(&self.told);
        let policy = Policy::builder().code_hash(Argon2Params::new(8, 1, 1).unwrap());
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        Verifier::builder(store, keyring, "Example")
            .clock(self.clock.clone())
            .policy(policy.build().unwrap())
            .on_event(move |event| told.lock().unwrap().push(event.clone().into_owned()))
            .build()
            .unwrap()
    }

    fn new_sign_in(&self, number: u128) -> NewSignIn {
        let account: u128 = self.account.as_str().parse().unwrap();
        sign_in(&self.account, account << 64 | number)
    }

    /// From the first enrollment to the erasure.
    async fn live(&self) {
        let account = &self.account;
        let plain = self.verifier(None);
        let new = self.new_sign_in(0);
        let verifier = self.verifier(Some(&new));
        let begin = async || {
            let password = Proof::Password {
                checked_at: self.clock.now(),
            };
            let request = EnrollmentRequest::new("Zoë");
            let begun = plain.begin_enrollment(account, request, password).await;
            let enrollment = begun.unwrap();
            let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
            (enrollment.id(), phone)
        };
        let next = |phone: &Phone| {
            self.clock.advance(Duration::from_hours(100));
            phone.passcode(self.clock.now())
        };
        let (id, phone) = begin().await;
        let confirmed = verifier
            .confirm_enrollment(account, id, &next(&phone))
            .await;
        let expired = confirmed.unwrap_err().rejection();
        assert_eq!(expired, Some(Rejection::EnrollmentExpired));
        let (id, phone) = begin().await;
        let shown = phone.passcode(self.clock.now());
        let confirmed = verifier.confirm_enrollment(account, id, &shown).await;
        let _receipt = confirmed.unwrap();
        assert!(is_live(&self.store, &new).await);

        let code = next(&phone);
        let issued = plain.issue_backup_codes(account, Proof::Code(&code)).await;
        let backup = issued.unwrap().iter().next().unwrap().to_owned();
        for number in 1..=3 {
            let code = match number {
                2 => backup.clone(),
                _ => next(&phone),
            };
            let new = self.new_sign_in(number);
            let accepted = self.verifier(Some(&new)).verify(account, &code).await;
            let _receipt = accepted.unwrap();
            assert!(is_live(&self.store, &new).await);
        }
        let old = phone.passcode(Timestamp::from_unix(self.clock.now().as_unix() - 300));
        let new = self.new_sign_in(4);
        let wrong = self.verifier(Some(&new)).verify(account, &old).await;
        assert_eq!(wrong.unwrap_err().rejection(), Some(Rejection::WrongCode));
        assert!(!is_live(&self.store, &new).await);
        let staff = Actor::new("staff/7", "she called").unwrap();
        let clock = ServerClock::Unconfirmed;
        plain.unlock(account, clock, &staff).await.unwrap();
        let code = next(&phone);
        let removed = plain.disable(account, Proof::Code(&code)).await;
        let _removed = removed.unwrap();
        plain.erase(account, &staff).await.unwrap();
    }
}

fn client() -> Client {
    Client::new(Some("curl/8".to_owned()), Some("192.0.2.7".to_owned()))
}

/// Each write is sent twice, or its answer is lost, or both in turn.
pub(crate) async fn each_event_has_one_row<S: Gate>(
    store: &S,
    rows_of: impl AsyncFn(u32) -> Vec<Row>,
) {
    let plans = [
        vec![Fault::Duplicate],
        vec![Fault::FailAfter],
        vec![Fault::Duplicate, Fault::FailAfter],
    ];
    for (number, faults) in (1..).zip(plans) {
        let life = Life::new(store, number, faults);
        life.live().await;
        let rows = rows_of(number).await;
        let mut told = std::mem::take(&mut *life.told.lock().unwrap());
        // The answer to an erasure can be lost, and then nobody is told.
        told.retain(|event| event.event_type != EventType::AccountPurged);
        assert_eq!(rows.len(), told.len() + 1, "{:?}", life.faults);
        for ((revision, at, text, cause), told) in rows.iter().zip(&told) {
            let event: Event<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(event, *told);
            assert_eq!(*revision, event.revision.as_i64());
            assert_eq!(*at, i64::try_from(event.event_timestamp.as_unix()).unwrap());
            let cause: Cause = serde_json::from_str(cause).unwrap();
            assert_eq!(cause.client, client());
            let signs_in = matches!(
                event.event_type,
                EventType::Accepted | EventType::Rejected | EventType::CodeReserved
            );
            if signs_in {
                assert_eq!(cause.first_factor, Some(FirstFactorKind::Password));
            }
        }
        let types: Vec<_> = rows
            .iter()
            .map(|row| {
                serde_json::from_str::<Event<'_>>(&row.2)
                    .unwrap()
                    .event_type
            })
            .collect();
        let expected = [
            EventType::EnrollmentBegun,
            EventType::EnrollmentExpired,
            EventType::EnrollmentBegun,
            EventType::CredentialChange,
            EventType::IssueGranted,
            EventType::CredentialChange,
            EventType::Accepted,
            EventType::CodeReserved,
            EventType::Accepted,
            EventType::Accepted,
            EventType::Rejected,
            EventType::Unlocked,
            EventType::CredentialChange,
            EventType::AccountPurged,
        ];
        assert_eq!(types, expected, "{:?}", life.faults);
        assert!(
            rows[10].2.contains("\"clock_offset\":-271"),
            "{}",
            rows[10].2
        );
    }
}

fn event(account: &AccountId, revision: i64) -> Event<'static> {
    let json = format!(
        "{{\"account\":\"{account}\",\"revision\":\"{revision}\",\"event_timestamp\":7,\
         \"event_type\":\"{}\",\"initiating_entity\":\"{}\"}}",
        EventType::EnrollmentBegun,
        InitiatingEntity::User
    );
    serde_json::from_str(&json).unwrap()
}

/// A refused write has no row, and a second event with the same id is refused.
pub(crate) async fn an_id_is_used_once<S: Gate>(store: &S, rows_of: impl AsyncFn(u32) -> Vec<Row>) {
    let account = AccountId::from(9_u32);
    let first = event(&account, 1);
    let created = write(None, 1, b"created", WriteKind::Enrolling).with_event(&first);
    for expected in [WriteResult::Done, WriteResult::Stale] {
        let result = store.compare_and_swap(&account, created).await;
        assert_eq!(result.unwrap(), expected);
    }
    for kind in [WriteKind::Rejected, WriteKind::Removed, WriteKind::Accepted] {
        let late = event(&account, 3);
        let stale = write(Some(2), 3, b"late", kind).with_event(&late);
        let new = sign_in(&account, 9);
        let result = with(store, &new).compare_and_swap(&account, stale).await;
        assert_eq!(result.unwrap(), WriteResult::Stale);
        assert!(!is_live(store, &new).await);
    }
    assert_eq!(rows_of(9).await.len(), 1);
    let revision = |number| Revision::from_i64(number).unwrap();
    let none = Summary::new(false, 0, KeyId::new(1));
    let erased = ConditionalWrite::erase(revision(1), revision(2), none);
    let result = store.compare_and_swap(&account, erased).await;
    assert_eq!(result.unwrap(), WriteResult::Done);
    let again = store.compare_and_swap(&account, created).await;
    assert!(!matches!(again, Ok(WriteResult::Done)), "{again:?}");
    assert!(store.load(&account).await.unwrap().is_none());
    assert_eq!(rows_of(9).await.len(), 1);
}

/// Returns the number of requests of an accepted code with its sign-in, and of a wrong code, both
/// with their events. The pool has one connection, which it does not test before use.
pub(crate) async fn round_trips<S: Gate>(store: &S, proxy: &Proxy) -> [usize; 2] {
    let account = AccountId::from(1_u32);
    create(store, &account).await;
    let mut counts = [0; 2];
    // The first round prepares the statements.
    for old in [1, 3] {
        let before = requests(proxy).await;
        let told = event(&account, old + 1);
        let new = sign_in(&account, old.try_into().unwrap());
        let accepted = write(Some(old), old + 1, b"x", WriteKind::Accepted).with_event(&told);
        let result = with(store, &new).compare_and_swap(&account, accepted).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
        counts[0] = requests(proxy).await - before - 1;

        let before = requests(proxy).await;
        let told = event(&account, old + 2);
        let rejected = write(Some(old + 1), old + 2, b"x", WriteKind::Rejected).with_event(&told);
        let result = store.compare_and_swap(&account, rejected).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
        counts[1] = requests(proxy).await - before - 1;
    }
    counts
}
