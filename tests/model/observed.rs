//! What is visible from outside: calls, answers, status, and the order of writes and hashes.

use super::account::{By, Proof};
use super::devices::DeviceView;
use super::requests::Request;
use countersign::AccountId;
use countersign::backup::HashJob;
use countersign::event::{Event, EventType, InitiatingEntity};
use countersign::factor::{AuthenticatorKind, EndReason, EndedAuthenticator, RateLimitState};
use countersign::runtime::{HashExecutor, HashExecutorError, HashFuture};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::{AuthenticatorId, DeviceId, EnrollmentId, Rejection, Status};
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// A status that a test can construct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Absent,
    Disabled,
    Enabled {
        apps: Vec<AppView>,
        codes: Option<CodesView>,
        rate_limit: RateLimitState,
        devices: Vec<DeviceView>,
        ended: Vec<EndedView>,
    },
}

/// An authenticator that is no longer active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndedView {
    pub(crate) id: AuthenticatorId,
    pub(crate) name: String,
    pub(crate) added_at: u64,
    pub(crate) ended_at: u64,
    pub(crate) reason: EndReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppView {
    pub(crate) id: AuthenticatorId,
    pub(crate) name: String,
    pub(crate) digits: u8,
    pub(crate) kind: AuthenticatorKind,
    pub(crate) added_at: u64,
    pub(crate) last_used_at: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodesView {
    pub(crate) issued_at: u64,
    pub(crate) remaining: usize,
    pub(crate) used_at: Vec<Option<u64>>,
    /// When the pending set was issued, and how many codes it has.
    pub(crate) pending: Option<(u64, usize)>,
}

impl EndedView {
    fn of(ended: &EndedAuthenticator) -> Self {
        Self {
            id: ended.id,
            name: ended.name.as_str().to_owned(),
            added_at: ended.added_at.as_unix(),
            ended_at: ended.ended_at.as_unix(),
            reason: ended.reason,
        }
    }
}

impl View {
    pub(crate) fn of(status: Status) -> Self {
        match status {
            Status::Absent => Self::Absent,
            Status::Disabled => Self::Disabled,
            Status::Enabled(enabled) => Self::Enabled {
                apps: enabled
                    .authenticators
                    .iter()
                    .map(|active| AppView {
                        id: active.id,
                        name: active.name.as_str().to_owned(),
                        digits: active.digits,
                        kind: active.kind,
                        added_at: active.added_at.as_unix(),
                        last_used_at: active.last_used_at.map(|at| at.as_unix()),
                    })
                    .collect(),
                codes: enabled.backup_codes.map(|codes| CodesView {
                    issued_at: codes.issued_at.as_unix(),
                    remaining: codes.remaining,
                    used_at: codes
                        .used_at
                        .iter()
                        .map(|used_at| used_at.map(|at| at.as_unix()))
                        .collect(),
                    pending: codes
                        .pending
                        .map(|pending| (pending.issued_at.as_unix(), pending.remaining)),
                }),
                rate_limit: enabled.rate_limit,
                devices: enabled.devices.iter().map(DeviceView::of).collect(),
                ended: enabled.ended.iter().map(EndedView::of).collect(),
            },
            other => panic!("an unknown status: {other:?}"),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        matches!(self, Self::Enabled { .. })
    }

    /// The active authenticators, in order.
    pub(crate) fn ids(&self) -> Vec<AuthenticatorId> {
        match self {
            Self::Enabled { apps, .. } => apps.iter().map(|app| app.id).collect(),
            Self::Absent | Self::Disabled => Vec::new(),
        }
    }

    /// The names of the active authenticators.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Enabled { apps, .. } => apps.iter().map(|app| &app.name[..]).collect(),
            Self::Absent | Self::Disabled => Vec::new(),
        }
    }

    /// When the current set of codes and the pending one were issued.
    pub(crate) fn sets(&self) -> [Option<u64>; 2] {
        match self {
            Self::Enabled { codes, .. } => {
                let pending = codes.as_ref().and_then(|codes| codes.pending);
                [self.issued_at(), pending.map(|(issued_at, _)| issued_at)]
            }
            Self::Absent | Self::Disabled => [None; 2],
        }
    }

    /// When the current set of codes was issued.
    pub(crate) fn issued_at(&self) -> Option<u64> {
        match self {
            Self::Enabled { codes, .. } => codes.as_ref().map(|codes| codes.issued_at),
            Self::Absent | Self::Disabled => None,
        }
    }
}

/// The issued codes and the number of their set. Empty if no codes were issued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes {
    pub(crate) set: usize,
    pub(crate) codes: Vec<String>,
    pub(crate) is_pending: bool,
}

/// A call with its values.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Begin(Proof),
    ReadPending(EnrollmentId),
    Confirm(EnrollmentId, String),
    Verify(String),
    Request(Request),
    /// Consecutive passcodes.
    Row(Vec<String>),
    /// The first write of an issue of codes, with the number of the granted right.
    Grant(Proof, usize),
    /// The second write of the issue with this right.
    Store {
        right: usize,
        codes: Codes,
    },
    /// The user has saved the set with this number.
    ConfirmSaved(usize),
    /// Ends the set with this number, if it is pending.
    Discard(usize),
    Remove(AuthenticatorId, Proof),
    /// A removal that keeps the last authenticator.
    RemoveUnlessLast(AuthenticatorId, Proof),
    Disable(Proof),
    ForceDisable,
    Unlock,
    Erase,
    /// A device, if it was remembered.
    Remember(Option<DeviceId>),
    /// A sign-in without a code.
    Trust,
    /// All devices.
    ForgetDevices,
    PasswordChanged,
    /// A call that changes no authenticator and no code set: a reseal, the passing of time.
    Nothing,
}

impl Call {
    pub(crate) const fn proof(&self) -> Option<&Proof> {
        match self {
            Self::Begin(proof)
            | Self::Grant(proof, _)
            | Self::Remove(_, proof)
            | Self::RemoveUnlessLast(_, proof)
            | Self::Disable(proof) => Some(proof),
            _ => None,
        }
    }

    pub(crate) const fn request(&self) -> Option<&Request> {
        match self {
            Self::Request(request) => Some(request),
            _ => None,
        }
    }

    /// The code in the call: a login code, or the code of a proof.
    pub(crate) const fn attempt(&self) -> Option<&String> {
        match (self, self.proof()) {
            (Self::Verify(text), _)
            | (Self::Request(Request { text, .. }), _)
            | (_, Some(Proof::Code(text))) => Some(text),
            _ => None,
        }
    }
}

/// What one command did, as visible from outside.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) who: usize,
    pub(crate) now: u64,
    pub(crate) call: &'a Call,
    pub(crate) answer: &'a Result<Option<By>, Rejection>,
    /// Whether the receipt says that an earlier call accepted the code.
    pub(crate) is_repeat: bool,
    /// The device whose token the call sent, and whether the reference knew it.
    pub(crate) device: Option<DeviceId>,
    pub(crate) on_known_device: bool,
    /// Whether the answer says that an earlier call counted the failure.
    pub(crate) rejected_before: bool,
    pub(crate) journal: &'a [Entry],
    pub(crate) before: &'a [View; 2],
    pub(crate) after: &'a [View; 2],
}

/// What happened while a command ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The store made a write.
    Wrote(WriteKind, Summary),
    /// Password hashes were computed.
    Hashed,
}

/// The entries of all commands so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Entry>>>);

impl Journal {
    fn add(&self, entry: Entry) {
        self.0.lock().unwrap().push(entry);
    }

    /// The entries since the last call.
    pub(crate) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The in-memory store with a journal of its writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) store: MemoryStore,
    pub(crate) journal: Journal,
    /// The events of the writes, and the events that the verifiers told.
    pub(crate) events: Arc<Mutex<Vec<Event<'static>>>>,
    pub(crate) told: Arc<Mutex<Vec<Event<'static>>>>,
}

impl Recorded {
    /// The events of all verifiers go here.
    pub(crate) fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let told = Arc::clone(&self.told);
        move |event| told.lock().unwrap().push(event.clone().into_owned())
    }

    /// The events of the writes since the last call, and the events that the verifiers told.
    pub(crate) fn take_events(&self) -> [Vec<Event<'static>>; 2] {
        [&self.events, &self.told].map(|events| std::mem::take(&mut *events.lock().unwrap()))
    }
}

/// Checks that the event of a write has the write's id, and says what the summary says.
fn check_event(account: &AccountId, write: &ConditionalWrite<'_>) {
    let (kind, summary) = (write.kind(), write.summary());
    let silent = matches!(kind, WriteKind::Resealed | WriteKind::Joined);
    assert_eq!(write.event().is_none(), silent, "{kind:?}");
    let Some(event) = write.event() else {
        return;
    };
    assert_eq!(
        (&*event.account, event.revision),
        (account, write.revision())
    );
    let has_actor = event.initiating_entity == InitiatingEntity::Admin;
    assert_eq!(event.actor.is_some(), has_actor, "{event:?}");
    if kind != WriteKind::Erased {
        let is_enabled = event.authenticators_left.map(|left| left > 0);
        assert_eq!(is_enabled, Some(summary.enabled), "{event:?}");
        let codes = event.codes_left.map_or(0, u32::from);
        assert_eq!(codes, summary.codes_left, "{event:?}");
    }
    let is_change = event.event_type == EventType::CredentialChange;
    assert_eq!(event.change_type.is_some(), is_change, "{event:?}");
    let is_compromise = event.event_type == EventType::CredentialCompromise;
    let has_type = is_change || is_compromise;
    assert_eq!(event.credential_type.is_some(), has_type, "{event:?}");
}

impl Store for Recorded {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.store, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let result = Store::compare_and_swap(&self.store, account, write).await?;
        if result == WriteResult::Done {
            check_event(account, &write);
            let event = write.event().map(|event| event.clone().into_owned());
            self.events.lock().unwrap().extend(event);
            self.journal
                .add(Entry::Wrote(write.kind(), write.summary()));
        }
        Ok(result)
    }
}

impl HashExecutor for Journal {
    /// The hashes of a code set are ready when they are polled for the second time.
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        let last = self.0.lock().unwrap().last().copied();
        let mut waits = matches!(last, Some(Entry::Wrote(WriteKind::Issuing, _)));
        self.add(Entry::Hashed);
        Box::pin(async move {
            poll_fn(|_| match std::mem::take(&mut waits) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
            job.run().map_err(HashExecutorError::Hash)
        })
    }
}
