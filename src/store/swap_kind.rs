/// What a swap does to an account's second factor, for a store that works in the host's own transaction.
///
/// A store must treat every kind alike: compare, swap, answer. Beside that it may write rows of the host's own **in the
/// same transaction**, so that both are there or neither is. Three rules keep that safe:
///
/// - Commit exactly when the swap is `Done`. A [`Rejected`](Self::Rejected) or [`Reserved`](Self::Reserved) swap that is
///   rolled back together with something else is a free guess for an attacker.
/// - The same swap can arrive again after a lost answer. What the transaction inserts must stand or fall with the swap.
/// - A committed swap is not yet an answer. The caller may still see an error (the answer was lost and could not be
///   settled), so a session row that was inserted here must be of no use to anybody until the verifier returned the
///   receipt: hand its token out only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SwapKind {
    /// A pending enrollment was begun, changed or dropped, or a wrong passcode was counted against it. No factor became
    /// active, so the host's own flag must not change. Only this kind creates a record, or an import that says
    /// [`Enrolled`](Self::Enrolled).
    Enrolling,
    /// An authenticator became active, alone, beside others or in the place of another. The host may set its own
    /// "enrolled" flag.
    Enrolled,
    /// An attempt was counted as failed before its slow digest is computed. There is nothing for the host to do: it is
    /// followed by [`Accepted`](Self::Accepted) if the code was right, and by nothing if it was wrong.
    Reserved,
    /// A passcode or a backup code was accepted and is used up. The host may insert the session, unusable until the
    /// receipt is returned.
    Accepted,
    /// An attempt was wrong and is counted. The host may write its audit log, and must commit.
    Rejected,
    /// The proof for a new set of backup codes was accepted, and is used up if it was a code. The set follows
    /// as [`Issued`](Self::Issued) when its digests are computed, or never.
    Issuing,
    /// A new set of backup codes replaced the old one.
    Issued,
    /// An authenticator was removed, and another is still active.
    Removed,
    /// The last authenticator is gone, and with it codes, pending enrollment and devices. The host may clear its own
    /// "enrolled" flag.
    Disabled,
    /// The wait or the lock was ended by the host's staff, after they made sure who asked.
    Unlocked,
    /// The same second factor, sealed under the primary key.
    Resealed,
    /// The record is to be erased: the account is gone for good.
    Erased,
}
