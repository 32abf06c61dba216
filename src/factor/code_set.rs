//! The backup codes of an account: a set that this crate issued, or an imported set.

use crate::Timestamp;
use crate::backup::{BackupCodeSet, CodeMatch, HashJob, Hashes, ImportedCodeSet};
use crate::factor::BackupCodeSetId;
use crate::otp::Code;
use alloc::vec::Vec;

/// The backup codes of an account.
#[derive(Clone, Debug)]
pub(crate) enum CodeSet {
    /// This crate issued the set.
    Issued(BackupCodeSet),
    /// Another system issued the set.
    Imported(ImportedCodeSet),
}

impl CodeSet {
    /// Returns the id of the set: 128 random bits. The id of an issued set is its salt.
    pub(crate) const fn id(&self) -> BackupCodeSetId {
        BackupCodeSetId::from_bytes(match self {
            Self::Issued(set) => *set.salt(),
            Self::Imported(set) => *set.id(),
        })
    }

    pub(crate) const fn is_imported(&self) -> bool {
        matches!(self, Self::Imported(_))
    }

    pub(crate) const fn issued_at(&self) -> Timestamp {
        match self {
            Self::Issued(set) => set.issued_at(),
            Self::Imported(set) => set.issued_at(),
        }
    }

    /// Returns when each code was used, in the order of the set.
    pub(crate) fn used_at(&self) -> Vec<Option<Timestamp>> {
        match self {
            Self::Issued(set) => set.status().map(|code| code.used_at).collect(),
            Self::Imported(set) => set.used_at().to_vec(),
        }
    }

    /// Returns how many codes are unused.
    pub(crate) fn remaining(&self) -> usize {
        match self {
            Self::Issued(set) => set.remaining(),
            Self::Imported(set) => set.remaining(),
        }
    }

    /// Returns the job that hashes a typed code, or `None` if the code does not have the shape of
    /// the set.
    pub(super) fn redeem_job(&self, code: &Code) -> Option<HashJob> {
        match self {
            Self::Issued(set) => set.redeem_job(code, None),
            Self::Imported(set) => set.redeem_job(code),
        }
    }

    /// Finds the code with these hashes, and marks it as used unless it was used before.
    pub(super) fn redeem(&mut self, hashes: &Hashes, at: Timestamp) -> CodeMatch {
        match self {
            Self::Issued(set) => {
                let found = set.find(hashes);
                if let CodeMatch::Unused(index) = found {
                    set.mark_used(index, at);
                }
                found
            }
            Self::Imported(set) => set.redeem(hashes, at),
        }
    }
}
