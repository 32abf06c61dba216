//! One exchange with the store: load, decide, compare-and-swap, again on conflict; and what became of a write
//! whose answer was lost.

use super::error::VerifierError;
use super::{Resealed, Verifier};
use crate::factor::{Outcome, SecondFactor};
use crate::record::RecordError;
use crate::record::{self, DecryptedRecord, History, WriteOutcome};
use crate::runtime::Generator;
use crate::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use crate::{AccountId, KeyId, Rejection, Timestamp};
use std::boxed::Box;

/// How often a swap is sent again whose answer was lost.
const RESENDS: usize = 2;

/// An account's record as it was loaded.
pub(super) struct Loaded {
    pub(super) factor: SecondFactor,
    pub(super) sealed_with: KeyId,
}

/// What an exchange can answer.
pub(super) trait Answer: Send {
    /// Whether it can be the effect of a write of this very exchange, which landed without an answer.
    fn may_follow_own_write(&self) -> bool {
        false
    }
}

impl Answer for Outcome {
    fn may_follow_own_write(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.may_follow_own_write())
    }
}

impl Answer for Resealed {}

impl Answer for Result<(), Rejection> {}

/// What is decided of a loaded record.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one step, on the stack"
)]
pub(super) enum Next<T> {
    /// Nothing is to be written.
    Answer(T),
    /// This is to be answered when the write is on record.
    Write(SecondFactor, WriteKind, T),
}

/// A swap that was refused: perhaps because it had landed before.
struct Refused<T> {
    revision: Revision,
    expected: Option<Revision>,
    /// An earlier answer to the same swap was lost.
    lost: bool,
    answer: T,
}

/// What each write draws anew.
struct Drawn {
    revision: Revision,
    nonce: [u8; 12],
}

/// The store's answer to a swap.
enum Sent {
    Done,
    Stale { lost: bool },
}

impl<S: Store> Verifier<S> {
    /// Loads the record, decides, and writes; a bounded number of times, as long as others are first.
    ///
    /// The answer of a decision is given only when its write is known to be on record.
    pub(super) async fn exchange<T: Answer>(
        &self,
        account: &AccountId,
        mut decide: impl FnMut(Option<Loaded>, Timestamp) -> Next<T> + Send,
    ) -> Result<T, VerifierError> {
        let mut refused: Option<Refused<T>> = None;
        // Whether an earlier write of this exchange may have landed, though the store refused it.
        let mut unknown = false;
        for round in 0..=self.core.rounds {
            let (stored, opened) = match self.load(account).await {
                Ok(loaded) => loaded,
                // Whether the swap that was refused had landed before stays unknown.
                Err(error) if refused.is_some() => {
                    return Err(VerifierError::Unsettled(Some(Box::new(error))));
                }
                Err(error) => return Err(error),
            };
            let now = self.core.clock.now();
            if let Some(refused) = refused.take() {
                let history = opened.as_ref().map(|opened| &opened.history);
                let outcome =
                    history.map(|history| history.outcome_of(refused.revision, refused.expected));
                match outcome.unwrap_or(WriteOutcome::Unknown) {
                    WriteOutcome::Stored => return Ok(refused.answer),
                    WriteOutcome::Unknown if refused.lost => {
                        return Err(VerifierError::Unsettled(None));
                    }
                    WriteOutcome::Unknown => unknown = true,
                    WriteOutcome::Superseded => {}
                }
            }
            if round == self.core.rounds {
                break;
            }
            let (loaded, history) = match opened {
                Some(DecryptedRecord {
                    factor,
                    history,
                    key,
                }) => (
                    Some(Loaded {
                        factor,
                        sealed_with: key,
                    }),
                    history,
                ),
                None => (None, History::new()),
            };
            let (mut factor, kind, answer) = match decide(loaded, now) {
                Next::Answer(answer) if unknown && answer.may_follow_own_write() => {
                    return Err(VerifierError::Unsettled(None));
                }
                Next::Answer(answer) => return Ok(answer),
                Next::Write(factor, kind, answer) => (factor, kind, answer),
            };
            factor.forget_what_is_over(now);
            let drawn = self.draw()?;
            let revision = drawn.revision;
            match self
                .write(account, stored, drawn, kind, &factor, &history)
                .await?
            {
                Sent::Done => return Ok(answer),
                Sent::Stale { lost } => {
                    refused = Some(Refused {
                        revision,
                        expected: stored,
                        lost,
                        answer,
                    });
                }
            }
        }
        Err(VerifierError::Contended)
    }

    /// Erases the record, unless it is of another account.
    pub(super) async fn exchange_for_nothing(
        &self,
        account: &AccountId,
    ) -> Result<(), VerifierError> {
        for _ in 0..self.core.rounds {
            let stored = self
                .store
                .load(account)
                .await
                .map_err(|error| VerifierError::Store(error.into()))?;
            let Some(stored) = stored else { return Ok(()) };
            if record::names_another_account(&stored.record, account, &self.core.namespace) {
                return Err(RecordError::OtherAccount.into());
            }
            let summary = Summary::new(false, 0, self.core.keyring.primary());
            let swap = ConditionalWrite::erase(stored.revision, self.draw()?.revision, summary);
            if let Sent::Done = self.send(account, swap).await? {
                return Ok(());
            }
        }
        Err(VerifierError::Contended)
    }

    /// The revision and the opened record, or neither.
    pub(super) async fn load(
        &self,
        account: &AccountId,
    ) -> Result<(Option<Revision>, Option<DecryptedRecord>), VerifierError> {
        let stored = self
            .store
            .load(account)
            .await
            .map_err(|error| VerifierError::Store(error.into()))?;
        let Some(stored) = stored else {
            return Ok((None, None));
        };
        let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
        let opened = record::open(&stored.record, stored.revision, account, namespace, keyring)?;
        Ok((Some(stored.revision), Some(opened)))
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: Option<Revision>,
        Drawn { revision, nonce }: Drawn,
        kind: WriteKind,
        factor: &SecondFactor,
        history: &History,
    ) -> Result<Sent, VerifierError> {
        let (namespace, keyring) = (&self.core.namespace, &self.core.keyring);
        let history = history.followed_by(revision);
        let record = record::seal(factor, &history, account, namespace, keyring, nonce)?;
        let codes_left = u32::try_from(factor.codes_left()).unwrap_or(u32::MAX);
        let summary = Summary::new(factor.is_enabled(), codes_left, keyring.primary());
        self.send(
            account,
            ConditionalWrite::put(expected, revision, &record, kind, summary),
        )
        .await
    }

    /// Sends a swap. A lost answer does not tell whether it landed, and a write that waits in the database can
    /// land after a load that does not show it; so the very same swap is sent again, until it is done, or
    /// refused because somebody was first.
    async fn send(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<Sent, VerifierError> {
        let mut lost = None;
        for _ in 0..=RESENDS {
            match self.store.compare_and_swap(account, swap).await {
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

    /// In one call: asking the operating system takes longer than what it does for some bytes more.
    fn draw(&self) -> Result<Drawn, VerifierError> {
        let bytes: [u8; 20] = Generator(&*self.core.random).bytes()?;
        let [r0, r1, r2, r3, r4, r5, r6, r7, nonce @ ..] = bytes;
        Ok(Drawn {
            revision: Revision::from_random([r0, r1, r2, r3, r4, r5, r6, r7]),
            nonce,
        })
    }
}
