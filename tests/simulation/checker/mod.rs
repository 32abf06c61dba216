//! The consistency checker: records what was asked, sent, written and answered, and reports the
//! first contradiction.

mod answers;
mod events;
mod requests;
mod writes;

use crate::coverage::Coverage;
use crate::devices::SeenToken;
use crate::entry::{Entry, Grounds, Write};
use crate::operation::{Answer, Device, Kept, KnownPhone, Operation};
use crate::reference::Reference;
use crate::state_hash::StateHash;
use countersign::factor::BackupCodeSetId;
use countersign::otp::Hotp;
use countersign::store::ConditionalWrite;
use countersign::testing::Phone;
use countersign::uri::KeyUriKind;
use countersign::{
    AcceptedBy, AuthenticatorId, Enrollment, IssuedBackupCodes, Receipt, Resealed, SealedReceipt,
    Timestamp,
};
use events::Events;
use requests::Requests;
use std::collections::{HashMap, HashSet};

#[derive(Clone, Default)]
pub(crate) struct Checker {
    pub(crate) entries: Vec<Entry>,
    pub(crate) reference: Reference,
    pub(crate) phones: Vec<KnownPhone>,
    /// The code sets that were shown to the user, by the operation that issued them.
    pub(crate) sets: HashMap<usize, Vec<String>>,
    /// The ids of the code sets, by the operation that issued them.
    pub(crate) set_ids: HashMap<usize, BackupCodeSetId>,
    pub(crate) receipts: Vec<Kept>,
    /// Every device token that a client got.
    pub(crate) tokens: Vec<SeenToken>,
    pub(crate) typed: Vec<String>,
    pub(crate) coverage: Coverage,
    /// The first violation.
    pub(crate) violation: Option<String>,
    /// A list of everything that happened, if requested.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) state_hash: StateHash,
    /// Whether the last call has reached the database.
    pub(crate) has_acted: bool,
    sent: HashMap<i64, Sent>,
    /// How many writes have landed.
    pub(crate) writes: usize,
    /// The number of the last erasure.
    pub(crate) erased_at: usize,
    /// All revisions that ever landed.
    made: HashSet<i64>,
    /// Whether a revision landed twice: the record was erased, and earlier writes landed again.
    landed_again: bool,
    used_codes: HashSet<(usize, String)>,
    /// The sets that replaced a set at once, and the replaced sets.
    replaced_at_once: HashMap<usize, usize>,
    /// Which set became the current one, after so many writes.
    current_sets: Vec<(usize, Option<usize>)>,
    requests: Requests,
    events: Events,
}

#[derive(Clone, Copy)]
struct Sent {
    by: usize,
    checked_at: Timestamp,
    /// How often the verifier sent the write, and how often the write reached the database.
    sendings: usize,
    arrivals: usize,
}

/// How many revisions the history in a record has.
const HISTORY: usize = 8;

impl Checker {
    /// A new checker that continues the counts.
    pub(crate) fn counting(coverage: Coverage) -> Self {
        Self {
            coverage,
            ..Self::default()
        }
    }

    /// A new checker that records everything that happens.
    pub(crate) fn traced() -> Self {
        Self {
            trace: Some(Vec::new()),
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    pub(crate) fn violated(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    pub(crate) fn began(&mut self, client: usize, stage: usize, operation: Operation) -> usize {
        let index = self.entries.len();
        self.coverage.count(operation.name());
        self.note(|| format!("#{index} client {client} asks: {operation:?}"));
        if let Some(typed) = operation.typed() {
            self.typed.push(typed.to_owned());
        }
        self.entries.push(Entry {
            begun_absent: self.reference.throttle.is_none(),
            begun_at: self.writes,
            ..Entry::new(client, stage, operation)
        });
        index
    }

    pub(crate) fn calls(&mut self) {
        self.has_acted = false;
    }

    pub(crate) fn acted(&mut self) {
        self.has_acted = true;
    }

    pub(crate) fn loaded(&mut self, by: usize, now: Timestamp) {
        self.note(|| format!("#{by} has loaded at {}", now.as_unix()));
        self.entries[by].loaded_at = now;
    }

    pub(crate) fn sent(&mut self, by: usize, write: &ConditionalWrite<'_>) {
        self.note(|| format!("#{by} sends {write:?}"));
        let checked_at = self.entries[by].loaded_at;
        let revision = write.revision().as_i64();
        self.state_hash.sends(revision);
        let sent = self.sent.entry(revision).or_insert(Sent {
            by,
            checked_at,
            sendings: 0,
            arrivals: 0,
        });
        sent.sendings += 1;
    }

    /// A write reaches the database.
    fn arrives(&mut self, write: &ConditionalWrite<'_>) -> Sent {
        let sent = self.sent.get_mut(&write.revision().as_i64()).unwrap();
        sent.arrivals += 1;
        self.entries[sent.by].duplicated |= sent.arrivals > sent.sendings;
        *sent
    }

    /// A write was refused.
    pub(crate) fn refused(&mut self, write: &ConditionalWrite<'_>) {
        let by = self.arrives(write).by;
        self.note(|| format!("      #{by} is refused: {:?}", write.revision()));
    }

    /// A write landed.
    pub(crate) fn landed(&mut self, write: &ConditionalWrite<'_>) {
        let Sent { by, checked_at, .. } = self.arrives(write);
        self.note(|| {
            format!(
                "      #{by} lands: {:?} {:?}",
                write.kind(),
                write.revision()
            )
        });
        self.writes += 1;
        self.landed_again |= !self.made.insert(write.revision().as_i64());
        if !self.entries[by].running {
            self.coverage
                .count("landed after its caller was killed or answered");
        }
        let kind = write.kind();
        let outcome = self
            .apply(by, kind, write.expected().is_none(), checked_at)
            .and_then(|()| {
                self.reference.drop_expired(checked_at);
                self.drop_spent_devices(kind);
                self.remember(by, kind, checked_at);
                self.reference.agrees(write.summary())
            })
            .and_then(|()| self.stores_event(write));
        let current = self.reference.codes.map(|(set, _)| set);
        if self.current_sets.last().and_then(|(_, set)| *set) != current {
            self.current_sets.push((self.writes, current));
        }
        self.entries[by].landed.push(Write {
            kind,
            at: checked_at,
            number: self.writes,
        });
        if let Err(what) = outcome {
            self.violated(format!("#{by} wrote {kind:?}: {what}"));
        }
    }

    pub(crate) fn begun_enrollment(&mut self, by: usize, enrollment: &Enrollment) {
        let uri = enrollment.key_uri();
        let device = match uri.kind() {
            KeyUriKind::Hotp { .. } => {
                let secret = uri.secret().expose();
                Device::Token(Hotp::new(secret, uri.algorithm(), uri.digits()))
            }
            _ => Device::Phone(Phone::scan(uri.to_secret_text().expose()).unwrap()),
        };
        self.phones.push(KnownPhone {
            enrollment: enrollment.id(),
            device,
            id: None,
            active: false,
            begun_by: by,
            last: None,
        });
    }

    pub(crate) fn issued_codes(&mut self, by: usize, codes: &IssuedBackupCodes) {
        if !self.has_id(by, codes.set()) {
            self.violated(format!("#{by} issued a set with the id of another"));
        }
        let codes: Vec<_> = codes.iter().map(|code| code.replace(' ', "")).collect();
        let replaced = self.replaced_at_once.get(&by);
        let replaced = replaced.and_then(|old| self.sets.get(old));
        if replaced.is_some_and(|old| old.iter().all(|code| !codes.contains(code))) {
            self.violated(format!("#{by} replaced a set at once"));
        }
        self.sets.insert(by, codes);
    }

    /// Whether this set was the current one while the operation ran.
    fn was_current(&self, set: usize, entry: &Entry) -> bool {
        let later = |(number, _): &&(usize, Option<usize>)| *number > entry.begun_at;
        let newest_first = || self.current_sets.iter().rev();
        let at_the_beginning = newest_first().find(|it| !later(it));
        let mut current = newest_first().take_while(later).chain(at_the_beginning);
        current.any(|(_, current)| *current == Some(set))
    }

    pub(crate) fn killed(&mut self, client: usize) {
        let running = |entry: &Entry| entry.running && entry.client == client;
        if let Some(by) = self.entries.iter().position(running) {
            self.answered(by, Answer::Killed);
        }
    }

    /// Checks an answer: everything in the answer must be stored by now.
    pub(crate) fn answered(&mut self, by: usize, answer: Answer) {
        self.coverage.count(answer.name());
        self.note(|| format!("#{by} is answered: {answer:?}"));
        let entry = &mut self.entries[by];
        entry.running = false;
        if let Some(write) = entry.landed.last()
            && self.writes - write.number >= HISTORY
        {
            self.coverage.count("answered after eight writes of others");
        }
        let entry = &self.entries[by];
        if entry.in_doubt_between_writes(&answer) {
            self.coverage
                .count("killed or in doubt between the writes of an issue");
        }
        if let Err(what) = self.is_stored(by, &answer) {
            self.violated(format!("#{by} was answered {answer:?}: {what}"));
        }
        match answer {
            Answer::Accepted(receipt, sealed) => {
                self.got_token(by, receipt.device_token(), receipt.is_repeat());
                self.accepted(by, &receipt, sealed);
            }
            Answer::Remembered(token) => {
                self.entries[by].answered_success = true;
                self.got_token(by, Some(&token), false);
            }
            Answer::Trusted(trusted) => {
                self.entries[by].answered_success = true;
                self.got_token(by, Some(trusted.device_token()), false);
            }
            Answer::Removed(_) | Answer::Done => self.entries[by].answered_success = true,
            Answer::Unsettled | Answer::Killed => self.entries[by].in_doubt = true,
            Answer::Rejected(rejection) | Answer::Repeated(rejection) => {
                self.entries[by].answered_rejection = Some(rejection);
            }
            Answer::Failed(_) => self.entries[by].answered_failure = true,
        }
    }

    fn accepted(&mut self, by: usize, receipt: &Receipt, sealed: SealedReceipt) {
        let entry = &mut self.entries[by];
        entry.answered_success = true;
        let stage = entry.stage;
        let operation = entry.operation.clone();
        let of = match receipt.is_repeat() {
            true => self.acceptance_of(by, receipt.at()).unwrap_or(by),
            false => by,
        };
        let grounds = self.entries[of].grounds.clone();
        let (event, agrees) = match (receipt.accepted_by(), operation, grounds) {
            (AcceptedBy::Enrollment { id }, Operation::Confirm { phone, .. }, _) => {
                self.phones[phone].id = Some(id);
                ("accepted: confirmation", true)
            }
            (AcceptedBy::BackupCode { set: id, .. }, Operation::Verify { .. }, grounds) => {
                let agrees = matches!(grounds, Some(Grounds::Set(set)) if self.has_id(set, id));
                ("accepted: backup code", agrees)
            }
            (
                AcceptedBy::Authenticator { id },
                operation @ (Operation::Verify { .. } | Operation::VerifyRow { .. }),
                grounds,
            ) => {
                let phones = match grounds {
                    Some(Grounds::Phones(phones)) => phones,
                    _ => Vec::new(),
                };
                let by_token = phones.iter().any(|phone| self.phones[*phone].is_token());
                let is_row = matches!(operation, Operation::VerifyRow { .. });
                let event = match (is_row, by_token) {
                    (false, true) => "accepted: counter",
                    (false, false) => "accepted: passcode",
                    (true, true) => "accepted: row of counters",
                    (true, false) => "accepted: row of passcodes",
                };
                (event, self.is_one_of(&phones, id))
            }
            _ => ("accepted: something else", false),
        };
        self.coverage.count(event);
        if !agrees {
            self.violated(format!("#{by} was accepted by something else: {receipt:?}"));
        }
        self.receipts.push(Kept {
            sealed,
            at: receipt.at(),
            of,
            stage,
        });
    }

    /// Whether the code set has this id, and no other set has.
    fn has_id(&mut self, set: usize, id: BackupCodeSetId) -> bool {
        let taken = |(other, known): (&usize, &BackupCodeSetId)| *other != set && *known == id;
        !self.set_ids.iter().any(taken) && *self.set_ids.entry(set).or_insert(id) == id
    }

    /// Whether an authenticator can be one of these phones or tokens. If nobody got the answer to a
    /// confirmation, the id is not known.
    fn is_one_of(&self, phones: &[usize], id: AuthenticatorId) -> bool {
        let ids = phones.iter().map(|phone| self.phones[*phone].id);
        ids.into_iter()
            .any(|known| known.is_none_or(|known| known == id))
    }

    pub(crate) fn resealed(&mut self, resealed: Resealed) {
        if resealed == Resealed::Changed {
            self.coverage.count("resealed");
        }
    }
}

/// Whether the typed code has the length of a backup code.
fn is_code(typed: &str) -> bool {
    typed.len() == 8
}
