//! Commands: what is called, with what, by places instead of values.

use super::typed::{MISSHAPEN, Spelling};
use arbitrary::{Arbitrary, Unstructured};
use std::fmt;

/// A command on one of two accounts, through one of two machines.
#[derive(Clone, Copy, Arbitrary)]
pub(crate) struct Command {
    #[arbitrary(with = either)]
    pub(crate) account: usize,
    #[arbitrary(with = either)]
    pub(crate) machine: usize,
    pub(crate) action: Action,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            machine,
            action,
        } = self;
        write!(f, "account {account}, machine {machine}: {action:?}")
    }
}

#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Action {
    Begin(Target, Naming, Proof),
    ReadPending(Enrollment),
    Confirm(Enrollment, Typed, Spelling),
    Verify(Typed, Spelling),
    /// Both halves of an issue of codes.
    Issue(Proof),
    /// The first half: the proof is taken, and the digests of the codes are being computed.
    StartIssue(Proof),
    /// The second half of one of those that have been started: the codes are stored.
    FinishIssue(Pick),
    Remove(Pick, Proof),
    Disable(Proof),
    ForceDisable,
    /// By somebody who has compared the clock, or has not.
    Unlock(bool),
    Reseal,
    Erase,
    /// Moves the clock, forward or back.
    Clock(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-90_000..=500_000))] i64),
    /// Moves the clock forward to the end of something, or to a second before or after it.
    ClockTo(
        End,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-1..=1))] i64,
    ),
    /// A beginning by password and its confirmation, as most accounts start.
    Enroll,
    /// A login with the next passcode of an active authenticator.
    LogIn(Pick),
    /// Such a login, and a beginning with its receipt.
    LogInAndBegin(Target, Naming),
    /// Such a login, and new codes with its receipt, so many times.
    LogInAndIssue(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=4))] u8),
    /// So many beginnings in a row, as an account's first one or by such a login.
    BeginOften(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=12))] u8),
    /// Such a login, and a removal with its receipt.
    LogInAndRemove(Pick),
    /// So many wrong passcodes, so many seconds apart.
    Guess(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=8))] u8,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-20..=3600))] i64,
    ),
}

/// What comes to an end by itself.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum End {
    /// The wait, or the budget's being spent.
    Hold,
    /// The life of the pending enrollment.
    Enrollment,
    /// The age at which the newest receipt proves nothing any more.
    Receipt,
    /// The right to store codes.
    Right,
    /// The time for which the first of the issues counts.
    Issues,
    /// The time for which the first of the beginnings counts.
    Beginnings,
}

/// One of several, by its place from the first or from the last (`Back(0)`). Beyond the end: around again.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Pick {
    From(u8),
    Back(u8),
    /// Of authenticators: the one that the pending enrollment replaces.
    Replaced,
    /// One that never was.
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

/// What a new authenticator is for.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Target {
    Additional,
    Replacing(Pick),
}

/// What a new authenticator is called.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Naming {
    /// As no other before.
    Fresh,
    /// As the verifier likes.
    Default,
    /// As the verifier would call a second one.
    Second,
    /// As an active one.
    Active(Pick),
    /// As one that was begun before.
    Earlier(Pick),
}

/// An enrollment of the account by its beginning, or of the other account.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Enrollment {
    Own(Pick),
    Foreign,
}

/// What is typed.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Typed {
    /// The passcode of an active authenticator, so many steps from now.
    Active(Pick, #[arbitrary(with = near)] i64),
    /// The passcode of the enrollment begun last, active by now or not.
    Newest(#[arbitrary(with = near)] i64),
    /// The passcode of any app entry that ever was, on either account.
    Ever(Pick, #[arbitrary(with = near)] i64),
    /// What was accepted before.
    Again(Pick),
    /// Digits as long as a passcode.
    Digits(#[arbitrary(with = number)] u32),
    /// An unused code of the current set.
    Unused(Pick),
    /// A used code of the current set.
    Used(Pick),
    /// A code of any set that ever was, on either account.
    AnySet(Pick, Pick),
    /// Digits as long as a backup code.
    CodeDigits(#[arbitrary(with = number)] u32),
    Misshapen(
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose_index(MISSHAPEN.len()))] usize,
    ),
}

/// A proof; all ages in seconds, negative ones in the future.
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

/// A receipt of the account, or of the other one.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Receipt {
    Own(Pick),
    Foreign(Pick),
    /// With a character of its text changed.
    Altered(Pick, u8),
    /// With the version of its text changed.
    UnknownVersion(Pick),
    /// As a service with another namespace seals it.
    OtherNamespace(Pick),
    /// As a service with another key seals it.
    UnknownKey(Pick),
    /// A text that never was a receipt.
    Nonsense(#[arbitrary(with = |u: &mut Unstructured<'_>| u.choose_index(NONSENSE.len()))] usize),
}

/// What was never a receipt.
pub(crate) const NONSENSE: [&str; 5] = [
    "",
    "AQ",
    "not a receipt",
    "AQAAAAEAAAAAa0nSAAEAAAAAAAAAAGFsaWNl",
    "\u{FF21}\u{FF31}",
];

/// A password just checked, and the newest receipt.
pub(crate) const JUST_NOW: Proof = Proof::Reauthenticated {
    password: 0,
    receipt: Receipt::Own(Pick::Back(0)),
};

fn either(u: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    u.choose_index(2)
}

/// So many steps from now.
fn near(u: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    u.int_in_range(-3..=3)
}

fn number(u: &mut Unstructured<'_>) -> arbitrary::Result<u32> {
    u.int_in_range(0..=999_999)
}

fn any_age(u: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    u.int_in_range(-600..=90_000)
}
