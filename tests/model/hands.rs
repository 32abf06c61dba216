//! From places to values: what a command picks among all that there is and was.

use super::command::{End, Enrollment, Pick, Proof, Receipt, Typed};
use super::observed::View;
use super::reference::{self, App};
use super::typed::{MISSHAPEN, Spelling};
use super::world::World;
use countersign::{AuthenticatorId, EnrollmentId, Hold, Timestamp};

/// What the person, the attacker and the host of an account have in hand.
#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) begun: Vec<(EnrollmentId, App)>,
    pub(crate) accepted: Vec<String>,
    pub(crate) receipts: Vec<countersign::Receipt>,
    pub(crate) sets: Vec<Vec<String>>,
}

/// A proof, for the reference and for the system.
pub(crate) struct Proven {
    pub(crate) proof: reference::Proof,
    receipt: Option<countersign::Receipt>,
}

impl Proven {
    pub(crate) fn for_system(&self) -> countersign::Proof<'_> {
        match (&self.proof, &self.receipt) {
            (reference::Proof::Passcode(text), _) => countersign::Proof::Passcode(text),
            (reference::Proof::Reauthenticated { checked_at, .. }, Some(receipt)) => {
                countersign::Proof::Reauthenticated {
                    password_checked_at: Timestamp::from_unix(*checked_at),
                    receipt,
                }
            }
            (
                reference::Proof::Password { checked_at }
                | reference::Proof::Reauthenticated { checked_at, .. },
                _,
            ) => countersign::Proof::Password {
                checked_at: Timestamp::from_unix(*checked_at),
            },
        }
    }
}

impl World {
    pub(crate) fn active(&self, pick: Pick) -> AuthenticatorId {
        let picked = match pick {
            Pick::Replaced => self.reference.pending_replaces(self.who),
            _ => pick
                .of(self.reference.active(self.who))
                .map(|active| active.id),
        };
        picked.unwrap_or_else(|| "00000000deadbeef".parse().unwrap())
    }

    pub(crate) fn enrollment(&self, which: Enrollment) -> EnrollmentId {
        let picked = match which {
            Enrollment::Own(pick) => pick.of(&self.hands[self.who].begun),
            Enrollment::Foreign => self.hands[1 - self.who].begun.last(),
        };
        picked.map_or_else(|| "00".repeat(16).parse().unwrap(), |(id, _)| *id)
    }

    pub(crate) fn proven(&self, proof: Proof) -> Proven {
        let ago = |age: i64| self.now.saturating_add_signed(-age);
        let password = |age: i64| Proven {
            proof: reference::Proof::Password {
                checked_at: ago(age),
            },
            receipt: None,
        };
        match proof {
            Proof::Password(age) => password(age),
            Proof::Passcode(typed, spelling) => Proven {
                proof: reference::Proof::Passcode(self.typed(typed, spelling)),
                receipt: None,
            },
            Proof::Reauthenticated {
                password: age,
                receipt,
            } => {
                let (who, pick) = match receipt {
                    Receipt::Own(pick) => (self.who, pick),
                    Receipt::Foreign(pick) => (1 - self.who, pick),
                };
                let Some(receipt) = pick.of(&self.hands[who].receipts) else {
                    return password(age);
                };
                Proven {
                    proof: reference::Proof::Reauthenticated {
                        checked_at: ago(age),
                        receipt: (who, receipt.at().as_unix()),
                    },
                    receipt: Some(receipt.clone()),
                }
            }
        }
    }

    /// When something comes to an end.
    pub(crate) fn end(&self, end: End) -> Option<u64> {
        match end {
            End::Hold => match &self.views[self.who] {
                View::Enabled {
                    hold: Hold::Waiting { retry_after } | Hold::BudgetSpent { retry_after },
                    ..
                } => Some(self.now + retry_after.as_secs()),
                _ => None,
            },
            End::Enrollment => self.reference.pending_ends_at(self.who),
            End::Receipt => {
                let receipt = self.hands[self.who].receipts.last()?;
                Some(receipt.at().as_unix() + self.rules.proof_age)
            }
        }
    }

    /// The text that is typed; digits that are wrong where there is nothing to pick.
    pub(crate) fn typed(&self, typed: Typed, spelling: Spelling) -> String {
        let hands = &self.hands[self.who];
        let digits = |number: u32, length: u8| format!("{number:0>0$}", usize::from(length));
        let shown = |app: &App, offset: i64| {
            let seconds = offset * self.rules.period.cast_signed();
            let at = Timestamp::from_unix(self.now.saturating_add_signed(seconds));
            app.phone.passcode(at)
        };
        let codes = self.reference.codes(self.who).iter();
        let code = |used: bool, pick: Pick| {
            let codes = codes.filter(|code| code.used_at.is_some() == used);
            pick.of(&codes.collect::<Vec<_>>())
                .map(|code| code.text.clone())
        };
        let code_digits = |number| digits(number, self.rules.code_length);
        let text = match typed {
            Typed::Active(pick, offset) => {
                let active = pick.of(self.reference.active(self.who));
                active.map(|active| shown(&active.app, offset))
            }
            Typed::Newest(offset) => hands.begun.last().map(|(_, app)| shown(app, offset)),
            Typed::Ever(pick, offset) => {
                let all: Vec<_> = self.hands.iter().flat_map(|hands| &hands.begun).collect();
                pick.of(&all).map(|(_, app)| shown(app, offset))
            }
            Typed::Again(pick) => pick.of(&hands.accepted).cloned(),
            Typed::Digits(number) => Some(digits(number, self.rules.digits)),
            Typed::Unused(pick) => code(false, pick),
            Typed::Used(pick) => code(true, pick),
            Typed::AnySet(set, pick) => {
                let all: Vec<_> = self.hands.iter().flat_map(|hands| &hands.sets).collect();
                set.of(&all).and_then(|set| pick.of(set)).cloned()
            }
            Typed::CodeDigits(number) => Some(code_digits(number)),
            Typed::Misshapen(place) => Some(MISSHAPEN[place].to_owned()),
        };
        spelling.of(&text.unwrap_or_else(|| code_digits(0)))
    }
}
