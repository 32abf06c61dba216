//! Random sequences of commands, weighted so that most of them do something.

use crate::model::command::{
    Action, Command, End, Enrollment, NONSENSE, Naming, Pick, Proof, Receipt, Target, Typed,
};
use crate::model::devices::Shown;
use crate::model::rows::{Flaw, Row};
use crate::model::typed::{MISSHAPEN, Spelling};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt;

/// Commands, one after the other, and the seed of the random source.
#[derive(Clone)]
pub(crate) struct Sequence {
    pub(crate) seed: u8,
    pub(crate) commands: Vec<Command>,
}

impl fmt::Debug for Sequence {
    /// Writes one command per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = (0..)
            .zip(&self.commands)
            .map(|(number, command): (u32, _)| format!("  {number}: {command:?}\n"))
            .collect();
        write!(f, "seed {} [\n{}]", self.seed, lines.concat())
    }
}

pub(crate) fn sequences(longest: usize) -> impl Strategy<Value = Sequence> {
    let prologue = prop_oneof![
        1 => Just(vec![]),
        2 => Just(vec![Action::Enroll]),
        3 => Just(vec![Action::Enroll, Action::LogInAndIssue(1)]),
        2 => Just(vec![Action::Enroll, Action::LogInAndIssue(2)]),
        2 => Just(vec![Action::Enroll, Action::Enroll, Action::LogIn(Pick::From(0))]),
    ];
    let all = (
        any::<u8>(),
        prologue.clone(),
        prologue,
        vec(command(), 1..=longest),
    );
    all.prop_map(|(seed, first, second, commands)| {
        let on = |account, actions: Vec<Action>| {
            let command = move |action| Command {
                account,
                server: account,
                action,
            };
            actions.into_iter().map(command)
        };
        let begun = on(0, first).chain(on(1, second));
        Sequence {
            seed,
            commands: begun.chain(commands).collect(),
        }
    })
}

fn command() -> impl Strategy<Value = Command> {
    let account = prop_oneof![3 => Just(0_usize), 1 => Just(1)];
    let server = prop_oneof![3 => Just(0_usize), 1 => Just(1)];
    (account, server, action()).prop_map(|(account, server, action)| Command {
        account,
        server,
        action,
    })
}

fn action() -> impl Strategy<Value = Action> {
    use Action as A;
    prop_oneof![
        5 => (target(), naming(), proof()).prop_map(|(target, naming, proof)| A::Begin(target, naming, proof)),
        5 => enrollment().prop_map(A::ReadPending),
        6 => (enrollment(), confirmation(), spelling()).prop_map(|(id, typed, how)| A::Confirm(id, typed, how)),
        22 => (typed(), spelling()).prop_map(|(typed, how)| A::Verify(typed, how)),
        9 => (0_u8..3, typed(), spelling()).prop_map(|(id, typed, how)| A::Request(id, typed, how)),
        9 => (1_u8..=6, repeat_after()).prop_map(|(times, after)| A::Repeat(times, after)),
        9 => row().prop_map(A::VerifyConsecutive),
        9 => (shown(), request_id(), typed(), spelling())
            .prop_map(|(shown, id, typed, how)| A::Attempt(shown, id, typed, how)),
        7 => any::<bool>().prop_map(A::LogInAndRemember),
        7 => (shown(), 0_u8..4, prop_oneof![3 => 0_u8..2, 1 => 8_u8..12])
            .prop_map(|(shown, logins, wrong)| A::LogInOn(shown, logins, wrong)),
        2 => (receipt(), any::<bool>()).prop_map(|(receipt, trusted)| A::Remember(receipt, trusted)),
        5 => shown().prop_map(A::Trust),
        1 => prop_oneof![
            3 => pick().prop_map(A::ForgetDevice),
            1 => Just(A::ForgetDevices),
            1 => Just(A::PasswordChanged),
        ],
        4 => proof().prop_map(A::Issue),
        4 => proof().prop_map(A::StartIssue),
        4 => pick().prop_map(A::FinishIssue),
        2 => (pick(), proof()).prop_map(|(pick, proof)| A::Remove(pick, proof)),
        2 => (pick(), proof()).prop_map(|(pick, proof)| A::RemoveUnlessLast(pick, proof)),
        1 => proof().prop_map(A::Disable),
        1 => prop_oneof![8 => Just(A::ForceDisable), 1 => Just(A::Erase)],
        3 => any::<bool>().prop_map(A::Unlock),
        3 => Just(A::Reseal),
        10 => clock().prop_map(A::Clock),
        8 => (end(), -1_i64..=1).prop_map(|(end, more)| A::ClockTo(end, more)),
        8 => Just(A::Enroll),
        5 => (target(), naming()).prop_map(|(target, naming)| A::LogInAndBegin(target, naming)),
        4 => prop_oneof![2 => Just(1_u8), 1 => 2_u8..=4].prop_map(A::LogInAndIssue),
        2 => prop_oneof![1 => 1_u8..=9, 2 => 10_u8..=12].prop_map(A::BeginOften),
        3 => pick().prop_map(A::ConfirmSaved),
        2 => pick().prop_map(A::DiscardCodes),
        4 => prop_oneof![pick(), Just(Pick::Replaced)].prop_map(A::LogInAndRemove),
        3 => pick().prop_map(A::LogInAndRemoveUnlessLast),
        8 => pick().prop_map(A::LogIn),
        8 => (count(), gap()).prop_map(|(count, gap)| A::Guess(count, gap)),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![3 => Just(Target::Additional), 2 => pick().prop_map(Target::Replacing)]
}

fn naming() -> impl Strategy<Value = Naming> {
    prop_oneof![
        3 => Just(Naming::Fresh),
        3 => Just(Naming::Default),
        1 => Just(Naming::Second),
        2 => pick().prop_map(Naming::Active),
        1 => pick().prop_map(Naming::Earlier),
    ]
}

fn enrollment() -> impl Strategy<Value = Enrollment> {
    prop_oneof![
        8 => Just(Enrollment::Own(Pick::Back(0))),
        3 => pick().prop_map(Enrollment::Own),
        1 => Just(Enrollment::Foreign),
    ]
}

fn confirmation() -> impl Strategy<Value = Typed> {
    prop_oneof![
        6 => (-2_i64..=2).prop_map(Typed::Newest),
        6 => typed(),
    ]
}

fn typed() -> impl Strategy<Value = Typed> {
    use Typed as T;
    prop_oneof![
        12 => (pick(), -3_i64..=3).prop_map(|(pick, offset)| T::Active(pick, offset)),
        2 => (-2_i64..=2).prop_map(T::Newest),
        2 => (pick(), -1_i64..=1).prop_map(|(pick, offset)| T::Ever(pick, offset)),
        4 => pick().prop_map(T::Again),
        3 => (0_u32..1_000_000).prop_map(T::Digits),
        9 => pick().prop_map(T::Unused),
        3 => pick().prop_map(T::Used),
        1 => (pick(), pick()).prop_map(|(set, code)| T::AnySet(set, code)),
        2 => (0_u32..1_000_000).prop_map(T::CodeDigits),
        2 => (0..MISSHAPEN.len()).prop_map(T::Misshapen),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let first = prop_oneof![
        8 => -4_i64..=1,
        1 => 1_i64..=3,
        1 => -21_i64..=-17,
        1 => 15_i64..=21,
        1 => 98_i64..=102,
    ];
    let count = prop_oneof![6 => Just(3_u8), 6 => Just(4), 1 => 1_u8..=5];
    let flaw = prop_oneof![
        12 => Just(Flaw::None),
        3 => any::<u8>().prop_map(Flaw::Wrong),
        1 => Just(Flaw::Rotated),
        2 => (any::<u8>(), pick()).prop_map(|(place, pick)| Flaw::Other(place, pick)),
        1 => any::<(u8, u8)>().prop_map(|(place, which)| Flaw::Misshapen(place, which)),
    ];
    (pick(), first, count, flaw).prop_map(|(pick, first, count, flaw)| Row {
        pick,
        first,
        count,
        flaw,
    })
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        8 => Just(Shown::Own(Pick::Back(0))),
        6 => pick().prop_map(Shown::Own),
        1 => pick().prop_map(Shown::Foreign),
        1 => pick().prop_map(Shown::Forged),
    ]
}

fn request_id() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![1 => Just(None), 1 => (0_u8..3).prop_map(Some)]
}

fn receipt() -> impl Strategy<Value = Receipt> {
    prop_oneof![
        12 => Just(Receipt::Own(Pick::Back(0))),
        6 => pick().prop_map(Receipt::Own),
        2 => pick().prop_map(Receipt::Foreign),
        1 => (pick(), any::<u8>()).prop_map(|(pick, place)| Receipt::Altered(pick, place)),
        1 => prop_oneof![
            pick().prop_map(Receipt::UnknownVersion),
            pick().prop_map(Receipt::OtherNamespace),
            pick().prop_map(Receipt::UnknownKey),
            (0..NONSENSE.len()).prop_map(Receipt::Nonsense),
        ],
    ]
}

fn proof() -> impl Strategy<Value = Proof> {
    let receipt = receipt();
    prop_oneof![
        3 => age().prop_map(Proof::Password),
        4 => (typed(), spelling()).prop_map(|(typed, how)| Proof::Code(typed, how)),
        5 => (age(), receipt).prop_map(|(password, receipt)| Proof::Reauthenticated { password, receipt }),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        8 => (0_u8..4).prop_map(Pick::From),
        8 => (0_u8..4).prop_map(Pick::Back),
        1 => Just(Pick::Unknown),
    ]
}

fn spelling() -> impl Strategy<Value = Spelling> {
    use Spelling as S;
    prop_oneof![
        12 => Just(S::Plain),
        8 => proptest::sample::select(vec![
            S::Spaced, S::Hyphened, S::LowerCase, S::FullWidth, S::Arabic, S::Devanagari, S::Pasted,
        ]),
    ]
}

/// Ages of a password check, at the edges of every policy's `proof_age` and beyond.
fn age() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => Just(0_i64),
        4 => proptest::sample::select(vec![1, 2, 599, 600, 601, 90_000, -1, -10, -11, -600]),
    ]
}

/// A few guesses, or enough guesses to use up a budget.
fn count() -> impl Strategy<Value = u8> {
    prop_oneof![6 => 1_u8..8, 1 => 20_u8..26]
}

fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0_i64), 2 => Just(-20), 1 => Just(30), 1 => Just(61), 2 => Just(3600)]
}

fn repeat_after() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => Just(0_i64),
        2 => 1_i64..30,
        2 => Just(30),
        2 => Just(31),
        1 => Just(-10),
        1 => Just(-11),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        3 => Just(End::RateLimit),
        2 => Just(End::Enrollment),
        2 => Just(End::Receipt),
        2 => Just(End::Right),
        1 => Just(End::Issues),
        1 => Just(End::Beginnings),
        2 => Just(End::Overtaken),
        1 => Just(End::Trust),
    ]
}

/// Moves the clock forward by seconds, time steps, minutes, hours or days. Also moves it back a
/// little, or back by about an hour and more, which can cause a clock fault.
fn clock() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1_i64..30,
        8 => prop_oneof![Just(29_i64), Just(30), Just(31), Just(60), Just(61), Just(90), Just(120)],
        4 => prop_oneof![Just(599_i64), Just(600), Just(601), 121_i64..3600],
        4 => prop_oneof![Just(3600_i64), Just(7200), 3601_i64..86_400],
        3 => (1_i64..5, -1_i64..=1).prop_map(|(days, more)| days * 86_400 + more),
        2 => prop_oneof![Just(-10_i64), Just(-11), -90_i64..0],
        1 => prop_oneof![-3601_i64..-3598, Just(-3600), -90_000_i64..-3601],
    ]
}
