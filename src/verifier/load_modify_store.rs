//! Loads the record, decides, writes the record back by a conditional write, and repeats after a
//! conflict.
//!
//! If the answer to a write was lost, this module also finds out whether the write was applied. It
//! sends the identical write again, and then looks for the write in the history of the record.

use super::caller::Caller;
use super::error::{Denied, VerifierError};
use super::verifier::Verifier;
use super::write_event::{Answered, Before, Facts, Writing};
use super::wrong_code::WrongCode;
use crate::event::{Event, EventType, InitiatingEntity};
use crate::factor::{HashedCode, Outcome, Progress, SecondFactor, Step};
use crate::record::{self, DecryptedRecord, Previous, RecordError, WriteOutcome};
use crate::runtime::Generator;
use crate::store::{ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteResult};
use crate::{AccountId, Actor, KeyId, Rejection, Timestamp};
use alloc::borrow::Cow;
use std::boxed::Box;
use std::vec::Vec;
use zeroize::Zeroizing;

/// How many times a write is sent again while its answer is lost.
const RESENDS: usize = 2;

/// What the first round knows about the account.
#[derive(Clone, Copy)]
pub(super) enum FirstRound {
    /// Nothing: it loads the record.
    Loads,
    /// That there is probably no record. If there is one, the store refuses the write, and the next
    /// round loads the record.
    AssumesNoRecord,
}

/// An account's record, decrypted.
pub(super) struct Loaded {
    pub(super) factor: SecondFactor,
    pub(super) sealed_with: KeyId,
}

impl From<DecryptedRecord> for Loaded {
    fn from(opened: DecryptedRecord) -> Self {
        Self {
            factor: opened.factor,
            sealed_with: opened.key,
        }
    }
}

/// The answer of a decision.
pub(super) trait Answer: Send {
    /// What the type of the answer says about an accepted call.
    type Accepted: Facts;

    /// The reason why the call was rejected.
    fn rejection(&self) -> Option<Rejection> {
        None
    }

    /// What the call returns if it is accepted.
    fn accepted(&self) -> Option<&Self::Accepted> {
        None
    }

    /// Whether an earlier write of the same call can have caused this answer, if that write was
    /// applied and its answer was lost.
    fn may_follow_own_write(&self) -> bool {
        self.rejection()
            .is_some_and(Rejection::may_follow_own_write)
    }
}

impl<T: Facts + Send> Answer for Outcome<T> {
    type Accepted = T;

    fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejection) | Self::Repeated(rejection) => Some(*rejection),
            Self::Accepted(_) | Self::HashNeeded { .. } | Self::DeviceForgotten => None,
        }
    }

    fn accepted(&self) -> Option<&T> {
        match self {
            Self::Accepted(accepted) => Some(accepted),
            _ => None,
        }
    }

    fn may_follow_own_write(&self) -> bool {
        match self {
            Self::Rejected(rejection) => rejection.may_follow_own_write(),
            // Otherwise a failure that this call counted would look like one of an earlier call.
            Self::Repeated(_) => true,
            Self::Accepted(_) | Self::HashNeeded { .. } | Self::DeviceForgotten => false,
        }
    }
}

impl<T: Facts + Send> Answer for Result<T, Rejection> {
    type Accepted = T;

    fn rejection(&self) -> Option<Rejection> {
        self.as_ref().err().copied()
    }

    fn accepted(&self) -> Option<&T> {
        self.as_ref().ok()
    }
}

fn answered<T: Answer>(answer: &T, caller: &Caller<'_>) -> Answered {
    Answered {
        signs_in: T::Accepted::SIGNS_IN,
        entity: T::Accepted::ENTITY,
        accepted_by: answer.accepted().and_then(Facts::accepted_by),
        device: answer.accepted().and_then(Facts::device),
        rejection: answer.rejection(),
        wrong_code: caller.wrong_code.and_then(WrongCode::offset),
    }
}

/// A write that the store refused, perhaps because the same write was applied before.
struct Refused<T> {
    revision: Revision,
    expected: Option<Revision>,
    /// Whether an earlier answer to the same write was lost.
    lost: bool,
    answer: T,
    event: Option<Event<'static>>,
}

/// Random bytes of one write.
struct WriteRandom {
    revision: Revision,
    nonce: [u8; 12],
}

/// The store's last answer to a write.
enum Sent {
    Done,
    Stale { lost: bool },
}

impl<S: Store> Verifier<S> {
    /// Loads the record, decides, and writes. If another request changes the record first, repeats
    /// these steps, up to the builder's number of rounds.
    ///
    /// Returns the answer of a decision only after the write of that decision is stored.
    pub(super) fn load_modify_store<T: Answer>(
        &self,
        account: &AccountId,
        decide: impl FnMut(Option<Loaded>, Timestamp) -> Step<T> + Send,
    ) -> impl Future<Output = Result<T, VerifierError>> + Send {
        self.modify_store(account, FirstRound::Loads, Caller::default(), decide)
    }

    /// Like [`load_modify_store`](Self::load_modify_store). The first round may skip the load, and
    /// the event of the write shows what the caller knows.
    pub(super) async fn modify_store<T: Answer>(
        &self,
        account: &AccountId,
        first: FirstRound,
        caller: Caller<'_>,
        mut decide: impl FnMut(Option<Loaded>, Timestamp) -> Step<T> + Send,
    ) -> Result<T, VerifierError> {
        let mut refused: Option<Refused<T>> = None;
        // Whether an earlier write of this call may have been applied, although the store refused
        // it.
        let mut maybe_applied = false;
        // The last round only finds out whether the write of the previous round was applied.
        for round in 0..=self.core.rounds {
            let loaded = match first {
                FirstRound::AssumesNoRecord if round == 0 => Ok((None, None)),
                FirstRound::AssumesNoRecord | FirstRound::Loads => self.load(account).await,
            };
            let (previous, loaded) = match loaded {
                Ok(loaded) => loaded,
                Err(error) if refused.is_some() => {
                    return Err(VerifierError::Unsettled(Some(Box::new(error))));
                }
                Err(error) => return Err(error),
            };
            let now = self.core.clock.now();
            if let Some(refused) = refused.take() {
                match refused.outcome(previous.as_ref()) {
                    WriteOutcome::Stored => {
                        self.tell(refused.event.as_ref());
                        return Ok(refused.answer);
                    }
                    WriteOutcome::Unknown if refused.lost => {
                        return Err(VerifierError::Unsettled(None));
                    }
                    WriteOutcome::Unknown => maybe_applied = true,
                    WriteOutcome::Superseded => {}
                }
            }
            if round == self.core.rounds {
                break;
            }
            let policy = &self.core.policy;
            let factor = loaded.as_ref().map(|loaded| &loaded.factor);
            let before = Before::of(factor, caller.device, now, policy);
            let (mut factor, kind, answer) = match decide(loaded, now) {
                Step::Answer(answer) if maybe_applied && answer.may_follow_own_write() => {
                    return Err(VerifierError::Unsettled(None));
                }
                Step::Answer(answer) => return Ok(answer),
                Step::Write(factor, kind, answer) => (factor, kind, answer),
            };
            factor.forget_expired(kind, now);
            if self.core.keeps_ended {
                factor.keep_just_ended();
            }
            let random = self.write_random()?;
            let revision = random.revision;
            let expected = previous.as_ref().and_then(Previous::revision);
            let record = self.seal(account, &factor, previous, random)?;
            let summary = self.summary(&factor);
            let writing = Writing {
                account,
                revision,
                kind,
                actor: caller.actor,
                now,
                before,
                after: &factor,
            };
            let event = writing.event(answered(&answer, &caller), policy);
            let mut write = ConditionalWrite::put(expected, revision, &record, kind, summary);
            if let Some(event) = &event {
                write = write.with_event(event);
            }
            match self.send(account, write).await? {
                Sent::Done => {
                    self.tell(event.as_ref());
                    return Ok(answer);
                }
                Sent::Stale { lost } => {
                    refused = Some(Refused {
                        revision,
                        expected,
                        lost,
                        answer,
                        event: event.map(Event::into_owned),
                    });
                }
            }
        }
        Err(VerifierError::Contended)
    }

    /// Runs a decision, and runs it again with the hash of a backup code if it asks for one.
    pub(super) async fn attempt<T: Facts + Send>(
        &self,
        account: &AccountId,
        caller: Caller<'_>,
        decide: impl Fn(Option<Loaded>, &Progress, Timestamp) -> Step<Outcome<T>> + Send + Sync,
    ) -> Result<T, Denied> {
        let mut progress = Progress::Start;
        loop {
            let outcome = self.modify_store(account, FirstRound::Loads, caller, |loaded, now| {
                decide(loaded, &progress, now)
            });
            match outcome.await? {
                Outcome::Accepted(accepted) => return Ok(accepted),
                Outcome::Rejected(rejection) => return Err(rejection.into()),
                Outcome::DeviceForgotten => {}
                Outcome::Repeated(rejection) => return Err(Denied::Repeated(rejection)),
                Outcome::HashNeeded {
                    job,
                    set,
                    charge,
                    joined,
                } => {
                    let hashes = self.core.hash_executor.run(job).await;
                    let hashes = hashes.map_err(VerifierError::HashExecutor)?;
                    progress = Progress::Hashed(HashedCode {
                        hashes,
                        set,
                        charge,
                        joined,
                    });
                }
            }
        }
    }

    /// Erases the record, unless it belongs to another account.
    pub(super) async fn load_and_erase(
        &self,
        account: &AccountId,
        actor: &Actor,
    ) -> Result<(), VerifierError> {
        for _ in 0..self.core.rounds {
            let Some(stored) = self.load_encrypted(account).await? else {
                return Ok(());
            };
            if record::names_another_account(&stored.record, account, &self.core.namespace) {
                return Err(RecordError::OtherAccount.into());
            }
            let summary = Summary::new(false, 0, self.core.keyring.primary());
            let revision = self.write_random()?.revision;
            let (purged, admin) = (EventType::AccountPurged, InitiatingEntity::Admin);
            let mut event = Event::new(account, revision, self.core.clock.now(), purged, admin);
            event.actor = Some(Cow::Borrowed(actor));
            let write = ConditionalWrite::erase(stored.revision, revision, summary);
            if let Sent::Done = self.send(account, write.with_event(&event)).await? {
                self.tell(Some(&event));
                return Ok(());
            }
        }
        Err(VerifierError::Contended)
    }

    /// What the next record takes from the current one, and the current one decrypted, or neither.
    pub(super) async fn load(
        &self,
        account: &AccountId,
    ) -> Result<(Option<Previous>, Option<Loaded>), VerifierError> {
        let Some(stored) = self.load_encrypted(account).await? else {
            return Ok((None, None));
        };
        let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
        let (previous, opened) = record::open(stored, account, namespace, keyring)?;
        Ok((Some(previous), Some(opened.into())))
    }

    async fn load_encrypted(
        &self,
        account: &AccountId,
    ) -> Result<Option<StoredRecord>, VerifierError> {
        let stored = self.store.load(account).await;
        stored.map_err(|error| VerifierError::Store(error.into()))
    }

    fn seal(
        &self,
        account: &AccountId,
        factor: &SecondFactor,
        previous: Option<Previous>,
        random: WriteRandom,
    ) -> Result<Zeroizing<Vec<u8>>, VerifierError> {
        let WriteRandom { revision, nonce } = random;
        let previous = previous.unwrap_or_else(Previous::none);
        let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
        let sealed = record::seal(
            factor, previous, revision, nonce, account, namespace, keyring,
        );
        Ok(sealed?)
    }

    /// Tells the event of a write that is stored.
    fn tell(&self, event: Option<&Event<'_>>) {
        if let Some(event) = event {
            self.core.tell(event);
        }
    }

    fn summary(&self, factor: &SecondFactor) -> Summary {
        let codes_left = u32::try_from(factor.codes_left()).unwrap_or(u32::MAX);
        Summary::new(factor.is_enabled(), codes_left, self.core.keyring.primary())
    }

    /// Sends a write, and sends it again while its answer is lost.
    ///
    /// A lost answer does not say whether the write was applied. A write that waits in the database
    /// can even be applied after a load that does not show it. So only the identical write, sent
    /// again, gives a final answer: done, or refused because another write was first.
    async fn send(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<Sent, VerifierError> {
        let mut lost = None;
        for _ in 0..=RESENDS {
            match self.store.compare_and_swap(account, write).await {
                Ok(WriteResult::Done) => return Ok(Sent::Done),
                Ok(WriteResult::Stale) => {
                    return Ok(Sent::Stale {
                        lost: lost.is_some(),
                    });
                }
                Err(error) => lost = Some(error.into()),
            }
        }
        Err(VerifierError::Unsettled(lost))
    }

    /// Draws all random bytes of a write in one call to the operating system. A second call would
    /// take longer than more bytes in the first call.
    fn write_random(&self) -> Result<WriteRandom, VerifierError> {
        let bytes: [u8; 20] = Generator(&*self.core.random).bytes()?;
        let [r0, r1, r2, r3, r4, r5, r6, r7, nonce @ ..] = bytes;
        Ok(WriteRandom {
            revision: Revision::from_random([r0, r1, r2, r3, r4, r5, r6, r7]),
            nonce,
        })
    }
}

impl<T> Refused<T> {
    /// Returns what the current record shows about the refused write.
    fn outcome(&self, current: Option<&Previous>) -> WriteOutcome {
        current.map_or(WriteOutcome::Unknown, |current| {
            current.history().outcome_of(self.revision, self.expected)
        })
    }
}
