//! Checks forms that are sent more than once, with the same request id and the same code.

use super::{Checker, is_code};
use crate::rules::SKEW;
use countersign::Timestamp;
use countersign::store::WriteKind;

/// How long a repeat gets the same result, and how many repeats compute the hash of one attempt.
const REPEAT_AGE: u64 = 30;
const JOINS: u8 = 4;

/// The stored attempts with a request id.
#[derive(Clone, Default)]
pub(super) struct Requests {
    stored: Vec<Stored>,
    /// Whether the last one is still the last attempt, and nothing changed since then.
    counts: bool,
}

#[derive(Clone)]
struct Stored {
    by: usize,
    id: u8,
    typed: String,
    at: Timestamp,
    kind: WriteKind,
    joins: u8,
}

impl Stored {
    fn is_repeated_by(&self, request: Option<(u8, &str)>, now: Timestamp) -> bool {
        let (at, now) = (self.at.as_unix(), now.as_unix());
        request == Some((self.id, &self.typed)) && now <= at + REPEAT_AGE && at <= now + SKEW
    }
}

impl Checker {
    /// Keeps, replaces or drops the last request after a write.
    pub(super) fn remember(&mut self, by: usize, kind: WriteKind, at: Timestamp) {
        let requests = &mut self.requests;
        match (kind, self.entries[by].operation.request()) {
            (WriteKind::Joined | WriteKind::Resealed | WriteKind::DeviceRemembered, _) => {}
            (
                WriteKind::Rejected | WriteKind::Reserved | WriteKind::Accepted,
                Some((id, typed)),
            ) => {
                requests.counts = true;
                requests.stored.push(Stored {
                    by,
                    id,
                    typed: typed.to_owned(),
                    at,
                    kind,
                    joins: 0,
                });
            }
            _ => requests.counts = false,
        }
    }

    /// A repeat computes the hash of a counted attempt.
    pub(super) fn join(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        let request = self.entries[by].operation.request();
        let last = self.requests.stored.last_mut();
        let last = last.filter(|last| self.requests.counts && last.is_repeated_by(request, at));
        let last = last.ok_or("there is no request to join")?;
        last.joins += 1;
        if last.kind != WriteKind::Reserved || !is_code(&last.typed) || last.joins > JOINS {
            return Err(format!("join {} of {:?}", last.joins, last.kind));
        }
        let of = last.by;
        self.joins_charge(by, of, at);
        self.coverage.count("joined");
        if !self.entries[of].running {
            self.coverage
                .count("joined after the first caller was killed or answered");
        }
        Ok(())
    }

    /// The operation whose acceptance at this time a repeat is told about.
    pub(super) fn acceptance_of(&self, by: usize, at: Timestamp) -> Option<usize> {
        let entry = &self.entries[by];
        let request = entry.operation.request();
        let mut stored = self.requests.stored.iter().rev();
        let accepted = stored.find(|stored| {
            let is_same = stored.is_repeated_by(request, entry.loaded_at);
            is_same && stored.kind == WriteKind::Accepted && stored.at == at
        });
        accepted.map(|accepted| accepted.by)
    }

    /// Whether a wrong passcode was counted for the same form before, and nothing was written now.
    pub(super) fn repeats_failure(&mut self, by: usize) -> bool {
        let entry = &self.entries[by];
        let request = entry.operation.request();
        let is_repeat = entry.landed.is_empty()
            && self.requests.stored.iter().any(|stored| {
                stored.is_repeated_by(request, entry.loaded_at)
                    && stored.kind == WriteKind::Rejected
            });
        if is_repeat {
            self.coverage.count("wrong again, without a write");
        }
        is_repeat
    }
}
