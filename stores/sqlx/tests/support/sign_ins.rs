//! The harness of the conformance tests for sign-ins, and checks for every store on a server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign::session::FactorFlag;
use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId, Timestamp};
use countersign_gate::conformance::{Harness, new_sign_in};
use countersign_gate::{NewSignIn, RowsOfRequest, SignInRows, SignInStore};
use countersign_sqlx::{Error, GateStore};
use countersign_store_testing::{Fault, Proxy};
use tokio::runtime::Runtime;

use super::checks::requests;
use super::{to_number, to_uuid};

/// Which ids the column takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ids {
    Text,
    Numbers,
    Uuids,
    /// The table of users has these ids: 1 to [`USERS`].
    Users,
}

pub(crate) const USERS: u32 = 2000;

pub(crate) struct Handles<S> {
    pub(crate) runtime: Runtime,
    pub(crate) store: GateStore<S>,
    pub(crate) ids: Ids,
    next: AtomicU32,
}

impl<S> Handles<S> {
    pub(crate) fn new(runtime: Runtime, store: GateStore<S>, ids: Ids) -> Self {
        let next = AtomicU32::new(1);
        Self {
            runtime,
            store,
            ids,
            next,
        }
    }

    fn user(&self) -> AccountId {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        assert!(id <= USERS);
        AccountId::from(id)
    }
}

impl<S: Sync> Harness for Handles<S>
where
    GateStore<S>: SignInStore,
{
    type Store = GateStore<S>;

    fn open(&self) -> GateStore<S> {
        self.store.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn account(&self, number: u64) -> AccountId {
        match self.ids {
            Ids::Text => AccountId::new(format!("sign-in {number}")).unwrap(),
            Ids::Numbers => to_number(number),
            Ids::Uuids => to_uuid(number),
            Ids::Users => self.user(),
        }
    }

    fn similar_accounts(&self, number: u64) -> Vec<AccountId> {
        let numbers = [number, number ^ 1, number.rotate_left(8), !number];
        match self.ids {
            Ids::Text => ["a", "A", "a ", "\u{E4}", "a'", "a\"", "a`", "a\\", "%"]
                .map(|name| AccountId::new(format!("{number}{name}")).unwrap())
                .into(),
            Ids::Numbers => numbers.map(to_number).into(),
            Ids::Uuids => numbers.map(to_uuid).into(),
            Ids::Users => (0..4).map(|_| self.user()).collect(),
        }
    }
}

pub(crate) trait Gate: SignInStore<Error = Error> + Store<Error = Error> {}
impl<S: SignInStore<Error = Error>> Gate for S {}

/// A sign-in whose id has this number.
pub(crate) fn sign_in(account: &AccountId, number: u128) -> NewSignIn {
    let id = format!("{number:032x}").parse().unwrap();
    let at = Timestamp::from_unix(1_800_000_000);
    new_sign_in(id, account.clone(), at)
}

pub(crate) fn with<S: SignInStore>(store: &S, new: &NewSignIn) -> S {
    let mut rows = RowsOfRequest::default();
    rows.new = Some(new.clone());
    store.with(rows)
}

pub(crate) fn write(
    expected: Option<i64>,
    new: i64,
    record: &[u8],
    kind: WriteKind,
) -> ConditionalWrite<'_> {
    let revision = |number| Revision::from_i64(number).unwrap();
    let summary = Summary::new(true, 7, KeyId::new(1));
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

/// Creates an account with the revision 1.
pub(crate) async fn create(store: &impl Gate, account: &AccountId) {
    let created = write(None, 1, b"created", WriteKind::Enrolling);
    let result = store.compare_and_swap(account, created).await;
    assert_eq!(result.unwrap(), WriteResult::Done);
}

pub(crate) async fn is_live(store: &impl Gate, new: &NewSignIn) -> bool {
    store.rows().find(new.id()).await.unwrap().is_some()
}

/// Whatever request or answer is lost, the record and its rows are stored, or none of them. The same
/// write again completes or finds them.
/// `commit` are bytes that only the request to commit contains.
pub(crate) async fn a_lost_answer_leaves_all_or_none(
    store: &impl Gate,
    proxy: &Proxy,
    commit: &str,
) {
    let account = AccountId::from(1_u32);
    create(store, &account).await;
    let (mut old, mut injected, mut applied) = (1, 0, 0);
    for kind in [
        WriteKind::Accepted,
        WriteKind::Enrolled,
        WriteKind::DeviceTrusted,
    ] {
        // Prepares the statements, so that a fault hits their execution.
        let new = sign_in(&account, old.try_into().unwrap());
        let warm = write(Some(old), old + 1, b"warm", kind);
        let result = with(store, &new).compare_and_swap(&account, warm).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
        old += 1;
        for fault in [Fault::DropReply, Fault::DropRequest, Fault::Reset] {
            for at in ["record", "id", commit] {
                store
                    .rows()
                    .set_flag(&account, FactorFlag::Off)
                    .await
                    .unwrap();
                let new = sign_in(&account, old.try_into().unwrap());
                let store = with(store, &new);
                let record = format!("record {old}");
                let planned = write(Some(old), old + 1, record.as_bytes(), kind);
                proxy.inject(
                    match at {
                        "record" => record.as_bytes(),
                        "id" => new.id().as_str().as_bytes(),
                        commit => commit.as_bytes(),
                    },
                    fault,
                );
                let answer = store.compare_and_swap(&account, planned).await;
                proxy.stop_faults();
                let was_injected = proxy.injected() > injected;
                injected = proxy.injected();
                assert_eq!(answer.is_err(), was_injected, "{kind:?} {fault:?} {at}");
                let live = is_live(&store, &new).await;
                let flag = store.rows().flag(&account).await.unwrap();
                let again = store.compare_and_swap(&account, planned).await.unwrap();
                let stored = again == WriteResult::Stale;
                assert_eq!(live, stored, "{kind:?} {fault:?} {at}");
                if kind == WriteKind::Enrolled {
                    assert_eq!(flag == FactorFlag::On, stored, "{fault:?} {at}");
                }
                if was_injected && stored {
                    applied += 1;
                }
                assert!(is_live(&store, &new).await);
                assert_eq!(
                    store.compare_and_swap(&account, planned).await.unwrap(),
                    WriteResult::Stale
                );
                old += 1;
            }
        }
    }
    println!("{injected} faults; {applied} of the writes were stored");
    assert!(injected >= 12 && applied > 0);
}

/// Returns the number of requests of each kind of call, without the ping at the release of the
/// connection. The pool has one connection, which it does not test before use.
pub(crate) async fn round_trips(store: &impl Gate, proxy: &Proxy) -> [usize; 4] {
    let account = AccountId::from(1_u32);
    let other = AccountId::from(2_u32);
    create(store, &account).await;
    let mut counts = [0; 4];
    // The first round prepares the statements.
    for round in 0..2 {
        let base = 1 + i64::from(round) * 3;
        let number = |call: u128| u128::from(round as u32) * 10 + call;
        for (call, count) in counts.iter_mut().enumerate() {
            let before = requests(proxy).await;
            match call {
                0 => {
                    let new = sign_in(&account, number(0));
                    let planned = write(Some(base), base + 1, b"x", WriteKind::Accepted);
                    let result = with(store, &new).compare_and_swap(&account, planned).await;
                    assert_eq!(result.unwrap(), WriteResult::Done);
                }
                1 => {
                    let new = sign_in(&account, number(1));
                    let planned = write(Some(base + 1), base + 2, b"x", WriteKind::Enrolled);
                    let result = with(store, &new).compare_and_swap(&account, planned).await;
                    assert_eq!(result.unwrap(), WriteResult::Done);
                }
                2 => {
                    let planned = write(Some(base + 2), base + 3, b"x", WriteKind::Rejected);
                    let result = store.compare_and_swap(&account, planned).await;
                    assert_eq!(result.unwrap(), WriteResult::Done);
                }
                _ => {
                    let new = sign_in(&other, number(3));
                    assert!(store.rows().insert_if_off(&new).await.unwrap());
                }
            }
            *count = requests(proxy).await - before - 1;
        }
    }
    counts
}

/// Writes accepted codes of many accounts until `kill` kills the server, and returns what the
/// writers know: `Some` is an answer.
pub(crate) async fn write_until_killed<S: Gate>(
    store: &S,
    accounts: u32,
    kill: impl AsyncFnOnce(),
) -> Vec<(NewSignIn, i64, Option<WriteResult>)> {
    for id in 1..=accounts {
        create(store, &AccountId::from(id)).await;
    }
    let writers = (1..=accounts).map(|id| {
        let store = store.clone();
        tokio::spawn(async move {
            let account = AccountId::from(id);
            let mut attempts = Vec::new();
            for old in 1.. {
                let new = sign_in(&account, u128::from(id) << 64 | old as u128);
                let kind = if old % 3 == 0 {
                    WriteKind::Enrolled
                } else {
                    WriteKind::Accepted
                };
                let planned = write(Some(old), old + 1, b"x", kind);
                let answer = with(&store, &new).compare_and_swap(&account, planned).await;
                let answer = answer.ok();
                attempts.push((new, old + 1, answer));
                if answer.is_none() {
                    break;
                }
            }
            attempts
        })
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    kill().await;
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    all
}

/// Each answered write is stored with its sign-in. Of the last write of each account, both or none
/// is stored.
pub(crate) async fn all_or_none_is_stored(
    store: &impl Gate,
    attempts: &[(NewSignIn, i64, Option<WriteResult>)],
) {
    let (mut answered, mut stored_without_answer, mut absent) = (0, 0, 0);
    for (new, revision, answer) in attempts {
        let record = store.load(new.account()).await.unwrap().unwrap();
        let stored = record.revision.as_i64() >= *revision;
        match answer {
            Some(result) => {
                assert_eq!(*result, WriteResult::Done);
                assert!(stored, "an answered write was lost");
                answered += 1;
            }
            None if stored => stored_without_answer += 1,
            None => absent += 1,
        }
        let is_last = record.revision.as_i64() == *revision;
        // An enrollment that followed has ended an earlier sign-in.
        if is_last || !stored {
            assert_eq!(is_live(store, new).await, stored);
        }
    }
    println!("{answered} answered, {stored_without_answer} stored without answer, {absent} absent");
    assert!(answered > 0 && stored_without_answer + absent > 0);
}

/// The table of users is empty.
pub(crate) async fn an_enrollment_without_a_user_is_an_error(store: &impl Gate) {
    let account = AccountId::from(1_u32);
    create(store, &account).await;
    let new = sign_in(&account, 1);
    for kind in [WriteKind::Enrolled, WriteKind::Disabled] {
        let planned = write(Some(1), 2, b"x", kind);
        let answer = with(store, &new).compare_and_swap(&account, planned).await;
        assert!(matches!(answer, Err(Error::NoUser { .. })), "{answer:?}");
    }
    let error = store.rows().set_flag(&account, FactorFlag::On).await;
    let error = error.unwrap_err().downcast::<Error>().unwrap();
    assert!(matches!(*error, Error::NoUser { .. }), "{error:?}");
    let record = store.load(&account).await.unwrap().unwrap();
    assert_eq!(record.revision.as_i64(), 1, "nothing was written");
    assert!(!store.rows().insert_if_off(&new).await.unwrap());
    assert!(!is_live(store, &new).await);
    let flag = store.rows().flag(&account).await.unwrap();
    assert_eq!(flag, FactorFlag::Off);
}
