//! The reference's backup codes: a proof buys a right, and the right one set of codes (DESIGN, "Changes and
//! proofs").

use super::account::{Code, Proof, Set};
use super::limits::NotNow;
use super::observed::Entry;
use super::reference::{Reference, Verdict};
use super::throttle::HOUR;
use countersign::Rejection;
use countersign::store::WriteKind;

/// The right to store one set of codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    number: usize,
    granted_at: u64,
}

/// How long a right is good for, in seconds.
const GOOD_FOR: u64 = 60;

impl Right {
    pub(crate) const fn ends_at(self) -> u64 {
        self.granted_at + GOOD_FOR
    }

    /// Whether it is over, or granted by a clock far ahead.
    pub(crate) const fn is_over(self, now: u64) -> bool {
        now > self.ends_at() || self.granted_at > now + HOUR
    }
}

impl Reference {
    /// The first half of an issue: takes the proof and grants a right, known by its number.
    pub(crate) fn grant(&mut self, proof: &Proof) -> Verdict<usize> {
        self.may_be_read(proof)?;
        self.must_be_enabled()?;
        self.must_be_strong_enough(proof)?;
        let now = self.now;
        let admitted = self.account().issues.admit(now);
        admitted.map_err(|not_now| match not_now {
            NotNow::TooMany { retry_after } => Rejection::TooManyIssues { retry_after },
            NotNow::ClockFault => Rejection::ClockFault,
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
        self.journal.push(Entry::Digested);
        Ok(right.number)
    }

    /// Judges the second half, and gives the time of the right; [`stored`](Self::stored) makes it.
    pub(crate) fn redeem(&mut self, number: usize) -> Verdict<u64> {
        self.must_be_enabled()?;
        let now = self.now;
        match self.account().right {
            Some(right) if right.number == number && !right.is_over(now) => Ok(right.granted_at),
            _ => Err(Rejection::IssueExpired),
        }
    }

    /// Stores the codes, and gives the number of the set.
    pub(crate) fn stored(&mut self, granted_at: u64, codes: Vec<String>) -> usize {
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
        account.set = Some(set);
        account.right = None;
        self.write(WriteKind::Issued);
        self.sets
    }
}
