//! Commands: what is called, with arguments that are indices instead of values.

use super::devices::Shown;
use super::rows::Row;
use super::typed::{MISSHAPEN, Spelling};
use arbitrary::{Arbitrary, Unstructured};
use std::fmt;

/// A command on one of two accounts, through one of two servers.
#[derive(Clone, Copy, Arbitrary)]
pub(crate) struct Command {
    #[arbitrary(with = either)]
    pub(crate) account: usize,
    #[arbitrary(with = either)]
    pub(crate) server: usize,
    pub(crate) action: Action,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            server,
            action,
        } = self;
        write!(f, "account {account}, server {server}: {action:?}")
    }
}

#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Action {
    Begin(Target, Naming, Proof),
    ReadPending(Enrollment),
    Confirm(Enrollment, Typed, Spelling),
    Verify(Typed, Spelling),
    /// A login with one of a few request ids.
    Request(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=2))] u8,
        Typed,
        Spelling,
    ),
    /// The last login with a request id, this many times, so many seconds later or earlier.
    Repeat(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=6))] u8,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-12..=32))] i64,
    ),
    VerifyConsecutive(Row),
    /// A login on a device, with or without one of a few request ids.
    Attempt(
        Shown,
        #[arbitrary(with = |u: &mut Unstructured<'_>| {
            Ok(u.int_in_range(0_u8..=3)?.checked_sub(1))
        })]
        Option<u8>,
        Typed,
        Spelling,
    ),
    /// Makes a device known, or trusted.
    Remember(Receipt, bool),
    /// A login by the token of a device alone.
    Trust(Shown),
    ForgetDevice(Pick),
    ForgetDevices,
    PasswordChanged,
    /// Both writes of an issue of codes.
    Issue(Proof),
    /// The first write: the proof is used up, and the hashes of the codes are being computed.
    StartIssue(Proof),
    /// The second write of a started issue: the codes are stored.
    FinishIssue(Pick),
    /// The user has saved this set of codes.
    ConfirmSaved(Pick),
    /// The user has not saved this set of codes.
    DiscardCodes(Pick),
    Remove(Pick, Proof),
    RemoveUnlessLast(Pick, Proof),
    Disable(Proof),
    ForceDisable,
    /// Whether the caller confirms the server's clock.
    Unlock(bool),
    Reseal,
    Erase,
    /// Moves the clock, forward or back.
    Clock(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-90_000..=500_000))] i64),
    /// Moves the clock forward to this end, or to one second before or after this end.
    ClockTo(
        End,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-1..=1))] i64,
    ),
    /// Begins an enrollment by password and confirms it, as most accounts start.
    Enroll,
    /// A login with the next passcode of an active authenticator.
    LogIn(Pick),
    /// `LogIn`, and an enrollment with the receipt of the login.
    LogInAndBegin(Target, Naming),
    /// `LogIn`, and this many new code sets with the receipt of the login.
    LogInAndIssue(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=4))] u8),
    /// Begins this many enrollments in a row, after `LogIn` if the account is enrolled.
    BeginOften(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=12))] u8),
    /// `LogIn`, and a removal with the receipt of the login.
    LogInAndRemove(Pick),
    /// `LogIn`, and a device by the receipt of the login.
    LogInAndRemember(bool),
    /// This many logins on a device with the next passcode, and then so many wrong passcodes.
    LogInOn(
        Shown,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=4))] u8,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=11))] u8,
    ),
    /// `LogIn`, and a removal that keeps the last authenticator.
    LogInAndRemoveUnlessLast(Pick),
    /// This many wrong passcodes, this many seconds apart.
    Guess(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=8))] u8,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-20..=3600))] i64,
    ),
}

/// A state that ends at a known time, without a call.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum End {
    /// The back-off, or the time until the next guess of a spent budget.
    RateLimit,
    /// The pending enrollment.
    Enrollment,
    /// The newest receipt.
    Receipt,
    /// The right to store codes.
    Right,
    /// The time for which the earliest issue counts.
    Issues,
    /// The time for which the earliest enrollment counts.
    Beginnings,
    /// The time in which an overtaken token of the newest device raises no alarm.
    Overtaken,
    /// The time for which the newest device is trusted.
    Trust,
}

/// Picks an item of a list by its index from the first item or from the last item (`Back(0)`). The
/// index is taken modulo the number of items.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Pick {
    From(u8),
    Back(u8),
    /// The authenticator that the pending enrollment replaces.
    Replaced,
    /// An id that does not exist.
    Unknown,
}

impl Pick {
    pub(crate) fn of<T>(self, all: &[T]) -> Option<&T> {
        match self {
            _ if all.is_empty() => None,
            Self::From(place) => all.get(usize::from(place) % all.len()),
            Self::Back(place) => all.get(all.len() - 1 - usize::from(place) % all.len()),
            Self::Replaced | Self::Unknown => None,
        }
    }
}

/// Whether a new authenticator replaces another.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Target {
    Additional,
    Replacing(Pick),
}

/// The name of a new authenticator.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Naming {
    /// A name that no other authenticator had.
    Fresh,
    /// The default name of the verifier.
    Default,
    /// The default name of a second authenticator.
    Second,
    /// The name of an active authenticator.
    Active(Pick),
    /// The name in an earlier enrollment.
    Earlier(Pick),
}

/// An enrollment of the account, or of the other account.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Enrollment {
    Own(Pick),
    Foreign,
}

/// The code that the user types.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Typed {
    /// The passcode of an active authenticator, this many time steps from now.
    Active(Pick, #[arbitrary(with = near)] i64),
    /// The passcode of the newest enrollment, confirmed or not.
    Newest(#[arbitrary(with = near)] i64),
    /// The passcode of any enrollment that ever began, on either account.
    Ever(Pick, #[arbitrary(with = near)] i64),
    /// A code that was accepted before.
    Again(Pick),
    /// Digits as long as a passcode.
    Digits(#[arbitrary(with = number)] u32),
    /// An unused code of the current set.
    Unused(Pick),
    /// A used code of the current set.
    Used(Pick),
    /// A code of any set that was ever issued, on either account.
    AnySet(Pick, Pick),
    /// Digits as long as a backup code.
    CodeDigits(#[arbitrary(with = number)] u32),
    Misshapen(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose_index(MISSHAPEN.len()))] usize,
    ),
}

/// A proof. Ages are in seconds; a negative age is in the future.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Proof {
    Password(#[arbitrary(with = any_age)] i64),
    Code(Typed, Spelling),
    Reauthenticated {
        #[arbitrary(with = any_age)]
        password: i64,
        receipt: Receipt,
    },
}

/// A receipt of the account, or of the other account.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Receipt {
    Own(Pick),
    Foreign(Pick),
    /// One character of the text is changed.
    Altered(Pick, u8),
    /// The version in the text is changed.
    UnknownVersion(Pick),
    /// Sealed by a service with another namespace.
    OtherNamespace(Pick),
    /// Sealed by a service with another key.
    UnknownKey(Pick),
    /// A text that is no receipt.
    Nonsense(#[arbitrary(with = |u: &mut Unstructured<'_>| u.choose_index(NONSENSE.len()))] usize),
}

/// Texts that are no receipts.
pub(crate) const NONSENSE: [&str; 5] = [
    "",
    "AQ",
    "not a receipt",
    "AQAAAAEAAAAAa0nSAAEAAAAAAAAAAGFsaWNl",
    "\u{FF21}\u{FF31}",
];

/// A password check of this second, and the newest receipt.
pub(crate) const JUST_NOW: Proof = Proof::Reauthenticated {
    password: 0,
    receipt: Receipt::Own(Pick::Back(0)),
};

fn either(u: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    u.choose_index(2)
}

/// A few time steps from now.
fn near(u: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    u.int_in_range(-3..=3)
}

fn number(u: &mut Unstructured<'_>) -> arbitrary::Result<u32> {
    u.int_in_range(0..=999_999)
}

fn any_age(u: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    u.int_in_range(-600..=90_000)
}
