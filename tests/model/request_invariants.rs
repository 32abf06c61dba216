//! A form that is sent twice: what the numbered invariants of DESIGN.md say about repeats, without
//! the reference model.

use super::account::By;
use super::observed::{Entry, Observation};
use super::requests::Request;
use super::world::Agreement;
use countersign::Rejection;
use countersign::store::WriteKind;

/// An attempt with a request id that was stored.
struct Stored {
    who: usize,
    request: Request,
    at: u64,
    accepted_by: Option<By>,
    joins: u8,
}

/// Every attempt with a request id that was stored.
#[derive(Default)]
pub(crate) struct Requests(Vec<Stored>);

impl Requests {
    /// Whether the call repeats a counted attempt and counts nothing itself.
    pub(crate) fn check(&mut self, seen: &Observation<'_>) -> Agreement<bool> {
        let Some(request) = seen.call.request() else {
            return Ok(false);
        };
        let writes: Vec<WriteKind> = seen.journal.iter().filter_map(kind).collect();
        let is_failure = matches!(
            seen.answer,
            Err(Rejection::WrongCode | Rejection::BackupCodeUsed)
        );
        let counted = |kind: &WriteKind| matches!(kind, WriteKind::Rejected | WriteKind::Reserved);
        let is_counted = writes.iter().any(counted);
        if seen.rejected_before != (is_failure && !is_counted) {
            return Err(format!("invariant 3: the answer hides {writes:?}"));
        }
        let earlier = self.0.iter_mut().rfind(|stored| {
            stored.who == seen.who
                && stored.request.is_same(request)
                && (stored.at.saturating_sub(10)..=stored.at + 30).contains(&seen.now)
        });
        let accepted = seen.answer.ok().flatten();
        if seen.is_repeat {
            let same = earlier.and_then(|earlier| earlier.accepted_by);
            return match same == accepted && same.is_some() && writes.is_empty() {
                true => Ok(true),
                false => Err(format!("invariant 1: a repeat of {same:?} with {writes:?}")),
            };
        }
        if let [WriteKind::Joined, ..] = writes[..] {
            let joined = earlier.map(|earlier| {
                earlier.joins += 1;
                (earlier.joins, earlier.accepted_by)
            });
            return match joined {
                Some((1..=4, None)) => Ok(true),
                other => Err(format!("invariant 3: a join to {other:?}")),
            };
        }
        if writes.is_empty() && is_failure {
            return match earlier {
                Some(Stored {
                    accepted_by: None, ..
                }) => Ok(true),
                _ => Err("invariant 3: an uncounted failure is not a repeat".into()),
            };
        }
        if !writes.is_empty() {
            self.0.push(Stored {
                who: seen.who,
                request: request.clone(),
                at: seen.now,
                accepted_by: accepted,
                joins: 0,
            });
        }
        Ok(false)
    }
}

const fn kind(entry: &Entry) -> Option<WriteKind> {
    match entry {
        // The attempt follows as a stranger's.
        Entry::Wrote(WriteKind::DeviceSuspected, _) | Entry::Hashed => None,
        Entry::Wrote(kind, _) => Some(*kind),
    }
}
