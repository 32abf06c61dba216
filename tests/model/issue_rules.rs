//! How the reference model issues backup codes: a proof grants a right, and the right stores one
//! set.

use super::account::{Code, Proof, Set};

use super::observed::Entry;
use super::rate_limit::{HOUR, LimitError};
use super::reference::{Outcome, Reference};
use countersign::Rejection;
use countersign::store::WriteKind;

/// The right to store one set of codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    number: usize,
    granted_at: u64,
}

/// How long a right is valid, in seconds.
const VALID_FOR: u64 = 60;

impl Right {
    pub(crate) const fn ends_at(self) -> u64 {
        self.granted_at + VALID_FOR
    }

    /// Whether the right has expired, or was granted by a clock far ahead.
    pub(crate) const fn is_expired(self, now: u64) -> bool {
        now > self.ends_at() || self.granted_at > now + HOUR
    }
}

impl Reference {
    /// The first write of an issue: uses up the proof and grants a numbered right.
    pub(crate) fn grant(&mut self, proof: &Proof) -> Outcome<usize> {
        self.may_be_read(proof)?;
        self.must_be_enabled()?;
        self.must_be_strong_enough(proof)?;
        let now = self.now;
        let admitted = self.account().issues.admit(now);
        admitted.map_err(|error| match error {
            LimitError::TooMany { retry_after } => Rejection::TooManyIssues { retry_after },
            LimitError::ClockFault => Rejection::ClockFault,
        })?;
        self.prove(proof)?;
        self.rights += 1;
        let right = Right {
            number: self.rights,
            granted_at: now,
        };
        let account = self.account();
        account.issues.add(now);
        account.right = Some(right);
        self.write(WriteKind::Issuing);
        self.journal.push(Entry::Hashed);
        Ok(right.number)
    }

    /// Checks the second write and returns the time of the right. [`stored`](Self::stored) makes
    /// the write.
    pub(crate) fn redeem(&mut self, number: usize) -> Outcome<u64> {
        self.must_be_enabled()?;
        let now = self.now;
        match self.account().right {
            Some(right) if right.number == number && !right.is_expired(now) => Ok(right.granted_at),
            _ => Err(Rejection::IssueExpired),
        }
    }

    /// Stores the codes, and returns the number of the set and whether the set is pending. A first
    /// set is not, and neither is a set that has a code in common with the current one.
    pub(crate) fn stored(&mut self, granted_at: u64, codes: Vec<String>) -> (usize, bool) {
        let current: Vec<_> = self.codes(self.who).iter().map(|code| &code.text).collect();
        let is_pending = !current.is_empty() && !codes.iter().any(|code| current.contains(&code));
        self.sets += 1;
        let unused = |text| Code {
            text,
            used_at: None,
        };
        let set = Set {
            number: self.sets,
            issued_at: granted_at,
            codes: codes.into_iter().map(unused).collect(),
        };
        let account = self.account();
        account.right = None;
        if is_pending {
            account.pending_set = Some(set);
            self.write(WriteKind::IssuedPending);
        } else {
            (account.set, account.pending_set) = (Some(set), None);
            self.write(WriteKind::Issued);
        }
        (self.sets, is_pending)
    }

    /// The user has saved the set with this number.
    pub(crate) fn confirm_saved(&mut self, number: usize) -> Outcome {
        self.must_be_enabled()?;
        if self.set(self.who) == Some(number) {
            return Ok(());
        }
        self.must_be_pending(number)?;
        let account = self.account();
        account.set = account.pending_set.take();
        self.write(WriteKind::CodesConfirmed);
        Ok(())
    }

    /// The user has not saved the set with this number.
    pub(crate) fn discard_codes(&mut self, number: usize) -> Outcome {
        self.must_be_enabled()?;
        self.must_be_pending(number)?;
        self.account().pending_set = None;
        self.write(WriteKind::CodesDiscarded);
        Ok(())
    }

    fn must_be_pending(&mut self, number: usize) -> Outcome {
        let pending = self.account().pending_set.as_ref();
        let is_pending = pending.is_some_and(|set| set.number == number);
        is_pending.then_some(()).ok_or(Rejection::NoPendingCodes)
    }
}
