//! Backup codes in two steps. A new set is pending next to the current one, and a code of either
//! set is accepted. The new set replaces the current one when the user has saved it, or with its
//! first accepted code.

use super::action_limits::IssueRightId;
use super::code_set::CodeSet;
use super::second_factor::{SecondFactor, Step};
use crate::backup::{BackupCodeSet, CodeMatch, Digester, FoundIn, Hashes, PendingCodeSet};
use crate::factor::BackupCodeSetId;
use crate::store::WriteKind;
use crate::{Policy, Rejection, Timestamp};
use alloc::boxed::Box;

/// A set that was stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssuedSet {
    pub(crate) id: BackupCodeSetId,
    pub(crate) is_pending: bool,
}

impl SecondFactor {
    /// The digester for a new set, if the new set can be pending: the digester of the current set.
    ///
    /// One digest of a typed code must be enough for both sets. So there is none if the current set
    /// is imported, or if the policy has another cost or another format now.
    pub(super) fn digester_to_share(&self, policy: &Policy) -> Option<Digester> {
        let current = self.code_set.as_ref()?.issued()?;
        let format = policy.code_format();
        let same = current.digest() == Digester::digest_of(format, policy.code_hash())
            && current.format() == format
            && current.pepper_id().is_none();
        same.then(|| current.digester().clone())
    }

    /// Stores the backup codes that a right was granted for. `id` is 16 new random bytes.
    pub(crate) fn issue(
        mut self,
        right: IssueRightId,
        new: BackupCodeSet,
        id: BackupCodeSetId,
        now: Timestamp,
    ) -> Step<Result<IssuedSet, Rejection>> {
        if !self.is_enabled() {
            return Step::Answer(Err(Rejection::Disabled));
        }
        if let Err(rejection) = self.issuing.redeem(right, now) {
            return Step::Answer(Err(rejection));
        }
        let current = self.code_set.as_ref().and_then(CodeSet::issued);
        self.pending_codes = current
            .and_then(|current| PendingCodeSet::new(&new, current, *id.as_bytes()))
            .map(Box::new);
        if self.pending_codes.is_some() {
            let issued = IssuedSet {
                id,
                is_pending: true,
            };
            return Step::Write(self, WriteKind::IssuedPending, Ok(issued));
        }
        let has_used_salt =
            current.is_some_and(|current| current.digester().salt() == new.digester().salt());
        let set = match has_used_salt {
            true => CodeSet::Successor { set: new, id },
            false => CodeSet::Issued(new),
        };
        let issued = IssuedSet {
            id: set.id(),
            is_pending: false,
        };
        self.code_set = Some(set);
        Step::Write(self, WriteKind::Issued, Ok(issued))
    }

    /// Finds the code with these hashes, and marks it as used unless it was used before. A code of
    /// the pending set ends the current one.
    pub(super) fn redeem(&mut self, hashes: &Hashes, now: Timestamp) -> CodeMatch {
        let Some(codes) = &mut self.code_set else {
            return CodeMatch::None;
        };
        let (Some(pending), Some(current)) = (&self.pending_codes, codes.issued()) else {
            return codes.redeem(hashes, now);
        };
        let found = match pending.find(current, hashes) {
            FoundIn::Current(found) => found,
            FoundIn::Pending(index) => {
                self.replace_codes();
                CodeMatch::Unused(index)
            }
        };
        if let (CodeMatch::Unused(index), Some(codes)) = (found, &mut self.code_set) {
            codes.mark_used(index, now);
        }
        found
    }

    /// Ends the current set, because the user has saved the pending one.
    pub(crate) fn confirm_saved(mut self, id: BackupCodeSetId) -> Step<Result<(), Rejection>> {
        if !self.is_enabled() {
            return Step::Answer(Err(Rejection::Disabled));
        }
        if self.is_pending(id) {
            self.replace_codes();
            return Step::Write(self, WriteKind::CodesConfirmed, Ok(()));
        }
        let is_current = self.code_set.as_ref().map(CodeSet::id) == Some(id);
        Step::Answer(is_current.then_some(()).ok_or(Rejection::NoPendingCodes))
    }

    /// Ends the pending set, because the user has not saved it.
    pub(crate) fn discard_pending_codes(
        mut self,
        id: BackupCodeSetId,
    ) -> Step<Result<(), Rejection>> {
        if !self.is_enabled() {
            return Step::Answer(Err(Rejection::Disabled));
        }
        if !self.is_pending(id) {
            return Step::Answer(Err(Rejection::NoPendingCodes));
        }
        self.pending_codes = None;
        Step::Write(self, WriteKind::CodesDiscarded, Ok(()))
    }

    fn is_pending(&self, id: BackupCodeSetId) -> bool {
        let pending = self.pending_codes.as_ref();
        pending.is_some_and(|pending| pending.id() == id.as_bytes())
    }

    /// Makes the pending set the current one.
    fn replace_codes(&mut self) {
        let pending = self.pending_codes.take();
        let current = self.code_set.as_ref().and_then(CodeSet::issued);
        if let (Some(pending), Some(current)) = (pending, current) {
            self.code_set = Some(CodeSet::Successor {
                set: pending.replace(current),
                id: BackupCodeSetId::from_bytes(*pending.id()),
            });
        }
    }
}
